"""ELBv2's records as plain frozen data, read from moto in one go. Everything else of this package works on these."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

ID_LENGTH = 12


def short_id(arn: str) -> str:
    """A name for an ARN that HAProxy takes everywhere."""
    return hashlib.sha256(arn.encode()).hexdigest()[:ID_LENGTH]


@dataclass(frozen=True)
class Forward:
    """Target group ARN to weight, in the action's order."""

    weights: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class FixedResponse:
    """An answer without a target."""

    status: int
    content_type: str
    body: str


@dataclass(frozen=True)
class Condition:
    """One condition of a rule: any of the regular expressions matches the field."""

    field: str
    patterns: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """A rule of a listener; conditions all have to hold."""

    arn: str
    conditions: tuple[Condition, ...]
    action: Forward | FixedResponse


@dataclass(frozen=True)
class Listener:
    """A listener with its rules by priority, the default one last."""

    arn: str
    load_balancer: str
    dns_name: str
    port: int
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class HealthSettings:
    """A target group's health check; times in seconds."""

    path: str = "/"
    port: str = "traffic-port"
    interval: float = 30.0
    timeout: float = 5.0
    healthy_threshold: int = 5
    unhealthy_threshold: int = 2
    matcher: str = "200"


@dataclass(frozen=True)
class TargetGroup:
    """A target group; `targets` are the registered (address, port) pairs."""

    arn: str
    health: HealthSettings
    deregistration_delay: float
    targets: frozenset[tuple[str, int]]


@dataclass(frozen=True)
class Records:
    """All load balancers' listeners, oldest first, and all target groups."""

    listeners: tuple[Listener, ...] = ()
    target_groups: tuple[TargetGroup, ...] = ()

    @property
    def in_use(self) -> frozenset[str]:
        """Target groups that some rule names, be it with weight 0."""
        rules = (rule for listener in self.listeners for rule in listener.rules)
        forwards = (rule.action for rule in rules if isinstance(rule.action, Forward))
        return frozenset(group for forward in forwards for group, _ in forward.weights)


def read_records(backends: Iterable[Any]) -> Records:
    """The records of moto's ELBv2 backends (one a region)."""
    listeners: list[Listener] = []
    groups: list[TargetGroup] = []
    for backend in backends:
        for balancer in list(backend.load_balancers.values()):
            listeners.extend(_listener(balancer, each) for each in list(balancer.listeners.values()))
        groups.extend(_target_group(each) for each in list(backend.target_groups.values()))
    return Records(tuple(listeners), tuple(groups))


def _listener(balancer: Any, listener: Any) -> Listener:
    rules = sorted(listener.rules.values(), key=lambda rule: (rule.is_default, _priority(rule.priority)))
    parsed = tuple(rule for rule in map(_rule, rules) if rule is not None)
    return Listener(listener.arn, balancer.name, balancer.dns_name, int(listener.port), parsed)


def _priority(priority: Any) -> int:
    return int(priority) if str(priority).isdigit() else 0


def _rule(rule: Any) -> Rule | None:
    conditions = tuple(_condition(each) for each in rule.conditions or ())
    action = _action(rule.actions[-1].data)
    if action is None or None in conditions:
        return None
    return Rule(rule.arn, tuple(each for each in conditions if each is not None), action)


def _condition(condition: Mapping[str, Any]) -> Condition | None:
    """Wildcards become regular expressions. A kind that is not served gives None, and its rule never matches."""
    field = condition.get("Field", "")
    key = {"path-pattern": "PathPatternConfig", "host-header": "HostHeaderConfig",
           "http-request-method": "HttpRequestMethodConfig"}.get(field)  # fmt: skip
    if key is None:
        return None
    values = (condition.get(key) or {}).get("Values") or condition.get("Values") or []
    return Condition(field, tuple(_regular_expression(value) for value in values))


def _regular_expression(wildcard: str) -> str:
    translated = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in wildcard)
    return f"^{translated}$"


def _action(action: Mapping[str, Any]) -> Forward | FixedResponse | None:
    if action["Type"] == "forward":
        config = action.get("ForwardConfig") or {}
        groups = config.get("TargetGroups") or [{"TargetGroupArn": action["TargetGroupArn"], "Weight": 1}]
        return Forward(tuple((each["TargetGroupArn"], int(each.get("Weight", 1))) for each in groups))
    if action["Type"] == "fixed-response":
        fixed = action["FixedResponseConfig"]
        return FixedResponse(
            int(fixed["StatusCode"]), fixed.get("ContentType", "text/plain"), fixed.get("MessageBody", "") or ""
        )
    return None


def _target_group(group: Any) -> TargetGroup:
    health = HealthSettings(
        path=group.health_check_path or "/",
        port=str(group.health_check_port or "traffic-port"),
        interval=float(group.health_check_interval_seconds),
        timeout=float(group.health_check_timeout_seconds),
        healthy_threshold=int(group.healthy_threshold_count),
        unhealthy_threshold=int(group.unhealthy_threshold_count),
        matcher=str((getattr(group, "matcher", None) or {}).get("HttpCode") or "200"),
    )
    delay = float(group.attributes["deregistration_delay.timeout_seconds"])
    targets = frozenset((each["Id"], int(each["Port"])) for each in list(group.targets.values()))
    return TargetGroup(group.arn, health, delay, targets)


def status_matches(matcher: str, status: int) -> bool:
    """Whether a status is in a matcher such as `200`, `200,204` or `200-299`."""
    for part in matcher.split(","):
        low, _, high = part.strip().partition("-")
        if int(low) <= status <= int(high or low):
            return True
    return False
