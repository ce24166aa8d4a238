"""Container: its getters, and what runs it."""

from collections.abc import Mapping
from typing import Any

from ci.engine.api import Context, Leaf, lazy, leaf
from ci.engine.errors import EngineError
from ci.engine.fields.rows import pairs, ports
from ci.engine.nodes import Node

lazy(
    "Container.directory", "Container.file", "Container.rootfs",
)  # fmt: skip


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
    return [mount.path for mount in context.session.evaluator.container(node).mounts]
