"""Two at once, foreign hands, Ctrl-C and no hand at all, in the middle of a deployment: each as the README says."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest

Place = Any  # see conftest.py
strikes = sys.modules["together_strikes"]
SERVICE = {"cluster": "cutover-demo", "service": "cutover-demo"}
BAKE, CANARY = "IN_PROGRESS BAKE_TIME", "IN_PROGRESS PRODUCTION_TRAFFIC_SHIFT"
TESTED = "IN_PROGRESS POST_TEST_TRAFFIC_SHIFT"
HOOK_MINUTES = 30


def at(place: Place, stage: str, act: Callable[[], object]) -> None:
    """Somebody does something, once, when the deployment has come to a stage."""
    done: list[str] = []

    def watch() -> None:
        if not done and strikes.stage(place) == stage:
            done.append(stage)
            act()

    place.account.watch = watch


def weigh(place: Place, shares: dict[str, int]) -> None:
    """Somebody edits the weights of production's rule; the groups by the version that is in them, "" for the other."""
    listener = place.account.listeners()[80]
    action = listener.rules[0].action
    named = {getattr(place.account.version_in(group), "name", ""): group for group, _ in action.weights}
    groups = [{"TargetGroupArn": named[name], "Weight": weight} for name, weight in shares.items()]
    place.account.client("elbv2").modify_rule(
        RuleArn=listener.rules[0].arn, Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]
    )


def carry_on(place: Place, console: Any) -> None:
    """Somebody says CONTINUE at each pause of the deployment under way, until it has ended."""

    def answered() -> bool:
        if (running := place.service.under_way) is None:
            return True
        (seen,) = console.describe_service_deployments(serviceDeploymentArns=[running.arn])["serviceDeployments"]
        for hook in seen.get("lifecycleHookDetails", []):
            if hook["status"] == "AWAITING_ACTION":
                console.continue_service_deployment(serviceDeploymentArn=running.arn, hookId=hook["hookId"])
        return False

    place.until(answered)


class TestTwoAtOnce:
    """The second joins when its target is the same, else refuses, naming the deployment, its age and its owner."""

    @pytest.mark.parametrize("stage", [TESTED, BAKE])
    def test_the_second_joins_when_its_target_is_the_same(self, place: Place, stage: str) -> None:
        second: list[Any] = []
        at(place, stage, lambda: second.append(place.deploy("1.1.0")))
        first = place.deploy("1.1.0")
        assert [first.code, *(each.code for each in second)] == [0, 0]
        deployments = {each.document["service_deployment"] for each in (first, *second)}
        assert len(deployments) == 1 and place.serves() == {"1.1.0": 1.0}

    def test_the_second_refuses_another_target_and_answers_none_of_its_pauses(self, place: Place) -> None:
        place.begin("1.1.0")
        place.account.pass_(120)
        before = place.service.under_way.stage
        second = place.deploy("1.2.0")
        assert second.code == 4
        assert "begun 2 minutes ago, " in second.document["message"]
        assert (place.service.under_way.stage, place.registrations("1.2.0")) == (before, 0)
        assert place.rollback("--now").code == 0


class TestForeignHands:
    """Weights edited, a stack update, a scale event, a deployment from the console: reported, not overwritten."""

    def test_weights_that_another_tool_has_reset_are_caught_before_the_update(self, place: Place) -> None:
        """The trap: green would land beside blue, and the deployment would be SUCCESSFUL."""
        weigh(place, {"1.0.0": 0, "": 100})
        done = place.deploy("1.1.0")
        assert (done.code, place.service.under_way, place.serves()) == (4, None, {"nobody": 1.0})
        weigh(place, {"1.0.0": 100, "": 0})

    def test_weights_that_are_edited_in_a_canary_are_caught_at_the_next_pause(self, place: Place) -> None:
        place.account.load = 4000
        at(place, CANARY, lambda: weigh(place, {"1.1.0": 60, "1.0.0": 40}))
        done = place.deploy("1.1.0", "--strategy canary --canary-bake-minutes 20")
        assert (done.code, place.serves()) == (3, {"1.0.0": 1.0})
        assert "60 %" in done.document["message"]

    def test_a_scale_event_is_reported_and_stays(self, place: Place) -> None:
        at(place, BAKE, lambda: place.account.client("ecs").update_service(**SERVICE, desiredCount=2))
        done = place.deploy("1.1.0", "--bake-minutes 20")
        assert (done.code, place.service.desired) == (0, 2)
        assert done.document["foreign_hands"] == ["somebody changed the wanted number of tasks from 1 to 2"]
        place.account.client("ecs").update_service(**SERVICE, desiredCount=1)
        place.until(lambda: len(place.containers.running()) == 1)

    def test_a_deployment_from_the_console_is_reported_and_left_alone(self, place: Place) -> None:
        console = place.account.client("ecs")
        at(place, BAKE, lambda: console.update_service(**SERVICE, forceNewDeployment=True))
        done = place.deploy("1.1.0", "--bake-minutes 20")
        assert done.code == 1
        assert "was started over" in done.document["message"]
        assert place.service.under_way, "somebody else's, which waits for somebody else's answer"
        carry_on(place, console)
        assert (place.serves(), place.containers.running()) == ({"1.1.0": 1.0}, ["1.1.0"])


class TestCtrlC:
    """The deployer asks ECS for a rollback unless green already has all production traffic, and says what it did."""

    def test_before_green_has_all_the_rollback_is_asked_for(self, place: Place) -> None:
        at(place, CANARY, lambda: os.kill(os.getpid(), signal.SIGINT))
        done = place.deploy("1.1.0", "--strategy canary --canary-bake-minutes 20")
        assert done.code == 130
        assert "roll" in done.document["message"]
        place.until(lambda: not place.service.under_way)
        assert (place.serves(), place.containers.running()) == ({"1.0.0": 1.0}, ["1.0.0"])

    def test_once_green_has_all_it_keeps_it(self, place: Place) -> None:
        at(place, BAKE, lambda: os.kill(os.getpid(), signal.SIGTERM))
        done = place.deploy("1.1.0", "--bake-minutes 20")
        assert done.code == 143
        place.until(lambda: not place.service.under_way)
        assert (place.serves(), place.containers.running()) == ({"1.1.0": 1.0}, ["1.1.0"])


def test_with_no_runner_left_the_hooks_timeout_rolls_back(place: Place) -> None:
    place.begin("1.1.0")
    place.account.pass_(HOOK_MINUTES - 1)
    assert place.service.under_way
    place.account.pass_(2)
    place.until(lambda: not place.service.under_way)
    assert (place.serves(), place.containers.running()) == ({"1.0.0": 1.0}, ["1.0.0"])
