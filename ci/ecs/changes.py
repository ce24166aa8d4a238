"""What a change set would do, in lines, and what of it a person has to allow.

Source: CloudFormation API reference, ResourceChange: Action, Replacement (True, False, Conditional), Details.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

RULE: Final = "AWS::ElasticLoadBalancingV2::ListenerRule"
# To replace or remove one of these loses data, or lets requests fail meanwhile.
HOLDS_DATA_OR_TRAFFIC: Final = frozenset(
    {
        "AWS::EC2::Subnet",
        "AWS::EC2::VPC",
        "AWS::ECR::Repository",
        "AWS::ECS::Cluster",
        "AWS::ECS::Service",
        "AWS::ElasticLoadBalancingV2::Listener",
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        "AWS::Logs::LogGroup",
        "AWS::S3::Bucket",
        RULE,
    }
)
REPLACED: Final = {"True": "replace", "Conditional": "perhaps replace"}
NOTES: Final = {"True": " (replaced)", "Conditional": " (perhaps replaced)"}


@dataclass(frozen=True)
class Changes:
    """`lines` a resource; `held` those that need leave, in words; `rules` whose actions would be edited."""

    lines: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


def read(changes: Iterable[Mapping[str, Any]]) -> Changes:
    """Of DescribeChangeSet's list."""
    rows = [each.get("ResourceChange") or {} for each in changes]
    held = [words for each in rows if (words := _held(each))]
    rules = [str(each.get("LogicalResourceId")) for each in rows if _edits_actions(each)]
    return Changes(tuple(map(_line, rows)), tuple(held), tuple(rules))


def _line(change: Mapping[str, Any]) -> str:
    note = NOTES.get(change.get("Replacement", ""), "")
    return f"{change.get('Action', 'Change').lower()} {change.get('LogicalResourceId', '?')}{note}"


def _held(change: Mapping[str, Any]) -> str:
    if change.get("ResourceType") not in HOLDS_DATA_OR_TRAFFIC:
        return ""
    verb = "remove" if change.get("Action") == "Remove" else REPLACED.get(change.get("Replacement", ""), "")
    return f"{verb} {change.get('LogicalResourceId')}" if verb else ""


def _edits_actions(change: Mapping[str, Any]) -> bool:
    if change.get("ResourceType") != RULE or change.get("Action") != "Modify":
        return False
    return any(each.get("Target", {}).get("Name") == "Actions" for each in change.get("Details", []))
