"""Host: what clients can reach and a module's functions cannot."""

from collections.abc import Mapping
from typing import Any

from ci.engine import sockets
from ci.engine.api import Context, client_only, leaf
from ci.engine.nodes import Node


@leaf("Host.directory")
def _host_directory(context: Context, _: Node, args: Mapping[str, Any]) -> Node:
    client_only(context, "Host.directory")
    taken = context.session.host_directory(args["path"], args["include"], args["exclude"])
    if args["gitignore"]:
        taken = Node("Directory", "filter", taken, {"include": [], "exclude": [], "gitignore": True})
    return context.session.nodes.add(taken)


@leaf("Host.findUp")
def _find_up(context: Context, _: Node, args: Mapping[str, Any]) -> str | None:
    """The nearest `name` in the client's working directory or above it, None where there is none."""
    client_only(context, "Host.findUp")
    start = context.session.host_path(".")
    found = (folder / args["name"] for folder in (start, *start.parents))
    return next((str(place) for place in found if place.exists()), None)


@leaf("Host.unixSocket")
def _unix_socket(context: Context, _: Node, args: Mapping[str, Any]) -> Node:
    client_only(context, "Host.unixSocket")
    return context.session.nodes.add(sockets.of_host(context.session.host_path(args["path"])))


@leaf("Host.file")
def _host_file(context: Context, _: Node, args: Mapping[str, Any]) -> Node:
    client_only(context, "Host.file")
    return context.session.nodes.add(context.session.host_file(args["path"]))
