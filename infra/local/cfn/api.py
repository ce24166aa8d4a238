"""CloudFormation's operations: from a parsed request to the output's members."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.local.cfn import render
from infra.local.cfn.errors import CfnError, ChangeSetNotFound, NotImported, NotServed
from infra.local.cfn.imports import importers
from infra.local.cfn.plans import IAM_TYPES, capabilities, check_served
from infra.local.cfn.stack import Plan
from infra.local.cfn.stacks import Stacks
from infra.local.cfn.template import parse_template

Request = dict[str, Any]
Answer = dict[str, Any]
Operation = Callable[[str, Request], Answer]
STACK_MEMBERS = ("StackId", "StackName", "CreationTime", "LastUpdatedTime", "DeletionTime", "StackStatus",
                 "StackStatusReason", "DriftInformation")  # fmt: skip
CHANGE_SET_MEMBERS = ("StackId", "StackName", "ChangeSetId", "ChangeSetName", "ExecutionStatus", "Status",
                      "StatusReason", "CreationTime", "Description")  # fmt: skip


class CfnApi:
    """`call` carries out one operation; raises CfnError."""

    def __init__(self, stacks: Stacks) -> None:
        self._stacks = stacks
        self._operations: Mapping[str, Operation] = {
            "CreateStack": lambda region, given: {"StackId": stacks.create(region, given).id},
            "UpdateStack": lambda region, given: {"StackId": stacks.update(region, given).id},
            "DeleteStack": self._delete,
            "CancelUpdateStack": self._cancel,
            "RollbackStack": lambda region, given: {"StackId": stacks.roll_back(region, given["StackName"]).id},
            "ContinueUpdateRollback": self._continue_rollback,
            "DescribeStacks": self._describe,
            "ListStacks": self._list,
            "DescribeStackEvents": self._events,
            "DescribeStackResources": self._resources,
            "DescribeStackResource": self._resource,
            "ListStackResources": self._list_resources,
            "GetTemplate": self._template,
            "GetTemplateSummary": self._summary,
            "ValidateTemplate": self._validate,
            "CreateChangeSet": self._create_change_set,
            "DescribeChangeSet": self._describe_change_set,
            "ExecuteChangeSet": self._execute_change_set,
            "DeleteChangeSet": self._delete_change_set,
            "ListChangeSets": self._list_change_sets,
            "ListExports": self._exports,
            "ListImports": self._imports,
            "SetStackPolicy": self._set_policy,
            "GetStackPolicy": self._get_policy,
            "UpdateTerminationProtection": self._protect,
        }

    def call(self, region: str, operation: str, given: Request) -> Answer:
        """The operation's output."""
        if operation not in self._operations:
            raise NotServed(f"the operation {operation}")
        check_served(given)
        return self._operations[operation](region, given)

    def _delete(self, region: str, given: Request) -> Answer:
        self._stacks.delete(region, given["StackName"], given.get("RetainResources", []))
        return {}

    def _cancel(self, region: str, given: Request) -> Answer:
        self._stacks.cancel(region, given["StackName"])
        return {}

    def _continue_rollback(self, region: str, given: Request) -> Answer:
        self._stacks.continue_rollback(region, given["StackName"], given.get("ResourcesToSkip", []))
        return {}

    def _describe(self, region: str, given: Request) -> Answer:
        if "StackName" in given:
            chosen = [self._stacks.find(region, given["StackName"])]
        else:
            chosen = [stack for stack in self._stacks.of_region(region) if not stack.deleted]
        return {"Stacks": [render.stack(stack) for stack in chosen]}

    def _list(self, region: str, given: Request) -> Answer:
        wanted = given.get("StackStatusFilter")
        chosen = [each for each in self._stacks.of_region(region) if not wanted or each.status in wanted]
        return {"StackSummaries": [_only(STACK_MEMBERS, render.stack(each)) for each in reversed(chosen)]}

    def _events(self, region: str, given: Request) -> Answer:
        stack = self._stacks.find(region, given["StackName"])
        return {"StackEvents": [render.event(stack, event) for event in reversed(stack.events)]}

    def _resources(self, region: str, given: Request) -> Answer:
        stack = self._stacks.find(region, given["StackName"])
        wanted = given.get("LogicalResourceId")
        chosen = [each for each in stack.resources.values() if wanted in (None, each.logical_id)]
        return {"StackResources": [render.resource(stack, each, "Timestamp") for each in chosen]}

    def _resource(self, region: str, given: Request) -> Answer:
        stack = self._stacks.find(region, given["StackName"])
        resource = stack.resources.get(given["LogicalResourceId"])
        if resource is None:
            raise CfnError(f"Resource {given['LogicalResourceId']} does not exist for stack {stack.name}")
        return {"StackResourceDetail": render.resource(stack, resource, "LastUpdatedTimestamp")}

    def _list_resources(self, region: str, given: Request) -> Answer:
        stack = self._stacks.find(region, given["StackName"])
        shown = [render.resource(stack, each, "LastUpdatedTimestamp") for each in stack.resources.values()]
        return {"StackResourceSummaries": shown}

    def _template(self, region: str, given: Request) -> Answer:
        stages = ["Original", "Processed"]
        if "ChangeSetName" in given:
            name, stack_name = given["ChangeSetName"], given.get("StackName")
            _, change_set = self._stacks.find_change_set(region, name, stack_name)
            return {"TemplateBody": change_set.plan.text, "StagesAvailable": stages}
        return {"TemplateBody": self._stacks.find(region, given["StackName"]).plan.text, "StagesAvailable": stages}

    def _summary(self, region: str, given: Request) -> Answer:
        plan = self._stacks.find(region, given["StackName"]).plan if "StackName" in given else None
        template = self._given_template(given, plan)
        types = sorted({each["Type"] for each in template["Resources"].values()})
        shown = render.declared_parameters(template, whole=True)
        return {"Parameters": shown, "ResourceTypes": types, **_described(template)}

    def _validate(self, region: str, given: Request) -> Answer:
        template = self._given_template(given, None)
        return {"Parameters": render.declared_parameters(template, whole=False), **_described(template)}

    def _given_template(self, given: Request, plan: Plan | None) -> Mapping[str, Any]:
        return plan.template if plan is not None else parse_template(self._stacks.planner.text(given))

    def _create_change_set(self, region: str, given: Request) -> Answer:
        stack, change_set = self._stacks.create_change_set(region, given)
        return {"Id": change_set.id, "StackId": stack.id}

    def _describe_change_set(self, region: str, given: Request) -> Answer:
        found = self._stacks.find_change_set(region, given["ChangeSetName"], given.get("StackName"))
        return render.change_set(*found)

    def _execute_change_set(self, region: str, given: Request) -> Answer:
        self._stacks.execute_change_set(region, given)
        return {}

    def _delete_change_set(self, region: str, given: Request) -> Answer:
        """One that is not there is no error, as long as its stack is."""
        try:
            stack, found = self._stacks.find_change_set(region, given["ChangeSetName"], given.get("StackName"))
        except ChangeSetNotFound:
            return {}
        del stack.change_sets[found.name]
        return {}

    def _list_change_sets(self, region: str, given: Request) -> Answer:
        stack = self._stacks.find(region, given["StackName"])
        described = [render.change_set(stack, each) for each in stack.change_sets.values()]
        return {"Summaries": [_only(CHANGE_SET_MEMBERS, each) for each in described]}

    def _exports(self, region: str, given: Request) -> Answer:
        exports = [
            {"ExportingStackId": stack.id, "Name": output.export, "Value": output.value}
            for stack in self._stacks.of_region(region)
            for output in stack.outputs
            if output.export is not None
        ]
        return {"Exports": exports}

    def _imports(self, region: str, given: Request) -> Answer:
        found = importers(given["ExportName"], None, self._stacks.scopes, region)
        if not found:
            raise NotImported(given["ExportName"])
        return {"Imports": [each.name for each in found]}

    def _set_policy(self, region: str, given: Request) -> Answer:
        policy = self._stacks.planner.policy(given)
        if policy is None:
            raise CfnError("Either Stack Policy URL or Stack Policy Body must be specified.")
        self._stacks.find(region, given["StackName"]).policy = policy
        return {}

    def _get_policy(self, region: str, given: Request) -> Answer:
        policy = self._stacks.find(region, given["StackName"]).policy
        return {} if policy is None else {"StackPolicyBody": policy.text}

    def _protect(self, region: str, given: Request) -> Answer:
        stack = self._stacks.find(region, given["StackName"])
        stack.protected = str(given["EnableTerminationProtection"]).lower() == "true"
        return {"StackId": stack.id}


def _only(members: tuple[str, ...], shown: Answer) -> Answer:
    return {name: shown.get(name) for name in members}


def _described(template: Mapping[str, Any]) -> Answer:
    needed, reason = capabilities(template), None
    if needed:
        types = sorted({each["Type"] for each in template["Resources"].values() if each["Type"] in IAM_TYPES})
        reason = f"The following resource(s) require capabilities: [{', '.join(types)}]"
    return {"Description": template.get("Description"), "Capabilities": needed, "CapabilitiesReason": reason}
