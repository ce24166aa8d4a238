"""Stack policies (user guide, "Prevent updates to stack resources"): which resources an update may touch.

Once there is a policy, what no statement allows is denied, and a Deny wins over an Allow.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from infra.local.cfn.errors import CfnError

MODIFY, REPLACE, DELETE = "Update:Modify", "Update:Replace", "Update:Delete"
CONDITIONS = ("StringEquals", "StringLike")


@dataclass(frozen=True)
class StackPolicy:
    """A parsed policy."""

    text: str
    statements: tuple[Mapping[str, Any], ...]

    def refusal(self, action: str, logical_id: str, kind: str) -> str | None:
        """Why that may not be done to the resource, in CloudFormation's words; None where it may."""
        matching = [
            (number, each)
            for number, each in enumerate(self.statements, 1)
            if _matches(each, action, f"LogicalResourceId/{logical_id}", kind)
        ]
        denying = [number for number, each in matching if each["Effect"] == "Deny"]
        if matching and not denying:
            return None
        number = denying[0] if denying else 1
        where = f"Statement [#{number}] does not allow [{action}] for resource [LogicalResourceId/{logical_id}]"
        return f"Action denied by stack policy: {where};"


def parse_policy(text: str) -> StackPolicy:
    """A stack policy's JSON; raises CfnError."""
    try:
        statements = json.loads(text)["Statement"]
    except (ValueError, KeyError, TypeError) as error:
        raise CfnError("Error validating stack policy: Invalid stack policy") from error
    parsed = tuple(statements if isinstance(statements, list) else [statements])
    for each in parsed:
        _check(each)
    return StackPolicy(text, parsed)


def _check(statement: Any) -> None:
    is_mapping = isinstance(statement, dict)
    if not is_mapping or statement.get("Effect") not in ("Allow", "Deny") or statement.get("Principal") != "*":
        raise CfnError("Error validating stack policy: Invalid stack policy")
    if any(not action.startswith("Update:") and action != "*" for action in _listed(statement, "Action", "NotAction")):
        raise CfnError("Error validating stack policy: Invalid stack policy")


def _matches(statement: Mapping[str, Any], action: str, resource: str, kind: str) -> bool:
    conditions = statement.get("Condition", {})
    kinds = [list(_listed(conditions[operator], "ResourceType")) for operator in CONDITIONS if operator in conditions]
    return (
        _named(statement, "Action", action)
        and _named(statement, "Resource", resource)
        and all(any(fnmatchcase(kind, pattern) for pattern in patterns) for patterns in kinds)
    )


def _named(statement: Mapping[str, Any], member: str, value: str) -> bool:
    """Whether the member, or its negation `Not...`, covers the value."""
    if f"Not{member}" in statement:
        return not any(fnmatchcase(value, each) for each in _listed(statement, f"Not{member}"))
    return any(fnmatchcase(value, each) for each in _listed(statement, member))


def _listed(node: Mapping[str, Any], *members: str) -> Iterable[str]:
    for member in members:
        given = node.get(member, [])
        yield from [given] if isinstance(given, str) else given
