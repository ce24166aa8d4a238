"""Address: what a text names, as the command line takes it: an image, a folder, a secret, a service."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ci.engine.api import LEAVES, Context, lazy, leaf
from ci.engine.errors import InvalidArgumentError
from ci.engine.nodes import Node
from ci.engine.recipe import call

lazy("Query.address")


@leaf("Address.value")
def _value(_: Context, node: Node, __: Mapping[str, Any]) -> str:
    return str(node.args["value"])


@leaf("Address.container")
def _container(context: Context, node: Node, _: Mapping[str, Any]) -> Any:
    return LEAVES["Container.from"](context, Node("Container", "container"), {"address": node.args["value"]})


@leaf("Address.directory")
def _directory(context: Context, node: Node, args: Mapping[str, Any]) -> Any:
    return LEAVES["Host.directory"](context, None, {**args, "path": _path(node)})


@leaf("Address.file")
def _file(context: Context, node: Node, _: Mapping[str, Any]) -> Any:
    return LEAVES["Host.file"](context, None, {"path": _path(node)})


def _path(node: Node) -> str:
    return str(node.args["value"]).removeprefix("file://")


@leaf("Address.secret")
def _secret(context: Context, node: Node, _: Mapping[str, Any]) -> Any:
    return LEAVES["Query.secret"](context, None, {"uri": node.args["value"]})


@leaf("Address.service")
def _service(context: Context, node: Node, _: Mapping[str, Any]) -> Node:
    """`tcp://HOST:PORT` or `udp://HOST:PORT` of the client's host.

    Raises:
        InvalidArgumentError: it is neither.
    """
    parts = urlsplit(node.args["value"])
    if parts.scheme not in ("tcp", "udp") or not parts.hostname or not parts.port:
        raise InvalidArgumentError(f"{node.args['value']!r} is no service: give tcp://HOST:PORT or udp://HOST:PORT")
    ports = [{"frontend": parts.port, "backend": parts.port, "protocol": parts.scheme.upper()}]
    host = Node("Host", "host")
    return context.session.nodes.add(Node("Service", "service", host, {"host": parts.hostname, "ports": ports}))


@leaf("Address.socket")
def _socket(context: Context, node: Node, _: Mapping[str, Any]) -> Any:
    return LEAVES["Host.unixSocket"](context, None, {"path": str(node.args["value"]).removeprefix("unix://")})


@leaf("Address.gitRepository")
def _git_repository(context: Context, node: Node, _: Mapping[str, Any]) -> Any:
    return LEAVES["Query.git"](context, None, dict(call(None, "git", url=node.args["value"].partition("#")[0]).args))


@leaf("Address.gitRef")
def _git_ref(context: Context, node: Node, args: Mapping[str, Any]) -> Node:
    """`URL#REF`, or the repository's HEAD without a ref."""
    repository, ref = _git_repository(context, node, args), node.args["value"].partition("#")[2]
    return context.session.nodes.add(call(repository, "ref", name=ref) if ref else call(repository, "head"))
