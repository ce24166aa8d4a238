"""Service: starting, stopping and its ports."""

from collections.abc import Mapping
from typing import Any

from ci.engine.api import Context, lazy, leaf
from ci.engine.fields.rows import ports
from ci.engine.nodes import Node
from ci.engine.state import Port

lazy("Service.withHostname")


@leaf("Service.start", "Service.sync")
def _start(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    context.session.services.address(node, context.session.evaluator)
    return node.id


@leaf("Service.stop")
def _stop(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    context.session.services.stop(node)
    return node.id


@leaf("Service.up")
def _up(context: Context, node: Node, args: Mapping[str, Any]) -> None:
    context.session.services.up(node, context.session.evaluator, args["ports"], args["random"])


@leaf("Service.ports")
def _service_ports(context: Context, node: Node, _: Mapping[str, Any]) -> list[Node]:
    if node.parent is None or node.parent.type != "Container":
        return ports(context, tuple(Port(int(port["backend"])) for port in node.args.get("ports", ())))
    return ports(context, context.session.evaluator.container(node.parent).config.ports)
