"""Container: what each field that returns a container does to its state. Pure: nothing runs here."""

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ci.engine import durations
from ci.engine.errors import InvalidArgumentError, NotServedError
from ci.engine.nodes import Node
from ci.engine.state import Config, Container, Exec, Port, Rootfs

Change = Callable[[Container, Mapping[str, Any]], Container]
CHANGES: dict[str, Change] = {}
# By their name in an image's configuration (Docker's own), in nanoseconds there.
HEALTHCHECK_TIMES = {
    "Interval": "interval", "Timeout": "timeout", "StartPeriod": "startPeriod", "StartInterval": "startInterval",
}  # fmt: skip
PORTS = range(1, 1 << 16)
VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def change(name: str) -> Callable[[Change], Change]:
    """Register what the Container field `name` does."""

    def register(function: Change) -> Change:
        CHANGES[name] = function
        return function

    return register


def steps_of(node: Node) -> list[Node]:
    """The recipes of containers that lead to `node`, the first one first; what a Directory gave it is none of them."""
    steps: list[Node] = []
    for step in node.chain():
        steps = [*steps, step] if step.type == "Container" else []
    return steps


def expanded(container: Container, text: str, args: Mapping[str, Any]) -> str:
    """`text` with `$NAME` and `${NAME}` replaced from the container's environment, where `expand` was asked for.

    Raises:
        InvalidArgumentError: it names a secret or a volatile variable, which no recipe may hold.
    """
    if not args.get("expand"):
        return text
    hidden = {name: "secret" for name, _ in container.secret_env}
    hidden |= {name: "volatile" for name, _ in container.volatile_env}

    def value(found: re.Match[str]) -> str:
        name = found[1] or found[2]
        if name in hidden:
            raise InvalidArgumentError(f'expand cannot be used with {hidden[name]} env variable "{name}"')
        return container.config.env.get(name, "")

    return VARIABLE.sub(value, text)


def resolved(container: Container, args: Mapping[str, Any], name: str = "path") -> str:
    """The path argument as an absolute path in the container."""
    return posixpath.normpath(posixpath.join("/", container.config.workdir, expanded(container, args[name], args)))


@change("withEnvVariable")
def _with_env(c: Container, a: Mapping[str, Any]) -> Container:
    return c.configured(env={**c.config.env, a["name"]: expanded(c, a["value"], a)})


@change("withoutEnvVariable")
def _without_env(c: Container, a: Mapping[str, Any]) -> Container:
    return c.configured(env={key: value for key, value in c.config.env.items() if key != a["name"]})


@change("withVolatileVariable")
def _with_volatile(c: Container, a: Mapping[str, Any]) -> Container:
    kept = [pair for pair in c.volatile_env if pair[0] != a["name"]]
    return replace(c, volatile_env=(*kept, (a["name"], a["value"])))


@change("withoutVolatileVariable")
def _without_volatile(c: Container, a: Mapping[str, Any]) -> Container:
    return replace(c, volatile_env=tuple(pair for pair in c.volatile_env if pair[0] != a["name"]))


@change("withSecretVariable")
def _with_secret(c: Container, a: Mapping[str, Any]) -> Container:
    kept = [pair for pair in c.secret_env if pair[0] != a["name"]]
    return replace(c, secret_env=(*kept, (a["name"], a["secret"])))


@change("withoutSecretVariable")
def _without_secret(c: Container, a: Mapping[str, Any]) -> Container:
    return replace(c, secret_env=tuple(pair for pair in c.secret_env if pair[0] != a["name"]))


@change("withLabel")
def _with_label(c: Container, a: Mapping[str, Any]) -> Container:
    return c.configured(labels={**c.config.labels, a["name"]: a["value"]})


@change("withoutLabel")
def _without_label(c: Container, a: Mapping[str, Any]) -> Container:
    return c.configured(labels={key: value for key, value in c.config.labels.items() if key != a["name"]})


@change("withAnnotation")
def _with_annotation(c: Container, a: Mapping[str, Any]) -> Container:
    return c.configured(annotations={**c.config.annotations, a["name"]: a["value"]})


@change("withoutAnnotation")
def _without_annotation(c: Container, a: Mapping[str, Any]) -> Container:
    return c.configured(annotations={key: value for key, value in c.config.annotations.items() if key != a["name"]})


@change("withDockerHealthcheck")
def _with_healthcheck(c: Container, a: Mapping[str, Any]) -> Container:
    args, shell = tuple(a["args"]), a.get("shell") or False
    if shell and len(args) != 1:
        raise InvalidArgumentError("withDockerHealthcheck: args must be a single element when shell is set")
    if not args:
        raise InvalidArgumentError("withDockerHealthcheck: args is missing")
    check: dict[str, Any] = {"Test": ["CMD-SHELL" if shell else "CMD", *args]}
    check |= {name: durations.parsed(a[given]) for name, given in HEALTHCHECK_TIMES.items() if a.get(given)}
    check |= {"Retries": a["retries"]} if a.get("retries") else {}
    return c.configured(extra={**c.config.extra, "Healthcheck": check})


@change("withoutDockerHealthcheck")
def _without_healthcheck(c: Container, _: Mapping[str, Any]) -> Container:
    return c.configured(extra={name: value for name, value in c.config.extra.items() if name != "Healthcheck"})


@change("withDefaultTerminalCmd")
def _with_terminal_cmd(c: Container, a: Mapping[str, Any]) -> Container:
    return replace(c, terminal_cmd=tuple(a["args"]))


@change("withWorkdir")
def _with_workdir(c: Container, a: Mapping[str, Any]) -> Container:
    return c.configured(workdir=resolved(c, a))


@change("withoutWorkdir")
def _without_workdir(c: Container, _: Mapping[str, Any]) -> Container:
    return c.configured(workdir="")


@change("withUser")
def _with_user(c: Container, a: Mapping[str, Any]) -> Container:
    return c.configured(user=a["name"])


@change("withoutUser")
def _without_user(c: Container, _: Mapping[str, Any]) -> Container:
    return c.configured(user="")


@change("withEntrypoint")
def _with_entrypoint(c: Container, a: Mapping[str, Any]) -> Container:
    kept = c.config.default_args if a["keepDefaultArgs"] else ()
    return c.configured(entrypoint=tuple(a["args"]), default_args=kept)


@change("withoutEntrypoint")
def _without_entrypoint(c: Container, a: Mapping[str, Any]) -> Container:
    return c.configured(entrypoint=(), default_args=c.config.default_args if a["keepDefaultArgs"] else ())


@change("withDefaultArgs")
def _with_default_args(c: Container, a: Mapping[str, Any]) -> Container:
    return c.configured(default_args=tuple(a["args"]))


@change("withoutDefaultArgs")
def _without_default_args(c: Container, _: Mapping[str, Any]) -> Container:
    return c.configured(default_args=())


@change("withExposedPort")
def _with_port(c: Container, a: Mapping[str, Any]) -> Container:
    if a["port"] not in PORTS:
        raise InvalidArgumentError(f"port {a['port']} is out of range: from {PORTS[0]} to {PORTS[-1]}")
    port = Port(a["port"], a["protocol"], a.get("description"), a["experimentalSkipHealthcheck"])
    kept = [p for p in c.config.ports if (p.port, p.protocol) != (port.port, port.protocol)]
    return c.configured(ports=(*kept, port))


@change("withoutExposedPort")
def _without_port(c: Container, a: Mapping[str, Any]) -> Container:
    return c.configured(ports=tuple(p for p in c.config.ports if (p.port, p.protocol) != (a["port"], a["protocol"])))


@change("withRegistryAuth")
def _with_auth(c: Container, a: Mapping[str, Any]) -> Container:
    kept = [row for row in c.registry_auth if row[0] != a["address"]]
    return replace(c, registry_auth=(*kept, (a["address"], a["username"], a["secret"])))


@change("withoutRegistryAuth")
def _without_auth(c: Container, a: Mapping[str, Any]) -> Container:
    return replace(c, registry_auth=tuple(row for row in c.registry_auth if row[0] != a["address"]))


@change("withServiceBinding")
def _with_binding(c: Container, a: Mapping[str, Any]) -> Container:
    kept = [pair for pair in c.bindings if pair[0] != a["alias"]]
    return replace(c, bindings=(*kept, (a["alias"], a["service"])))


@change("withExec")
def _with_exec(c: Container, a: Mapping[str, Any]) -> Container:
    if a.get("experimentalPrivilegedNesting"):
        raise NotServedError("Container.withExec(experimentalPrivilegedNesting)")
    if a["stdin"] and a.get("redirectStdin"):
        raise InvalidArgumentError("withExec takes stdin or redirectStdin, not both")
    step = command(c, a, tuple(a["args"]) or c.config.default_args)
    stdin, stdout, stderr = (
        resolved(c, a, f"redirect{name}") if a.get(f"redirect{name}") else "" for name in ("Stdin", "Stdout", "Stderr")
    )
    step = replace(step, stdin=a["stdin"], redirect_stdin=stdin, redirect_stdout=stdout, redirect_stderr=stderr)
    after = c.stepped(replace(step, expect=a["expect"]))
    return replace(after, last_exec=after.rootfs)


def command(c: Container, a: Mapping[str, Any], args: tuple[str, ...]) -> Exec:
    """The command of `withExec` or `asService`: the arguments after the entrypoint where that is asked for."""
    args = tuple(expanded(c, arg, a) for arg in args)
    if a["useEntrypoint"]:
        args = (*c.config.entrypoint, *args)
    return Exec(
        args,
        c.config,
        c.mounts,
        c.secret_env,
        c.bindings,
        c.volatile_env,
        privileged=a["insecureRootCapabilities"],
        init=not a["noInit"],
    )


def service_command(c: Container, service: Node) -> Exec:
    """The command of a service made by `asService`.

    Without arguments it is the container's own: its entrypoint, unless withDefaultArgs was called, and its default
    arguments; as Dagger has it.

    Raises:
        InvalidArgumentError: the container has no command.
    """
    a = dict(service.args)
    args = tuple(a.get("args") or ())
    if not args:
        a["useEntrypoint"] |= all(step.field != "withDefaultArgs" for step in steps_of(service.parent or service))
    if not args and not c.config.default_args and not (a["useEntrypoint"] and c.config.entrypoint):
        raise InvalidArgumentError("no service command has been set")
    return command(c, a, args or c.config.default_args)


def initial(image: Any, reference: str, before: Container) -> Container:
    """The container `from` gives: the image's root file system and configuration, what was bound before kept."""
    return replace(before, rootfs=Rootfs(None, image), config=Config.of(image), image_ref=reference)
