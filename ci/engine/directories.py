"""Directory and File: what each field that returns one makes of the trees it is given. Pure, but for reading blobs."""

import posixpath
from collections.abc import Callable
from dataclasses import dataclass, replace

from ci.engine.errors import EngineError, NotFoundError
from ci.engine.nodes import Node
from ci.engine.store import Store
from ci.engine.trees import DIRECTORY_MODE, Entry, Tree, clean


@dataclass(frozen=True)
class Inputs:
    """What a field may look at: the store, and the trees of other recipes."""

    store: Store
    tree: Callable[[Node | None], Tree]


Make = Callable[[Inputs, Node], Tree]
TREES: dict[str, Make] = {}


def makes(name: str) -> Callable[[Make], Make]:
    """Register the maker of the field `Type.name`."""

    def register(function: Make) -> Make:
        TREES[name] = function
        return function

    return register


@makes("Directory.directory")
def _directory(inputs: Inputs, node: Node) -> Tree:
    if node.parent is None:
        return Tree()
    tree, path = inputs.tree(node.parent), node.args["path"]
    if not tree.holds_directory(path):
        raise NotFoundError(path)
    return tree.subtree(path)


@makes("File.file")
def _file(inputs: Inputs, node: Node) -> Tree:
    if node.parent is None:
        data = node.args["contents"].encode()
        mode = node.args["permissions"]
        return Tree((Entry(node.args["name"], "f", mode, size=len(data), blob=inputs.store.put_bytes(data)),))
    entry = inputs.tree(node.parent).get(node.args["path"])
    if entry is None:
        raise NotFoundError(node.args["path"])
    if entry.kind == "d":
        raise EngineError(f"path {node.args['path']} is a directory, not a file")
    return Tree((replace(entry, path=posixpath.basename(entry.path)),))


@makes("Directory.withDirectory")
def _with_directory(inputs: Inputs, node: Node) -> Tree:
    source = inputs.tree(node.args["source"]).filtered(node.args["include"], node.args["exclude"])
    path = clean(node.args["path"])
    if not source.entries and path:
        source = Tree((Entry(path, "d", DIRECTORY_MODE),))
        return inputs.tree(node.parent).merged(source)
    return inputs.tree(node.parent).merged(_owned(source.placed(path), node.args["owner"]))


def _owned(tree: Tree, owner: str) -> Tree:
    if not owner:
        return tree
    user, _, group = owner.partition(":")
    if not user.isdigit() or not (group or user).isdigit():
        raise EngineError(f"owner {owner!r} of a Directory must be numbers (uid or uid:gid): it has no /etc/passwd")
    return tree.mapped(lambda entry: replace(entry, uid=int(user), gid=int(group or user)))


@makes("Directory.withFile")
def _with_file(inputs: Inputs, node: Node) -> Tree:
    entry = inputs.tree(node.args["source"]).entries[0]
    placed = replace(entry, path=clean(node.args["path"]))
    if node.args.get("permissions") is not None:
        placed = replace(placed, mode=node.args["permissions"])
    return inputs.tree(node.parent).merged(_owned(Tree((placed,)), node.args["owner"]))


@makes("Directory.withFiles")
def _with_files(inputs: Inputs, node: Node) -> Tree:
    folder = clean(node.args["path"])
    entries = [inputs.tree(source).entries[0] for source in node.args["sources"]]
    placed = [replace(entry, path=clean(f"{folder}/{entry.path}")) for entry in entries]
    return inputs.tree(node.parent).merged(Tree(tuple(placed)))


@makes("Directory.withNewFile")
def _with_new_file(inputs: Inputs, node: Node) -> Tree:
    data = node.args["contents"].encode()
    path = clean(node.args["path"])
    entry = Entry(path, "f", node.args["permissions"], size=len(data), blob=inputs.store.put_bytes(data))
    return inputs.tree(node.parent).merged(Tree((entry,)))


@makes("Directory.withNewDirectory")
def _with_new_directory(inputs: Inputs, node: Node) -> Tree:
    return inputs.tree(node.parent).merged(Tree((Entry(clean(node.args["path"]), "d", node.args["permissions"]),)))


@makes("Directory.withSymlink")
def _with_symlink(inputs: Inputs, node: Node) -> Tree:
    entry = Entry(clean(node.args["linkName"]), "l", 0o777, target=node.args["target"])
    return inputs.tree(node.parent).merged(Tree((entry,)))


@makes("Directory.withoutDirectory")
@makes("Directory.withoutFile")
def _without(inputs: Inputs, node: Node) -> Tree:
    return inputs.tree(node.parent).without([node.args["path"]])


@makes("Directory.withoutFiles")
def _without_files(inputs: Inputs, node: Node) -> Tree:
    return inputs.tree(node.parent).without(node.args["paths"])


@makes("Directory.filter")
def _filter(inputs: Inputs, node: Node) -> Tree:
    return inputs.tree(node.parent).filtered(node.args["include"], node.args["exclude"])


@makes("Directory.diff")
def _diff(inputs: Inputs, node: Node) -> Tree:
    before = set(inputs.tree(node.parent).entries)
    return Tree.of(entry for entry in inputs.tree(node.args["other"]).entries if entry not in before)


@makes("Directory.withTimestamps")
@makes("File.withTimestamps")
def _with_timestamps(inputs: Inputs, node: Node) -> Tree:
    return inputs.tree(node.parent)  # no tree of this engine has times: every file gets the same fixed one


@makes("Directory.chown")
def _chown(inputs: Inputs, node: Node) -> Tree:
    tree, path = inputs.tree(node.parent), clean(node.args["path"])
    changed = _owned(tree, node.args["owner"]).by_path
    return tree.mapped(lambda e: changed[e.path] if not path or f"{e.path}/".startswith(f"{path}/") else e)


@makes("File.withName")
def _with_name(inputs: Inputs, node: Node) -> Tree:
    return inputs.tree(node.parent).mapped(lambda entry: replace(entry, path=node.args["name"]))


@makes("File.chown")
def _chown_file(inputs: Inputs, node: Node) -> Tree:
    return _owned(inputs.tree(node.parent), node.args["owner"])
