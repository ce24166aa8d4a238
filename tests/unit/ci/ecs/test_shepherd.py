"""The shepherd: pauses, deadlines, and an AWS that does not answer."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from ci.ecs import deployments, errors
from ci.ecs.deployments import Deployment, Hook
from ci.ecs.judge import Verdict
from ci.ecs.names import Names
from ci.ecs.shepherd import FAULTS, REFUSALS, Shepherd
from ci.ecs.strategy import HOOK_STAGES

NAMES = Names("cutover", "demo")
TOLD = {"Image": "repo@sha256:1", "ContainerPort": "80", "Version": "1", "Commit": "c", "ImageDigest": "sha256:1"}


class Judge:
    """Says `verdict`, and counts how often it was asked."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        self.asked: list[Deployment] = []

    def __call__(self, deployment: Deployment, hook: Hook) -> Verdict:
        self.asked.append(deployment)
        return self.verdict


@pytest.fixture
def begun(world: Any) -> Deployment:
    """A first deployment has begun."""
    world.cfn.add("cutover-demo-service", "CREATE_IN_PROGRESS")
    world.ecs.born(TOLD)
    found = deployments.under_way(world.aws, NAMES)
    assert found
    return found


def shepherd(world: Any, judge: Judge) -> Shepherd:
    return Shepherd(world.aws, judge, lambda deployment: f"ECS: {deployment.status}", bake_minutes=1)


def test_a_pause_is_judged_once_and_continued(world: Any, begun: Deployment) -> None:
    judge = Judge(Verdict(True))
    assert shepherd(world, judge).follow(begun).status == "SUCCESSFUL"
    assert [each.stage for each in judge.asked] == list(HOOK_STAGES)


def test_a_no_rolls_back_and_its_reason_is_kept(world: Any, begun: Deployment) -> None:
    guide = shepherd(world, Judge(Verdict(False, "bad")))
    assert guide.follow(begun).status == "ROLLBACK_FAILED"
    assert guide.why == "bad"


def test_why_ecs_goes_back_by_itself_is_asked_when_it_begins_to(world: Any, begun: Deployment) -> None:
    world.ecs.fails_at = "SCALE_UP"
    guide = shepherd(world, Judge(Verdict(True)))
    guide.follow(begun)
    assert guide.why == "ECS: ROLLBACK_IN_PROGRESS"


def test_a_success_needs_no_reason(world: Any, begun: Deployment) -> None:
    guide = shepherd(world, Judge(Verdict(True)))
    guide.follow(begun)
    assert guide.why == ""


def test_each_change_of_stage_is_one_line_with_the_time_since_the_start(world: Any, begun: Deployment) -> None:
    shepherd(world, Judge(Verdict(True))).follow(begun)
    lines = [line for line in world.lines if " s  " in line]
    assert lines[0].endswith("0.0 s  PRE_SCALE_UP")
    assert lines[-1].endswith("SUCCESSFUL")
    assert len(lines) == len(set(lines))


def test_an_answer_that_got_lost_is_given_again_without_a_second_judgement(world: Any, begun: Deployment) -> None:
    lost = EndpointConnectionError(endpoint_url="https://ecs")
    world.clients["ecs"].faults["continue_service_deployment"] = [lost]
    judge = Judge(Verdict(True))
    assert shepherd(world, judge).follow(begun).status == "SUCCESSFUL"
    assert len(judge.asked) == 3
    assert len(world.clients["ecs"].called("continue_service_deployment")) == 4


def test_an_answer_that_another_runner_gave_first_is_no_error(world: Any, begun: Deployment) -> None:
    def answered(deployment: Deployment, hook: Hook) -> Verdict:
        world.ecs.continue_service_deployment(deployment.arn, hook.id, "CONTINUE")
        return Verdict(True)

    assert Shepherd(world.aws, answered, lambda _: "", 1).follow(begun).status == "SUCCESSFUL"
    assert "ECS did not take the answer; look again" in world.lines


def test_an_answer_that_ecs_refuses_again_and_again_ends_the_watch(world: Any, begun: Deployment) -> None:
    no = world.error("ContinueServiceDeployment", "InvalidParameterException")
    world.clients["ecs"].faults["continue_service_deployment"] = [no] * 100
    with pytest.raises(errors.LostSight, match="InvalidParameterException"):
        shepherd(world, Judge(Verdict(True))).follow(begun)
    assert len(world.clients["ecs"].called("continue_service_deployment")) == REFUSALS + 1 + FAULTS


def test_a_pause_at_another_stage_is_left_to_whoever_put_it_there(world: Any, begun: Deployment) -> None:
    world.ecs.hook_stage = "POST_SCALE_UP"
    judge = Judge(Verdict(True))
    assert shepherd(world, judge).follow(begun).status == "ROLLBACK_FAILED"
    assert judge.asked == []
    assert world.now >= 30 * 60
    assert world.lines.count("a pause at POST_SCALE_UP is not this deployer's to answer") == 1


def test_a_few_looks_without_an_answer_are_forgiven(world: Any, begun: Deployment) -> None:
    lost = EndpointConnectionError(endpoint_url="https://ecs")
    world.clients["ecs"].faults["describe_service_deployments"] = [lost] * FAULTS
    assert shepherd(world, Judge(Verdict(True))).follow(begun).status == "SUCCESSFUL"


def test_too_many_looks_without_an_answer_end_the_watch_and_say_what_goes_on(world: Any, begun: Deployment) -> None:
    lost = EndpointConnectionError(endpoint_url="https://ecs")
    world.clients["ecs"].faults["describe_service_deployments"] = [lost] * (FAULTS + 1)
    with pytest.raises(errors.LostSight, match="ECS goes on with it"):
        shepherd(world, Judge(Verdict(True))).follow(begun)


def test_past_its_deadline_the_rollback_is_asked_for_once(world: Any, begun: Deployment) -> None:
    world.ecs.stuck_at = "SCALE_UP"
    guide = shepherd(world, Judge(Verdict(True)))
    assert guide.follow(begun).status == "ROLLBACK_FAILED"
    assert guide.why == "it had not ended after 46 minutes"
    assert world.clients["ecs"].called("stop_service_deployment") == [
        {"serviceDeploymentArn": begun.arn, "stopType": "ROLLBACK"}
    ]


def test_a_deployment_that_ends_while_its_rollback_is_asked_for_is_read_as_it_ended(
    world: Any, begun: Deployment
) -> None:
    world.ecs.stuck_at = "SCALE_UP"
    world.clients["ecs"].faults["stop_service_deployment"] = [world.error("StopServiceDeployment", "ConflictException")]
    world.on_sleep = lambda: setattr(world.ecs, "stuck_at", "") if world.now > 2760 else None
    assert shepherd(world, Judge(Verdict(True))).follow(begun).status == "SUCCESSFUL"


def test_a_stop_that_fails_is_asked_for_again(world: Any, begun: Deployment) -> None:
    world.ecs.stuck_at = "SCALE_UP"
    world.clients["ecs"].faults["stop_service_deployment"] = [world.error("StopServiceDeployment", "ServerException")]
    assert shepherd(world, Judge(Verdict(True))).follow(begun).status == "ROLLBACK_FAILED"


def test_a_rollback_that_does_not_end_is_given_up_on(world: Any, begun: Deployment) -> None:
    world.ecs.stuck_at = "SCALE_UP"
    world.ecs._roll_back = lambda *_: None
    with pytest.raises(errors.DeploymentStuck, match="30 minutes after"):
        shepherd(world, Judge(Verdict(True))).follow(begun)


def test_a_status_nobody_knows_is_not_an_end(world: Any, begun: Deployment) -> None:
    seen = deployments.describe(world.aws, begun.arn)
    assert seen and not seen.terminal
    world.ecs.deployments[0]["status"] = "STOP_IN_PROGRESS"
    assert (found := deployments.under_way(world.aws, NAMES)) and found.status == "STOP_IN_PROGRESS"
