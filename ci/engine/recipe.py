"""Recipes made by the engine itself, as if a client had asked: a field's other arguments have the schema's defaults."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from graphql import NamedTypeNode, NonNullTypeNode, ObjectTypeDefinitionNode, TypeNode, parse, value_from_ast_untyped

from ci.engine.nodes import Node


@cache
def _fields(kind: str) -> Mapping[str, tuple[str, Mapping[str, Any]]]:
    """The fields of a type of the schema: the type each gives, and the defaults of its arguments."""
    text = (Path(__file__).parent / "schema.graphql").read_text(encoding="utf-8")
    block = re.search(rf"^type {kind} .*?^}}", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    (definition,) = parse(block[0], no_location=True).definitions
    assert isinstance(definition, ObjectTypeDefinitionNode)
    return {
        field.name.value: (
            _named(field.type),
            {a.name.value: value_from_ast_untyped(a.default_value) for a in field.arguments or () if a.default_value},
        )
        for field in definition.fields or ()
    }


def _named(kind: TypeNode) -> str:
    inner = kind.type if isinstance(kind, NonNullTypeNode) else kind
    return inner.name.value if isinstance(inner, NamedTypeNode) else ""


def call(parent: Node | None, field: str, **args: Any) -> Node:
    """The recipe `parent.field(**args)`, of the Query where there is no parent."""
    kind, defaults = _fields(parent.type if parent is not None else "Query")[field]
    return Node(kind, field, parent, {**defaults, **args})
