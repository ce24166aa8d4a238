"""Resolves the fields of the API. A field that gives an object makes a recipe; a field that gives a value evaluates
one."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import GraphQLArgument, GraphQLResolveInfo, get_named_type, is_leaf_type, is_object_type

from ci.engine import containers, directories, platforms
from ci.engine.errors import EngineError, NotServedError
from ci.engine.nodes import Node
from ci.engine.session import Session

if TYPE_CHECKING:
    from ci.engine.functions import FunctionCall, LoadedModule

VERSION = "v0.21.8"  # of the API served


@dataclass(frozen=True)
class Context:
    """Who asks: the session, the module it serves, and the function call in whose name a module's process asks (None:
    a client)."""

    session: Session
    module: "LoadedModule | None" = None
    call: "FunctionCall | None" = None


Leaf = Callable[[Context, Any, Mapping[str, Any]], Any]
LEAVES: dict[str, Leaf] = {}
LAZY: set[str] = set()
LOADER = re.compile(r"Query\.load\w+FromID")
LAZY_PREFIXES = ("TypeDef.with", "Function.with", "Module.with")


def leaf(*names: str) -> Callable[[Leaf], Leaf]:
    """Register the resolver of the fields `Type.name`."""

    def register(function: Leaf) -> Leaf:
        for name in names:
            assert name not in LEAVES, f"{name} has two resolvers"
            LEAVES[name] = function
        return function

    return register


def lazy(*names: str) -> None:
    """Register fields `Type.name` whose recipes are kept as they are made, and read when something of them is asked
    for."""
    LAZY.update(names)


def client_only(context: Context, field: str) -> None:
    """Refuse `field` to a module's function.

    Raises:
        EngineError: a function's process asks.
    """
    if context.call is not None:
        raise EngineError(
            f"{field} is not available to a module's function: it has no host; pass what it needs as an argument"
        )


def resolve(parent: Any, info: GraphQLResolveInfo[Context], **raw: Any) -> Any:
    """The one resolver of every field.

    Raises:
        NotServedError: the field, or something it is made of, is not served; the calling function is named.
    """
    try:
        return _resolved(parent, info, raw)
    except NotServedError as error:
        raise NotServedError(error.field, _caller(info.context)) from error


def _caller(context: Context) -> str:
    """The function in whose name is asked: `Type.function`, empty for a client."""
    if context.call is None:
        return ""
    return f"{context.call.parent_name}.{context.call.name}".strip(".") or "the module's registration"


def _resolved(parent: Any, info: GraphQLResolveInfo[Context], raw: Mapping[str, Any]) -> Any:
    context = info.context
    name = f"{info.parent_type.name}.{info.field_name}"
    field = info.parent_type.fields[info.field_name]
    args = {key: _argument(context, field.args[key], value) for key, value in raw.items()}
    if context.module is not None and (function := context.module.function(info.parent_type.name, info.field_name)):
        return context.module.resolve(function, parent, args)
    if found := LEAVES.get(name):
        return found(context, parent, args)
    if LOADER.fullmatch(name):
        found_by_id = args["id"]
        return found_by_id if isinstance(found_by_id, Node) else context.session.nodes.get(found_by_id)
    kind = get_named_type(field.type)
    if is_object_type(kind) and served(name):
        return context.session.nodes.add(Node(kind.name, info.field_name, parent, args))
    if isinstance(parent, Node) and info.field_name == "id":
        return parent.id
    if isinstance(parent, Node) and info.field_name in parent.args and (is_leaf_type(kind) or parent.field == "value"):
        return parent.args[info.field_name]
    raise NotServedError(name)


def served(name: str) -> bool:
    """Whether a field `Type.name` that gives an object makes a recipe."""
    kind, _, field = name.partition(".")
    return (
        name in LEAVES
        or name in LAZY
        or name in directories.TREES
        or (kind == "Container" and field in containers.CHANGES)
        or name.startswith(LAZY_PREFIXES)
    )


def _argument(context: Context, argument: GraphQLArgument, value: Any) -> Any:
    """An argument's value, ids replaced by what they name, platforms in their one form."""
    expected = expected_type(argument)
    if isinstance(value, str) and get_named_type(argument.type).name == "Platform":
        return platforms.normal(value)
    if expected is None or value is None:
        return value
    if isinstance(value, list):
        return [context.session.nodes.get(item, expected) for item in value]
    return context.session.nodes.get(value, expected)


def expected_type(element: Any) -> str | None:
    """The object type that @expectedType names on an argument or field."""
    for directive in (element.ast_node and element.ast_node.directives) or ():
        if directive.name.value == "expectedType":
            return str(directive.arguments[0].value.value)
    return None
