"""What a deploymentConfiguration may say (API: DeploymentConfiguration, CanaryConfiguration, LinearConfiguration)."""

from __future__ import annotations

from typing import Any

from infra.local.ecs.errors import InvalidParameter, NotServed

TRAFFIC_STAGES = frozenset({"TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"})
BAKE_RANGE, PAUSE_RANGE, MAX_PAUSES = (0, 1440), (1, 20160), 10
OWN_SETTINGS = {"CANARY": "canaryConfiguration", "LINEAR": "linearConfiguration"}
STEP_RANGES = {"canaryPercent": (0.1, 100.0), "stepPercent": (3.0, 100.0)}
BAKES = ("canaryBakeTimeInMinutes", "stepBakeTimeInMinutes")
DEFAULTS: dict[str, Any] = {"maximumPercent": 200, "minimumHealthyPercent": 100}
TENTHS = 1e-6


def check_configuration(configuration: dict[str, Any]) -> None:
    """Raise InvalidParameter as ECS does at once, or NotServed."""
    strategy = configuration.get("strategy", "ROLLING")
    if strategy == "BLUE_GREEN" and "bakeTimeInMinutes" not in configuration:
        raise InvalidParameter("bakeTimeInMinutes is required for the BLUE_GREEN deployment strategy.")
    _check_range("bakeTimeInMinutes", configuration.get("bakeTimeInMinutes", 0), BAKE_RANGE)
    for owner, member in OWN_SETTINGS.items():
        if owner == strategy:
            _check_steps(configuration.get(member) or {})
        elif configuration.get(member):
            raise InvalidParameter(f"{member} can only be specified for the {owner} deployment strategy.")
    _check_percents(configuration)
    _check_breaker(configuration.get("deploymentCircuitBreaker") or {})
    _check_alarms(configuration.get("alarms") or {})
    _check_hooks(configuration.get("lifecycleHooks") or [])


def _check_steps(settings: dict[str, Any]) -> None:
    for name, allowed in STEP_RANGES.items():
        if name in settings:
            _check_range(name, settings[name], allowed)
            if abs(settings[name] * 10 - round(settings[name] * 10)) > TENTHS:
                raise InvalidParameter(f"{name} must be a multiple of 0.1.")
    for name in BAKES:
        _check_range(name, settings.get(name, 0), BAKE_RANGE)


def _check_percents(configuration: dict[str, Any]) -> None:
    maximum, minimum = configuration.get("maximumPercent", 200), configuration.get("minimumHealthyPercent", 100)
    if not 0 <= minimum <= 100:
        raise InvalidParameter("minimumHealthyPercent must be between 0 and 100.")
    if maximum < 100:
        raise InvalidParameter("maximumPercent must be at least 100.")
    if maximum == minimum == 100 and configuration.get("strategy", "ROLLING") == "ROLLING":
        raise InvalidParameter(
            "maximumPercent and minimumHealthyPercent cannot both be 100 as this will block deployments."
        )


def _check_breaker(settings: dict[str, Any]) -> None:
    threshold = settings.get("thresholdConfiguration") or {}
    if threshold.get("value", 1) < 1:
        raise InvalidParameter("The value of a circuit breaker's threshold must be at least 1.")


def _check_alarms(settings: dict[str, Any]) -> None:
    if settings.get("enable") and not settings.get("alarmNames"):
        raise InvalidParameter("alarmNames must contain at least one alarm when alarms are enabled.")


def _check_hooks(hooks: list[dict[str, Any]]) -> None:
    for hook in hooks:
        if hook.get("targetType", "AWS_LAMBDA") != "PAUSE":
            raise NotServed("lifecycle hooks of the type AWS_LAMBDA (PAUSE is)", "targetType defaults to AWS_LAMBDA.")
        if "hookTargetArn" in hook or "roleArn" in hook:
            raise InvalidParameter("hookTargetArn and roleArn cannot be specified for a PAUSE lifecycle hook.")
        if not hook.get("lifecycleStages"):
            raise InvalidParameter("lifecycleStages must contain at least one stage.")
        if wrong := sorted(TRAFFIC_STAGES.intersection(hook["lifecycleStages"])):
            raise InvalidParameter(f"PAUSE lifecycle hooks are not supported at the stage {wrong[0]}.")
        timeout = hook.get("timeoutConfiguration") or {}
        _check_range("timeoutInMinutes", timeout.get("timeoutInMinutes", PAUSE_RANGE[0]), PAUSE_RANGE)
    if len(hooks) > MAX_PAUSES:
        raise InvalidParameter(f"A service can have at most {MAX_PAUSES} PAUSE lifecycle hooks.")


def _check_range(name: str, value: float, allowed: tuple[float, float]) -> None:
    if not allowed[0] <= value <= allowed[1]:
        raise InvalidParameter(f"{name} must be between {allowed[0]} and {allowed[1]}.")
