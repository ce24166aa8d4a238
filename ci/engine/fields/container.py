"""Container: its getters, and what runs it."""

from collections.abc import Mapping
from typing import Any

from ci.engine import durations
from ci.engine.api import Context, Leaf, lazy, leaf
from ci.engine.containers import HEALTHCHECK_TIMES, resolved
from ci.engine.errors import EngineError, NotFoundError
from ci.engine.fields import found
from ci.engine.fields.rows import pairs, ports, rows
from ci.engine.nodes import Node

lazy(
    "Container.directory", "Container.file", "Container.rootfs",
)  # fmt: skip


@leaf("Container.sync")
def _sync(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    context.session.evaluator.image(node)
    return node.id


@leaf("Container.terminal")
def _terminal(context: Context, node: Node, args: Mapping[str, Any]) -> Node:
    context.session.evaluator.terminal(node, args["cmd"], args["insecureRootCapabilities"])
    return node


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


@leaf("Container.dockerHealthcheck")
def _healthcheck(context: Context, node: Node, _: Mapping[str, Any]) -> Node | None:
    check = context.session.evaluator.container(node).config.extra.get("Healthcheck") or {}
    kind, *words = check.get("Test") or ("NONE",)
    if kind == "NONE":
        return None
    times = {given: durations.shown(check.get(name) or 0) for name, given in HEALTHCHECK_TIMES.items()}
    row: dict[str, Any] = {"args": words, "shell": kind == "CMD-SHELL", "retries": check.get("Retries") or 0, **times}
    return rows(context, "HealthcheckConfig", [row])[0]


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
