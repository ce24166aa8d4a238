"""What a service may be configured as: ECS's own checks and words, and refusals of what is not served here."""

from __future__ import annotations

import re
from typing import Any

from infra.local.ecs.errors import InvalidParameter, NotServed
from infra.local.ecs.interfaces import LoadBalancing
from infra.local.ecs.model import TaskDefinition

RULE_ARN = re.compile(r"arn:[\w-]+:elasticloadbalancing:[\w-]+:\d{12}:listener-rule/app/.+")
BAD_RULE_ARN = "has an invalid ARN format. Must be RuleArn for ALB or ListenerArn for NLB"
TRAFFIC_STAGES = frozenset({"TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"})
BAKE_RANGE, PAUSE_RANGE, MAX_PAUSES = (0, 1440), (1, 20160), 10
DEFAULTS: dict[str, Any] = {
    "schedulingStrategy": "REPLICA",
    "deploymentController": {"type": "ECS"},
    "healthCheckGracePeriodSeconds": 0,
    "enableECSManagedTags": False,
    "enableExecuteCommand": False,
    "propagateTags": "NONE",
    "launchType": "FARGATE",
    "platformVersion": "LATEST",
}
CONFIGURATION_DEFAULTS: dict[str, Any] = {"maximumPercent": 200, "minimumHealthyPercent": 100}


def check_settings(settings: dict[str, Any], definition: TaskDefinition, balancing: LoadBalancing) -> None:
    """Raise InvalidParameter as ECS does at once, or NotServed."""
    if settings["deploymentController"]["type"] != "ECS":
        raise NotServed(f"the deployment controller {settings['deploymentController']['type']}")
    if settings["schedulingStrategy"] != "REPLICA":
        raise NotServed(f"the scheduling strategy {settings['schedulingStrategy']}")
    _check_configuration(settings["deploymentConfiguration"])
    if len(settings.get("loadBalancers") or ()) > 1:
        raise NotServed("services with more than one entry in loadBalancers")
    for entry in settings.get("loadBalancers") or ():
        _check_load_balancer(entry, definition, balancing)


def _check_configuration(configuration: dict[str, Any]) -> None:
    strategy = configuration.get("strategy", "ROLLING")
    if strategy != "BLUE_GREEN":
        raise NotServed(f"the deployment strategy {strategy} (BLUE_GREEN is)")
    if "bakeTimeInMinutes" not in configuration:
        raise InvalidParameter("bakeTimeInMinutes is required for the BLUE_GREEN deployment strategy.")
    _check_range("bakeTimeInMinutes", configuration["bakeTimeInMinutes"], BAKE_RANGE)
    if (configuration.get("alarms") or {}).get("enable"):
        raise NotServed("deployment alarms")
    breaker = configuration.get("deploymentCircuitBreaker") or {}
    if breaker.get("enable") and not breaker.get("rollback"):
        raise NotServed("a deployment circuit breaker without rollback")
    _check_hooks(configuration.get("lifecycleHooks") or [])


def _check_hooks(hooks: list[dict[str, Any]]) -> None:
    for hook in hooks:
        if hook.get("targetType", "AWS_LAMBDA") != "PAUSE":
            raise NotServed("lifecycle hooks of the type AWS_LAMBDA (PAUSE is)")
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


def _check_range(name: str, value: int, allowed: tuple[int, int]) -> None:
    if not allowed[0] <= value <= allowed[1]:
        raise InvalidParameter(f"{name} must be between {allowed[0]} and {allowed[1]}.")


def _check_load_balancer(entry: dict[str, Any], definition: TaskDefinition, balancing: LoadBalancing) -> None:
    advanced = entry.get("advancedConfiguration")
    if not advanced or not advanced.get("alternateTargetGroupArn") or not advanced.get("productionListenerRule"):
        raise InvalidParameter("advancedConfiguration is required for all loadBalancers of a BLUE_GREEN deployment.")
    _check_rules(advanced)
    groups = [entry.get("targetGroupArn"), advanced["alternateTargetGroupArn"]]
    if groups[0] == groups[1]:
        raise InvalidParameter("The target group ARNs must be unique.")
    for group in groups:
        if not group or not balancing.target_group_exists(group):
            raise InvalidParameter(f"The target group {group} does not exist.")
    _check_port(entry, definition)


def _check_rules(advanced: dict[str, Any]) -> None:
    for name in ("productionListenerRule", "testListenerRule"):
        arn = advanced.get(name)
        if arn is not None and not RULE_ARN.fullmatch(arn):
            raise InvalidParameter(f"{name} {arn} {BAD_RULE_ARN}")
    if advanced["productionListenerRule"] == advanced.get("testListenerRule"):
        raise InvalidParameter(
            f"{advanced['productionListenerRule']} cannot be used as both production and test listener rules"
        )


def _check_port(entry: dict[str, Any], definition: TaskDefinition) -> None:
    name, port = entry.get("containerName"), entry.get("containerPort")
    containers = {each["name"]: each for each in definition.body["containerDefinitions"]}
    if name not in containers:
        raise InvalidParameter(f"The container {name} does not exist in the task definition.")
    if port not in [each.get("containerPort") for each in containers[name].get("portMappings") or ()]:
        raise InvalidParameter(f"The container {name} did not have a container port {port} defined.")
