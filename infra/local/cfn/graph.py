"""Which resource needs which, and the order that follows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infra.local.cfn.errors import TemplateError
from infra.local.cfn.evaluate import SUBSTITUTION


def references(node: Any) -> Iterator[str]:
    """Names that a node refers to by Ref, Fn::GetAtt or Fn::Sub: resources, parameters and pseudo parameters."""
    for name, _ in reference_paths(node):
        yield name


def reference_paths(node: Any) -> Iterator[tuple[str, str | None]]:
    """The same names, with the attribute that Fn::GetAtt or Fn::Sub asks for."""
    if isinstance(node, list):
        for each in node:
            yield from reference_paths(each)
    elif isinstance(node, dict):
        for name, value in node.items():
            if name == "Ref" and isinstance(value, str):
                yield value, None
            elif name == "Fn::GetAtt":
                yield _path(value if isinstance(value, str) else f"{value[0]}.{value[1]}")
            elif name == "Fn::Sub":
                yield from _substituted(value)
            else:
                yield from reference_paths(value)


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


def _substituted(argument: Any) -> Iterator[tuple[str, str | None]]:
    text, variables = (argument, {}) if isinstance(argument, str) else argument
    yield from reference_paths(list(variables.values()))
    for literal, name in SUBSTITUTION.findall(text):
        if not literal and name not in variables:
            yield _path(name)


def _path(text: str) -> tuple[str, str | None]:
    name, _, attribute = text.partition(".")
    return name, attribute or None
