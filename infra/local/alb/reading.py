"""Reads ELBv2's records from moto in one go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infra.local.alb.conditions import read_condition
from infra.local.alb.records import (
    Action,
    BalancerSettings,
    FixedResponse,
    Forward,
    HealthSettings,
    Listener,
    Records,
    Redirect,
    Rule,
    TargetGroup,
    TargetStickiness,
    is_address,
)

STICKY_SECONDS = 86400
REDIRECT_STATUS = {"HTTP_301": 301, "HTTP_302": 302}
REDIRECT_PARTS = {"protocol": "Protocol", "host": "Host", "port": "Port", "path": "Path", "query": "Query"}


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
    certificates = tuple(dict.fromkeys(filter(None, listener.certificates)))
    return Listener(
        listener.arn, balancer.name, balancer.dns_name, int(listener.port), parsed,
        listener.protocol or "HTTP", certificates, balancer.arn, _settings(balancer.attrs),
    )  # fmt: skip


def _settings(attributes: Mapping[str, Any]) -> BalancerSettings:
    def flag(name: str, default: bool) -> bool:
        return str(attributes.get(name, default)).lower() == "true"

    return BalancerSettings(
        idle_timeout=int(attributes.get("idle_timeout.timeout_seconds", 60)),
        client_keep_alive=int(attributes.get("client_keep_alive.seconds", 3600)),
        xff_mode=str(attributes.get("routing.http.xff_header_processing.mode", "append")),
        xff_client_port=flag("routing.http.xff_client_port.enabled", False),
        tls_headers=flag("routing.http.x_amzn_tls_version_and_cipher_suite.enabled", False),
        http2=flag("routing.http2.enabled", True),
    )


def _priority(priority: Any) -> int:
    return int(priority) if str(priority).isdigit() else 0


def _rule(rule: Any) -> Rule | None:
    """None where a condition or the action is of a kind that is not served: such a rule never matches."""
    conditions = tuple(read_condition(each) for each in rule.conditions or ())
    action = _action(rule.actions[-1].data)
    if action is None or None in conditions:
        return None
    return Rule(rule.arn, tuple(each for each in conditions if each is not None), action)


def _action(action: Mapping[str, Any]) -> Action | None:
    if action["Type"] == "forward":
        return _forward(action)
    if action["Type"] == "fixed-response":
        fixed = action["FixedResponseConfig"]
        return FixedResponse(
            int(fixed["StatusCode"]), fixed.get("ContentType") or "text/plain", fixed.get("MessageBody", "") or ""
        )
    if action["Type"] == "redirect":
        config = action["RedirectConfig"]
        parts = {name: str(config[key]) for name, key in REDIRECT_PARTS.items() if config.get(key) is not None}
        return Redirect(REDIRECT_STATUS[config["StatusCode"]], **parts)
    return None


def _forward(action: Mapping[str, Any]) -> Forward:
    """Sorted, so that weights which are written in another order are no change of structure."""
    config = action.get("ForwardConfig") or {}
    groups = config.get("TargetGroups") or [{"TargetGroupArn": action["TargetGroupArn"], "Weight": 1}]
    weights = tuple(sorted((each["TargetGroupArn"], int(each.get("Weight", 1))) for each in groups))
    sticky = config.get("TargetGroupStickinessConfig") or {}
    if str(sticky.get("Enabled", False)).lower() != "true":
        return Forward(weights)
    return Forward(weights, int(sticky.get("DurationSeconds") or STICKY_SECONDS))


def _target_group(group: Any) -> TargetGroup:
    attributes = group.attributes
    targets = ((each["Id"], int(each["Port"])) for each in list(group.targets.values()))
    return TargetGroup(
        group.arn,
        _health(group),
        float(attributes["deregistration_delay.timeout_seconds"]),
        frozenset(each for each in targets if is_address(each[0])),
        protocol=group.protocol or "HTTP",
        version=group.protocol_version or "HTTP1",
        algorithm=str(attributes.get("load_balancing.algorithm.type", "round_robin")),
        stickiness=_stickiness(attributes),
    )


def _health(group: Any) -> HealthSettings:
    return HealthSettings(
        path=group.health_check_path or "/",
        port=str(group.health_check_port or "traffic-port"),
        interval=float(group.health_check_interval_seconds),
        timeout=float(group.health_check_timeout_seconds),
        healthy_threshold=int(group.healthy_threshold_count),
        unhealthy_threshold=int(group.unhealthy_threshold_count),
        matcher=str((getattr(group, "matcher", None) or {}).get("HttpCode") or "200"),
        protocol=group.health_check_protocol or "HTTP",
        enabled=bool(group.health_check_enabled),
    )


def _stickiness(attributes: Mapping[str, Any]) -> TargetStickiness | None:
    if str(attributes.get("stickiness.enabled", "false")).lower() != "true":
        return None
    kind = attributes.get("stickiness.type", "lb_cookie")
    seconds = int(attributes.get(f"stickiness.{kind}.duration_seconds", STICKY_SECONDS))
    cookie = attributes.get("stickiness.app_cookie.cookie_name", "") if kind == "app_cookie" else ""
    return TargetStickiness(seconds, cookie)
