"""Whether something that is to be made is there already, with the same settings: then ELBv2 gives what is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Given = Mapping[str, Any]
DEFAULTS = {"target_type": "instance", "protocol_version": "HTTP1", "scheme": "internet-facing"}
GROUP_MEMBERS = {  # of CreateTargetGroup, and moto's names for them
    "Protocol": "protocol", "ProtocolVersion": "protocol_version", "Port": "port", "VpcId": "vpc_id",
    "TargetType": "target_type", "HealthCheckProtocol": "health_check_protocol", "HealthCheckPort": "health_check_port",
    "HealthCheckPath": "health_check_path", "HealthCheckIntervalSeconds": "health_check_interval_seconds",
    "HealthCheckTimeoutSeconds": "health_check_timeout_seconds", "HealthyThresholdCount": "healthy_threshold_count",
    "UnhealthyThresholdCount": "unhealthy_threshold_count", "Matcher": "matcher",
}  # fmt: skip


def is_there(backend: Any, operation: str, given: Given) -> bool:
    """Whether CreateLoadBalancer or CreateTargetGroup asks for what the region has."""
    if operation == "CreateTargetGroup":
        groups = [each for each in backend.target_groups.values() if each.name == given["Name"]]
        return any(_same_group(each, given) for each in groups)
    if operation == "CreateLoadBalancer":
        balancers = [each for each in backend.load_balancers.values() if each.name == given["Name"]]
        return any(same_balancer(each, given) for each in balancers)
    return False


def same_balancer(record: Any, given: Given) -> bool:
    """Whether moto's load balancer has the settings that are given."""
    mapped = [each.get("SubnetId") for each in given.get("SubnetMappings", [])]
    return (
        {each.id for each in record.subnets} == {*given.get("Subnets", []), *mapped}
        and set(record.security_groups or ()) == set(given.get("SecurityGroups", []))
        and (record.scheme or DEFAULTS["scheme"]) == given.get("Scheme", DEFAULTS["scheme"])
    )


def _same_group(record: Any, given: Given) -> bool:
    for member, name in GROUP_MEMBERS.items():
        if member in given or name in DEFAULTS:
            wanted = given.get(member, DEFAULTS.get(name))
            if str(getattr(record, name, None) or DEFAULTS.get(name)) != str(wanted):
                return False
    return True
