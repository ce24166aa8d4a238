"""What must be true of rules and target groups, each violation by its own words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ci.ecs import deployments, errors, guard, serving
from ci.ecs.deployments import Deployment
from ci.ecs.names import Names
from ci.ecs.serving import Ingress

NAMES = Names("cutover", "demo")
TOLD = {"Image": "repo@sha256:1", "ContainerPort": "80", "Version": "1", "Commit": "c", "ImageDigest": "sha256:1"}


@pytest.fixture
def ingress(world: Any) -> Ingress:
    world.provisioned()
    return serving.ingress_of(world.aws, NAMES)


@pytest.fixture
def live(world: Any, ingress: Ingress) -> Any:
    """One revision serves, from the second target group."""
    world.cfn.add("cutover-demo-service")
    world.ecs.born(TOLD)
    finish(world)
    return world


def finish(world: Any) -> None:
    found = deployments.under_way(world.aws, NAMES)
    while found and not found.terminal:
        for hook in found.awaiting:
            world.ecs.continue_service_deployment(found.arn, hook.id, "CONTINUE")
        found = deployments.describe(world.aws, found.arn)


def before_update(world: Any, ingress: Ingress) -> str:
    service = serving.service_of(world.aws, NAMES)
    assert service
    return guard.before_update(world.aws, NAMES, ingress, service).live


def paused(world: Any) -> Deployment:
    """A second deployment, at its pause."""
    definition = world.ecs.register_task_definition(
        family="cutover-demo", containerDefinitions=[{"name": "app", "image": "repo@sha256:2"}]
    )
    world.ecs.start(definition["taskDefinition"]["taskDefinitionArn"])
    found = deployments.under_way(world.aws, NAMES)
    while found and not found.awaiting:
        found = deployments.describe(world.aws, found.arn)
    assert found
    return found


def test_before_an_update_the_live_group_is_named(live: Any, ingress: Ingress) -> None:
    assert before_update(live, ingress) == live.groups[1]


def test_targets_on_their_way_out_do_not_keep_a_deployment_from_starting(live: Any, ingress: Ingress) -> None:
    live.targets[live.groups[0]] = ["draining"]
    assert before_update(live, ingress) == live.groups[1]


def test_weights_on_both_groups_are_refused(live: Any, ingress: Ingress) -> None:
    live.weights[ingress.production_rule] = {live.groups[0]: 50, live.groups[1]: 50}
    with pytest.raises(errors.UnexpectedTraffic, match="2 target groups have a weight"):
        before_update(live, ingress)


def test_no_weight_at_all_is_refused(live: Any, ingress: Ingress) -> None:
    live.weights[ingress.production_rule] = {live.groups[0]: 0, live.groups[1]: 0}
    with pytest.raises(errors.UnexpectedTraffic, match="0 target groups have a weight"):
        before_update(live, ingress)


def test_a_foreign_target_group_is_refused(live: Any, ingress: Ingress) -> None:
    live.weights[ingress.production_rule] |= {"arn:x:targetgroup/foreign/9": 0}
    with pytest.raises(errors.UnexpectedTraffic, match="foreign/9, which is not the environment's"):
        before_update(live, ingress)


def test_a_live_group_without_a_healthy_target_may_be_cured_and_is_told_of(live: Any, ingress: Ingress) -> None:
    live.targets[live.groups[1]] = ["unhealthy"]
    service = serving.service_of(live.aws, NAMES)
    assert service
    standing = guard.before_update(live.aws, NAMES, ingress, service)
    assert standing.live == live.groups[1]
    assert "no healthy target in b/2: this deployment is its cure" in standing.note


def test_a_target_that_is_no_task_of_the_live_revision_is_refused(live: Any, ingress: Ingress) -> None:
    live.strangers[live.groups[1]] = ["10.9.9.9"]
    with pytest.raises(errors.UnexpectedTraffic, match=r"the target 10\.9\.9\.9 in b/2 is no task of the revision"):
        before_update(live, ingress)


def test_targets_in_the_idle_group_are_refused(live: Any, ingress: Ingress) -> None:
    live.targets[live.groups[0]] = ["healthy"]
    with pytest.raises(errors.UnexpectedTraffic, match="the idle target group a/1 has 1 targets"):
        before_update(live, ingress)


def test_two_revisions_with_tasks_are_refused(live: Any, ingress: Ingress) -> None:
    live.ecs.revisions["arn:other"] = {"definition": "d", "image": "i", "group": live.groups[0], "count": 1}
    with pytest.raises(errors.UnexpectedTraffic, match="2 revisions have tasks"):
        before_update(live, ingress)


def test_a_first_deployment_at_its_pause_passes(world: Any, ingress: Ingress) -> None:
    world.cfn.add("cutover-demo-service")
    world.ecs.born(TOLD)
    found = deployments.under_way(world.aws, NAMES)
    while found and not found.awaiting:
        found = deployments.describe(world.aws, found.arn)
    assert found and found.sources == ()
    guard.before_continue(world.aws, NAMES, ingress, found)


def test_at_a_pause_with_each_revision_in_its_own_group_it_may_go_on(live: Any, ingress: Ingress) -> None:
    guard.before_continue(live.aws, NAMES, ingress, paused(live))


@pytest.mark.parametrize("side", [0, 1])
def test_a_stranger_in_either_group_is_refused_at_a_pause(live: Any, ingress: Ingress, side: int) -> None:
    at_pause = paused(live)
    live.strangers[live.groups[side]] = ["10.9.9.9"]
    with pytest.raises(errors.UnexpectedTraffic, match=r"10\.9\.9\.9"):
        guard.before_continue(live.aws, NAMES, ingress, at_pause)


@pytest.mark.parametrize(
    ("stage", "recorded", "weight", "good"),
    [
        ("PRE_PRODUCTION_TRAFFIC_SHIFT", 0.0, 0, True),
        ("PRE_PRODUCTION_TRAFFIC_SHIFT", 10.0, 10, True),
        ("PRE_PRODUCTION_TRAFFIC_SHIFT", 10.0, 0, True),  # the step's share may be on record before the rule has it
        ("PRE_PRODUCTION_TRAFFIC_SHIFT", None, 10, True),
        ("PRE_PRODUCTION_TRAFFIC_SHIFT", 10.0, 50, False),
        ("PRE_PRODUCTION_TRAFFIC_SHIFT", 0.0, 10, False),
        ("PRE_PRODUCTION_TRAFFIC_SHIFT", None, 100, False),
        ("POST_PRODUCTION_TRAFFIC_SHIFT", 100.0, 10, False),
        ("POST_PRODUCTION_TRAFFIC_SHIFT", 100.0, 100, True),
        ("POST_TEST_TRAFFIC_SHIFT", 0.0, 10, False),
    ],
)
def test_the_weights_must_be_the_stages(
    live: Any, ingress: Ingress, stage: str, recorded: float | None, weight: int, good: bool
) -> None:
    at_pause = replace(paused(live), stage=stage, percent=recorded, shares=(10.0, 100.0))
    green, blue = live.groups
    live.weights[ingress.production_rule] = {green: weight, blue: 100 - weight}
    if good:
        assert guard.before_continue(live.aws, NAMES, ingress, at_pause) == weight
    else:
        with pytest.raises(errors.UnexpectedTraffic, match=f"has {weight} % of production"):
            guard.before_continue(live.aws, NAMES, ingress, at_pause)


def test_a_rule_without_any_weight_is_refused_at_a_pause(live: Any, ingress: Ingress) -> None:
    at_pause = paused(live)
    live.weights[ingress.production_rule] = dict.fromkeys(live.groups, 0)
    with pytest.raises(errors.UnexpectedTraffic, match="not 0 % as the stage is"):
        guard.before_continue(live.aws, NAMES, ingress, at_pause)


def test_production_that_already_goes_to_green_is_refused(live: Any, ingress: Ingress) -> None:
    at_pause = paused(live)
    live.weigh(live.groups[0], "production")
    with pytest.raises(errors.UnexpectedTraffic, match="has 100 % of production, not 0 % as the stage is"):
        guard.before_continue(live.aws, NAMES, ingress, at_pause)


def test_a_test_listener_that_does_not_show_green_alone_is_refused(live: Any, ingress: Ingress) -> None:
    at_pause = paused(live)
    live.weigh(live.groups[1], "test")
    with pytest.raises(errors.UnexpectedTraffic, match="the test listener does not send everything"):
        guard.before_continue(live.aws, NAMES, ingress, at_pause)


def test_a_green_without_a_healthy_target_is_refused(live: Any, ingress: Ingress) -> None:
    at_pause = paused(live)
    live.targets[live.groups[0]] = ["unhealthy"]
    with pytest.raises(errors.UnexpectedTraffic, match="the new revision has no healthy target"):
        guard.before_continue(live.aws, NAMES, ingress, at_pause)


def test_a_green_outside_the_environments_groups_is_refused(live: Any, ingress: Ingress) -> None:
    at_pause = paused(live)
    live.ecs.revisions[at_pause.target]["group"] = "arn:x:targetgroup/foreign/9"
    with pytest.raises(errors.UnexpectedTraffic, match="in neither target group"):
        guard.before_continue(live.aws, NAMES, ingress, at_pause)


def test_a_blue_that_is_not_where_production_goes_is_refused(live: Any, ingress: Ingress) -> None:
    at_pause = paused(live)
    blue = at_pause.sources[0]
    live.ecs.revisions[blue]["group"] = "arn:x:targetgroup/foreign/9"
    with pytest.raises(errors.UnexpectedTraffic, match="where the old revision is not"):
        guard.before_continue(live.aws, NAMES, ingress, at_pause)


def test_a_plain_forward_counts_as_all_of_the_traffic(world: Any) -> None:
    world.describe_rules = lambda RuleArns: {"Rules": [{"Actions": [{"Type": "forward", "TargetGroupArn": "arn:g"}]}]}
    assert serving.weights(world.aws, "arn:rule") == {"arn:g": 100}
