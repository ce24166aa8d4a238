"""Query, what every object has, and secrets."""

from collections.abc import Mapping
from typing import Any

from ci.engine import platforms
from ci.engine.api import VERSION, Context, client_only, lazy, leaf
from ci.engine.fields.rows import rows
from ci.engine.nodes import Node

lazy(
    "Query.container", "Query.directory", "Query.file", "Query.cacheVolume", "Query.host", "Query.typeDef",
    "Query.function", "Query.module", "Query.error", "Query.sourceMap", "Error.withValue",
)  # fmt: skip


@leaf("Query.node")
def _node(context: Context, _: Any, args: Mapping[str, Any]) -> Node:
    return context.session.nodes.get(args["id"])


@leaf("Query.version")
def _version(_: Context, __: Any, ___: Mapping[str, Any]) -> str:
    return VERSION


@leaf("Query.defaultPlatform")
def _default_platform(_: Context, __: Any, ___: Mapping[str, Any]) -> str:
    return platforms.native()


@leaf("Container.platform")
def _platform(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    return platforms.normal(context.session.evaluator.container(node).platform)


@leaf("Error.message")
def _message(_: Context, node: Node, __: Mapping[str, Any]) -> str:
    return str(node.chain()[0].args["message"])


@leaf("Error.values")
def _values(context: Context, node: Node, _: Mapping[str, Any]) -> list[Node]:
    return rows(context, "ErrorValue", ({"name": s.args["name"], "value": s.args["value"]} for s in node.chain()[1:]))


@leaf("Query.setSecret")
def _set_secret(context: Context, _: Any, args: Mapping[str, Any]) -> Node:
    return context.session.nodes.add(context.session.secrets.set(args["name"], args["plaintext"]))


@leaf("Query.secret")
def _secret(context: Context, _: Any, args: Mapping[str, Any]) -> Node:
    client_only(context, "Query.secret")
    return context.session.nodes.add(context.session.secrets.from_uri(args["uri"]))


@leaf("Secret.plaintext")
def _plaintext(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    return context.session.secrets.plaintext(node)


@leaf("Secret.name")
def _secret_name(_: Context, node: Node, __: Mapping[str, Any]) -> str:
    """The name of a secret given by value; empty for one by reference."""
    return str(node.args.get("name") or "")


@leaf("Secret.uri")
def _secret_uri(_: Context, node: Node, __: Mapping[str, Any]) -> str:
    """The reference of a secret; empty for one given by value."""
    return str(node.args.get("uri") or "")
