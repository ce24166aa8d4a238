"""Which resource needs which, and the order that follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infra.local.cfn.errors import TemplateError
from infra.local.cfn.evaluate import SUBSTITUTION


def references(node: Any) -> Iterator[str]:
    """Names that a node refers to by Ref, Fn::GetAtt or Fn::Sub: resources, parameters and pseudo parameters."""
    if isinstance(node, list):
        for each in node:
            yield from references(each)
    elif isinstance(node, dict):
        for name, value in node.items():
            if name == "Ref" and isinstance(value, str):
                yield value
            elif name == "Fn::GetAtt":
                yield (value.split(".", 1) if isinstance(value, str) else value)[0]
            elif name == "Fn::Sub":
                yield from _substituted(value)
            else:
                yield from references(value)


def creation_order(resources: Mapping[str, Any]) -> list[str]:
    """Every resource after what it refers to and depends on; otherwise the template's order. Raises TemplateError."""
    needs = {name: _needs(resource, resources) for name, resource in resources.items()}
    ordered: list[str] = []
    while len(ordered) < len(needs):
        ready = [name for name, needed in needs.items() if name not in ordered and needed <= set(ordered)]
        if not ready:
            circle = ", ".join(sorted(set(needs) - set(ordered)))
            raise TemplateError(f"Circular dependency between resources: [{circle}]")
        ordered.append(ready[0])
    return ordered


def _needs(resource: Mapping[str, Any], resources: Mapping[str, Any]) -> set[str]:
    depends = resource.get("DependsOn") or []
    named = {depends} if isinstance(depends, str) else set(depends)
    if unknown := named - set(resources):
        names = ", ".join(sorted(unknown))
        raise TemplateError(f"Template format error: Unresolved resource dependencies [{names}] in the Resources block")
    return named | {name for name in references(resource["Properties"]) if name in resources}


def _substituted(argument: Any) -> Iterator[str]:
    text, variables = (argument, {}) if isinstance(argument, str) else argument
    yield from references(list(variables.values()))
    for literal, name in SUBSTITUTION.findall(text):
        if not literal and name not in variables:
            yield name.split(".", 1)[0]
