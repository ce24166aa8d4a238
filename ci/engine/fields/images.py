"""Container: the fields that read images and write them."""

from collections.abc import Mapping
from typing import Any

from ci.engine import packaging
from ci.engine.api import Context, client_only, lazy, leaf
from ci.engine.errors import EngineError
from ci.engine.fields.file import export
from ci.engine.nodes import Node

lazy("Container.asTarball", "Container.import", "Directory.dockerBuild", "Query.http")


@leaf("Container.from")
def _from(context: Context, node: Node, args: Mapping[str, Any]) -> Node:
    return context.session.nodes.add(context.session.image(args["address"], node, args.get("registryService")))


@leaf("Host.containerImage")
def _host_image(context: Context, _: Node, args: Mapping[str, Any]) -> Node:
    client_only(context, "Host.containerImage")
    return context.session.nodes.add(context.session.host_image(args["name"]))


@leaf("Container.imageRef")
def _image_ref(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    reference = context.session.evaluator.container(node).image_ref
    if not reference:
        raise EngineError(
            "Image reference can only be retrieved immediately after the 'Container.From' call. "
            "Error in fetching imageRef as the container image is changed"
        )
    return reference


@leaf("Container.export")
def _export(context: Context, node: Node, args: Mapping[str, Any]) -> str:
    settings = {name: args.get(name) for name in ("platformVariants", "forcedCompression", "mediaTypes")}
    return str(export(context, Node("File", "asTarball", node, settings), args))


@leaf("Container.exportImage")
def _export_image(context: Context, node: Node, args: Mapping[str, Any]) -> dict[str, Any]:
    """Put the image into the host's Docker; gives what Dagger's engine writes for a `Void!`, which is never null."""
    client_only(context, "Container.exportImage")
    context.session.packaging.export_image(node, dict(args))
    return {}


@leaf("Container.publish")
def _publish(context: Context, node: Node, args: Mapping[str, Any]) -> str:
    session = context.session
    auth = packaging.auth_of(session.evaluator.container(node), session.secrets.plaintext)
    return session.packaging.publish(node, dict(args), auth, session.registry_url(args.get("registryService")))
