"""What a change set will do, without doing it.

Resources are evaluated in order with placeholders for what does not exist yet, so a replacement shows in all that
refer to it. What is shown is what will happen: nothing here is CONDITIONAL, and every evaluation is static.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infra.local.cfn.errors import TemplateError
from infra.local.cfn.evaluate import evaluate, named_condition
from infra.local.cfn.graph import creation_order, reference_paths
from infra.local.cfn.resources.base import ResourceType
from infra.local.cfn.scope import ScopeMaker, Types
from infra.local.cfn.stack import Change, Detail, Plan, Stack, StackResource

DIRECT, PARAMETER = "DirectModification", "ParameterReference"
RESOURCE, ATTRIBUTE = "ResourceReference", "ResourceAttribute"


def preview(stack: Stack, plan: Plan, scopes: ScopeMaker, types: Types) -> list[Change]:
    """The changes, in their order, removals last; raises CfnError where the template cannot be evaluated."""
    return list(Preview(stack, plan, scopes, types).changes())


class Preview:
    """One look ahead. `unmade` grows to all resources that will be new."""

    def __init__(self, stack: Stack, plan: Plan, scopes: ScopeMaker, types: Types) -> None:
        self._stack = stack
        self._plan = plan
        self._scopes = scopes
        self._types = types
        self._unmade: frozenset[str] = frozenset()
        before, after = {**stack.plan.parameters, **stack.plan.resolved}, {**plan.parameters, **plan.resolved}
        self._parameters = {name for name, value in after.items() if before.get(name) != value}

    def changes(self) -> Iterator[Change]:
        """Every change."""
        kept = set()
        definitions = self._plan.template["Resources"]
        for name in creation_order(definitions):
            scope = self._scopes.of(self._stack, self._plan, self._unmade)
            condition = definitions[name].get("Condition")
            if condition is not None and not named_condition(condition, scope):
                continue
            kept.add(name)
            yield from self._change(name, definitions[name], evaluate(definitions[name]["Properties"], scope))
        for resource in [each for name, each in self._stack.resources.items() if name not in kept]:
            policy = "Retain" if _retained(resource.definition, "DeletionPolicy") else "Delete"
            physical = resource.made.physical_id
            yield Change("Remove", resource.logical_id, physical, resource.type, None, policy_action=policy)

    def _change(self, name: str, definition: Mapping[str, Any], properties: dict[str, Any]) -> Iterator[Change]:
        present = self._stack.resources.get(name)
        if present is None:
            self._unmade |= {name}
            yield Change("Add", name, None, definition["Type"], None)
            return
        if present.type != definition["Type"]:
            raise TemplateError(
                "Update of resource type is not permitted. "
                f"The new template modifies resource type of the following resources: [{name}]"
            )
        if properties == present.properties:
            return
        replaced = self._types.get(present.type).replaces(present.properties, properties)
        details = tuple(self._details(present, definition, properties))
        policy = None
        if replaced:
            self._unmade |= {name}
            policy = "ReplaceAndRetain" if _retained(definition, "UpdateReplacePolicy") else "ReplaceAndDelete"
        physical = present.made.physical_id
        yield Change("Modify", name, physical, present.type, "True" if replaced else "False", details, policy)

    def _details(
        self, present: StackResource, definition: Mapping[str, Any], properties: dict[str, Any]
    ) -> Iterator[Detail]:
        kind = self._types.get(present.type)
        for name in sorted(set(properties) | set(present.properties)):
            if properties.get(name) == present.properties.get(name):
                continue
            attribute, shown = ("Tags", None) if name == "Tags" else ("Properties", name)
            recreation = _recreation(kind, present.properties, properties, name)
            before, after = (each.get("Properties", {}).get(name) for each in (present.definition, definition))
            for source, cause in self._causes(after) or [(DIRECT, None)]:
                yield Detail(attribute, shown, recreation, source, cause)
            if before != after and self._causes(after):
                yield Detail(attribute, shown, recreation, DIRECT)

    def _causes(self, node: Any) -> list[tuple[str, str | None]]:
        """What the property's text refers to that changes: (ChangeSource, CausingEntity)."""
        found: list[tuple[str, str | None]] = []
        for name, attribute in reference_paths(node):
            if name in self._parameters:
                found.append((PARAMETER, name))
            elif name in self._unmade:
                found.append((ATTRIBUTE, f"{name}.{attribute}") if attribute else (RESOURCE, name))
        return list(dict.fromkeys(found))


def _recreation(kind: ResourceType, old: Mapping[str, Any], new: Mapping[str, Any], name: str) -> str:
    """Whether that property alone would need a new resource."""
    changed = {**old, name: new[name]} if name in new else {each: old[each] for each in old if each != name}
    return "Always" if kind.replaces(old, changed) else "Never"


def _retained(definition: Mapping[str, Any], attribute: str) -> bool:
    return str(definition.get(attribute, "")).startswith("Retain")
