"""Which exports a stack imports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from infra.local.cfn.evaluate import evaluate
from infra.local.cfn.scope import ScopeMaker
from infra.local.cfn.stack import Stack


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
