"""Directory: what is asked of one."""

import posixpath
from collections.abc import Mapping
from typing import Any

from ci.engine import hostfs, paths, stats
from ci.engine.api import Context, lazy, leaf
from ci.engine.errors import InvalidArgumentError, NotADirectoryPathError, NotFoundError
from ci.engine.fields import found
from ci.engine.fields.workdir import destination
from ci.engine.nodes import Node
from ci.engine.trees import Tree, clean

lazy("Directory.file")


def tree_of(context: Context, node: Node) -> Tree:
    """The tree of a Directory, or of a File as its one entry."""
    return context.session.evaluator.tree(node)


def shown(name: str, is_directory: bool) -> str:
    """A path as lists give it: a directory's ends with a slash."""
    return name + "/" if is_directory else name


@leaf("Directory.sync")
def _sync(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    tree_of(context, node)
    return node.id


@leaf("Directory.terminal")
def _terminal(context: Context, node: Node, args: Mapping[str, Any]) -> Node:
    container, privileged = args.get("container"), args["insecureRootCapabilities"]
    context.session.evaluator.folder_terminal(node, container, args["cmd"], privileged)
    return node


@leaf("Directory.entries")
def _entries(context: Context, node: Node, args: Mapping[str, Any]) -> list[str]:
    tree = tree_of(context, node)
    folder = paths.folder(tree, args.get("path") or "")
    return [shown(posixpath.basename(e.path), e.kind == "d") for e in tree.children(folder)]


@leaf("Directory.glob")
def _glob(context: Context, node: Node, args: Mapping[str, Any]) -> list[str]:
    return [shown(entry.path, entry.kind == "d") for entry in tree_of(context, node).glob(args["pattern"])]


@leaf("Directory.digest")
def _digest(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    return f"sha256:{tree_of(context, node).timeless.digest}"


@leaf("Directory.name")
def _name(_: Context, node: Node, __: Mapping[str, Any]) -> str:
    """The last part of the path by which it was taken out of another; `/` for a whole one."""
    at: Node | None = node
    while at is not None and at.field != "directory":
        at = at.parent if at.parent is not None and at.parent.type == "Directory" else None
    path = clean(str(at.args.get("path", ""))) if at is not None else ""
    return shown(posixpath.basename(path), True)


@leaf("Directory.exists")
def _exists(context: Context, node: Node, args: Mapping[str, Any]) -> bool:
    kind = args.get("expectedType")
    follow = not (args["doNotFollowSymlinks"] or kind == "SYMLINK_TYPE")
    return found.is_of_type(stats.in_tree(tree_of(context, node), args["path"], follow), kind)


@leaf("Directory.stat")
def _stat(context: Context, node: Node, args: Mapping[str, Any]) -> Node:
    row = stats.in_tree(tree_of(context, node), args["path"], not args["doNotFollowSymlinks"])
    if row is None:
        raise NotFoundError(args["path"])
    return found.stat(context, row)


@leaf("Directory.findUp")
def _find_up(context: Context, node: Node, args: Mapping[str, Any]) -> str | None:
    tree, at = tree_of(context, node), posixpath.normpath(args["start"] or ".")
    if not args["name"]:
        raise InvalidArgumentError("name cannot be empty")
    if f"{at}/".startswith("../"):
        raise InvalidArgumentError(f"cannot search outside parent: {at}")
    while True:
        paths.folder(tree, at)
        path = posixpath.normpath(posixpath.join(at, args["name"]))
        if paths.found(tree, path, follow_last=False) is not None:
            return path
        above = posixpath.dirname(at) or "."
        if at in (".", "/"):
            return None
        at = above


@leaf("Directory.search")
def _search(context: Context, node: Node, args: Mapping[str, Any]) -> list[Node]:
    return found.search(context, tree_of(context, node), args)


@leaf("Directory.export")
def _export(context: Context, node: Node, args: Mapping[str, Any]) -> str:
    place = destination(context, args["path"])
    if place.exists() and not place.is_dir():
        raise NotADirectoryPathError(str(place))
    hostfs.write_tree(context.session.store, tree_of(context, node), place, args["wipe"])
    return str(place)
