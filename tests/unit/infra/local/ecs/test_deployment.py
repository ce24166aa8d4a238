"""Statements of how ECS carries out a BLUE_GREEN deployment. Numbers are the fact sheet's."""

from typing import Any

import pytest

from infra.local.ecs.errors import Conflict, InvalidParameter, ServiceDeploymentNotFound

STAGES = [
    "PRE_SCALE_UP",
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
    "CLEAN_UP",
]
PAUSE_STAGES = [
    "PRE_SCALE_UP",
    "POST_SCALE_UP",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT",
    "POST_PRODUCTION_TRAFFIC_SHIFT",
]


def test_1_the_first_deployment_registers_in_the_alternate_group_and_ends_with_all_weight_there(world: Any) -> None:
    world.create()

    world.answer(world.paused())

    assert world.settle() == "SUCCESSFUL"
    assert world.log[0] == "register in alternate"
    assert world.weights == {"production": (0, 100), "test": (0, 100)}
    assert world.described()["sourceServiceRevisions"] == []


def test_2_a_pause_before_the_scale_up_holds_the_first_deployment_without_a_task(world: Any) -> None:
    world.create(hooks=[world.pause("PRE_SCALE_UP")])

    hook = world.paused()
    world.turn(5)

    assert world.service.tasks == []
    world.answer(hook)
    assert world.settle() == "SUCCESSFUL"


def test_3_the_live_group_alternates_and_the_services_pair_stays_as_it_was(live: Any) -> None:
    seen = [live.weights["production"]]
    for image in ("app:2", "app:3"):
        live.release(image)
        seen.append(live.weights["production"])

    assert seen == [(0, 100), (100, 0), (0, 100)]
    balancer = live.shown_service()["loadBalancers"][0]
    assert balancer["targetGroupArn"].split("/")[1] == "primary"
    assert balancer["advancedConfiguration"]["alternateTargetGroupArn"].split("/")[1] == "alternate"


def test_4_green_is_up_and_healthy_before_any_rule_is_touched(world: Any) -> None:
    world.create(hooks=[world.pause("POST_SCALE_UP")])
    world.answer(world.paused())
    world.settle()
    world.log.clear()

    world.update("app:2")
    world.paused()

    assert world.log == ["register in primary"]
    assert world.runtime.images() == ["app:1", "app:2"]


def test_5_at_the_pause_the_test_rule_shows_green_and_production_blue(live: Any) -> None:
    live.update("app:2")

    live.paused()

    assert live.weights == {"production": (0, 100), "test": (100, 0)}
    shown = live.described()
    assert shown["targetServiceRevision"]["requestedTestTrafficWeight"] == 100
    assert shown["targetServiceRevision"]["requestedProductionTrafficWeight"] == 0
    assert shown["sourceServiceRevisions"][0]["requestedProductionTrafficWeight"] == 100


def test_6_a_pause_shows_one_waiting_hook_that_expires_after_its_timeout(live: Any) -> None:
    live.update("app:2")
    live.paused()

    shown = live.described()
    (hook,) = shown["lifecycleHookDetails"]
    assert (shown["status"], shown["lifecycleStage"]) == ("IN_PROGRESS", "POST_TEST_TRAFFIC_SHIFT")
    assert (hook["targetType"], hook["status"], hook["timeoutAction"]) == ("PAUSE", "AWAITING_ACTION", "ROLLBACK")
    assert 29 * 60 < hook["expiresAt"] - live.clock.now() <= 30 * 60


def test_7_continue_without_an_action_means_continue(live: Any) -> None:
    live.update("app:2")

    live.answer(live.paused())

    assert live.settle() == "SUCCESSFUL"
    assert live.described()["lifecycleHookDetails"][0]["status"] == "SUCCEEDED"


def test_8_the_answer_rollback_puts_back_the_weights_and_takes_green_away(live: Any) -> None:
    live.update("app:2")

    live.answer(live.paused(), "ROLLBACK")

    assert live.deployment.status == "ROLLBACK_REQUESTED"
    assert live.settle() == "ROLLBACK_SUCCESSFUL"
    assert live.weights == {"production": (0, 100), "test": (0, 100)}
    assert live.runtime.images() == ["app:1"]
    shown = live.described()
    assert shown["lifecycleHookDetails"][0]["status"] == "FAILED"
    assert shown["rollback"]["serviceRevisionArn"] == shown["sourceServiceRevisions"][0]["arn"]


def test_9_a_hook_that_was_answered_takes_no_second_answer(live: Any) -> None:
    live.update("app:2")
    hook = live.paused()
    live.answer(hook)

    with pytest.raises(InvalidParameter, match="SUCCEEDED"):
        live.answer(hook, "ROLLBACK")

    assert live.settle() == "SUCCESSFUL"


def test_10_continue_needs_a_deployment_that_exists_and_a_hook_of_it(live: Any) -> None:
    live.update("app:2")
    hook = live.paused()

    with pytest.raises(InvalidParameter, match="serviceDeploymentArn"):
        live.call("ContinueServiceDeployment", hookId=hook)
    with pytest.raises(InvalidParameter, match="is not one of this"):
        live.answer("another")
    with pytest.raises(ServiceDeploymentNotFound):
        live.call("ContinueServiceDeployment", serviceDeploymentArn="arn:none", hookId=hook)


@pytest.mark.parametrize(("action", "ending"), [("ROLLBACK", "ROLLBACK_SUCCESSFUL"), ("CONTINUE", "SUCCESSFUL")])
def test_11_an_unanswered_pause_does_its_timeout_action(world: Any, action: str, ending: str) -> None:
    world.create(hooks=[])
    world.settle()
    hooks = {"lifecycleHooks": [world.pause(minutes=2, action=action)]}
    world.update("app:2", deploymentConfiguration=hooks)
    world.paused()

    world.turn(seconds=119)
    assert world.deployment.hooks[-1].status == "AWAITING_ACTION"
    world.turn(seconds=2)

    assert world.deployment.hooks[-1].status == "TIMED_OUT"
    assert world.settle() == ending


def test_12_a_stage_passes_once_all_its_pauses_are_continued(world: Any) -> None:
    world.create(hooks=[world.pause(), world.pause()])
    world.paused()
    first, second = (hook.id for hook in world.deployment.hooks)

    world.answer(first)
    world.turn(5)
    assert world.deployment.stage == "POST_TEST_TRAFFIC_SHIFT"
    world.answer(second)

    assert world.settle() == "SUCCESSFUL"


@pytest.mark.parametrize("stage", ["TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"])
def test_14_a_pause_at_a_traffic_shift_is_rejected(world: Any, stage: str) -> None:
    with pytest.raises(InvalidParameter, match=f"not supported at the stage {stage}"):
        world.create(hooks=[world.pause(stage)])


def test_19_while_it_bakes_blue_still_runs_registered_with_weight_0(live: Any) -> None:
    live.update("app:2")
    live.answer(live.paused())

    live.until(lambda: live.deployment.stage == "BAKE_TIME")

    assert live.weights["production"] == (100, 0)
    assert live.runtime.images() == ["app:1", "app:2"]
    assert live.rules.registered(next(g for g in live.rules.groups if "alternate" in g)) == 1


def test_the_bake_lasts_its_minutes(live: Any) -> None:
    live.update("app:2")
    live.answer(live.paused())
    live.until(lambda: live.deployment.stage == "BAKE_TIME", seconds=0)

    live.turn(seconds=59)
    assert live.deployment.stage == "BAKE_TIME"
    live.turn(seconds=2)
    live.turn()

    assert live.deployment.stage == "CLEAN_UP"


def test_20_blue_is_deregistered_drained_and_only_then_stopped(live: Any) -> None:
    live.update("app:2")
    live.answer(live.paused())
    live.until(lambda: "deregister from alternate" in live.log)

    live.turn(seconds=4)
    assert live.runtime.images() == ["app:1", "app:2"], "blue still drains"
    live.settle()

    assert live.log[-2:] == ["deregister from alternate", "stop app:1 within 30"]
    assert live.runtime.images() == ["app:2"]


def test_21_three_failures_of_green_trip_the_circuit_breaker_and_production_is_never_touched(live: Any) -> None:
    live.runtime.exiting.add("app:2")

    live.update("app:2")

    assert live.settle() == "ROLLBACK_SUCCESSFUL"
    shown = live.described()
    assert shown["statusReason"].endswith("the circuit breaker threshold was exceeded.")
    assert shown["deploymentCircuitBreaker"] == {"status": "TRIGGERED", "failureCount": 3, "threshold": 3}
    assert live.weights["production"] == (0, 100)
    assert live.runtime.images() == ["app:1"]


def test_an_image_that_cannot_be_pulled_trips_the_circuit_breaker_too(live: Any) -> None:
    live.runtime.failing.add("app:2")

    live.update("app:2")

    assert live.settle() == "ROLLBACK_SUCCESSFUL"
    assert any("CannotPullContainerError" in event["message"] for event in live.service.events)


def test_22_without_a_breaker_the_scale_up_ends_after_a_day_and_rolls_back(world: Any) -> None:
    world.create(hooks=[], configuration={"deploymentCircuitBreaker": {"enable": False, "rollback": False}})
    world.settle()
    world.runtime.exiting.add("app:2")

    world.update("app:2")
    world.turn(10, seconds=60)
    assert world.deployment.stage == "SCALE_UP"
    world.turn(seconds=24 * 3600)

    assert world.settle() == "ROLLBACK_SUCCESSFUL"
    assert "SCALE_UP" in world.described()["statusReason"]


def test_23_a_first_deployment_that_fails_has_no_candidate_and_the_next_good_one_succeeds(world: Any) -> None:
    world.runtime.exiting.add("app:1")
    world.create()

    assert world.settle() == "ROLLBACK_FAILED"
    assert world.described()["statusReason"] == "No rollback candidate was found to run the rollback."
    assert any("deployment failed: tasks failed to start." in event["message"] for event in world.service.events)
    world.release("app:2")
    assert world.weights["production"] == (0, 100)


def test_26_a_stop_while_it_bakes_gives_blue_all_traffic_before_green_stops(live: Any) -> None:
    live.update("app:2")
    live.answer(live.paused())
    live.until(lambda: live.deployment.stage == "BAKE_TIME")
    live.log.clear()

    live.call("StopServiceDeployment", serviceDeploymentArn=live.deployment.arn, stopType="ROLLBACK")

    assert live.deployment.status == "ROLLBACK_REQUESTED"
    assert live.settle() == "ROLLBACK_SUCCESSFUL"
    assert live.log == [
        "production primary=0 alternate=100",
        "test primary=0 alternate=100",
        "deregister from primary",
        "stop app:2 within 30",
    ]


def test_27_an_ended_deployment_cannot_be_stopped(live: Any) -> None:
    with pytest.raises(Conflict, match="SUCCESSFUL"):
        live.call("StopServiceDeployment", serviceDeploymentArn=live.deployment.arn)


def test_a_stop_can_only_roll_back(live: Any) -> None:
    live.update("app:2")

    with pytest.raises(InvalidParameter, match="stopType"):
        live.call("StopServiceDeployment", serviceDeploymentArn=live.deployment.arn, stopType="ABORT")


def test_a_stop_at_the_pause_rolls_back(live: Any) -> None:
    live.update("app:2")
    live.paused()

    live.call("StopServiceDeployment", serviceDeploymentArn=live.deployment.arn)

    assert live.settle() == "ROLLBACK_SUCCESSFUL"
    assert live.deployment.hooks[-1].status == "FAILED"


def test_28_a_newer_deployment_stops_the_older_and_begins_with_reconciling(live: Any) -> None:
    live.update("app:2")
    live.paused()
    older = live.deployment

    live.update("app:3")
    assert older.status == "STOP_REQUESTED"
    live.until(lambda: live.deployment.stage == "RECONCILE_SERVICE")

    assert older.status == "STOPPED"
    assert live.weights["test"] == (0, 100), "back to blue"
    live.answer(live.paused())
    assert live.settle() == "SUCCESSFUL"
    assert live.runtime.images() == ["app:3"]


def test_29_a_change_of_the_desired_count_starts_no_deployment(live: Any) -> None:
    before = live.deployment

    live.call("UpdateService", cluster="demo", service="demo", desiredCount=3)
    live.turn(3)

    assert live.deployment is before
    assert live.runtime.images() == ["app:1"] * 3


def test_both_colours_follow_a_desired_count_that_changes_in_the_middle(live: Any) -> None:
    live.update("app:2")
    hook = live.paused()

    live.call("UpdateService", cluster="demo", service="demo", desiredCount=2)
    live.turn(3)

    assert live.runtime.images() == ["app:1", "app:1", "app:2", "app:2"]
    live.answer(hook)
    assert live.settle() == "SUCCESSFUL"
    assert live.runtime.images() == ["app:2", "app:2"]


def test_31_a_rule_that_forwards_elsewhere_rolls_the_deployment_back(live: Any) -> None:
    production = next(arn for arn in live.rules.rules if arn.endswith("production"))
    live.rules.rules[production]["arn:other"] = 0

    live.update("app:2")

    assert live.settle() == "ROLLBACK_SUCCESSFUL"
    assert "unexpected target group arn:other" in live.described()["statusReason"]


def test_two_serving_groups_roll_the_deployment_back(live: Any) -> None:
    production = next(arn for arn in live.rules.rules if arn.endswith("production"))
    live.rules.rules[production] = dict.fromkeys(live.rules.groups, 1)

    live.update("app:2")

    assert live.settle() == "ROLLBACK_SUCCESSFUL"
    assert "exactly one target group serving traffic but found 2" in live.described()["statusReason"]


def test_a_rule_that_is_gone_rolls_the_deployment_back(live: Any) -> None:
    live.rules.rules = {arn: w for arn, w in live.rules.rules.items() if arn.endswith("production")}

    live.update("app:2")

    assert live.settle() == "ROLLBACK_SUCCESSFUL"
    assert "One or more rules not found" in live.described()["statusReason"]


def test_32_weights_set_by_hand_onto_the_empty_group_mix_the_colours_in_one_group(live: Any) -> None:
    """The trap that a deployer has to look for: nothing here fails."""
    primary, alternate = sorted(live.rules.groups, reverse=True)
    production = next(arn for arn in live.rules.rules if arn.endswith("production"))
    live.rules.rules[production] = {primary: 100, alternate: 0}

    live.update("app:2")
    live.answer(live.paused())
    live.until(lambda: live.deployment.stage == "BAKE_TIME")

    assert live.rules.registered(alternate) == 2
    assert live.settle() == "SUCCESSFUL"


def test_40_a_group_that_no_rule_names_never_gets_healthy_targets(world: Any) -> None:
    world.create(hooks=[])
    world.rules.healthy = "unused"

    world.turn(10, seconds=60)

    assert world.deployment.stage == "SCALE_UP"


def test_41_a_described_service_shows_a_pause_by_its_stages_only(live: Any) -> None:
    hooks = live.shown_service()["deploymentConfiguration"]["lifecycleHooks"]

    assert hooks == [{"lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}]


def test_42_deployments_are_found_by_their_target_revision(live: Any) -> None:
    live.release("app:2")
    revision = live.described()["targetServiceRevision"]["arn"]

    briefs = live.call("ListServiceDeployments", cluster="demo", service="demo")["serviceDeployments"]

    (own,) = [each for each in briefs if each["targetServiceRevisionArn"] == revision]
    assert own["serviceDeploymentArn"] == live.deployment.arn
    primary = live.shown_service()["deployments"][0]
    assert primary["id"] == f"ecs-svc/{revision.rpartition('/')[2]}"


def test_44_a_stop_that_comes_in_the_clean_up_is_too_late(live: Any) -> None:
    live.update("app:2")
    live.answer(live.paused())
    live.until(lambda: live.deployment.stage == "CLEAN_UP")

    live.call("StopServiceDeployment", serviceDeploymentArn=live.deployment.arn)

    assert live.settle() == "SUCCESSFUL"
    assert live.runtime.images() == ["app:2"]


def test_the_stages_come_in_their_order(live: Any) -> None:
    seen: list[str] = []
    live.update("app:2")
    while not live.deployment.finished:
        if live.deployment.stage and live.deployment.stage not in seen:
            seen.append(live.deployment.stage)
        for hook in live.deployment.hooks:
            if hook.status == "AWAITING_ACTION":
                live.answer(hook.id)
        live.turn(seconds=1)

    assert seen == STAGES


@pytest.mark.parametrize("stage", PAUSE_STAGES)
def test_a_deployment_can_pause_and_go_back_at_every_stage_that_allows_it(live: Any, stage: str) -> None:
    live.update("app:2", deploymentConfiguration={"lifecycleHooks": [live.pause(stage)]})

    hook = live.paused()
    assert live.deployment.stage == stage
    live.answer(hook, "ROLLBACK")

    assert live.settle() == "ROLLBACK_SUCCESSFUL"
    assert live.weights["production"] == (0, 100)
    assert live.runtime.images() == ["app:1"]


def test_rules_are_written_three_times_a_deployment(live: Any) -> None:
    live.release("app:2")

    writes = [line for line in live.log if line.startswith(("production", "test"))]
    assert writes == [
        "production primary=0 alternate=100",
        "test primary=100 alternate=0",
        "production primary=100 alternate=0",
    ]


def test_a_deployment_without_a_test_rule_goes_through_all_the_same(world: Any) -> None:
    request = world.request("demo")
    del request["loadBalancers"][0]["advancedConfiguration"]["testListenerRule"]
    world.call("CreateCluster", clusterName="demo")
    world.register()
    world.call("CreateService", **request)

    world.answer(world.paused())

    assert world.settle() == "SUCCESSFUL"
    assert world.weights["test"] == (1, 0)


def test_a_deployment_keeps_the_configuration_it_began_with(live: Any) -> None:
    live.update("app:2")
    live.paused()

    live.call("UpdateService", cluster="demo", service="demo", deploymentConfiguration={"bakeTimeInMinutes": 9})

    assert live.described()["deploymentConfiguration"]["bakeTimeInMinutes"] == 1


def test_after_a_rollback_the_service_wants_what_it_wanted_before(live: Any) -> None:
    before = live.shown_service()["taskDefinition"]
    live.update("app:2")
    live.answer(live.paused(), "ROLLBACK")
    live.settle()

    shown = live.shown_service()
    assert shown["taskDefinition"] == before
    assert [each["status"] for each in shown["deployments"]] == ["PRIMARY"]
    assert shown["deployments"][0]["taskDefinition"] == before


def test_an_unforeseen_failure_ends_the_deployment_and_says_so(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(arn: str, weights: dict[str, int]) -> None:
        raise RuntimeError("the proxy is gone")

    live.rules.set_weights = refuse

    live.update("app:2")

    assert live.settle() == "ROLLBACK_FAILED"
    assert "the proxy is gone" in live.described()["statusReason"]
