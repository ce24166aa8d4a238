"""ELBv2's API where moto is wrong or only keeps records: our checks before moto, and whole operations of our own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.local.alb.changes import associate, deregister, modify_rule, register, set_group_attributes, set_priorities
from infra.local.alb.dataplane import DataPlane
from infra.local.alb.errors import Invalid, NotServed, TargetGroupNotFound
from infra.local.alb.records import is_address
from infra.local.alb.sameness import is_there
from infra.local.alb.targets import Key
from infra.local.alb.validation import MAX_PRIORITY, check

Given = Mapping[str, Any]
READS = ("Describe", "Get", "List")
BALANCER_DEFAULTS = {
    "idle_timeout.timeout_seconds": "60",
    "client_keep_alive.seconds": "3600",
    "routing.http2.enabled": "true",
    "routing.http.xff_header_processing.mode": "append",
    "routing.http.xff_client_port.enabled": "false",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
}


class Elbv2Api:
    """`before` each operation, `after` those that moto answers. `backend` gives moto's ELBv2 backend of a region."""

    def __init__(self, plane: DataPlane, backend: Callable[[str], Any]) -> None:
        self._plane = plane
        self._backend = backend

    def before(self, region: str, operation: str, given: Given) -> dict[str, Any] | None:
        """Our own output, or None where moto is to answer; raises Elbv2Error for what AWS refuses."""
        backend = self._backend(region)
        check(backend, operation, given)
        own = _OWN.get(operation)
        if own is None:
            return None
        output = own(self, backend, given)
        self.after(region, operation)
        return output

    def is_there(self, region: str, operation: str, given: Given) -> bool:
        """Whether the operation is to make what is there already."""
        return is_there(self._backend(region), operation, given)

    def after(self, region: str, operation: str) -> None:
        """Have the data plane follow what the operation changed."""
        if not operation.startswith(READS):
            associate(self._backend(region))
            self._plane.sync()

    def _register(self, backend: Any, given: Given) -> dict[str, Any]:
        group = _group(backend, given)
        for target in given["Targets"]:
            if target["Id"].startswith("i-"):
                raise NotServed(f"A target that is an instance ('{target['Id']}')")
            if not is_address(target["Id"]):
                raise Invalid(f"The IP address '{target['Id']}' is not a valid IPv4 or IPv6 address")
        register(group, given["Targets"])
        return {}

    def _deregister(self, backend: Any, given: Given) -> dict[str, Any]:
        deregister(_group(backend, given), given["Targets"])
        return {}

    def _health(self, backend: Any, given: Given) -> dict[str, Any]:
        group = _group(backend, given)
        with self._plane.lock:
            keys = [target.key for target in self._plane.book.of_group(group.arn)]
            if given.get("Targets"):
                ports = {key[1]: key[2] for key in reversed(keys)}
                keys = [
                    (group.arn, each["Id"], int(each.get("Port") or ports.get(each["Id"], group.port)))
                    for each in given["Targets"]
                ]
            return {"TargetHealthDescriptions": [self._description(key, group) for key in keys]}

    def _description(self, key: Key, group: Any) -> dict[str, Any]:
        state, reason, description = self._plane.book.state(key)
        health = {"State": state, "Reason": reason, "Description": description}
        port = str(group.health_check_port)
        return {
            "Target": {"Id": key[1], "Port": key[2]},
            "HealthCheckPort": port if port.isdigit() else str(key[2]),
            "TargetHealth": {name: value for name, value in health.items() if value is not None},
        }

    def _balancer_attributes(self, backend: Any, given: Given) -> dict[str, Any]:
        """With those defaults that moto leaves out."""
        set_ones = backend.describe_load_balancer_attributes(given["LoadBalancerArn"])
        return {"Attributes": _attributes({**BALANCER_DEFAULTS, **set_ones})}

    def _group_attributes(self, backend: Any, given: Given) -> dict[str, Any]:
        group = _group(backend, given)
        pairs = {each["Key"]: each.get("Value") for each in given["Attributes"]}
        return {"Attributes": _attributes(set_group_attributes(backend, group.arn, pairs))}

    def _modify_rule(self, backend: Any, given: Given) -> dict[str, Any]:
        rule = modify_rule(backend, given["RuleArn"], given.get("Conditions", ()), given.get("Actions", ()))
        return {"Rules": [_rule(rule)]}

    def _set_priorities(self, backend: Any, given: Given) -> dict[str, Any]:
        pairs = {each["RuleArn"]: int(each["Priority"]) for each in given["RulePriorities"]}
        for priority in pairs.values():
            if not 1 <= priority <= MAX_PRIORITY:
                raise Invalid(f"Priority '{priority}' must be between '1-{MAX_PRIORITY}' inclusive")
            if list(pairs.values()).count(priority) > 1:
                raise Invalid(f"Priority '{priority}' was provided multiple times")
        return {"Rules": [_rule(each) for each in set_priorities(backend, pairs)]}


def _group(backend: Any, given: Given) -> Any:
    group = backend.target_groups.get(given["TargetGroupArn"])
    if group is None:
        raise TargetGroupNotFound
    return group


def _attributes(attributes: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": str(value)} for key, value in attributes.items()]


def _rule(rule: Any) -> dict[str, Any]:
    return {
        "RuleArn": rule.arn,
        "Priority": str(rule.priority),
        "Conditions": rule.conditions,
        "Actions": [action.data for action in rule.actions],
        "IsDefault": rule.is_default,
    }


_OWN: Mapping[str, Callable[[Elbv2Api, Any, Given], dict[str, Any]]] = {
    "RegisterTargets": Elbv2Api._register,
    "DeregisterTargets": Elbv2Api._deregister,
    "DescribeTargetHealth": Elbv2Api._health,
    "DescribeLoadBalancerAttributes": Elbv2Api._balancer_attributes,
    "ModifyTargetGroupAttributes": Elbv2Api._group_attributes,
    "ModifyRule": Elbv2Api._modify_rule,
    "SetRulePriorities": Elbv2Api._set_priorities,
}
