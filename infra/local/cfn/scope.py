"""What names mean inside a stack, now and in a change set's preview."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from infra.local.cfn.errors import CfnError, TemplateError
from infra.local.cfn.evaluate import Scope
from infra.local.cfn.parameters import typed_values
from infra.local.cfn.resources.base import ResourceType
from infra.local.cfn.stack import Output, Plan, Stack

URL_SUFFIXES = {"aws-cn": "amazonaws.com.cn"}


class Types(Protocol):
    """Where resource types come from."""

    def get(self, name: str) -> ResourceType:
        """The type of that name; raises TemplateError where it is not served."""
        ...


class ScopeMaker:
    """`stacks` gives all stacks of a region, whose exports can be imported."""

    def __init__(
        self,
        account: str,
        types: Types,
        stacks: Callable[[str], Iterable[Stack]],
        partition: Callable[[str], str] = lambda region: "aws",
    ) -> None:
        self._account = account
        self._types = types
        self.stacks = stacks
        self._partition = partition

    def of(self, stack: Stack, plan: Plan, preview: frozenset[str] = frozenset()) -> Scope:
        """The stack's scope under a plan. Resources in `preview` are yet to be made: their values are placeholders."""

        def ref(name: str) -> str:
            if name in preview:
                return f"{{{{{name}}}}}"
            return str(_resource(stack, name).made.physical_id)

        def attribute(name: str, attribute: str) -> Any:
            if name in preview:
                return f"{{{{{name}.{attribute}}}}}"
            resource = _resource(stack, name)
            try:
                return self._types.get(resource.type).attribute(resource.made, attribute)
            except AttributeError as error:
                raise TemplateError(
                    f"Template error: resource {name} does not support attribute type {attribute} in Fn::GetAtt"
                ) from error

        template = plan.template
        return Scope(
            parameters=typed_values(template, {**plan.parameters, **plan.resolved}),
            pseudo=self._pseudo(stack),
            conditions=template["Conditions"],
            mappings=template["Mappings"],
            exports=self.exports(stack.region),
            ref=ref,
            attribute=attribute,
        )

    def exports(self, region: str) -> Mapping[str, str]:
        """Export names and values of the region."""
        return {
            output.export: output.value
            for stack in self.stacks(region)
            for output in stack.outputs
            if output.export is not None
        }

    def check_exports(self, stack: Stack, outputs: Iterable[Output]) -> None:
        """Raise CfnError where another stack exports one of those names."""
        wanted = {output.export for output in outputs if output.export is not None}
        for other in self.stacks(stack.region):
            taken = wanted.intersection(output.export for output in other.outputs) if other is not stack else None
            if taken:
                raise CfnError(f"Export with name {min(map(str, taken))} is already exported by stack {other.name}")

    def _pseudo(self, stack: Stack) -> dict[str, Any]:
        partition = self._partition(stack.region)
        return {
            "AWS::AccountId": self._account,
            "AWS::Region": stack.region,
            "AWS::StackId": stack.id,
            "AWS::StackName": stack.name,
            "AWS::NotificationARNs": list(stack.notified),
            "AWS::Partition": partition,
            "AWS::URLSuffix": URL_SUFFIXES.get(partition, "amazonaws.com"),
        }


def _resource(stack: Stack, name: str) -> Any:
    if name not in stack.resources:
        raise TemplateError(f"Template format error: Unresolved resource dependencies [{name}]")
    return stack.resources[name]
