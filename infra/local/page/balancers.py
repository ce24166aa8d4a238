"""Load balancers and target groups as the page shows them, read from moto's ELBv2 and the targets' real health."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Health = Callable[[str, str, int], tuple[str, str | None, str | None]]  # group, address, port -> state, reason, why
Urls = Callable[[str], str | None]  # a listener's ARN -> where it listens on this machine
Shown = dict[str, Any]
CONDITION_VALUES = {
    "path-pattern": "PathPatternConfig",
    "host-header": "HostHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "source-ip": "SourceIpConfig",
}


def read_balancers(backends: Iterable[Any], url: Urls) -> list[Shown]:
    """Every load balancer with its listeners, and their rules by priority, the default one last."""
    return [
        {"name": balancer.name, "listeners": [_listener(each, url) for each in _by_port(balancer)]}
        for backend in backends
        for balancer in list(backend.load_balancers.values())
    ]


def read_groups(backends: Iterable[Any], health: Health) -> list[Shown]:
    """Every target group with its targets, those that are draining too."""
    groups = (group for backend in backends for group in list(backend.target_groups.values()))
    return [{"arn": each.arn, "name": each.name, "targets": _targets(each, health)} for each in groups]


def _by_port(balancer: Any) -> list[Any]:
    return sorted(balancer.listeners.values(), key=lambda each: int(each.port))


def _listener(listener: Any, url: Urls) -> Shown:
    rules = sorted(listener.rules.values(), key=_order)
    return {
        "port": int(listener.port),
        "protocol": listener.protocol or "HTTP",
        "url": url(listener.arn),
        "rules": [_rule(each) for each in rules],
    }


def _order(rule: Any) -> tuple[bool, int]:
    return bool(rule.is_default), int(rule.priority) if str(rule.priority).isdigit() else 0


def _rule(rule: Any) -> Shown:
    priority = "default" if rule.is_default else str(rule.priority)
    conditions = [_condition(each) for each in rule.conditions or ()]
    return {"arn": rule.arn, "priority": priority, "conditions": conditions, "action": _action(rule.actions[-1].data)}


def _condition(condition: Mapping[str, Any]) -> str:
    """A condition in words, e.g. `path-pattern /api/*`."""
    field = condition.get("Field", "")
    if field == "http-header":
        config = condition.get("HttpHeaderConfig") or {}
        return f"http-header {config.get('HttpHeaderName')}: {' or '.join(config.get('Values', []))}"
    if field == "query-string":
        pairs = (condition.get("QueryStringConfig") or {}).get("Values", [])
        return "query-string " + " or ".join(f"{each.get('Key', '*')}={each.get('Value', '')}" for each in pairs)
    config = condition.get(CONDITION_VALUES.get(field, "")) or {}
    return f"{field} {' or '.join(config.get('Values') or condition.get('Values') or [])}"


def _action(action: Mapping[str, Any]) -> Shown:
    if action["Type"] == "fixed-response":
        return {"kind": "fixed-response", "text": f"answers {action['FixedResponseConfig']['StatusCode']}"}
    if action["Type"] != "forward":
        return {"kind": action["Type"], "text": action["Type"]}
    config = action.get("ForwardConfig") or {}
    groups = config.get("TargetGroups") or [{"TargetGroupArn": action["TargetGroupArn"], "Weight": 1}]
    weights = {each["TargetGroupArn"]: int(each.get("Weight", 1)) for each in groups}
    return {"kind": "forward", "groups": [_share(arn, weight, weights.values()) for arn, weight in weights.items()]}


def _share(arn: str, weight: int, weights: Iterable[int]) -> Shown:
    total = sum(weights)
    return {"name": group_name(arn), "weight": weight, "percent": round(100 * weight / total, 1) if total else 0}


def group_name(arn: str) -> str:
    """A target group's name, from its ARN."""
    return arn.split(":targetgroup/")[-1].split("/")[0]


def _targets(group: Any, health: Health) -> list[Shown]:
    shown = []
    for target in list(group.targets.values()):
        state, reason, why = health(group.arn, str(target["Id"]), int(target["Port"]))
        shown.append({"address": f"{target['Id']}:{target['Port']}", "state": state, "reason": reason, "why": why})
    return shown
