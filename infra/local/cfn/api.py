"""CloudFormation's operations: from a parsed request to the output's members. Times are datetimes, for XML."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from infra.local.cfn.errors import CfnError, NotServed
from infra.local.cfn.stack import Change, ChangeSet, Event, Output, Stack, StackResource
from infra.local.cfn.stacks import Stacks

Request = dict[str, Any]
Answer = dict[str, Any]


class CfnApi:
    """`call` carries out one operation; raises CfnError."""

    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks
        self._operations: Mapping[str, Callable[[str, Request], Answer]] = {
            "CreateStack": lambda region, given: {"StackId": stacks.create(region, given).id},
            "UpdateStack": lambda region, given: {"StackId": stacks.update(region, given).id},
            "DeleteStack": self._delete,
            "DescribeStacks": self._describe,
            "ListStacks": self._list,
            "DescribeStackEvents": self._events,
            "DescribeStackResources": self._resources,
            "DescribeStackResource": self._resource,
            "ListStackResources": self._list_resources,
            "GetTemplate": self._template,
            "CreateChangeSet": self._create_change_set,
            "DescribeChangeSet": self._describe_change_set,
            "ExecuteChangeSet": self._execute_change_set,
            "DeleteChangeSet": self._delete_change_set,
            "ListChangeSets": self._list_change_sets,
            "ListExports": self._exports,
        }

    def call(self, region: str, operation: str, given: Request) -> Answer:
        """The operation's output."""
        if operation not in self._operations:
            raise NotServed(f"the operation {operation}")
        return self._operations[operation](region, given)

    def _delete(self, region: str, given: Request) -> Answer:
        self._stacks.delete(region, given["StackName"])
        return {}

    def _describe(self, region: str, given: Request) -> Answer:
        if "StackName" in given:
            chosen = [self._stacks.find(region, given["StackName"])]
        else:
            chosen = [stack for stack in self._stacks.of_region(region) if not stack.deleted]
        return {"Stacks": [_stack(stack) for stack in chosen]}

    def _list(self, region: str, given: Request) -> Answer:
        wanted = given.get("StackStatusFilter")
        chosen = [each for each in self._stacks.of_region(region) if not wanted or each.status in wanted]
        members = ("StackId", "StackName", "CreationTime", "StackStatus", "DeletionTime")
        return {"StackSummaries": [{name: _stack(each).get(name) for name in members} for each in chosen]}

    def _events(self, region: str, given: Request) -> Answer:
        stack = self._stacks.find(region, given["StackName"])
        return {"StackEvents": [_event(stack, event) for event in reversed(stack.events)]}

    def _resources(self, region: str, given: Request) -> Answer:
        stack = self._stacks.find(region, given["StackName"])
        wanted = given.get("LogicalResourceId")
        chosen = [each for each in stack.resources.values() if wanted in (None, each.logical_id)]
        return {"StackResources": [_stack_resource(stack, each, "Timestamp") for each in chosen]}

    def _resource(self, region: str, given: Request) -> Answer:
        stack = self._stacks.find(region, given["StackName"])
        resource = stack.resources.get(given["LogicalResourceId"])
        if resource is None:
            raise CfnError(f"Resource {given['LogicalResourceId']} does not exist for stack {stack.name}")
        return {"StackResourceDetail": _stack_resource(stack, resource, "LastUpdatedTimestamp")}

    def _list_resources(self, region: str, given: Request) -> Answer:
        stack = self._stacks.find(region, given["StackName"])
        shown = [_stack_resource(stack, each, "LastUpdatedTimestamp") for each in stack.resources.values()]
        return {"StackResourceSummaries": shown}

    def _template(self, region: str, given: Request) -> Answer:
        return {"TemplateBody": self._stacks.find(region, given["StackName"]).plan.text}

    def _create_change_set(self, region: str, given: Request) -> Answer:
        stack, change_set = self._stacks.create_change_set(region, given)
        return {"Id": change_set.id, "StackId": stack.id}

    def _describe_change_set(self, region: str, given: Request) -> Answer:
        return _change_set(*self._stacks.find_change_set(region, given["ChangeSetName"], given.get("StackName")))

    def _execute_change_set(self, region: str, given: Request) -> Answer:
        self._stacks.execute_change_set(region, given["ChangeSetName"], given.get("StackName"))
        return {}

    def _delete_change_set(self, region: str, given: Request) -> Answer:
        stack, change_set = self._stacks.find_change_set(region, given["ChangeSetName"], given.get("StackName"))
        del stack.change_sets[change_set.name]
        return {}

    def _list_change_sets(self, region: str, given: Request) -> Answer:
        stack = self._stacks.find(region, given["StackName"])
        members = ("StackId", "StackName", "ChangeSetId", "ChangeSetName", "ExecutionStatus", "Status", "StatusReason",
                   "CreationTime", "Description")  # fmt: skip
        described = [_change_set(stack, each) for each in stack.change_sets.values()]
        return {"Summaries": [{name: each.get(name) for name in members} for each in described]}

    def _exports(self, region: str, given: Request) -> Answer:
        exports = [
            {"ExportingStackId": stack.id, "Name": output.export, "Value": output.value}
            for stack in self._stacks.of_region(region)
            for output in stack.outputs
            if output.export is not None
        ]
        return {"Exports": exports}


def _time(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)


def _parameters(values: Mapping[str, str]) -> list[Answer]:
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]


def _stack(stack: Stack) -> Answer:
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "CreationTime": _time(stack.created_at),
        "LastUpdatedTime": _time(stack.updated_at),
        "DeletionTime": _time(stack.deleted_at),
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
        "Description": stack.plan.template.get("Description"),
        "Parameters": _parameters(stack.plan.parameters),
        "Outputs": [_output(each) for each in stack.outputs],
        "Tags": stack.tags,
        "Capabilities": stack.capabilities,
        "DisableRollback": False,
        "NotificationARNs": [],
        "EnableTerminationProtection": False,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    }


def _output(output: Output) -> Answer:
    return {
        "OutputKey": output.key,
        "OutputValue": output.value,
        "Description": output.description,
        "ExportName": output.export,
    }


def _event(stack: Stack, event: Event) -> Answer:
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "EventId": event.id,
        "Timestamp": _time(event.at),
        "LogicalResourceId": event.logical_id,
        "PhysicalResourceId": event.physical_id,
        "ResourceType": event.type,
        "ResourceStatus": event.status,
        "ResourceStatusReason": event.reason,
    }


def _stack_resource(stack: Stack, resource: StackResource, time_member: str) -> Answer:
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "LogicalResourceId": resource.logical_id,
        "PhysicalResourceId": resource.made.physical_id,
        "ResourceType": resource.type,
        "ResourceStatus": resource.status,
        time_member: _time(resource.updated_at),
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }


def _change_set(stack: Stack, change_set: ChangeSet) -> Answer:
    return {
        "StackId": stack.id,
        "StackName": stack.name,
        "ChangeSetId": change_set.id,
        "ChangeSetName": change_set.name,
        "Description": change_set.description,
        "CreationTime": _time(change_set.created_at),
        "Status": change_set.status,
        "StatusReason": change_set.reason,
        "ExecutionStatus": change_set.execution_status,
        "Parameters": _parameters(change_set.plan.parameters),
        "Capabilities": change_set.capabilities,
        "Tags": change_set.tags,
        "Changes": [{"Type": "Resource", "ResourceChange": _change(each)} for each in change_set.changes],
    }


def _change(change: Change) -> Answer:
    recreation = {"True": "Always", "False": "Never"}.get(change.replacement or "", "Never")
    details = [
        {
            "Target": {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation},
            "Evaluation": "Static",
            "ChangeSource": "DirectModification",
        }
        for name in change.properties
    ]
    return {
        "Action": change.action,
        "LogicalResourceId": change.logical_id,
        "PhysicalResourceId": change.physical_id,
        "ResourceType": change.type,
        "Replacement": change.replacement,
        "Scope": ["Properties"] if change.properties else [],
        "Details": details,
    }
