"""A change set of a stack: made, read back, and carried out, each once."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from . import changes
from .changes import Changes
from .clients import Aws
from .errors import ChangeSetFailed, StackBusy, code_of
from .once import once

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef

WAIT_S = 5 * 60


@dataclass(frozen=True)
class ChangeSet:
    """One that is ready to be carried out, and what it would do."""

    name: str
    changes: Changes


def given(item: tuple[str, str]) -> ParameterTypeDef:
    """A parameter with its value."""
    return {"ParameterKey": item[0], "ParameterValue": item[1]}


def prepared(aws: Aws, name: str, kind: Any, body: str, parameters: list[ParameterTypeDef]) -> ChangeSet | None:
    """A change set that is ready to be executed, or None (and nothing left behind) where there is nothing to change."""
    change_set = f"cutover-{uuid.uuid4().hex[:12]}"

    def create_it() -> str:
        return aws.cloudformation_once.create_change_set(
            StackName=name,
            ChangeSetName=change_set,
            ChangeSetType=kind,
            TemplateBody=body,
            Parameters=parameters,
            Capabilities=["CAPABILITY_IAM"],
        )["Id"]

    once(aws, create_it, lambda: change_set if _execution(aws, name, change_set) else None)
    status, reason, found = _described(aws, name, change_set)
    if status == "CREATE_COMPLETE":
        return ChangeSet(change_set, found)
    aws.cloudformation.delete_change_set(StackName=name, ChangeSetName=change_set)
    if "didn't contain changes" in reason or "No updates are to be performed" in reason:
        return None
    raise ChangeSetFailed(stack=name, reason=reason.rstrip(".") or status)


def execute(aws: Aws, name: str, change_set: str) -> None:
    """Begins to carry it out."""

    def execute_it() -> bool:
        aws.cloudformation_once.execute_change_set(StackName=name, ChangeSetName=change_set)
        return True

    # One that was carried out is gone, or no longer to be had.
    once(aws, execute_it, lambda: True if _execution(aws, name, change_set) != "AVAILABLE" else None)


def _execution(aws: Aws, name: str, change_set: str) -> str:
    """The change set's execution status; empty where there is no such change set."""
    try:
        answer = aws.cloudformation.describe_change_set(StackName=name, ChangeSetName=change_set)
    except ClientError as error:
        if code_of(error) in ("ChangeSetNotFound", "ChangeSetNotFoundException", "ValidationError"):
            return ""
        raise
    return answer.get("ExecutionStatus", "UNAVAILABLE")


def _described(aws: Aws, name: str, change_set: str) -> tuple[str, str, Changes]:
    since = aws.clock.monotonic()
    while True:
        answer = aws.cloudformation.describe_change_set(StackName=name, ChangeSetName=change_set)
        if not answer["Status"].endswith(("_PENDING", "_IN_PROGRESS")):
            break
        if aws.clock.monotonic() - since > WAIT_S:
            raise StackBusy(stack=name, status=answer["Status"], minutes=WAIT_S // 60)
        aws.pause()
    found: list[Any] = list(answer.get("Changes", []))
    while token := answer.get("NextToken"):
        answer = aws.cloudformation.describe_change_set(StackName=name, ChangeSetName=change_set, NextToken=token)
        found += answer.get("Changes", [])
    return answer["Status"], answer.get("StatusReason", ""), changes.read(found)
