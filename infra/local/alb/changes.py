"""Changes to ELBv2's records that moto makes wrongly or not at all. `backend` is moto's ELBv2 backend of a region."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from infra.local.alb.errors import NotPermitted, PriorityInUse, RuleNotFound

DELAY = "deregistration_delay.timeout_seconds"


def listeners(backend: Any) -> Iterator[tuple[Any, Any]]:
    """All (load balancer, listener)."""
    for balancer in list(backend.load_balancers.values()):
        for listener in list(balancer.listeners.values()):
            yield balancer, listener


def find_rule(backend: Any, arn: str) -> tuple[Any, Any] | None:
    """(listener, rule), or None where there is no such rule."""
    for _, listener in listeners(backend):
        for rule in list(listener.rules.values()):
            if rule.arn == arn:
                return listener, rule
    return None


def register(group: Any, targets: Iterable[Mapping[str, Any]]) -> None:
    """Register targets by Id and port: one address may have several."""
    for target in targets:
        port = int(target.get("Port") or group.port)
        group.targets[f"{target['Id']}:{port}"] = {"Id": target["Id"], "Port": port}


def deregister(group: Any, targets: Iterable[Mapping[str, Any]]) -> None:
    """Deregister targets; without a port the group's is meant. One that is not registered is no error."""
    for target in targets:
        group.targets.pop(f"{target['Id']}:{int(target.get('Port') or group.port)}", None)


def modify_rule(backend: Any, arn: str, conditions: Sequence[Any], actions: Sequence[Any]) -> Any:
    """Change a rule; of a default rule the listener's default actions follow. Gives moto's rule."""
    found = find_rule(backend, arn)
    if found is None:
        raise RuleNotFound
    listener, rule = found
    if rule.is_default and conditions:
        raise NotPermitted(f"Default rule '{arn}' cannot have conditions")
    backend.modify_rule(arn, list(conditions), list(actions))
    if rule.is_default:
        listener.default_actions = rule.actions
    return rule


def set_priorities(backend: Any, priorities: Mapping[str, int]) -> list[Any]:
    """Give rules (by ARN) new priorities, all at once, so that two may change places. Gives moto's rules."""
    rules = []
    for arn, priority in priorities.items():
        found = find_rule(backend, arn)
        if found is None:
            raise RuleNotFound
        listener, rule = found
        if rule.is_default:
            raise NotPermitted(f"Default rule '{arn}' cannot have a priority")
        others = [each for each in listener.rules.values() if each.arn not in priorities]
        if priority in {int(each.priority) for each in others if not each.is_default}:
            raise PriorityInUse(priority)
        rules.append(rule)
    for rule in rules:
        rule.priority = priorities[rule.arn]
    return rules


def set_group_attributes(backend: Any, arn: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Write a target group's attributes; gives all it has then. moto refuses the longest deregistration delay."""
    group = backend.target_groups[arn]
    delay = {key: value for key, value in attributes.items() if key == DELAY}
    backend.modify_target_group_attributes(arn, {key: value for key, value in attributes.items() if key != DELAY})
    group.attributes.update(delay)
    return dict(group.attributes)


def associate(backend: Any) -> None:
    """Have each target group know the load balancers whose rules name it, as DescribeTargetGroups shows."""
    owners: dict[str, list[str]] = {arn: [] for arn in backend.target_groups}
    for balancer, listener in listeners(backend):
        for rule in list(listener.rules.values()):
            for group in (group for action in rule.actions for group in groups_of(action.data)):
                if balancer.arn not in owners.setdefault(group, []):
                    owners[group].append(balancer.arn)
    for arn, group in list(backend.target_groups.items()):
        group.load_balancer_arns = owners.get(arn, [])


def groups_of(action: Mapping[str, Any]) -> dict[str, int]:
    """An action's target groups and their weights."""
    if action.get("Type") not in (None, "forward"):
        return {}
    groups = (action.get("ForwardConfig") or {}).get("TargetGroups")
    if groups:
        return {each["TargetGroupArn"]: int(each.get("Weight", 1)) for each in groups}
    return {action["TargetGroupArn"]: 1} if action.get("TargetGroupArn") else {}
