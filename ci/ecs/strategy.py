"""How a deployment goes: the whole block that UpdateService is given, and the same in the words of service.yaml.

Source: ECS API reference, DeploymentConfiguration, CanaryConfiguration and LinearConfiguration, with their ranges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .errors import BadStrategy

if TYPE_CHECKING:
    from mypy_boto3_ecs.literals import DeploymentLifecycleHookStageType
    from mypy_boto3_ecs.type_defs import DeploymentConfigurationTypeDef

BLUE_GREEN, CANARY, LINEAR = "blue-green", "canary", "linear"
STRATEGIES: Final = {BLUE_GREEN: "BLUE_GREEN", CANARY: "CANARY", LINEAR: "LINEAR"}

# The pauses at which evidence is judged: after the test shift, before each production step, after the last. Each waits
# this long for its judge before ECS rolls back.
TESTED: Final = "POST_TEST_TRAFFIC_SHIFT"
BEFORE_STEP: Final = "PRE_PRODUCTION_TRAFFIC_SHIFT"
SHIFTED: Final = "POST_PRODUCTION_TRAFFIC_SHIFT"
HOOK_STAGES: Final[tuple[DeploymentLifecycleHookStageType, ...]] = (TESTED, BEFORE_STEP, SHIFTED)
HOOK_MINUTES = 30
MOST_MINUTES = 1440
# The whole range of ECS ends at 100, which would be no canary.
CANARY_PERCENT, STEP_PERCENT = (0.1, 99.9), (3.0, 100.0)


@dataclass(frozen=True)
class Strategy:
    """`canary_percent` goes first and bakes, or each step does `step_percent` more; at last all bakes; minutes."""

    kind: str = BLUE_GREEN
    bake_minutes: int = 1
    canary_percent: float = 10.0
    canary_bake_minutes: int = 5
    step_percent: float = 20.0
    step_bake_minutes: int = 1
    alarms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in STRATEGIES:
            raise BadStrategy(problem=f"{self.kind!r} is none of {', '.join(STRATEGIES)}")
        for what, value, (low, high) in (
            ("the canary's percent", self.canary_percent, CANARY_PERCENT),
            ("the step's percent", self.step_percent, STEP_PERCENT),
            ("the bake time", self.bake_minutes, (0, MOST_MINUTES)),
            ("the canary's bake time", self.canary_bake_minutes, (0, MOST_MINUTES)),
            ("the step's bake time", self.step_bake_minutes, (0, MOST_MINUTES)),
        ):
            if not low <= value <= high:
                raise BadStrategy(problem=f"{what} is {value:g}, and ECS takes {low:g} to {high:g}")

    @property
    def minutes(self) -> int:
        """What all bakes take together."""
        if self.kind == CANARY:
            return self.bake_minutes + self.canary_bake_minutes
        if self.kind == LINEAR:
            return self.bake_minutes + self.step_bake_minutes * (len(shares(self.kind, self.step_percent)) - 1)
        return self.bake_minutes


def shares(kind: str, percent: float) -> tuple[float, ...]:
    """Green's share of production after each step, in percent; the last is 100."""
    if kind == CANARY:
        return (percent, 100.0)
    if kind != LINEAR:
        return (100.0,)
    below: list[float] = []
    while (share := round(percent * (len(below) + 1), 1)) < 100:
        below.append(share)
    return (*below, 100.0)


def configuration(strategy: Strategy) -> DeploymentConfigurationTypeDef:
    """All of it with its PAUSE; nothing is left out, as ECS keeps the live value of what is left out."""
    block: DeploymentConfigurationTypeDef = {
        "strategy": STRATEGIES[strategy.kind],  # type: ignore[typeddict-item]  # a str to mypy
        "bakeTimeInMinutes": strategy.bake_minutes,
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "alarms": {"alarmNames": list(strategy.alarms), "enable": bool(strategy.alarms), "rollback": True},
        "lifecycleHooks": [
            {
                "targetType": "PAUSE",
                "lifecycleStages": list(HOOK_STAGES),
                "timeoutConfiguration": {"timeoutInMinutes": HOOK_MINUTES, "action": "ROLLBACK"},
            }
        ],
    }
    if strategy.kind == CANARY:
        block["canaryConfiguration"] = {
            "canaryPercent": strategy.canary_percent,
            "canaryBakeTimeInMinutes": strategy.canary_bake_minutes,
        }
    if strategy.kind == LINEAR:
        block["linearConfiguration"] = {
            "stepPercent": strategy.step_percent,
            "stepBakeTimeInMinutes": strategy.step_bake_minutes,
        }
    return block


def at_once() -> DeploymentConfigurationTypeDef:
    """All traffic in one shift, without a pause and without a bake: for `rollback --now`."""
    return configuration(Strategy(BLUE_GREEN, bake_minutes=0)) | {"lifecycleHooks": []}


def parameters(strategy: Strategy) -> dict[str, str]:
    """What service.yaml is told, so that its block is the same."""
    return {
        "Strategy": STRATEGIES[strategy.kind],
        "BakeTimeInMinutes": str(strategy.bake_minutes),
        "CanaryPercent": f"{strategy.canary_percent:g}",
        "CanaryBakeTimeInMinutes": str(strategy.canary_bake_minutes),
        "StepPercent": f"{strategy.step_percent:g}",
        "StepBakeTimeInMinutes": str(strategy.step_bake_minutes),
        "AlarmNames": ",".join(strategy.alarms),
        "HookTimeoutInMinutes": str(HOOK_MINUTES),
    }
