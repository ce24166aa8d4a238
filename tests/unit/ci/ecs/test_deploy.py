"""Deploys into an environment that serves already, on AWS in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ci.ecs import errors

IMAGES = "123456789012.dkr.ecr.eu-north-1.amazonaws.com/cutover"
Bench = Any  # see bench.py


def test_the_next_deploy_updates_the_service_and_not_the_stack(live: Bench) -> None:
    told = live("1.1.0")
    assert told.outcome == "deployed"
    assert live.world.clients["cloudformation"].called("create_change_set") == []
    update = live.world.clients["ecs"].called("update_service")[0]
    assert "desiredCount" not in update
    assert update["deploymentConfiguration"]["lifecycleHooks"][0]["targetType"] == "PAUSE"
    assert update["deploymentConfiguration"]["bakeTimeInMinutes"] == 1
    assert told.serves and told.serves.target_group == live.world.groups[0]


def test_the_report_has_each_stage_with_its_time_each_judgement_and_each_check(live: Bench) -> None:
    told = live("1.1.0")
    assert live.stages[:2] == ["PRE_SCALE_UP", "SCALE_UP"]
    assert live.stages[-1] == "CLEAN_UP"
    assert all(each.seconds > 0 for each in told.stages)
    assert [(each.gate, each.stage) for each in told.judgements] == [
        ("traffic", "POST_TEST_TRAFFIC_SHIFT"),
        ("health", "POST_TEST_TRAFFIC_SHIFT"),
        ("smoke", "POST_TEST_TRAFFIC_SHIFT"),
        ("traffic", "PRE_PRODUCTION_TRAFFIC_SHIFT"),
        ("health", "PRE_PRODUCTION_TRAFFIC_SHIFT"),
        ("traffic", "POST_PRODUCTION_TRAFFIC_SHIFT"),
        ("health", "POST_PRODUCTION_TRAFFIC_SHIFT"),
        ("smoke", "POST_PRODUCTION_TRAFFIC_SHIFT"),
    ]
    assert {each.finding.outcome for each in told.judgements} == {"passed"}
    listeners = [check["listener"] for each in told.judgements for check in each.finding.numbers.get("checks", [])]
    assert [each.rpartition(":")[2] for each in listeners] == ["8080", "80"]
    assert set(told.document()) >= {"outcome", "environment", "service_deployment", "stages", "serves", "weights"}


def test_an_image_that_is_not_in_the_registry_is_refused_before_anything(live: Bench) -> None:
    assert "9.9.9" in live.refused("9.9.9", errors.ImageMissing)
    assert live.told.outcome == "refused"
    assert live.world.clients["ecs"].calls == []


def test_the_same_image_version_and_commit_is_not_deployed_again(live: Bench) -> None:
    assert live("1.0.0").outcome == "unchanged"
    assert live.world.clients["ecs"].called("update_service") == []


def test_the_same_image_from_another_commit_is_deployed(live: Bench) -> None:
    assert live("1.0.0", commit="def").outcome == "deployed"


def test_a_failing_smoke_check_rolls_back_and_says_what_serves_and_why(live: Bench) -> None:
    live.site.answers[(8080, "/")] = (500, "Oops")
    sentence = live.refused("1.1.0", errors.RolledBack)
    assert live.answers() == ["ROLLBACK"]
    assert "GET / on http://cutover-demo.elb.test:8080" in sentence
    assert "expected 200, a body with 'Hello', got 500 with 'Oops'" in sentence
    assert f"1.0.0 ({live.digests['1.0.0'][:19]}) serves 100 %" in sentence
    assert live.told.outcome == "rolled-back"
    assert live.told.serves and live.told.serves.digest == live.digests["1.0.0"]


def test_a_test_listener_that_does_not_answer_points_to_who_may_reach_it(live: Bench) -> None:
    live.site.faults = [("GET", 0)] * 5
    sentence = live.refused("1.1.0", errors.RolledBack)
    assert "no answer" in sentence and "TestCidr" in sentence


def test_after_a_rollback_the_same_image_is_deployed_again_with_the_same_task_definition(live: Bench) -> None:
    live.site.answers[(8080, "/")] = (500, "Oops")
    live.refused("1.1.0", errors.RolledBack)
    live.site.answers[(8080, "/")] = (200, "Hello")
    assert live("1.1.0").outcome == "deployed"
    assert len(live.world.ecs.definitions) == 2
    forced = [call["forceNewDeployment"] for call in live.world.clients["ecs"].called("update_service")]
    assert forced == [False, True]


def test_a_tripped_circuit_breaker_is_told_with_the_event_and_the_task(live: Bench) -> None:
    live.world.ecs.fails_at = "SCALE_UP"
    live.world.ecs.events = [
        "deployment failed: Service deployment rolled back because the circuit breaker threshold was exceeded.",
        "has started 1 tasks",
        "(task 7) failed container health checks.",
    ]
    started = "ecs-svc/1001"
    live.world.ecs.tasks = [
        {"startedBy": "ecs-svc/1", "stoppedReason": "of another revision"},
        {"startedBy": started, "stoppedReason": "Essential container exited", "containers": [{"exitCode": 3}]},
    ]
    sentence = live.refused("1.1.0", errors.RolledBack)
    assert sentence.count("circuit breaker") == 1 and "failed container health checks" in sentence
    assert "Essential container exited (exit code 3)" in sentence
    assert live.answers() == []


def test_a_stack_without_its_service_is_refused(live: Bench) -> None:
    live.world.ecs.service = None
    assert "delete that stack" in live.refused("1.1.0", errors.ServiceMissing)


def test_a_deployment_of_the_same_image_is_taken_over(live: Bench) -> None:
    live.begun_elsewhere("1.1.0")
    assert live("1.1.0").outcome == "deployed"
    assert live.world.clients["ecs"].called("update_service") == []
    assert live.answers() == ["CONTINUE"] * 3


def test_a_deployment_of_another_image_is_left_alone(live: Bench) -> None:
    live.begun_elsewhere("1.1.0")
    assert "1.1.0" in live.refused("1.2.0", errors.OtherDeployment)
    assert live.answers() == []
    assert live.told.outcome == "refused"


def test_a_rule_that_somebody_reset_is_caught_before_the_update(live: Bench) -> None:
    live.world.weigh(live.world.groups[0])
    assert "where the current revision is not" in live.refused("1.1.0", errors.UnexpectedTraffic)
    assert live.world.clients["ecs"].called("update_service") == []
    assert live.told.outcome == "refused"


def test_both_revisions_in_one_target_group_are_caught_at_the_pause(live: Bench) -> None:
    live.world.ecs.misplaces = True
    assert "both revisions are in the target group" in live.refused("1.1.0", errors.RolledBack)
    assert live.answers() == ["ROLLBACK"]


def test_a_target_that_becomes_healthy_in_a_moment_is_waited_for(live: Bench) -> None:
    live.world.at_stage = _late(live, live.world.at_stage)
    assert live("1.1.0").outcome == "deployed"


def _late(bench: Bench, at_stage: Callable[[str, Any, float], None]) -> Callable[[str, Any, float], None]:
    def later(stage: str, revision: Any, percent: float) -> None:
        at_stage(stage, revision, percent)
        if stage == "POST_SCALE_UP":
            bench.world.targets[revision["group"]] = ["initial"]
            due = bench.world.now + 5
            bench.world.on_sleep = lambda: healthy(revision) if bench.world.now > due else None

    def healthy(revision: Any) -> None:
        bench.world.targets[revision["group"]] = ["healthy"]
        bench.world.on_sleep = lambda: None

    return later


def test_success_of_ecs_is_not_believed_when_production_answers_otherwise(live: Bench) -> None:
    live.world.deployed = lambda: live.site.answers.update({(80, "/"): (200, "Goodbye")})
    sentence = live.refused("1.1.0", errors.NotServing)
    assert "production does not answer as it must" in sentence and "Goodbye" in sentence
    assert live.told.outcome == "failed"


def test_success_of_ecs_is_not_believed_when_the_rule_says_otherwise(live: Bench) -> None:
    live.world.deployed = lambda: live.world.weigh(live.world.groups[1])
    sentence = live.refused("1.1.0", errors.NotServing)
    assert "production does not serve it; nothing serves" in sentence


def test_where_ecs_does_not_tell_the_current_revision_the_last_success_counts(live: Bench) -> None:
    live.world.ecs.forgets_current = True
    assert live("1.1.0").outcome == "deployed"


def test_a_service_that_was_deleted_under_the_deployment_is_a_failure(live: Bench) -> None:
    def delete(*_: object) -> None:
        live.world.ecs.service = None

    live.world.at_stage = delete
    assert "its service was deleted; nothing serves" in live.refused("1.1.0", errors.DeploymentFailed)
    assert live.told.outcome == "failed"


def test_an_update_without_a_deployment_is_given_up(live: Bench) -> None:
    live.world.ecs.hides = True
    assert "shows no deployment" in live.refused("1.1.0", errors.DeploymentNotFound)


def test_a_live_task_definition_of_another_make_is_refused(live: Bench) -> None:
    live.world.ecs.definitions[0]["containerDefinitions"][0]["name"] = "web"
    assert "no container 'app'" in live.refused("1.1.0", errors.ContainerMissing)
