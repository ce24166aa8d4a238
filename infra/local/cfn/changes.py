"""What a change set will do, without doing it.

Resources are evaluated in order with placeholders for what does not exist yet, so a replacement shows in all that
refer to it.
"""

from __future__ import annotations

from infra.local.cfn.evaluate import evaluate, named_condition
from infra.local.cfn.graph import creation_order
from infra.local.cfn.scope import ScopeMaker, Types
from infra.local.cfn.stack import Change, Plan, Stack


def preview(stack: Stack, plan: Plan, scopes: ScopeMaker, types: Types) -> list[Change]:
    """The changes, in their order, removals last; raises CfnError where the template cannot be evaluated."""
    changes: list[Change] = []
    unmade: frozenset[str] = frozenset()
    kept = set()
    definitions = plan.template["Resources"]
    for name in creation_order(definitions):
        scope = scopes.of(stack, plan, unmade)
        condition = definitions[name].get("Condition")
        if condition is not None and not named_condition(condition, scope):
            continue
        kept.add(name)
        kind = types.get(definitions[name]["Type"])
        properties = evaluate(definitions[name]["Properties"], scope)
        present = stack.resources.get(name)
        if present is None or present.type != definitions[name]["Type"]:
            changes.append(Change("Add", name, None, definitions[name]["Type"], None))
            unmade |= {name}
        elif properties != present.properties:
            replaced = kind.replaces(present.properties, properties)
            names = sorted(set(properties) | set(present.properties))
            differing = tuple(each for each in names if properties.get(each) != present.properties.get(each))
            physical = present.made.physical_id
            changes.append(Change("Modify", name, physical, present.type, "True" if replaced else "False", differing))
            unmade |= {name} if replaced else set()
    gone = [each for name, each in stack.resources.items() if name not in kept]
    return changes + [Change("Remove", each.logical_id, each.made.physical_id, each.type, None) for each in gone]
