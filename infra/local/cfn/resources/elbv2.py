"""Load balancers, listeners, rules and target groups: created by moto, with all attributes, and really deleted."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from infra.local.alb.changes import modify_rule, register, set_group_attributes, set_priorities
from infra.local.alb.validation import BALANCER_RANGES, GROUP_RANGES, check, check_attributes
from infra.local.cfn.resources.base import Made, Place, Properties, differs
from infra.local.cfn.resources.moto import MotoType

Backend = Callable[[str], Any]
TYPE_PREFIX = "AWS::ElasticLoadBalancingV2::"


def _attributes(properties: Properties, name: str) -> dict[str, str]:
    return {each["Key"]: _text(each["Value"]) for each in properties.get(name, [])}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _actions(actions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Actions of our own, which moto may change, their weights as numbers."""
    copies: list[dict[str, Any]] = copy.deepcopy([dict(action) for action in actions])
    for action in copies:
        for group in (action.get("ForwardConfig") or {}).get("TargetGroups", []):
            group["Weight"] = int(group.get("Weight", 1))
    return copies


class _Elbv2Type(MotoType):
    """What the four have in common. `backend` gives moto's ELBv2 backend of a region."""

    fixed: frozenset[str]

    def __init__(self, model: type[Any], suffix: Callable[[], str], backend: Backend) -> None:
        super().__init__(model, suffix)
        self._backend = backend

    def replaces(self, old: Properties, new: Properties) -> bool:
        """Only a change of what is fixed at birth makes a new one."""
        return differs(old, new, self.fixed)

    def update(self, place: Place, made: Made, old: Properties, new: Properties) -> Made:
        """Write all settings that the properties name."""
        self._modify(self._backend(place.region), made.physical_id, new)
        return made

    def _modify(self, backend: Any, arn: str, new: Properties) -> None:
        raise NotImplementedError


class LoadBalancerType(_Elbv2Type):
    """AWS::ElasticLoadBalancingV2::LoadBalancer."""

    fixed = frozenset({"Name", "Scheme", "Type"})

    def create(self, place: Place, logical_id: str, properties: Properties) -> Made:
        """Make it, and write the settings that moto leaves out."""
        made = super().create(place, logical_id, properties)
        made.handle.activate()
        self._modify(self._backend(place.region), made.physical_id, properties)
        return made

    def _modify(self, backend: Any, arn: str, new: Properties) -> None:
        attributes = _attributes(new, "LoadBalancerAttributes")
        check_attributes(attributes, BALANCER_RANGES)
        backend.modify_load_balancer_attributes(arn, attributes)
        backend.load_balancers[arn].security_groups = list(new.get("SecurityGroups", []))

    def attribute(self, made: Made, name: str) -> Any:
        """The attributes of the type's reference page."""
        if name == "LoadBalancerFullName":
            return made.physical_id.partition(":loadbalancer/")[2]
        if name == "CanonicalHostedZoneID":
            return made.handle.canonical_hosted_zone_id
        return super().attribute(made, name)


class TargetGroupType(_Elbv2Type):
    """AWS::ElasticLoadBalancingV2::TargetGroup."""

    fixed = frozenset({"Name", "Port", "Protocol", "ProtocolVersion", "TargetType", "VpcId"})

    def create(self, place: Place, logical_id: str, properties: Properties) -> Made:
        """Make it, and write the settings that moto leaves out."""
        check(self._backend(place.region), "CreateTargetGroup", properties)
        short = {name: value for name, value in properties.items() if name != "HealthCheckEnabled"}
        name = properties.get("Name") or self._short_name(place, logical_id)
        made = super().create(place, logical_id, {**short, "Name": name})
        self._modify(self._backend(place.region), made.physical_id, properties)
        return made

    def delete(self, place: Place, made: Made, properties: Properties) -> None:
        """Remove it, which moto leaves undone when a stack is deleted."""
        if made.physical_id in self._backend(place.region).target_groups:
            self._backend(place.region).delete_target_group(made.physical_id)

    def attribute(self, made: Made, name: str) -> Any:
        """The attributes of the type's reference page."""
        known = {
            "TargetGroupArn": made.physical_id,
            "TargetGroupName": made.handle.name,
            "TargetGroupFullName": made.physical_id.rpartition(":")[2],
        }
        if name not in known:
            raise AttributeError(name)
        return known[name]

    def _short_name(self, place: Place, logical_id: str) -> str:
        suffix = self._suffix()
        return f"{f'{place.stack_name}-{logical_id}'[: 31 - len(suffix)].rstrip('-')}-{suffix}"

    def _modify(self, backend: Any, arn: str, new: Properties) -> None:
        backend.modify_target_group(
            arn,
            health_check_path=new.get("HealthCheckPath"),
            health_check_port=new.get("HealthCheckPort"),
            health_check_interval=new.get("HealthCheckIntervalSeconds"),
            health_check_timeout=new.get("HealthCheckTimeoutSeconds"),
            healthy_threshold_count=new.get("HealthyThresholdCount"),
            unhealthy_threshold_count=new.get("UnhealthyThresholdCount"),
            http_codes=(new.get("Matcher") or {}).get("HttpCode"),
        )
        attributes = _attributes(new, "TargetGroupAttributes")
        check_attributes(attributes, GROUP_RANGES)
        set_group_attributes(backend, arn, attributes)
        register(backend.target_groups[arn], new.get("Targets", ()))


class ListenerType(_Elbv2Type):
    """AWS::ElasticLoadBalancingV2::Listener."""

    fixed = frozenset({"LoadBalancerArn"})

    def create(self, place: Place, logical_id: str, properties: Properties) -> Made:
        """Make it; moto's own way takes no weighted default action and only one certificate."""
        backend = self._backend(place.region)
        check(backend, "CreateListener", properties)
        certificates = [each["CertificateArn"] for each in properties.get("Certificates", [])]
        made = backend.create_listener(
            properties["LoadBalancerArn"], properties.get("Protocol"), properties.get("Port"),
            properties.get("SslPolicy"), next(iter(certificates), None), _actions(properties["DefaultActions"]),
        )  # fmt: skip
        made.certificates = certificates
        return Made(made.arn, made)

    def delete(self, place: Place, made: Made, properties: Properties) -> None:
        """Remove it, which moto leaves undone when a stack is deleted."""
        for balancer in self._backend(place.region).load_balancers.values():
            balancer.listeners.pop(made.physical_id, None)

    def attribute(self, made: Made, name: str) -> Any:
        """The attributes of the type's reference page."""
        if name != "ListenerArn":
            raise AttributeError(name)
        return made.physical_id

    def _modify(self, backend: Any, arn: str, new: Properties) -> None:
        check(backend, "ModifyListener", {**new, "ListenerArn": arn})
        backend.modify_listener(
            arn, new.get("Port"), new.get("Protocol"), new.get("SslPolicy"), list(new.get("Certificates", [])),
            _actions(new["DefaultActions"]),
        )  # fmt: skip


class ListenerRuleType(_Elbv2Type):
    """AWS::ElasticLoadBalancingV2::ListenerRule. ECS writes its weights; here only a changed template does."""

    fixed = frozenset({"ListenerArn"})

    def create(self, place: Place, logical_id: str, properties: Properties) -> Made:
        """Make it, after ELBv2's own checks."""
        check(self._backend(place.region), "CreateRule", properties)
        plain = {**properties, "Priority": int(properties["Priority"]), "Actions": _actions(properties["Actions"])}
        return super().create(place, logical_id, plain)

    def delete(self, place: Place, made: Made, properties: Properties) -> None:
        """Remove it, which moto leaves undone when a stack is deleted."""
        self._backend(place.region).delete_rule(made.physical_id)

    def attribute(self, made: Made, name: str) -> Any:
        """The attributes of the type's reference page."""
        known = {"RuleArn": made.physical_id, "IsDefault": False}
        if name not in known:
            raise AttributeError(name)
        return known[name]

    def _modify(self, backend: Any, arn: str, new: Properties) -> None:
        check(backend, "ModifyRule", {**new, "RuleArn": arn})
        modify_rule(backend, arn, new["Conditions"], _actions(new["Actions"]))
        set_priorities(backend, {arn: int(new["Priority"])})


CLASSES: Mapping[str, type[_Elbv2Type]] = {
    f"{TYPE_PREFIX}LoadBalancer": LoadBalancerType,
    f"{TYPE_PREFIX}TargetGroup": TargetGroupType,
    f"{TYPE_PREFIX}Listener": ListenerType,
    f"{TYPE_PREFIX}ListenerRule": ListenerRuleType,
}
