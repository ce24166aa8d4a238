"""From a request to a plan: the template's text, its parameters' values, and what the caller has to acknowledge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infra.local.cfn.dynamic import Lookups
from infra.local.cfn.errors import CfnError, InsufficientCapabilities, NotServed, TemplateError
from infra.local.cfn.parameters import chosen_values, resolved_values
from infra.local.cfn.policy import StackPolicy, parse_policy
from infra.local.cfn.scope import Types
from infra.local.cfn.stack import Plan
from infra.local.cfn.template import parse_template

NAMED_IAM = {"AWS::IAM::Role": "RoleName", "AWS::IAM::User": "UserName", "AWS::IAM::Group": "GroupName",
             "AWS::IAM::ManagedPolicy": "ManagedPolicyName"}  # fmt: skip
IAM_TYPES = frozenset({*NAMED_IAM, "AWS::IAM::Policy", "AWS::IAM::InstanceProfile", "AWS::IAM::AccessKey",
                       "AWS::IAM::UserToGroupAddition"})  # fmt: skip
NAMED, ANY = "CAPABILITY_NAMED_IAM", "CAPABILITY_IAM"
LANGUAGE_EXTENSIONS = "AWS::LanguageExtensions"  # of which Fn::Length and Fn::ToJsonString are served
NOT_SERVED = ("TimeoutInMinutes", "ResourceTypes", "ResourcesToImport", "IncludeNestedStacks",
              "ImportExistingResources")  # fmt: skip
Request = Mapping[str, Any]


class Planner:
    """Makes plans. `lookups` are values and templates outside of CloudFormation."""

    def __init__(self, types: Types, lookups: Lookups) -> None:
        self._types = types
        self._lookups = lookups

    def plan(self, region: str, request: Request, previous: Plan | None) -> Plan:
        """What the request wants a stack to be; raises CfnError. `previous` is what the stack is, if there is one."""
        check_served(request)
        text = previous.text if previous and _true(request, "UsePreviousTemplate") else self.text(request)
        template = parse_template(text)
        self._check_types(template)
        if needed := set(capabilities(template)) - _acknowledged(request.get("Capabilities", [])):
            raise InsufficientCapabilities(min(needed))
        values = chosen_values(template, request.get("Parameters", []), previous.parameters if previous else {})
        resolved = resolved_values(template, values, lambda name: self._lookups.parameter(region, name))
        return Plan(template, text, values, resolved)

    def text(self, request: Request) -> str:
        """The template's text, given or from S3; raises CfnError."""
        if request.get("TemplateBody"):
            return str(request["TemplateBody"])
        if request.get("TemplateURL"):
            return self._lookups.template(request["TemplateURL"])
        raise CfnError("Either Template URL or Template Body must be specified.")

    def policy(self, request: Request, member: str = "StackPolicy") -> StackPolicy | None:
        """The stack policy under `memberBody` or `memberURL`; None where the request has none."""
        if request.get(f"{member}URL"):
            return parse_policy(self._lookups.template(request[f"{member}URL"]))
        return parse_policy(request[f"{member}Body"]) if request.get(f"{member}Body") else None

    def _check_types(self, template: Mapping[str, Any]) -> None:
        transforms = template.get("Transform") or []
        for name in [transforms] if isinstance(transforms, str) else transforms:
            if name != LANGUAGE_EXTENSIONS:
                raise NotServed(f"the transform {name}")
        for name, resource in template["Resources"].items():
            if str(name).startswith("Fn::"):
                raise TemplateError(f"Template format error: AWS on this machine does not know {name}")
            self._types.get(resource["Type"])


def capabilities(template: Mapping[str, Any]) -> list[str]:
    """The capability that the template needs, at most one."""
    made = [each for each in template["Resources"].values() if each["Type"] in IAM_TYPES]
    named = any(NAMED_IAM.get(each["Type"]) in each["Properties"] for each in made)
    return [] if not made else [NAMED] if named else [ANY]


def check_served(request: Request) -> None:
    """Raise NotServed, naming it, where the request asks for something that would be left out."""
    for member in NOT_SERVED:
        if str(request.get(member) or "").lower() not in ("", "false", "[]"):
            raise NotServed(f"the option {member}")
    if (request.get("RollbackConfiguration") or {}).get("RollbackTriggers"):
        raise NotServed("the option RollbackConfiguration.RollbackTriggers")


def _acknowledged(given: Iterable[str]) -> set[str]:
    return {*given, ANY} if NAMED in given else set(given)


def _true(request: Request, member: str) -> bool:
    return str(request.get(member, False)).lower() == "true"
