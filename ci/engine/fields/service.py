"""Service: starting, stopping, and where it is reached."""

from collections.abc import Mapping
from typing import Any

from ci.engine.api import Context, client_only, lazy, leaf
from ci.engine.fields import rows
from ci.engine.nodes import Node
from ci.engine.services import hostname

lazy("Container.asService", "Host.service", "Service.withHostname")


@leaf("Host.tunnel")
def _tunnel(context: Context, _: Node, args: Mapping[str, Any]) -> Node:
    client_only(context, "Host.tunnel")
    return context.session.nodes.add(Node("Service", "tunnel", None, args))


@leaf("Service.start", "Service.sync")
def _start(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    context.session.services.start(node, context.session.evaluator)
    return node.id


@leaf("Service.stop")
def _stop(context: Context, node: Node, args: Mapping[str, Any]) -> str:
    context.session.services.stop(node, args["kill"])
    return node.id


@leaf("Service.terminal")
def _terminal(context: Context, node: Node, args: Mapping[str, Any]) -> Node:
    context.session.evaluator.service_terminal(node, args["cmd"])
    return node


@leaf("Service.up")
def _up(context: Context, node: Node, args: Mapping[str, Any]) -> None:
    context.session.services.up(node, context.session.evaluator, args["ports"], args["random"])


@leaf("Container.up")
def _container_up(context: Context, node: Node, args: Mapping[str, Any]) -> None:
    service = {key: value for key, value in args.items() if key not in ("ports", "random")}
    _up(context, Node("Service", "asService", node, service), args)


@leaf("Service.ports")
def _ports(context: Context, node: Node, _: Mapping[str, Any]) -> list[Node]:
    return rows.ports(context, context.session.services.ports(node, context.session.evaluator))


@leaf("Service.hostname")
def _hostname(_: Context, node: Node, __: Mapping[str, Any]) -> str:
    return hostname(node)


@leaf("Service.endpoint")
def _endpoint(context: Context, node: Node, args: Mapping[str, Any]) -> str:
    return context.session.services.endpoint(node, context.session.evaluator, args.get("port"), args["scheme"])
