"""JSONValue: JSON text that is looked into and added to."""

import json
from collections.abc import Mapping
from typing import Any

from ci.engine.api import Context, leaf
from ci.engine.errors import InvalidArgumentError
from ci.engine.nodes import Node


def made(context: Context, text: str) -> Node:
    """The JSONValue of a JSON text."""
    return context.session.nodes.add(Node("JSONValue", "value", None, {"text": text}))


def _encoded(context: Context, value: Any) -> Node:
    return made(context, json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False))


def _value(node: Node) -> Any:
    return json.loads(node.args["text"])


def _decoded(node: Node, kind: type, name: str) -> Any:
    value = _value(node)
    if type(value) is not kind:
        raise InvalidArgumentError(f"value is not {name}")
    return value


@leaf("Query.json")
def _new(context: Context, _: Any, __: Mapping[str, Any]) -> Node:
    return made(context, "null")


@leaf("JSONValue.withContents")
def _with_contents(context: Context, _: Node, args: Mapping[str, Any]) -> Node:
    try:
        json.loads(args["contents"])
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"invalid JSON: {error}") from error
    return made(context, args["contents"])


@leaf("JSONValue.newString", "JSONValue.newInteger", "JSONValue.newBoolean")
def _new_value(context: Context, _: Node, args: Mapping[str, Any]) -> Node:
    return _encoded(context, args["value"])


@leaf("JSONValue.contents")
def _contents(_: Context, node: Node, args: Mapping[str, Any]) -> str:
    if not args["pretty"]:
        return str(node.args["text"])
    return json.dumps(_value(node), indent=args["indent"], sort_keys=True, ensure_ascii=False)


@leaf("JSONValue.asString")
def _as_string(_: Context, node: Node, __: Mapping[str, Any]) -> Any:
    return _decoded(node, str, "a string")


@leaf("JSONValue.asInteger")
def _as_integer(_: Context, node: Node, __: Mapping[str, Any]) -> Any:
    return _decoded(node, int, "an integer")


@leaf("JSONValue.asBoolean")
def _as_boolean(_: Context, node: Node, __: Mapping[str, Any]) -> Any:
    return _decoded(node, bool, "a boolean")


@leaf("JSONValue.asArray")
def _as_array(context: Context, node: Node, _: Mapping[str, Any]) -> list[Node]:
    return [_encoded(context, item) for item in _decoded(node, list, "an array")]


@leaf("JSONValue.fields")
def _fields(_: Context, node: Node, __: Mapping[str, Any]) -> list[str]:
    return sorted(_decoded(node, dict, "an object"))


@leaf("JSONValue.field")
def _field(context: Context, node: Node, args: Mapping[str, Any]) -> Node:
    value = _value(node)
    for name in args["path"]:
        if not isinstance(value, dict):
            raise InvalidArgumentError(f"can't lookup field '{name}' in non-object value")
        if name not in value:
            raise InvalidArgumentError(f"no such field: '{name}'")
        value = value[name]
    return _encoded(context, value)


@leaf("JSONValue.withField")
def _with_field(context: Context, node: Node, args: Mapping[str, Any]) -> Node:
    """What is on the way and is no object becomes one."""
    root = _value(node)
    root = root if isinstance(root, dict) else {}
    *above, last = args["path"] or [""]
    at = root
    for name in above:
        if not isinstance(at.get(name), dict):
            at[name] = {}
        at = at[name]
    if args["path"]:
        at[last] = _value(args["value"])
    return _encoded(context, root)
