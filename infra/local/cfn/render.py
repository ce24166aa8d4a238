"""From records to the members of CloudFormation's answers. Times are datetimes, for XML."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from infra.local.cfn.parameters import shown_values
from infra.local.cfn.stack import Change, ChangeSet, Detail, Event, Output, Plan, Stack, StackResource

Answer = dict[str, Any]


def stack(each: Stack) -> Answer:
    """A member of DescribeStacks' `Stacks`."""
    return {
        "StackId": each.id,
        "StackName": each.name,
        "CreationTime": _time(each.created_at),
        "LastUpdatedTime": _time(each.updated_at),
        "DeletionTime": _time(each.deleted_at),
        "StackStatus": each.status,
        "StackStatusReason": each.reason,
        "Description": each.plan.template.get("Description"),
        "Parameters": parameters(each.plan),
        "Outputs": [_output(output) for output in each.outputs],
        "Tags": each.tags,
        "Capabilities": each.capabilities,
        "RoleARN": each.role,
        "DisableRollback": not each.rolls_back,
        "NotificationARNs": each.notified,
        "RollbackConfiguration": {},
        "EnableTerminationProtection": each.protected,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    }


def parameters(plan: Plan) -> list[Answer]:
    """The parameters' values; those that are NoEcho are hidden, those of SSM also resolved."""
    shown = shown_values(plan.template, plan.parameters)
    resolved = shown_values(plan.template, plan.resolved)
    return [
        {"ParameterKey": name, "ParameterValue": value, "ResolvedValue": resolved.get(name)}
        for name, value in shown.items()
    ]


def _output(output: Output) -> Answer:
    return {
        "OutputKey": output.key,
        "OutputValue": output.value,
        "Description": output.description,
        "ExportName": output.export,
    }


def event(of: Stack, each: Event) -> Answer:
    """A member of DescribeStackEvents' `StackEvents`."""
    return {
        "StackId": of.id,
        "StackName": of.name,
        "EventId": each.id,
        "Timestamp": _time(each.at),
        "LogicalResourceId": each.logical_id,
        "PhysicalResourceId": each.physical_id,
        "ResourceType": each.type,
        "ResourceStatus": each.status,
        "ResourceStatusReason": each.reason,
    }


def resource(of: Stack, each: StackResource, time_member: str) -> Answer:
    """A resource of a stack, its time under the name that the operation has for it."""
    return {
        "StackId": of.id,
        "StackName": of.name,
        "LogicalResourceId": each.logical_id,
        "PhysicalResourceId": each.made.physical_id,
        "ResourceType": each.type,
        "ResourceStatus": each.status,
        time_member: _time(each.updated_at),
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }


def change_set(of: Stack, each: ChangeSet) -> Answer:
    """DescribeChangeSet's answer."""
    return {
        "StackId": of.id,
        "StackName": of.name,
        "ChangeSetId": each.id,
        "ChangeSetName": each.name,
        "ChangeSetType": each.kind,
        "Description": each.description,
        "CreationTime": _time(each.created_at),
        "Status": each.status,
        "StatusReason": each.reason,
        "ExecutionStatus": each.execution_status,
        "Parameters": parameters(each.plan),
        "Capabilities": each.capabilities,
        "Tags": each.tags,
        "NotificationARNs": of.notified,
        "RollbackConfiguration": {},
        "IncludeNestedStacks": False,
        "OnStackFailure": each.on_failure,
        "Changes": [{"Type": "Resource", "ResourceChange": _change(change)} for change in each.changes],
    }


def _change(change: Change) -> Answer:
    return {
        "PolicyAction": change.policy_action,
        "Action": change.action,
        "LogicalResourceId": change.logical_id,
        "PhysicalResourceId": change.physical_id,
        "ResourceType": change.type,
        "Replacement": change.replacement,
        "Scope": sorted({detail.attribute for detail in change.details}),
        "Details": [_detail(detail) for detail in change.details],
    }


def _detail(detail: Detail) -> Answer:
    return {
        "Target": {"Attribute": detail.attribute, "Name": detail.name, "RequiresRecreation": detail.recreation},
        "Evaluation": "Static",
        "ChangeSource": detail.source,
        "CausingEntity": detail.cause,
    }


def declared_parameters(template: Mapping[str, Any], *, whole: bool) -> list[Answer]:
    """A template's parameters; `whole` with type and constraints, as GetTemplateSummary has them."""
    return [_declared(name, each, whole=whole) for name, each in template["Parameters"].items()]


def _declared(name: str, declaration: Mapping[str, Any], *, whole: bool) -> Answer:
    default = declaration.get("Default")
    shown = {
        "ParameterKey": name,
        "DefaultValue": None if default is None else str(default),
        "NoEcho": str(declaration.get("NoEcho", False)).lower() == "true",
        "Description": declaration.get("Description"),
    }
    if not whole:
        return shown
    allowed = [str(each) for each in declaration.get("AllowedValues", [])]
    return {**shown, "ParameterType": declaration["Type"], "ParameterConstraints": {"AllowedValues": allowed}}


def _time(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)
