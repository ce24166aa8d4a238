"""Directory and File: what is asked of them."""

from collections.abc import Mapping
from typing import Any

from ci.engine import hostfs
from ci.engine.api import Context, client_only, lazy, leaf
from ci.engine.errors import EngineError
from ci.engine.nodes import Node
from ci.engine.trees import clean

lazy("Directory.file")


@leaf("Directory.entries")
def _entries(context: Context, node: Node, args: Mapping[str, Any]) -> list[str]:
    tree, path = context.session.evaluator.tree(node), args.get("path") or ""
    if not tree.holds_directory(path):
        raise EngineError(f"stat {path}: no such directory")
    return [e.path.rpartition("/")[2] + ("/" if e.kind == "d" else "") for e in tree.children(path)]


@leaf("Directory.glob")
def _glob(context: Context, node: Node, args: Mapping[str, Any]) -> list[str]:
    return list(context.session.evaluator.tree(node).glob(args["pattern"]))


@leaf("Directory.digest", "File.digest")
def _digest(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    return f"sha256:{context.session.evaluator.tree(node).digest}"


@leaf("Directory.name")
def _directory_name(_: Context, node: Node, __: Mapping[str, Any]) -> str:
    return clean(str(node.args.get("path", ""))).rpartition("/")[2] + "/"


@leaf("Directory.exists")
def _exists(context: Context, node: Node, args: Mapping[str, Any]) -> bool:
    tree = context.session.evaluator.tree(node)
    return tree.get(args["path"]) is not None or not clean(args["path"])


@leaf("File.contents")
def _contents(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    return context.session.store.read(context.session.evaluator.file(node).blob).decode(errors="replace")


@leaf("File.size")
def _size(context: Context, node: Node, _: Mapping[str, Any]) -> int:
    return context.session.evaluator.file(node).size


@leaf("File.name")
def _name(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    return context.session.evaluator.file(node).path


@leaf("Directory.export", "File.export")
def export(context: Context, node: Node, args: Mapping[str, Any]) -> str:
    """Write a Directory or File to the client's host; gives the absolute path."""
    client_only(context, f"{node.type}.export")
    session = context.session
    tree, place = session.evaluator.tree(node), session.host_path(args["path"])
    if node.type == "Directory":
        hostfs.write_tree(session.store, tree, place, args["wipe"])
    else:
        if args.get("allowParentDirPath") and place.is_dir():
            place /= tree.entries[0].path
        hostfs.write_file(session.store, tree.entries[0], place)
    return str(place)
