"""What a deployment does, step by step, as its deploymentConfiguration says. Pure arithmetic.

Sources: developer guide, "canary-deployment", "deployment-type-linear", "blue-green-deployment-how-it-works"; API:
CanaryConfiguration, LinearConfiguration.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT_CANARY_PERCENT, DEFAULT_CANARY_BAKE = 5.0, 10
DEFAULT_STEP_PERCENT, DEFAULT_STEP_BAKE = 10.0, 6
WHOLE = 100.0
ROLL = "ROLL"  # the one step of ROLLING, for which ECS shows no lifecycle stage
BEFORE_SHIFTS = (
    "PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP", "TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT",
)  # fmt: skip


@dataclass(frozen=True)
class Step:
    """A step of a deployment: a lifecycle stage once more. `percent` is the target's share of production from here on
    (None where it is not changed); `minutes` are what is waited at the end of the step."""

    stage: str
    percent: float | None = None
    minutes: float = 0


def plan(configuration: Mapping[str, Any]) -> tuple[Step, ...]:
    """All steps of a deployment, in their order.

    RECONCILE_SERVICE comes twice: to put things in order, then for its hooks; both pass when there is nothing to do.
    """
    bake = configuration.get("bakeTimeInMinutes", 0)
    if configuration.get("strategy", "ROLLING") == "ROLLING":
        return (Step(ROLL, minutes=bake),)
    steps = [Step("RECONCILE_SERVICE"), Step("RECONCILE_SERVICE_HOOKS"), *map(Step, BEFORE_SHIFTS)]
    for percent, minutes in shifts(configuration):
        steps += [Step("PRE_PRODUCTION_TRAFFIC_SHIFT"), Step("PRODUCTION_TRAFFIC_SHIFT", percent, minutes)]
    return (*steps, Step("POST_PRODUCTION_TRAFFIC_SHIFT"), Step("BAKE_TIME", minutes=bake), Step("CLEAN_UP"))


def shifts(configuration: Mapping[str, Any]) -> list[tuple[float, float]]:
    """The target's shares of production one after another, each with the minutes it bakes; the last one is 100, 0."""
    match configuration.get("strategy"):
        case "CANARY":
            canary = configuration.get("canaryConfiguration") or {}
            percent = canary.get("canaryPercent", DEFAULT_CANARY_PERCENT)
            return [(percent, canary.get("canaryBakeTimeInMinutes", DEFAULT_CANARY_BAKE)), (WHOLE, 0)]
        case "LINEAR":
            linear = configuration.get("linearConfiguration") or {}
            percent = linear.get("stepPercent", DEFAULT_STEP_PERCENT)
            minutes = linear.get("stepBakeTimeInMinutes", DEFAULT_STEP_BAKE)
            return [*((round(n * percent, 1), minutes) for n in range(1, baked_steps(percent) + 1)), (WHOLE, 0)]
        case _:
            return [(WHOLE, 0)]


def baked_steps(percent: float) -> int:
    """How many steps of LINEAR are followed by a bake: those that end below 100 %."""
    return math.ceil(WHOLE / percent - 1e-9) - 1


def weights(percent: float) -> tuple[int, int]:
    """The target's and the other group's weight: percents, or tenths where whole percents would not do.

    An ALB's weights are integers from 0 to 999; how ECS writes a fraction is not documented.
    """
    if percent == int(percent):
        return int(percent), 100 - int(percent)
    return round(percent * 10), 1000 - round(percent * 10)


@dataclass(frozen=True)
class Counts:
    """Tasks of a side of a rolling update: those that run or start, and those of them that are healthy."""

    active: int
    healthy: int


def roll(configuration: Mapping[str, Any], desired: int, new: Counts, old: Counts) -> tuple[int, int]:
    """How many new and how many old tasks a rolling update wants next.

    API: DeploymentConfiguration: at most `maximumPercent` of the desired count (rounded down) run or start, at least
    `minimumHealthyPercent` (rounded up) stay healthy.
    """
    maximum = desired * configuration.get("maximumPercent", 200) // 100
    minimum = math.ceil(desired * configuration.get("minimumHealthyPercent", 100) / 100)
    room = max(0, maximum - new.active - old.active)
    spare = max(0, new.healthy + old.healthy - minimum)
    unhealthy = old.active - old.healthy
    stop = unhealthy + min(old.healthy, spare)
    return min(desired, new.active + room), old.active - stop


def total_minutes(configuration: Mapping[str, Any]) -> float:
    """What the bakes and the hooks' timeouts of a deployment can last at most, as CloudFormation adds them up."""
    steps = plan(configuration)
    hooks = configuration.get("lifecycleHooks") or ()
    waits: float = sum(
        (hook.get("timeoutConfiguration") or {}).get("timeoutInMinutes", 1440)
        for hook in hooks
        if hook.get("targetType") == "PAUSE"
        for _ in hook.get("lifecycleStages") or ()
    )
    return sum((step.minutes for step in steps), waits)
