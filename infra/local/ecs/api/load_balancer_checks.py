"""What ECS checks of loadBalancers at once (developer guide, "troubleshooting-blue-green"); more rolls back later."""

from __future__ import annotations

import re
from typing import Any

from infra.local.ecs.errors import InvalidParameter, NotServed
from infra.local.ecs.interfaces import LoadBalancing
from infra.local.ecs.model import TaskDefinition

RULE_ARN = re.compile(r"arn:[\w-]+:elasticloadbalancing:[\w-]+:\d{12}:listener-rule/app/.+")
BAD_RULE_ARN = "has an invalid ARN format. Must be RuleArn for ALB or ListenerArn for NLB"


def check_load_balancers(settings: dict[str, Any], definition: TaskDefinition, balancing: LoadBalancing) -> None:
    """Raise InvalidParameter, or NotServed."""
    strategy = settings["deploymentConfiguration"].get("strategy", "ROLLING")
    entries = settings.get("loadBalancers") or ()
    groups: list[Any] = []
    for entry in entries:
        if entry.get("loadBalancerName"):
            raise NotServed("Classic Load Balancers")
        advanced = entry.get("advancedConfiguration") or {}
        if strategy != "ROLLING":
            _check_advanced(advanced, strategy)
        groups += [entry.get("targetGroupArn"), *([advanced["alternateTargetGroupArn"]] if advanced else [])]
    for group in groups:
        if not group or not balancing.target_group_exists(group):
            raise InvalidParameter(f"The target group {group} does not exist.")
        if groups.count(group) > 1:
            raise InvalidParameter("The target group ARNs must be unique.")
    for entry in entries:
        _check_port(entry, definition)
        _check_test_rule(entry, strategy, balancing)


def _check_advanced(advanced: dict[str, Any], strategy: str) -> None:
    if not advanced.get("alternateTargetGroupArn") or not advanced.get("productionListenerRule"):
        raise InvalidParameter(f"advancedConfiguration is required for all loadBalancers of a {strategy} deployment.")
    for name in ("productionListenerRule", "testListenerRule"):
        arn = advanced.get(name)
        if arn is not None and not RULE_ARN.fullmatch(arn):
            raise InvalidParameter(f"{name} {arn} {BAD_RULE_ARN}")
    if advanced["productionListenerRule"] == advanced.get("testListenerRule"):
        raise InvalidParameter(
            f"{advanced['productionListenerRule']} cannot be used as both production and test listener rules"
        )


def _check_test_rule(entry: dict[str, Any], strategy: str, balancing: LoadBalancing) -> None:
    """Without a test rule both groups have to hang on the production rule."""
    advanced = entry.get("advancedConfiguration") or {}
    if strategy == "ROLLING" or advanced.get("testListenerRule"):
        return
    rule = balancing.rule(advanced["productionListenerRule"])
    if rule is not None and not {entry["targetGroupArn"], advanced["alternateTargetGroupArn"]} <= set(rule.weights):
        raise InvalidParameter("testListenerRule is required when targetGroup and alternateTargetGroup are not both "
                               "associated with the productionListenerRule.")  # fmt: skip


def _check_port(entry: dict[str, Any], definition: TaskDefinition) -> None:
    name, port = entry.get("containerName"), entry.get("containerPort")
    containers = {each["name"]: each for each in definition.containers}
    if name not in containers:
        raise InvalidParameter(f"The container {name} does not exist in the task definition.")
    if port not in [each.get("containerPort") for each in containers[name].get("portMappings") or ()]:
        raise InvalidParameter(f"The container {name} did not have a container port {port} defined.")
