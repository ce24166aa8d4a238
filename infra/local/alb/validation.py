"""ELBv2's own checks that moto lacks. Each takes an operation's input, and raises Elbv2Error.

Source: the ELBv2 API reference's constraints (botocore's model), and its user guide's quotas.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from infra.local.alb.changes import find_rule, groups_of, listeners
from infra.local.alb.errors import (
    AssociationLimit,
    CertificateNotFound,
    DuplicateListener,
    DuplicateName,
    Invalid,
    NotPermitted,
    NotServed,
    PriorityInUse,
    RuleNotFound,
    TargetGroupNotFound,
)
from infra.local.alb.sameness import same_balancer

MAX_WEIGHT, MAX_GROUPS, MAX_PRIORITY = 999, 5, 50000
NAME = re.compile(r"^(?!-)(?!internal-)[A-Za-z0-9-]{1,32}(?<!-)$")
HEADER_NAME = re.compile(r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}$")
FIXED_STATUS = re.compile(r"^[245]\d\d$")
SERVED_ACTIONS = {"forward", "redirect", "fixed-response"}
LISTENER_PROTOCOLS = {"HTTP", "HTTPS"}
Range = tuple[int, int]
HEALTH_RANGES: Mapping[str, Range] = {
    "HealthCheckIntervalSeconds": (5, 300),
    "HealthCheckTimeoutSeconds": (2, 120),
    "HealthyThresholdCount": (2, 10),
    "UnhealthyThresholdCount": (2, 10),
}
BALANCER_RANGES: Mapping[str, Range] = {
    "idle_timeout.timeout_seconds": (1, 4000),
    "client_keep_alive.seconds": (60, 604800),
}
GROUP_RANGES: Mapping[str, Range] = {
    "deregistration_delay.timeout_seconds": (0, 3600),
    "stickiness.lb_cookie.duration_seconds": (1, 604800),
    "stickiness.app_cookie.duration_seconds": (1, 604800),
}
XFF_MODES = {"append", "preserve", "remove"}
ALGORITHMS = {"round_robin", "least_outstanding_requests", "weighted_random"}

Given = Mapping[str, Any]


def check(backend: Any, operation: str, given: Given) -> None:
    """Check an operation's input against the records of its region."""
    checker = _CHECKS.get(operation)
    if checker is not None:
        checker(backend, given)


def check_actions(actions: Iterable[Given]) -> None:
    """Kinds, weights and answers of a rule's actions."""
    for action in actions:
        if action["Type"] not in SERVED_ACTIONS:
            raise NotServed(f"Action type '{action['Type']}'")
        if action["Type"] == "fixed-response" and not FIXED_STATUS.match(str(_fixed(action).get("StatusCode"))):
            raise Invalid("A fixed-response status code must be 2XX, 4XX or 5XX")
        _check_weights(groups_of(action))


def check_attributes(attributes: Mapping[str, Any], ranges: Mapping[str, Range]) -> None:
    """Values of the attributes that are numbers."""
    for key, (low, high) in ranges.items():
        value = attributes.get(key)
        if value is not None and not (str(value).isdigit() and low <= int(value) <= high):
            raise Invalid(f"'{key}' value '{value}' must be between '{low}-{high}' inclusive")
    slow_start = attributes.get("slow_start.duration_seconds")
    if slow_start is not None and str(slow_start) != "0":
        raise NotServed("Slow start")
    _one_of(attributes, "routing.http.xff_header_processing.mode", XFF_MODES)
    _one_of(attributes, "load_balancing.algorithm.type", ALGORITHMS)


def _one_of(attributes: Mapping[str, Any], key: str, allowed: set[str]) -> None:
    if key in attributes and attributes[key] not in allowed:
        raise Invalid(f"'{key}' must be one of [{', '.join(sorted(allowed))}]")


def _fixed(action: Given) -> Given:
    config: Given = action.get("FixedResponseConfig") or {}
    return config


def _check_weights(groups: Mapping[str, int]) -> None:
    if len(groups) > MAX_GROUPS:
        raise Invalid(f"An action can forward to at most '{MAX_GROUPS}' target groups")
    for weight in groups.values():
        if not 0 <= weight <= MAX_WEIGHT:
            raise Invalid(f"The weight of a target group must be between '0-{MAX_WEIGHT}' inclusive, not '{weight}'")


def _check_association(backend: Any, balancer_arn: str, actions: Iterable[Given]) -> None:
    for group in (group for action in actions for group in groups_of(action)):
        record = backend.target_groups.get(group)
        if record is None:
            raise TargetGroupNotFound
        if any(owner != balancer_arn for owner in record.load_balancer_arns):
            raise AssociationLimit(group)


def _check_conditions(conditions: Iterable[Given]) -> None:
    for condition in conditions:
        header = (condition.get("HttpHeaderConfig") or {}).get("HttpHeaderName")
        if header is not None and not HEADER_NAME.match(header):
            raise Invalid(f"The 'HttpHeaderName' value '{header}' is not a header's name")
        for network in (condition.get("SourceIpConfig") or {}).get("Values", []):
            _check_network(network)
        for expression in (value for config in condition.values() if isinstance(config, dict)
                           for value in config.get("RegexValues", [])):  # fmt: skip
            _check_expression(expression)


def _check_network(text: str) -> None:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError as error:
        raise Invalid(f"The 'source-ip' value '{text}' is not a CIDR block") from error


def _check_expression(text: str) -> None:
    try:
        re.compile(text)
    except re.error as error:
        raise Invalid(f"The 'RegexValues' value '{text}' is not a regular expression") from error


def _create_load_balancer(backend: Any, given: Given) -> None:
    name = given["Name"]
    if not NAME.match(name):
        raise Invalid(
            f"Load balancer name '{name}' must have 1 to 32 alphanumeric characters and hyphens, must neither begin "
            "nor end with a hyphen nor begin with 'internal-'"
        )
    if any(each.name == name and not same_balancer(each, given) for each in backend.load_balancers.values()):
        raise DuplicateName(name)
    if given.get("Type") not in (None, "application"):
        raise NotServed(f"Load balancer type '{given['Type']}'")


def _delete_load_balancer(backend: Any, given: Given) -> None:
    balancer = backend.load_balancers.get(given["LoadBalancerArn"])
    if balancer is not None and str(balancer.attrs.get("deletion_protection.enabled")).lower() == "true":
        raise NotPermitted(f"Load balancer '{balancer.arn}' cannot be deleted because deletion protection is enabled")


def _create_listener(backend: Any, given: Given) -> None:
    balancer = backend.load_balancers.get(given["LoadBalancerArn"])
    check_actions(given.get("DefaultActions", []))
    _check_association(backend, given["LoadBalancerArn"], given.get("DefaultActions", []))
    if balancer is not None:
        _check_port(balancer, given.get("Port"), "")
    _check_listener(backend, given, given.get("Protocol", ""))


def _modify_listener(backend: Any, given: Given) -> None:
    check_actions(given.get("DefaultActions", []))
    for balancer, listener in listeners(backend):
        if listener.arn == given["ListenerArn"]:
            _check_association(backend, balancer.arn, given.get("DefaultActions", []))
            _check_port(balancer, given.get("Port"), listener.arn)
            _check_listener(backend, given, given.get("Protocol", ""), known=bool(listener.certificates))


def _check_port(balancer: Any, port: Any, own: str) -> None:
    taken = {int(each.port) for each in balancer.listeners.values() if each.arn != own}
    if port is not None and int(port) in taken:
        raise DuplicateListener(int(port))


def _check_listener(backend: Any, given: Given, protocol: str, *, known: bool = False) -> None:
    if protocol and protocol not in LISTENER_PROTOCOLS:
        raise NotServed(f"Listener protocol '{protocol}'")
    certificates = [each["CertificateArn"] for each in given.get("Certificates", [])]
    if protocol == "HTTPS" and not certificates and not known:
        raise Invalid("A certificate must be specified for HTTPS listeners")
    for arn in certificates:
        if not backend._certificate_exists(arn):
            raise CertificateNotFound(arn)


def _add_certificates(backend: Any, given: Given) -> None:
    _check_listener(backend, given, "")


def _create_rule(backend: Any, given: Given) -> None:
    priority = int(given["Priority"])
    if not 1 <= priority <= MAX_PRIORITY:
        raise Invalid(f"Priority '{priority}' must be between '1-{MAX_PRIORITY}' inclusive")
    check_actions(given["Actions"])
    if not given["Conditions"]:
        raise Invalid("A condition must be specified")
    _check_conditions(given["Conditions"])
    for balancer, listener in listeners(backend):
        if listener.arn == given["ListenerArn"]:
            _check_association(backend, balancer.arn, given["Actions"])
            if any(str(rule.priority) == str(priority) for rule in listener.rules.values()):
                raise PriorityInUse(priority)


def _modify_rule(backend: Any, given: Given) -> None:
    check_actions(given.get("Actions", []))
    _check_conditions(given.get("Conditions", []))
    found = find_rule(backend, given["RuleArn"])
    if found is not None:
        _check_association(backend, found[0].load_balancer_arn, given.get("Actions", []))


def _delete_rule(backend: Any, given: Given) -> None:
    found = find_rule(backend, given["RuleArn"])
    if found is None:
        raise RuleNotFound
    if found[1].is_default:
        raise NotPermitted(f"Default rule '{given['RuleArn']}' cannot be deleted")


def _target_group(backend: Any, given: Given) -> None:
    for key, (low, high) in HEALTH_RANGES.items():
        value = given.get(key)
        if value is not None and not low <= int(value) <= high:
            raise Invalid(f"{key} value '{value}' must be between '{low}-{high}' inclusive")
    matcher = (given.get("Matcher") or {}).get("HttpCode")
    if matcher is not None and not _is_matcher(matcher):
        raise Invalid(f"Health check matcher HTTP code '{matcher}' must be within '200-499' inclusive")


def _is_matcher(text: str) -> bool:
    parts = [part.strip().partition("-") for part in text.split(",")]
    codes = [code for low, _, high in parts for code in (low, high or low)]
    return all(re.fullmatch(r"[234]\d\d", code) for code in codes)


def _balancer_attributes(backend: Any, given: Given) -> None:
    check_attributes(_pairs(given), BALANCER_RANGES)


def _group_attributes(backend: Any, given: Given) -> None:
    check_attributes(_pairs(given), GROUP_RANGES)


def _pairs(given: Given) -> dict[str, Any]:
    return {each["Key"]: each.get("Value") for each in given.get("Attributes", [])}


_CHECKS: Mapping[str, Callable[[Any, Given], None]] = {
    "CreateLoadBalancer": _create_load_balancer,
    "DeleteLoadBalancer": _delete_load_balancer,
    "CreateListener": _create_listener,
    "ModifyListener": _modify_listener,
    "AddListenerCertificates": _add_certificates,
    "CreateRule": _create_rule,
    "ModifyRule": _modify_rule,
    "DeleteRule": _delete_rule,
    "CreateTargetGroup": _target_group,
    "ModifyTargetGroup": _target_group,
    "ModifyLoadBalancerAttributes": _balancer_attributes,
    "ModifyTargetGroupAttributes": _group_attributes,
}
