"""Container: what each field that returns a container does to its state. Pure: nothing runs here."""

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ci.engine.errors import InvalidArgumentError, NotServedError
from ci.engine.nodes import Node
from ci.engine.state import Config, Container, Exec, Mount, Placed, Port, Removed, Rootfs

Change = Callable[[Container, Mapping[str, Any]], Container]
CHANGES: dict[str, Change] = {}
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
    """`text` with `$NAME` and `${NAME}` replaced from the container's environment, where `expand` was asked for."""
    if not args.get("expand"):
        return text
    return VARIABLE.sub(lambda found: container.config.env.get(found[1] or found[2], ""), text)


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


@change("withDirectory")
def _with_directory(c: Container, a: Mapping[str, Any]) -> Container:
    include, exclude = tuple(a["include"]), tuple(a["exclude"])
    return c.stepped(Placed(resolved(c, a), a["source"], a["owner"], a.get("permissions"), include, exclude))


@change("withFile")
def _with_file(c: Container, a: Mapping[str, Any]) -> Container:
    return c.stepped(Placed(resolved(c, a), a["source"], a["owner"], a.get("permissions")))


@change("withFiles")
def _with_files(c: Container, a: Mapping[str, Any]) -> Container:
    folder = Node("Directory", "withFiles", Node("Directory", "directory"), {"path": "/", "sources": a["sources"]})
    return c.stepped(Placed(resolved(c, a), folder, a["owner"], a.get("permissions")))


@change("withNewFile")
def _with_new_file(c: Container, a: Mapping[str, Any]) -> Container:
    args = {"name": "file", "contents": a["contents"], "permissions": a["permissions"]}
    return c.stepped(Placed(resolved(c, a), Node("File", "file", None, args), a["owner"], a["permissions"]))


@change("withSymlink")
def _with_symlink(c: Container, a: Mapping[str, Any]) -> Container:
    args = {"target": expanded(c, a["target"], a), "linkName": resolved(c, a, "linkName")}
    return c.stepped(Placed("/", Node("Directory", "withSymlink", Node("Directory", "directory"), args)))


@change("withRootfs")
def _with_rootfs(c: Container, a: Mapping[str, Any]) -> Container:
    return replace(c, rootfs=Rootfs(Rootfs(), Placed("/", a["directory"])))


@change("withoutDirectory")
@change("withoutFile")
def _without_path(c: Container, a: Mapping[str, Any]) -> Container:
    return c.stepped(Removed((resolved(c, a),)))


@change("withoutFiles")
def _without_files(c: Container, a: Mapping[str, Any]) -> Container:
    return c.stepped(Removed(tuple(resolved(c, {**a, "path": path}) for path in a["paths"])))


def _mounted(c: Container, mount: Mount) -> Container:
    return replace(c, mounts=(*(m for m in c.mounts if m.path != mount.path), mount))


@change("withMountedCache")
def _with_cache(c: Container, a: Mapping[str, Any]) -> Container:
    cache: Node = a["cache"]
    name = cache.args["key"]
    return _mounted(c, Mount(resolved(c, a), "cache", a.get("source"), name, a["sharing"], a["owner"]))


@change("withMountedTemp")
def _with_temp(c: Container, a: Mapping[str, Any]) -> Container:
    return _mounted(c, Mount(resolved(c, a), "temp", name=str(a.get("size") or "")))


@change("withMountedSecret")
def _with_mounted_secret(c: Container, a: Mapping[str, Any]) -> Container:
    return _mounted(c, Mount(resolved(c, a), "secret", a["source"], owner=a["owner"], mode=a["mode"]))


@change("withMountedDirectory")
def _with_mounted_directory(c: Container, a: Mapping[str, Any]) -> Container:
    mount = Mount(resolved(c, a), "directory", a["source"], owner=a["owner"], read_only=a["readOnly"])
    return _mounted(c, mount)


@change("withMountedFile")
def _with_mounted_file(c: Container, a: Mapping[str, Any]) -> Container:
    return _mounted(c, Mount(resolved(c, a), "file", a["source"], owner=a["owner"]))


@change("withoutMount")
def _without_mount(c: Container, a: Mapping[str, Any]) -> Container:
    path = resolved(c, a)
    return replace(c, mounts=tuple(m for m in c.mounts if m.path != path))


@change("withExec")
def _with_exec(c: Container, a: Mapping[str, Any]) -> Container:
    for name in ("experimentalPrivilegedNesting", "redirectStdin", "redirectStdout", "redirectStderr"):
        if a.get(name):
            raise NotServedError(f"Container.withExec({name})")
    step = command(c, a, tuple(a["args"]) or c.config.default_args)
    after = c.stepped(replace(step, stdin=a["stdin"], expect=a["expect"]))
    return replace(after, last_exec=after.rootfs)


def command(c: Container, a: Mapping[str, Any], args: tuple[str, ...]) -> Exec:
    """The command of `withExec` or `asService`: the arguments after the entrypoint where that is asked for."""
    args = tuple(expanded(c, arg, a) for arg in args)
    if a["useEntrypoint"]:
        args = (*c.config.entrypoint, *args)
    if not args:
        raise InvalidArgumentError("no command has been set")
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
