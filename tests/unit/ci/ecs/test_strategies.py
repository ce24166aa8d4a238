"""Canary and linear deploys on AWS in memory: every pause, every gate, and evidence that does not suffice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ci.ecs import errors
from ci.ecs.strategy import Strategy

Bench = Any  # see bench.py
GOOD, BAD, SLOW = (400, 0, 0.05, 0.1), (400, 40, 0.05, 0.1), (400, 0, 0.15, 0.3)


def group_name(arn: str) -> str:
    return arn.rpartition(":")[2]


@pytest.fixture
def canary(live: Bench) -> Bench:
    """1.0.0 serves from the second group; what comes goes first to a tenth, with traffic that tells enough."""
    live.strategy = Strategy("canary")
    carry(live, GOOD)
    return live


def carry(live: Bench, green: tuple[int, int, float, float], blue: tuple[int, int, float, float] = GOOD) -> None:
    first, second = map(group_name, live.world.groups)
    live.world.rest.traffic = {first: green, second: blue}


def gates(bench: Bench, name: str) -> list[tuple[float | None, str]]:
    return [(each.percent, each.finding.outcome) for each in bench.told.judgements if each.gate == name]


def test_a_canary_is_judged_at_each_of_its_four_pauses(canary: Bench) -> None:
    assert canary("1.1.0").outcome == "deployed"
    assert canary.answers() == ["CONTINUE"] * 4
    assert gates(canary, "canary") == [(10.0, "passed")]
    update = canary.world.clients["ecs"].called("update_service")[0]["deploymentConfiguration"]
    assert update["strategy"] == "CANARY"
    assert update["canaryConfiguration"] == {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 5}


def test_a_linear_deploy_is_judged_before_each_step(canary: Bench) -> None:
    canary.strategy = Strategy("linear", step_percent=25)
    assert canary("1.1.0").outcome == "deployed"
    assert canary.answers() == ["CONTINUE"] * 6
    assert gates(canary, "canary") == [(25.0, "passed"), (50.0, "passed"), (75.0, "passed")]


@pytest.mark.parametrize("traffic", [BAD, SLOW])
def test_a_bad_canary_is_rolled_back_and_never_gets_more_than_its_share(canary: Bench, traffic: Any) -> None:
    carry(canary, traffic)
    most: list[float] = []
    canary.world.on_sleep = lambda: most.append(share(canary))
    canary.refused("1.1.0", errors.RolledBack)
    assert canary.told.outcome == "rolled-back"
    assert max(most) == 10
    assert canary.told.judgements[-1].finding.numbers["green_requests"] == 2000
    assert canary.told.serves.version == "1.0.0"


def share(bench: Bench) -> float:
    weights = bench.world.weights[bench.world.rules["production"]]
    return float(100 * weights[bench.world.groups[0]] / sum(weights.values()))


def test_the_report_has_the_minutes_of_both_sides(canary: Bench) -> None:
    told = canary("1.1.0")
    assert {side: rows[0].requests for side, rows in told.minutes.items()} == {"green": 400, "blue": 400}


def test_too_little_traffic_is_waited_for(canary: Bench) -> None:
    carry(canary, (10, 0, 0.05, 0.1))
    canary.world.on_sleep = lambda: carry(canary, GOOD) if canary.world.now > 600 else None
    assert canary("1.1.0").outcome == "deployed"
    assert [line for line in canary.world.lines if line.startswith("canary: inconclusive")]
    assert gates(canary, "canary") == [(10.0, "passed")]


def test_too_little_traffic_for_too_long_is_inconclusive_an_outcome_of_its_own(canary: Bench) -> None:
    carry(canary, (10, 0, 0.05, 0.1))
    sentence = canary.refused("1.1.0", errors.Inconclusive)
    assert "for want of evidence" in sentence and "300 of each are needed" in sentence
    assert canary.told.outcome == "inconclusive"
    assert 24 * 60 < canary.world.now < 26 * 60
    assert share(canary) == 0


@pytest.mark.parametrize(("way", "outcome"), [("continue", "deployed"), ("rollback", "inconclusive")])
def test_what_inconclusive_does_is_a_setting(canary: Bench, way: str, outcome: str) -> None:
    carry(canary, (10, 0, 0.05, 0.1))
    canary.criteria = replace(canary.criteria, inconclusive=way)
    if outcome == "deployed":
        canary("1.1.0")
    else:
        canary.refused("1.1.0", errors.Inconclusive)
    assert canary.told.outcome == outcome
    assert canary.world.now < 60


def test_the_first_canary_of_an_environment_has_nothing_to_be_compared_with(bench: Bench) -> None:
    bench.strategy = Strategy("canary")
    assert bench("1.0.0").outcome == "deployed"
    found = [each.finding.why for each in bench.told.judgements if each.gate == "canary"]
    assert found == ["there is no old revision to compare with"]


def test_an_alarm_that_fires_rolls_back(live: Bench) -> None:
    live.criteria = replace(live.criteria, alarms=("errors", "latency"))
    live.world.rest.alarms = {"errors": "OK", "latency": "ALARM"}
    assert "the alarm 'latency' is in ALARM" in live.refused("1.1.0", errors.RolledBack)


def test_an_alarm_that_is_missing_is_no_alarm_that_is_quiet(live: Bench) -> None:
    live.criteria = replace(live.criteria, alarms=("errors",))
    assert "there is no alarm 'errors'" in live.refused("1.1.0", errors.RolledBack)


def test_quiet_alarms_pass(live: Bench) -> None:
    live.criteria = replace(live.criteria, alarms=("errors",))
    live.world.rest.alarms = {"errors": "INSUFFICIENT_DATA"}
    assert live("1.1.0").outcome == "deployed"


def test_too_few_healthy_targets_roll_back(live: Bench) -> None:
    live.world.ecs.service["desiredCount"] = 4
    assert "1 healthy targets, 4 are needed" in live.refused("1.1.0", errors.RolledBack)
    live.criteria = replace(live.criteria, healthy_percent=25)
    assert live("1.1.0").outcome == "deployed"


def test_weights_that_somebody_edits_at_a_step_are_caught_before_the_next(canary: Bench) -> None:
    canary.world.at_stage = at("PRODUCTION_TRAFFIC_SHIFT", canary, lambda: edit(canary))
    sentence = canary.refused("1.1.0", errors.RolledBack)
    assert "the new revision has 60 % of production, not 0 or 10 % as the stage is" in sentence
    assert canary.answers()[-1] == "ROLLBACK"


def edit(bench: Bench) -> None:
    first, second = bench.world.groups
    bench.world.weights[bench.world.rules["production"]] = {first: 60, second: 40}


def at(stage: str, bench: Bench, act: Callable[[], None]) -> Callable[[str, Any, float], None]:
    """At a stage, after AWS did its part."""
    original = bench.world.at_stage

    def acted(seen: str, revision: Any, percent: float) -> None:
        original(seen, revision, percent)
        if seen == stage:
            act()

    return acted


def test_a_scale_event_is_reported_and_not_overwritten(live: Bench) -> None:
    live.criteria = replace(live.criteria, healthy_percent=10)
    live.world.at_stage = at("BAKE_TIME", live, lambda: live.world.ecs.service.update(desiredCount=7))
    live.world.ecs.stuck_at = "BAKE_TIME"
    live.world.on_sleep = lambda: setattr(live.world.ecs, "stuck_at", "" if live.world.now > 30 else "BAKE_TIME")
    told = live("1.1.0")
    assert told.foreign_hands == ["somebody changed the wanted number of tasks from 1 to 7"]
    assert live.world.ecs.service["desiredCount"] == 7


def test_a_deployment_that_is_started_over_ours_is_reported(live: Bench) -> None:
    live.world.at_stage = at("POST_SCALE_UP", live, lambda: live.begun_elsewhere("1.2.0"))
    sentence = live.refused("1.1.0", errors.DeploymentFailed)
    assert "the deployment dep1002 was started over dep1001" in sentence
    assert live.world.ecs.deployments[-1]["status"] == "PENDING"


def test_a_stack_update_of_somebody_else_is_not_deployed_over(live: Bench) -> None:
    live.world.cfn.stacks["cutover-demo-service"]["StackStatus"] = "UPDATE_IN_PROGRESS"
    assert "UPDATE_IN_PROGRESS" in live.refused("1.1.0", errors.StackChanging)
    assert live.world.clients["ecs"].called("update_service") == []


def test_another_deployment_is_refused_with_its_age_and_its_owner(live: Bench) -> None:
    live.begun_elsewhere("1.1.0")
    live.world.now += 600
    sentence = live.refused("1.2.0", errors.OtherDeployment)
    assert "begun 10 minutes ago, arn:aws:iam::123456789012:role/someone" in sentence


def test_a_runner_that_was_quicker_is_joined_and_not_updated_over(live: Bench) -> None:
    register = live.world.ecs.register_task_definition

    def slow(**given: Any) -> Any:
        answer = register(**given)
        live.world.ecs.register_task_definition = register
        live.world.ecs.start(answer["taskDefinition"]["taskDefinitionArn"])
        return answer

    live.world.ecs.register_task_definition = slow
    assert live("1.1.0").outcome == "deployed"
    assert live.world.clients["ecs"].called("update_service") == []


def test_a_live_revision_without_healthy_targets_does_not_block_its_cure(live: Bench) -> None:
    live.world.targets[live.world.live()] = ["unhealthy"]
    told = live("1.1.0")
    assert told.outcome == "deployed"
    assert "no healthy target in b/2: this deployment is its cure" in told.notes[0]


def test_a_dry_run_says_every_step_and_changes_nothing(live: Bench) -> None:
    live.strategy = Strategy("linear", step_percent=40)
    live.more = {"dry_run": True}
    told = live("1.1.0")
    assert told.outcome == "dry-run"
    assert told.notes[0].startswith("would update the service to 1.1.0; now 1.0.0")
    assert [line for line in told.notes if line.startswith("judge, then")] == [
        "judge, then 40 % of production, bake 1 minutes",
        "judge, then 80 % of production, bake 1 minutes",
        "judge, then 100 % of production",
    ]
    called = {name for client in live.world.clients.values() for name, _ in client.calls}
    assert {name.partition("_")[0] for name in called} <= {"describe", "list", "get"}


def test_a_dry_run_of_a_first_deploy_creates_nothing(bench: Bench) -> None:
    bench.more = {"dry_run": True}
    assert bench("1.0.0").notes[0] == "would create the stack cutover-demo-service"
    assert "cutover-demo-service" not in bench.world.cfn.stacks


def test_a_dry_run_during_a_deployment_says_that_it_would_be_taken_over(live: Bench) -> None:
    live.begun_elsewhere("1.1.0")
    live.more = {"dry_run": True}
    assert live("1.1.0").notes == ["would take over the deployment dep1001 (IN_PROGRESS, PRE_SCALE_UP)"]


@pytest.mark.parametrize("approved", ["", "1.0.0", "1.1.1"])
def test_a_version_that_needs_approval_is_refused_without_its_own(live: Bench, approved: str) -> None:
    live.more = {"approval": approved}
    assert "run this again with --approve 1.1.0" in live.refused("1.1.0", errors.Unapproved)
    assert live.told.outcome == "refused"
    assert all(client.calls == [] for client in live.world.clients.values())


def test_an_approved_version_is_deployed(live: Bench) -> None:
    live.more = {"approval": "1.1.0"}
    assert live("1.1.0").outcome == "deployed"


def test_logs_of_tasks_that_stopped_are_in_the_report(live: Bench) -> None:
    live.world.ecs.fails_at = "SCALE_UP"
    live.world.ecs.tasks = [{"startedBy": "ecs-svc/1001", "taskArn": "arn:x/abcdef0123456789", "stoppedReason": "x"}]
    live.world.rest.lines = ["Traceback", "KeyError: 'DATABASE_URL'"]
    live.refused("1.1.0", errors.RolledBack)
    assert live.told.logs == ["abcdef01 Traceback", "abcdef01 KeyError: 'DATABASE_URL'"]
