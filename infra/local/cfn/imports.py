"""Which stacks import which exports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from infra.local.cfn.evaluate import evaluate
from infra.local.cfn.scope import ScopeMaker
from infra.local.cfn.stack import Stack


def importers(export: str, exporter: Stack | None, scopes: ScopeMaker, region: str = "") -> list[Stack]:
    """The stacks, but the exporter itself, that import the export of that name, in the exporter's or given region."""
    others = scopes.stacks(exporter.region if exporter is not None else region)
    return [
        other
        for other in others
        if other is not exporter and not other.deleted and export in imported_names(other, scopes)
    ]


def imported_names(stack: Stack, scopes: ScopeMaker) -> set[str]:
    """Export names that the stack imports."""
    scope = scopes.of(stack, stack.plan)
    return {str(evaluate(node, scope)) for node in _import_names(stack.plan.template)}


def _import_names(node: Any) -> Iterable[Any]:
    if isinstance(node, list):
        for each in node:
            yield from _import_names(each)
    elif isinstance(node, dict):
        for name, value in node.items():
            if name == "Fn::ImportValue":
                yield value
            else:
                yield from _import_names(value)
