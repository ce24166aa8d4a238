"""Statements of the strategies beside BLUE_GREEN, of alarms, and of the events. Numbers are the fact sheet's."""

from typing import Any

import pytest

from infra.local.ecs.errors import InvalidParameter
from infra.local.ecs.strategy import Counts, baked_steps, plan, roll, shifts, total_minutes, weights

CANARY = {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 2}}
LINEAR = {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 20.0, "stepBakeTimeInMinutes": 2}}
ALARMS = {"alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True}}


def productions(world: Any) -> list[str]:
    """What was written to the production rule, in order."""
    return [line.removeprefix("production ") for line in world.log if line.startswith("production")]


def serve(world: Any, **configuration: Any) -> None:
    """`app:1` serves, from the alternate group."""
    world.create(hooks=[], configuration={"strategy": "BLUE_GREEN", **configuration})
    assert world.settle() == "SUCCESSFUL"
    world.log.clear()


def run_with_pauses(world: Any, stage: str, configuration: dict[str, Any]) -> list[tuple[str, tuple[int, int]]]:
    """A deployment of `app:2` with a PAUSE at the stage; (hook, production weights) of each time it was reached."""
    world.update("app:2", deploymentConfiguration={**configuration, "lifecycleHooks": [world.pause(stage)]})
    seen: list[tuple[str, tuple[int, int]]] = []
    while not world.deployment.finished:
        for hook in world.deployment.hooks:
            if hook.status == "AWAITING_ACTION":
                seen.append((hook.id, world.weights["production"]))
                world.answer(hook.id)
        world.turn(seconds=1)
    assert world.deployment.status == "SUCCESSFUL"
    return seen


def test_15_a_canary_pauses_twice_before_production_and_shifts_by_its_percent_then_all(world: Any) -> None:
    serve(world)

    seen = run_with_pauses(world, "PRE_PRODUCTION_TRAFFIC_SHIFT", CANARY)

    assert len({hook for hook, _ in seen}) == 2
    assert [shown for _, shown in seen] == [(0, 100), (10, 90)]
    assert productions(world) == ["primary=0 alternate=100", "primary=10 alternate=90", "primary=100 alternate=0"]


def test_15_the_canary_bakes_its_minutes_before_the_second_shift(world: Any) -> None:
    serve(world)
    world.update("app:2", deploymentConfiguration=CANARY)
    world.until(lambda: world.weights["production"] == (10, 90), seconds=0)

    world.turn(seconds=119)
    assert (world.weights["production"], world.deployment.stage) == ((10, 90), "PRODUCTION_TRAFFIC_SHIFT")
    world.until(lambda: world.weights["production"] == (100, 0))

    shown = world.described()["targetServiceRevision"]
    assert (shown["requestedProductionTrafficWeight"], shown["requestedTestTrafficWeight"]) == (100, 100)


def test_16_linear_shifts_step_by_step_with_a_pause_before_each_and_a_bake_between(world: Any) -> None:
    serve(world)
    began = world.clock.now()

    seen = run_with_pauses(world, "PRE_PRODUCTION_TRAFFIC_SHIFT", LINEAR)

    assert len({hook for hook, _ in seen}) == 5
    greens = [line.split()[0] for line in productions(world)]
    assert greens == [f"primary={percent}" for percent in (0, 20, 40, 60, 80, 100)]
    bakes = 4 * 2 * 60 + 1 * 60
    assert bakes <= world.clock.now() - began < bakes + 120


@pytest.mark.parametrize(
    ("configuration", "steps"),
    [
        ({"strategy": "BLUE_GREEN"}, [(100.0, 0)]),
        ({"strategy": "CANARY"}, [(5.0, 10), (100.0, 0)]),
        ({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 0.1}}, [(0.1, 10), (100.0, 0)]),
        ({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 50.0}}, [(50.0, 6), (100.0, 0)]),
        ({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 100.0}}, [(100.0, 0)]),
        (
            {"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 33.3, "stepBakeTimeInMinutes": 1}},
            [(33.3, 1), (66.6, 1), (99.9, 1), (100.0, 0)],
        ),
    ],
)
def test_the_shifts_of_a_strategy(configuration: dict[str, Any], steps: list[tuple[float, float]]) -> None:
    assert shifts(configuration) == steps


@pytest.mark.parametrize(("percent", "steps"), [(11.0, 9), (50.0, 1), (100.0, 0), (10.0, 9), (3.0, 33)])
def test_the_baked_steps_of_linear(percent: float, steps: int) -> None:
    assert baked_steps(percent) == steps


def test_fractions_of_a_percent_are_written_in_tenths() -> None:
    """AWS does not say how it writes them."""
    assert (weights(10.0), weights(0.1), weights(99.9)) == ((10, 90), (1, 999), (999, 1))


def test_the_plan_goes_through_every_stage_in_order() -> None:
    stages = [step.stage for step in plan({"strategy": "CANARY"})]

    assert stages == [
        "RECONCILE_SERVICE", "RECONCILE_SERVICE_HOOKS", "PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP",
        "TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT",
        "PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME",
        "CLEAN_UP",
    ]  # fmt: skip


def test_a_deployments_longest_duration_adds_bakes_and_pauses() -> None:
    timeout = {"timeoutInMinutes": 30}
    pause = {"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"], "timeoutConfiguration": timeout}
    assert total_minutes({**LINEAR, "bakeTimeInMinutes": 5, "lifecycleHooks": [pause]}) == 4 * 2 + 5 + 30


@pytest.mark.parametrize(
    ("configuration", "words"),
    [
        ({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 0.0}}, "canaryPercent must be between"),
        ({"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 0.15}}, "multiple of 0.1"),
        ({"strategy": "LINEAR", "linearConfiguration": {"stepPercent": 2.9}}, "stepPercent must be between"),
        ({"strategy": "BLUE_GREEN", "linearConfiguration": {"stepPercent": 10.0}}, "only be specified for the LINEAR"),
        (
            {"strategy": "CANARY", "canaryConfiguration": {"canaryBakeTimeInMinutes": 1441}},
            "canaryBakeTimeInMinutes must be between",
        ),
        ({"alarms": {"alarmNames": [], "enable": True, "rollback": True}}, "at least one alarm"),
        ({"minimumHealthyPercent": 101}, "minimumHealthyPercent must be between 0 and 100"),
        ({"strategy": "ROLLING", "maximumPercent": 100}, "cannot both be 100"),
    ],
)
def test_settings_out_of_their_ranges_are_refused(world: Any, configuration: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidParameter, match=words):
        world.create(configuration=configuration)


def test_24_an_alarm_at_the_canary_gives_production_back_in_one_write(world: Any) -> None:
    serve(world)
    world.update("app:2", deploymentConfiguration={**CANARY, **ALARMS})
    world.until(lambda: world.weights["production"] == (10, 90))
    world.log.clear()

    world.bells.ringing.add("errors")

    assert world.settle() == "ROLLBACK_SUCCESSFUL"
    assert productions(world) == ["primary=0 alternate=100"]
    assert world.described()["alarms"] == {
        "status": "TRIGGERED", "alarmNames": ["errors"], "triggeredAlarmNames": ["errors"],
    }  # fmt: skip
    assert world.runtime.images() == ["app:1"]


def test_25_an_alarm_that_rings_at_the_start_is_ignored_to_the_end(world: Any) -> None:
    serve(world)
    world.bells.ringing.add("errors")
    world.update("app:2", deploymentConfiguration=ALARMS)
    world.turn(3)
    world.bells.ringing.clear()
    world.turn(3)
    world.bells.ringing.add("errors")

    assert world.settle() == "SUCCESSFUL"
    assert world.described()["alarms"]["status"] == "MONITORING_COMPLETE"


def test_an_alarm_without_rollback_just_stops_the_deployment(world: Any) -> None:
    serve(world)
    alarms = {"alarms": {"alarmNames": ["errors"], "enable": True, "rollback": False}}
    world.update("app:2", deploymentConfiguration={**CANARY, **alarms})
    world.until(lambda: world.weights["production"] == (10, 90))

    world.bells.ringing.add("errors")

    assert world.settle() == "STOPPED"
    assert "stoppedAt" in world.described()


def test_a_breaker_without_rollback_stops_the_deployment_and_keeps_blue(world: Any) -> None:
    serve(world, deploymentCircuitBreaker={"enable": True, "rollback": False})
    world.runtime.exiting.add("app:2")

    world.update("app:2")

    assert world.settle() == "STOPPED"
    assert world.weights["production"] == (0, 100)
    assert world.runtime.images() == ["app:1"]


@pytest.mark.parametrize(
    ("threshold", "desired", "failures"),
    [
        ({}, 1, 3),
        ({}, 25, 13),
        ({}, 400, 200),
        ({"type": "COUNT", "value": 2}, 25, 2),
        ({"type": "UNBOUNDED_PERCENT", "value": 10}, 10, 1),
    ],
)
def test_21_the_breakers_threshold(world: Any, threshold: dict[str, Any], desired: int, failures: int) -> None:
    world.runtime.failing.add("app:1")
    breaker = {"enable": True, "rollback": True, **({"thresholdConfiguration": threshold} if threshold else {})}
    world.create(hooks=[], desiredCount=desired, configuration={"deploymentCircuitBreaker": breaker})

    assert world.described()["deploymentCircuitBreaker"]["threshold"] == failures


@pytest.mark.parametrize("step", range(6))
def test_26_a_stop_at_any_step_of_linear_goes_straight_to_blue(world: Any, step: int) -> None:
    serve(world)
    world.update("app:2", deploymentConfiguration=LINEAR)
    world.until(lambda: world.weights["production"][0] >= step * 20)
    world.log.clear()

    world.call("StopServiceDeployment", serviceDeploymentArn=world.deployment.arn)

    assert world.settle() == "ROLLBACK_SUCCESSFUL"
    assert set(productions(world)) <= {"primary=0 alternate=100"}
    assert world.weights["production"] == (0, 100)
    assert world.runtime.images() == ["app:1"]


def test_28_a_newer_deployment_takes_the_traffic_of_an_abandoned_canary_back(world: Any) -> None:
    serve(world)
    world.update("app:2", deploymentConfiguration=CANARY)
    world.until(lambda: world.weights["production"] == (10, 90))

    world.update("app:3")

    assert world.settle() == "SUCCESSFUL"
    assert [each.status for each in world.service.deployments] == ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"]
    assert productions(world)[2] == "primary=0 alternate=100", "RECONCILE_SERVICE"
    assert world.runtime.images() == ["app:3"]


def test_6_7_8_events_tell_of_a_deployment_and_its_hooks(live: Any) -> None:
    live.bus.put_events.clear()
    live.update("app:2")
    live.answer(live.paused())
    live.settle()

    hooks = [each for each in live.bus.put_events if each[0] == "ECS Hook State Change"]
    assert [detail["eventName"] for _, _, detail in hooks] == ["HOOK_AWAITING_ACTION", "HOOK_SUCCEEDED"]
    _, resources, detail = hooks[0]
    assert resources == [live.deployment.arn]
    assert detail["lifecycleStage"] == "POST_TEST_TRAFFIC_SHIFT"
    assert detail["expiresAt"].endswith("Z")
    assert live.bus.names("ECS Deployment State Change") == [
        "SERVICE_DEPLOYMENT_IN_PROGRESS", "SERVICE_DEPLOYMENT_COMPLETED",
    ]  # fmt: skip
    assert live.bus.names("ECS Service Action") == ["SERVICE_STEADY_STATE"]


@pytest.mark.parametrize(("action", "name"), [("ROLLBACK", "HOOK_FAILED"), (None, "HOOK_TIMED_OUT")])
def test_8_11_events_tell_of_a_hook_that_failed(live: Any, action: str | None, name: str) -> None:
    live.update("app:2")
    hook = live.paused()
    if action:
        live.answer(hook, action)
    else:
        live.clock.time += 31 * 60

    assert live.settle() == "ROLLBACK_SUCCESSFUL"

    assert live.bus.names("ECS Hook State Change")[-1] == name
    assert "SERVICE_DEPLOYMENT_FAILED" in live.bus.names("ECS Deployment State Change")


class TestRolling:
    """ROLLING: API, DeploymentConfiguration."""

    @pytest.mark.parametrize(
        ("configuration", "desired", "new", "old", "wanted"),
        [
            ({}, 4, Counts(0, 0), Counts(4, 4), (4, 4)),
            ({}, 4, Counts(4, 2), Counts(4, 4), (4, 2)),
            ({}, 4, Counts(4, 4), Counts(4, 4), (4, 0)),
            ({"maximumPercent": 150}, 4, Counts(0, 0), Counts(4, 4), (2, 4)),
            ({"maximumPercent": 100, "minimumHealthyPercent": 50}, 4, Counts(0, 0), Counts(4, 4), (0, 2)),
            ({"maximumPercent": 100, "minimumHealthyPercent": 50}, 4, Counts(0, 0), Counts(2, 2), (2, 2)),
            ({}, 4, Counts(0, 0), Counts(4, 1), (4, 1)),
            ({}, 0, Counts(0, 0), Counts(2, 2), (0, 0)),
        ],
    )
    def test_so_many_new_and_so_few_old_tasks_are_wanted_next(
        self, configuration: dict[str, Any], desired: int, new: Counts, old: Counts, wanted: tuple[int, int]
    ) -> None:
        assert roll(configuration, desired, new, old) == wanted

    def test_it_replaces_within_its_percents_and_never_loses_a_healthy_task(self, world: Any) -> None:
        rolling = {"strategy": "ROLLING", "maximumPercent": 150, "minimumHealthyPercent": 100}
        world.create(hooks=[], desiredCount=4, configuration=rolling)
        assert world.settle() == "SUCCESSFUL"

        world.update("app:2")
        while not world.deployment.finished:
            world.turn(seconds=1)
            serving = [task for task in world.service.tasks if task.registered and task.last_status == "RUNNING"]
            running = [task for task in world.service.tasks if task.active]
            assert len(serving) >= 4
            assert len(running) <= 6

        assert world.deployment.status == "SUCCESSFUL"
        assert world.runtime.images() == ["app:2"] * 4

    def test_it_shows_no_stage_and_touches_no_rule(self, world: Any) -> None:
        world.create(hooks=[], configuration={"strategy": "ROLLING"})
        assert world.settle() == "SUCCESSFUL"
        world.update("app:2")
        assert world.settle() == "SUCCESSFUL"

        assert "lifecycleStage" not in world.described()
        assert productions(world) == []
        assert {line for line in world.log if "register" in line} == {"register in primary", "deregister from primary"}

    def test_its_breaker_brings_the_old_revision_back(self, world: Any) -> None:
        world.create(hooks=[], desiredCount=2, configuration={"strategy": "ROLLING"})
        world.settle()
        world.runtime.exiting.add("app:2")

        world.update("app:2")

        assert world.settle() == "ROLLBACK_SUCCESSFUL"
        assert world.runtime.images() == ["app:1", "app:1"]
        assert world.shown_service()["deployments"][0]["taskDefinition"].endswith(":1")

    def test_a_newer_one_replaces_what_the_older_had_begun(self, world: Any) -> None:
        world.create(hooks=[], desiredCount=2, configuration={"strategy": "ROLLING"})
        world.settle()
        world.update("app:2")
        world.until(lambda: "app:2" in world.runtime.images())

        world.update("app:3")

        assert world.settle() == "SUCCESSFUL"
        assert world.runtime.images() == ["app:3", "app:3"]

    def test_a_service_without_a_load_balancer_waits_until_its_tasks_have_run_for_40_seconds(self, world: Any) -> None:
        world.create(hooks=[], loadBalancers=[], configuration={"strategy": "ROLLING", "bakeTimeInMinutes": 0})
        began = world.clock.now()

        assert world.settle() == "SUCCESSFUL"

        assert 40 <= world.clock.now() - began < 60

    @pytest.mark.parametrize("strategy", [CANARY, LINEAR, {"strategy": "BLUE_GREEN"}])
    def test_a_service_can_change_to_another_strategy_and_back(self, world: Any, strategy: dict[str, Any]) -> None:
        world.create(hooks=[], configuration={"strategy": "ROLLING"})
        world.settle()

        world.update("app:2", deploymentConfiguration=strategy)
        assert world.settle() == "SUCCESSFUL"
        world.update("app:3", deploymentConfiguration={"strategy": "ROLLING"})
        assert world.settle() == "SUCCESSFUL"

        assert world.runtime.images() == ["app:3"]
