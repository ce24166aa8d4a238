"""CloudFormation in memory: change sets, and stacks that take two looks to get where they go."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

NOW = datetime(2027, 1, 1, tzinfo=UTC)


def invalid(operation: str, message: str) -> ClientError:
    """A ValidationError, CloudFormation's answer to most things."""
    return ClientError({"Error": {"Code": "ValidationError", "Message": message}}, operation)


class FakeCloudFormation:
    """`fails` maps a stack to its failing resources; `refuses` one to the reason why no change set is made."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.stacks: dict[str, dict[str, Any]] = {}
        self.sets: dict[str, dict[str, Any]] = {}
        self.ways: dict[str, list[str]] = {}
        self.fails: dict[str, list[tuple[str, str, str]]] = {}
        self.refuses: dict[str, str] = {}
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.outputs: dict[str, dict[str, str]] = {}
        self.frozen = False
        self.second: dict[str, Any] = {}

    def add(self, name: str, status: str = "CREATE_COMPLETE", **parameters: str) -> None:
        """A stack that is there already."""
        self.stacks[name] = {"StackStatus": status, "parameters": parameters}

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        if StackName not in self.stacks:
            raise invalid("DescribeStacks", f"Stack with id {StackName} does not exist")
        stack = self.stacks[StackName]
        answer = {
            "StackName": StackName,
            "CreationTime": NOW,
            "StackStatus": stack["StackStatus"],
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in stack["parameters"].items()],
            "Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in self.outputs.get(StackName, {}).items()],
        }
        self._advance(StackName)
        return {"Stacks": [answer]}

    def create_change_set(self, **given: Any) -> dict[str, Any]:
        name, kind = given["StackName"], given["ChangeSetType"]
        if (kind == "CREATE") != (name not in self.stacks or self.stacks[name]["StackStatus"] == "REVIEW_IN_PROGRESS"):
            raise invalid("CreateChangeSet", f"{name} is not in a state for {kind}")
        old = dict(self.stacks[name]["parameters"]) if kind == "UPDATE" else {}
        new = {
            each["ParameterKey"]: each.get("ParameterValue", old.get(each["ParameterKey"]))
            for each in given["Parameters"]
        }
        if kind == "CREATE":
            self.add(name, "REVIEW_IN_PROGRESS")
        changed = kind == "CREATE" or new != old
        reason = self.refuses.get(name, "" if changed else "The submitted information didn't contain changes.")
        self.sets[given["ChangeSetName"]] = {"kind": kind, "new": new, "reason": reason, "looks": 0}
        return {"Id": given["ChangeSetName"]}

    def describe_change_set(self, StackName: str, ChangeSetName: str, NextToken: str = "") -> dict[str, Any]:
        if ChangeSetName not in self.sets:
            code = {"Code": "ChangeSetNotFound", "Message": f"ChangeSet [{ChangeSetName}] does not exist"}
            raise ClientError({"Error": code}, "DescribeChangeSet")
        change = self.sets[ChangeSetName]
        change["looks"] += 1
        if change["looks"] == 1:
            return {"Status": "CREATE_PENDING"}
        if change["reason"]:
            return {"Status": "FAILED", "StatusReason": change["reason"]}
        if NextToken:
            return {"Status": "CREATE_COMPLETE", "Changes": [_change("Second", "True", **self.second)]}
        first = {"Status": "CREATE_COMPLETE", "Changes": [_change("First", "False")], "NextToken": "more"}
        return first | {"ExecutionStatus": change.get("execution", "AVAILABLE")}

    def execute_change_set(self, StackName: str, ChangeSetName: str) -> None:
        kind, stack = self.sets[ChangeSetName]["kind"], self.stacks[StackName]
        stack["parameters"] = self.sets[ChangeSetName]["new"]
        self.sets[ChangeSetName]["execution"] = "EXECUTE_IN_PROGRESS"
        stack["StackStatus"] = f"{kind}_IN_PROGRESS"
        self.events[StackName] = [_event(StackName, "AWS::CloudFormation::Stack", f"{kind}_IN_PROGRESS", "")]
        self.ways[StackName] = [f"{kind}_IN_PROGRESS", f"{kind}_COMPLETE"]
        if StackName in self.fails:
            self.fail(StackName, kind)
        if StackName.endswith("-service") and StackName not in self.fails:
            self.ways[StackName] = []
            self.world.ecs.born(stack["parameters"])

    def fail(self, name: str, kind: str = "CREATE") -> None:
        """Lets a stack go back, each failed resource with its event."""
        back = "ROLLBACK" if kind == "CREATE" else "UPDATE_ROLLBACK"
        self.ways[name] = [f"{back}_IN_PROGRESS", f"{back}_COMPLETE"]
        for resource, type_, reason in self.fails.get(name, []):
            self.events.setdefault(name, []).insert(0, _event(resource, type_, f"{kind}_FAILED", reason))

    def delete_change_set(self, StackName: str, ChangeSetName: str) -> None:
        del self.sets[ChangeSetName]

    def delete_stack(self, StackName: str) -> None:
        self.stacks[StackName]["StackStatus"] = "DELETE_IN_PROGRESS"
        self.ways[StackName] = ["DELETE_COMPLETE"]

    def describe_stack_events(self, StackName: str, NextToken: str = "") -> dict[str, Any]:
        events = self.events.get(StackName, [])
        return {"StackEvents": events[1:]} if NextToken else {"StackEvents": events[:1], "NextToken": "more"}

    def _advance(self, name: str) -> None:
        if self.ways.get(name) and not self.frozen:
            self.stacks[name]["StackStatus"] = self.ways[name].pop(0)
            if self.stacks[name]["StackStatus"] == "DELETE_COMPLETE":
                del self.stacks[name]


def _change(resource: str, replacement: str, **more: Any) -> dict[str, Any]:
    change = {"Action": "Modify", "LogicalResourceId": resource, "Replacement": replacement}
    return {"ResourceChange": change | more}


def _event(resource: str, type_: str, status: str, reason: str) -> dict[str, Any]:
    return {
        "StackId": "id",
        "EventId": f"{resource}-{status}",
        "StackName": "name",
        "Timestamp": NOW,
        "LogicalResourceId": resource,
        "ResourceType": type_,
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }
