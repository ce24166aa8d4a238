"""One CloudFormation stack: looks at it, changes it by a change set, and waits for its end.

Parameters of an existing stack which are not given keep their values. A failed resource is reported in one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from . import change_sets
from .changes import Changes
from .clients import Aws
from .errors import (
    ChangeSetFailed,
    CutoverDeployError,
    ReplacementRefused,
    RulesAreOwnedByEcs,
    StackBusy,
    StackFailed,
    StackStuck,
    TemplateMissing,
    code_of,
)

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef

# A load balancer takes minutes, VPC endpoints too.
STACK_WAIT_S = 45 * 60
REASON_LIMIT = 300

# What a failed creation leaves behind: no resources, and a name that cannot be used before it is deleted.
FAILED_BIRTH = frozenset({"ROLLBACK_COMPLETE"})
UNBORN = frozenset({"REVIEW_IN_PROGRESS"})
USABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE"})


@dataclass(frozen=True)
class Stack:
    """A stack as it is: since when, its status, parameters and outputs."""

    name: str
    created: datetime
    status: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]

    @property
    def busy(self) -> bool:
        """Whether something is being done to it."""
        return self.status.endswith("_IN_PROGRESS") and self.status not in UNBORN


@dataclass(frozen=True)
class Outcome:
    """What was done to a stack (created, updated, unchanged, would change, ...) and to which of its resources."""

    stack: str
    done: str
    changes: tuple[str, ...] = ()


def look(aws: Aws, name: str) -> Stack | None:
    """The stack of that name, or None."""
    try:
        found = aws.cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if code_of(error) == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    if not found or found[0]["StackStatus"] == "DELETE_COMPLETE":
        return None
    stack = found[0]
    return Stack(
        name,
        stack["CreationTime"],
        stack["StackStatus"],
        {each["ParameterKey"]: each.get("ParameterValue", "") for each in stack.get("Parameters", [])},
        {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])},
    )


def settled(aws: Aws, name: str) -> Stack | None:
    """The stack once nothing is being done to it; StackBusy after the longest wait."""
    stack = look(aws, name)
    since = aws.clock.monotonic()
    while stack and stack.busy:
        if aws.clock.monotonic() - since > STACK_WAIT_S:
            raise StackBusy(stack=name, status=stack.status, minutes=STACK_WAIT_S // 60)
        aws.pause()
        stack = look(aws, name)
    return stack


def apply(
    aws: Aws,
    name: str,
    template: Path,
    parameters: Mapping[str, str],
    *,
    dry_run: bool = False,
    may_replace: bool = False,
) -> Outcome:
    """Makes the stack be what template and parameters say, or says what that would do; waits for its end.

    ReplacementRefused where that would replace or remove what holds data or traffic, unless it `may_replace`;
    RulesAreOwnedByEcs where it would edit a rule's actions, in any case.
    """
    stack = settled(aws, name)
    if stack is None or stack.status in FAILED_BIRTH | UNBORN:
        if dry_run:
            return Outcome(name, "would be created" if stack is None else "would be deleted and created again")
        again = begin_creation(aws, name, template, parameters, stack)
        _finish(aws, name, "CREATE_COMPLETE")
        return Outcome(name, "created again, after a failed creation" if again else "created")
    if stack.status not in USABLE:
        raise StackStuck(stack=name, status=stack.status)
    return _update(aws, stack, template, parameters, dry_run, may_replace)


def begin_creation(aws: Aws, name: str, template: Path, parameters: Mapping[str, str], stack: Stack | None) -> bool:
    """Starts the creation and does not wait; returns whether the rest of a failed creation was deleted first."""
    again = stack is not None and stack.status in FAILED_BIRTH
    if again:
        aws.progress(f"{name}: delete what a failed creation left")
        aws.cloudformation.delete_stack(StackName=name)
        if (rest := settled(aws, name)) is not None:
            raise StackStuck(stack=name, status=rest.status)
    change = change_sets.prepared(
        aws, name, "CREATE", _read(template), [change_sets.given(item) for item in parameters.items()]
    )
    if change is None:
        raise ChangeSetFailed(stack=name, reason="there is nothing to create")
    aws.progress(f"{name}: create")
    change_sets.execute(aws, name, change.name)
    return again


def tell_failures(aws: Aws, name: str) -> tuple[str, ...]:
    """Prints and gives a line for each resource that failed in the last operation, oldest first."""
    lines: list[str] = []
    for event in _events_of_last_operation(aws, name):
        reason = " ".join(event.get("ResourceStatusReason", "").split())
        if event["ResourceStatus"].endswith("_FAILED") and "cancelled" not in reason.lower():
            lines.append(f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason[:REASON_LIMIT].rstrip('.')}")
    told = tuple(dict.fromkeys(reversed(lines)))
    for line in told:
        aws.progress(f"{name}: failed {line}")
    return told


def _update(
    aws: Aws, stack: Stack, template: Path, parameters: Mapping[str, str], dry_run: bool, may_replace: bool
) -> Outcome:
    body = _read(template)
    change = change_sets.prepared(aws, stack.name, "UPDATE", body, _kept_and_given(stack, body, parameters))
    if change is None:
        return Outcome(stack.name, "unchanged")
    refusal = _refusal(stack.name, change.changes, may_replace)
    lines = change.changes.lines
    if dry_run or refusal:
        aws.cloudformation.delete_change_set(StackName=stack.name, ChangeSetName=change.name)
    if dry_run:
        return Outcome(stack.name, "would be refused" if refusal else "would change", lines)
    if refusal:
        raise refusal
    aws.progress(f"{stack.name}: update {', '.join(lines) or 'outputs only'}")
    change_sets.execute(aws, stack.name, change.name)
    _finish(aws, stack.name, "UPDATE_COMPLETE")
    return Outcome(stack.name, "updated", lines)


def _refusal(name: str, found: Changes, may_replace: bool) -> CutoverDeployError | None:
    if found.rules:
        return RulesAreOwnedByEcs(stack=name, resource=found.rules[0])
    if found.held and not may_replace:
        return ReplacementRefused(stack=name, changes=", ".join(found.held))
    return None


def _kept_and_given(stack: Stack, body: str, parameters: Mapping[str, str]) -> list[ParameterTypeDef]:
    known = declared(body)
    kept: list[ParameterTypeDef] = [
        {"ParameterKey": key, "UsePreviousValue": True}
        for key in stack.parameters
        if key in known and key not in parameters
    ]
    return [*kept, *(change_sets.given(item) for item in parameters.items())]


def declared(body: str) -> set[str]:
    """Names of the parameters of a template in YAML's block style; the deploy container has no YAML reader."""
    section = re.search(r"^Parameters:[^\n]*\n((?:[ \t#][^\n]*\n|\n)*)", body + "\n", re.MULTILINE)
    lines = section.group(1).splitlines() if section else []
    indents = [len(line) - len(line.lstrip()) for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return {m.group(1) for line in lines if indents and (m := re.match(rf" {{{indents[0]}}}(\w+):", line))}


def _finish(aws: Aws, name: str, wanted: str) -> None:
    stack = settled(aws, name)
    if stack and stack.status == wanted:
        return
    lines = tell_failures(aws, name) if stack else ()
    raise StackFailed(stack=name, status=stack.status if stack else "deleted", first=lines[0] if lines else "no reason")


def _events_of_last_operation(aws: Aws, name: str) -> Iterator[Any]:
    """Newest first, back to where the stack itself began to be created or updated."""
    token: dict[str, Any] = {}
    while True:
        page = aws.cloudformation.describe_stack_events(StackName=name, **token)
        for event in page["StackEvents"]:
            yield event
            begun = event["ResourceStatus"] in ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS")
            if begun and event["ResourceType"] == "AWS::CloudFormation::Stack":
                return
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


def _read(template: Path) -> str:
    try:
        return template.read_text(encoding="utf-8")
    except OSError as error:
        raise TemplateMissing(path=template) from error
