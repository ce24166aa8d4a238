"""How a deployment goes: the whole block that UpdateService is given, the same as service.yaml has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import DeploymentConfigurationTypeDef

# The pause at which evidence is judged, and how long it waits for its judge before ECS rolls back.
HOOK_STAGE: Final = "POST_TEST_TRAFFIC_SHIFT"
HOOK_MINUTES = 30


def configuration(bake_minutes: int) -> DeploymentConfigurationTypeDef:
    """Blue/green with one PAUSE; nothing is left out, as ECS keeps the live value of what is left out."""
    return {
        "strategy": "BLUE_GREEN",
        "bakeTimeInMinutes": bake_minutes,
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "lifecycleHooks": [
            {
                "targetType": "PAUSE",
                "lifecycleStages": [HOOK_STAGE],
                "timeoutConfiguration": {"timeoutInMinutes": HOOK_MINUTES, "action": "ROLLBACK"},
            }
        ],
    }
