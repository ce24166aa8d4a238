"""Container: files and directories put in and taken away, and what is mounted. Pure: nothing runs here."""

import posixpath
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ci.engine.containers import change, expanded, resolved
from ci.engine.errors import NotServedError
from ci.engine.nodes import Node
from ci.engine.state import Container, Mount, Placed, Removed, Rootfs

EMPTY = Node("Directory", "directory")


def _is_folder(c: Container, a: Mapping[str, Any]) -> bool:
    return expanded(c, a["path"], a).endswith(("/", "/."))


@change("withDirectory")
def _with_directory(c: Container, a: Mapping[str, Any]) -> Container:
    source, mode = a["source"], a.get("permissions")
    patterns = {"include": a["include"], "exclude": a["exclude"], "gitignore": bool(a.get("gitignore"))}
    if any(patterns.values()):
        source = Node("Directory", "filter", source, patterns)
    if mode is not None:  # it is for all that is copied
        none = {"include": [], "exclude": [], "owner": ""}
        source = Node("Directory", "withDirectory", EMPTY, {"path": "/", "source": source, "permissions": mode, **none})
    return c.stepped(Placed(resolved(c, a), source, a["owner"], mode))


@change("withFile")
def _with_file(c: Container, a: Mapping[str, Any]) -> Container:
    if _is_folder(c, a):
        return _with_files(c, {**a, "sources": [a["source"]]})
    return c.stepped(Placed(resolved(c, a), a["source"], a["owner"], a.get("permissions")))


@change("withFiles")
def _with_files(c: Container, a: Mapping[str, Any]) -> Container:
    args = {"path": "/", "sources": a["sources"], "permissions": a.get("permissions")}
    return c.stepped(Placed(resolved(c, a), Node("Directory", "withFiles", EMPTY, args), a["owner"]))


@change("withNewFile")
def _with_new_file(c: Container, a: Mapping[str, Any]) -> Container:
    path = resolved(c, a)
    args = {"name": posixpath.basename(path) or "/", "contents": a["contents"], "permissions": a["permissions"]}
    return c.stepped(Placed(path, Node("File", "file", None, args), a["owner"]))


@change("withSymlink")
def _with_symlink(c: Container, a: Mapping[str, Any]) -> Container:
    folder, name = posixpath.split(resolved(c, a, "linkName"))
    link = Node("Directory", "withSymlink", EMPTY, {"target": expanded(c, a["target"], a), "linkName": name})
    return c.stepped(Placed(folder, link))


@change("withRootfs")
def _with_rootfs(c: Container, a: Mapping[str, Any]) -> Container:
    return replace(c, rootfs=Rootfs(Rootfs(), Placed("/", a["directory"])))


@change("withoutDirectory")
@change("withoutFile")
def _without_path(c: Container, a: Mapping[str, Any]) -> Container:
    return c.stepped(Removed((resolved(c, a),)))


@change("withoutFiles")
def _without_files(c: Container, a: Mapping[str, Any]) -> Container:
    for path in a["paths"]:
        c = c.stepped(Removed((resolved(c, {**a, "path": path}),)))
    return c


def _mounted(c: Container, mount: Mount) -> Container:
    return replace(c, mounts=(*(m for m in c.mounts if m.path != mount.path), mount))


@change("withMountedCache")
def _with_cache(c: Container, a: Mapping[str, Any]) -> Container:
    """What the call leaves at its default is the cache volume's own."""
    volume: Mapping[str, Any] = a["cache"].args
    sharing = a["sharing"] if a["sharing"] != "SHARED" else volume.get("sharing") or "SHARED"
    source, owner = a.get("source") or volume.get("source"), a["owner"] or volume.get("owner") or ""
    return _mounted(c, Mount(resolved(c, a), "cache", source, volume["key"], sharing, owner))


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


@change("withUnixSocket")
def _with_unix_socket(c: Container, a: Mapping[str, Any]) -> Container:
    if a["owner"]:
        raise NotServedError("Container.withUnixSocket(owner)")
    return _mounted(c, Mount(resolved(c, a), "socket", a["source"]))


@change("withoutMount")
def _without_mount(c: Container, a: Mapping[str, Any]) -> Container:
    path = resolved(c, a)
    return replace(c, mounts=tuple(m for m in c.mounts if m.path != path or m.kind == "socket"))


@change("withoutUnixSocket")
def _without_unix_socket(c: Container, a: Mapping[str, Any]) -> Container:
    path = resolved(c, a)
    return replace(c, mounts=tuple(m for m in c.mounts if m.path != path or m.kind != "socket"))
