"""Condition keys of a call (IAM user guide, "AWS global condition context keys", and each service's own)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from infra.local.gateway.calls import Call
from infra.local.iam.resources import Arns, cluster_name

# What a role is passed to, by the member that names it (ECS developer guide, "IAM roles for Amazon ECS").
PASSED_TO = {"executionRoleArn": "ecs-tasks.amazonaws.com", "taskRoleArn": "ecs-tasks.amazonaws.com"}
ECS, CLOUDFORMATION, EVENTS = "ecs.amazonaws.com", "cloudformation.amazonaws.com", "events.amazonaws.com"
SERVICE_KEYS: Mapping[str, Mapping[str, str]] = {
    "cloudformation": {"RoleARN": "cloudformation:RoleArn", "ChangeSetName": "cloudformation:ChangeSetName",
                       "TemplateURL": "cloudformation:TemplateUrl"},
    "iam": {"PolicyArn": "iam:PolicyARN", "PermissionsBoundary": "iam:PermissionsBoundary"},
    "sts": {"ExternalId": "sts:ExternalId", "RoleSessionName": "sts:RoleSessionName"},
}  # fmt: skip


@dataclass(frozen=True)
class CallerKeys:
    """What is known of the caller, under the names of the global keys."""

    arn: str
    account: str
    kind: str
    user_id: str = ""
    user_name: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PassedRole:
    """A role that a call hands to a service."""

    arn: str
    service: str


def context_of(
    call: Call, caller: CallerKeys, source_ip: str, now: float, resource_tags: Mapping[str, str], arns: Arns
) -> dict[str, tuple[str, ...]]:
    """All keys, in lower case. The API here stands for one over HTTPS, so aws:SecureTransport is true."""
    moment = datetime.fromtimestamp(now, UTC)
    single = {
        "aws:PrincipalArn": caller.arn,
        "aws:PrincipalAccount": caller.account,
        "aws:PrincipalType": caller.kind,
        "aws:userid": caller.user_id,
        "aws:username": caller.user_name,
        "aws:SourceIp": source_ip,
        "aws:RequestedRegion": call.region,
        "aws:CurrentTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(now)),
        "aws:SecureTransport": "true",
        "aws:ViaAWSService": "false",
        **{f"aws:PrincipalTag/{name}": value for name, value in caller.tags.items()},
        **{f"aws:ResourceTag/{name}": value for name, value in resource_tags.items()},
        **{f"{call.service}:ResourceTag/{name}": value for name, value in resource_tags.items()},
        **_of_service(call, arns),
    }
    tags = request_tags(call.parameters)
    single |= {f"aws:RequestTag/{name}": value for name, value in tags.items()}
    context = {key.lower(): (value,) for key, value in single.items() if value != ""}
    return context | ({"aws:tagkeys": tuple(tags)} if tags else {})


def request_tags(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The tags that a request sets, in whichever of AWS's forms."""
    given = parameters.get("tags") or parameters.get("Tags") or ()
    if isinstance(given, Mapping):
        return {str(name): str(value) for name, value in given.items()}
    entries = ({name.lower(): value for name, value in each.items()} for each in given if isinstance(each, Mapping))
    return {str(each["key"]): str(each.get("value", "")) for each in entries if "key" in each}


def passed_roles(call: Call, partition: str, account: str) -> list[PassedRole]:
    """The roles that the call passes to a service, each of which needs `iam:PassRole`."""
    given = call.parameters
    found = [PassedRole(given[member], service) for member, service in PASSED_TO.items() if given.get(member)]
    if call.service == "ecs":
        found += [PassedRole(arn, ECS) for arn in _infrastructure_roles(given)]
    if call.service == "cloudformation" and given.get("RoleARN"):
        found.append(PassedRole(given["RoleARN"], CLOUDFORMATION))
    if call.service == "events":
        found += [PassedRole(each["RoleArn"], EVENTS) for each in given.get("Targets", ()) if each.get("RoleArn")]
    prefix = f"arn:{partition}:iam::{account}:role/"
    return [role if role.arn.startswith("arn:") else PassedRole(prefix + role.arn, role.service) for role in found]


def _infrastructure_roles(given: Mapping[str, Any]) -> Iterable[str]:
    for entry in given.get("loadBalancers") or ():
        if role := (entry.get("advancedConfiguration") or {}).get("roleArn"):
            yield role
    for hook in (given.get("deploymentConfiguration") or {}).get("lifecycleHooks") or ():
        if role := hook.get("roleArn"):
            yield role
    if given.get("role"):
        yield given["role"]


def _of_service(call: Call, arns: Arns) -> dict[str, str]:
    given = call.parameters
    if call.service == "ecs":
        return _of_ecs(given, arns)
    named = SERVICE_KEYS.get(call.service, {})
    return {key: str(given[member]) for member, key in named.items() if isinstance(given.get(member), str)}


def _of_ecs(given: Mapping[str, Any], arns: Arns) -> dict[str, str]:
    """ECS's own keys are ARNs, whatever the request names."""
    keys = {}
    if "cluster" in given:
        keys["ecs:cluster"] = arns.named("ecs", "cluster/", given["cluster"])
    if isinstance(given.get("service"), str):
        keys["ecs:service"] = arns.named("ecs", f"service/{cluster_name(given)}/", given["service"])
    if isinstance(given.get("taskDefinition"), str):
        keys["ecs:task-definition"] = arns.named("ecs", "task-definition/", given["taskDefinition"])
    return keys
