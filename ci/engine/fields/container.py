"""Container: its getters, and what runs it."""

from collections.abc import Mapping
from typing import Any

from ci.engine import durations
from ci.engine.api import Context, Leaf, lazy, leaf
from ci.engine.containers import HEALTHCHECK_TIMES, resolved
from ci.engine.errors import EngineError, NotFoundError
from ci.engine.fields import found
from ci.engine.fields.file import export
from ci.engine.fields.query import default_platform
from ci.engine.fields.rows import pairs, ports, rows
from ci.engine.nodes import Node

lazy(
    "Container.directory", "Container.file", "Container.rootfs", "Container.asTarball", "Container.asService",
)  # fmt: skip


@leaf("Container.from")
def _from(context: Context, node: Node, args: Mapping[str, Any]) -> Node:
    return context.session.nodes.add(context.session.image(args["address"], node))


@leaf("Container.sync")
def _sync(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    context.session.evaluator.image(node)
    return node.id


def _outcome(name: str) -> Leaf:
    def resolver(context: Context, node: Node, _: Mapping[str, Any]) -> Any:
        outcome = context.session.evaluator.run(node)
        if outcome is None:
            raise EngineError("no command has been set")
        return getattr(outcome, name)

    return resolver


for _field, _attribute in (
    ("stdout", "stdout"), ("stderr", "stderr"), ("combinedOutput", "combined"), ("exitCode", "exit_code"),
):  # fmt: skip
    leaf(f"Container.{_field}")(_outcome(_attribute))


@leaf("Container.envVariable")
def _env_variable(context: Context, node: Node, args: Mapping[str, Any]) -> str | None:
    return context.session.evaluator.container(node).config.env.get(args["name"])


@leaf("Container.label")
def _label(context: Context, node: Node, args: Mapping[str, Any]) -> str | None:
    return context.session.evaluator.container(node).config.labels.get(args["name"])


@leaf("Container.envVariables")
def _env_variables(context: Context, node: Node, _: Mapping[str, Any]) -> list[Node]:
    return pairs(context, "EnvVariable", context.session.evaluator.container(node).config.env)


@leaf("Container.labels")
def _labels(context: Context, node: Node, _: Mapping[str, Any]) -> list[Node]:
    return pairs(context, "Label", context.session.evaluator.container(node).config.labels)


def _config(name: str) -> Leaf:
    def resolver(context: Context, node: Node, _: Mapping[str, Any]) -> Any:
        value = getattr(context.session.evaluator.container(node).config, name)
        return list(value) if isinstance(value, tuple) else value

    return resolver


for _field, _attribute in (
    ("workdir", "workdir"), ("user", "user"), ("entrypoint", "entrypoint"), ("defaultArgs", "default_args"),
):  # fmt: skip
    leaf(f"Container.{_field}")(_config(_attribute))


@leaf("Container.exposedPorts")
def _exposed(context: Context, node: Node, _: Mapping[str, Any]) -> list[Node]:
    return ports(context, context.session.evaluator.container(node).config.ports)


@leaf("Container.mounts")
def _mounts(context: Context, node: Node, _: Mapping[str, Any]) -> list[str]:
    """Secrets and sockets are none to Dagger."""
    mounts = context.session.evaluator.container(node).mounts
    return [mount.path for mount in mounts if mount.kind in ("cache", "temp", "directory", "file")]


@leaf("Container.imageRef")
def _image_ref(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    state = context.session.evaluator.container(node)
    if node.field != "image":
        raise EngineError(
            "Image reference can only be retrieved immediately after the 'Container.From' call. "
            "Error in fetching imageRef as the container image is changed"
        )
    return str(state.image_ref)


@leaf("Container.dockerHealthcheck")
def _healthcheck(context: Context, node: Node, _: Mapping[str, Any]) -> Node | None:
    check = context.session.evaluator.container(node).config.extra.get("Healthcheck") or {}
    kind, *words = check.get("Test") or ("NONE",)
    if kind == "NONE":
        return None
    times = {given: durations.shown(check.get(name) or 0) for name, given in HEALTHCHECK_TIMES.items()}
    row: dict[str, Any] = {"args": words, "shell": kind == "CMD-SHELL", "retries": check.get("Retries") or 0, **times}
    return rows(context, "HealthcheckConfig", [row])[0]


@leaf("Container.platform")
def _platform(_: Context, node: Node, __: Mapping[str, Any]) -> str:
    return str(node.chain()[0].args.get("platform") or default_platform())


@leaf("Container.withError", "Directory.withError")
def _with_error(_: Context, node: Node, args: Mapping[str, Any]) -> Node:
    if args["err"]:
        raise EngineError(args["err"])
    return node


@leaf("Container.exists")
def _exists(context: Context, node: Node, args: Mapping[str, Any]) -> bool:
    kind = args.get("expectedType")
    follow = not (args["doNotFollowSymlinks"] or kind == "SYMLINK_TYPE")
    path = resolved(context.session.evaluator.container(node), args)
    return found.is_of_type(context.session.evaluator.stat(node, path, follow), kind)


@leaf("Container.stat")
def _stat(context: Context, node: Node, args: Mapping[str, Any]) -> Node:
    path = resolved(context.session.evaluator.container(node), args)
    entry = context.session.evaluator.stat(node, path, not args["doNotFollowSymlinks"])
    if entry is None:
        raise NotFoundError(args["path"])
    return found.stat(context, entry)


@leaf("Container.export")
def _export_image(context: Context, node: Node, args: Mapping[str, Any]) -> str:
    settings = {"platformVariants": [], "forcedCompression": None, "mediaTypes": args["mediaTypes"]}
    return str(export(context, Node("File", "asTarball", node, settings), args))


@leaf("Container.up")
def _container_up(context: Context, node: Node, args: Mapping[str, Any]) -> None:
    service = {key: value for key, value in args.items() if key not in ("ports", "random")}
    context.session.services.up(
        Node("Service", "asService", node, service), context.session.evaluator, args["ports"], args["random"]
    )
