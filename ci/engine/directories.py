"""Directory: what each field that returns one makes of the trees it is given. Pure, but for reading blobs."""

import posixpath
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from ci.engine import owners, paths
from ci.engine.errors import InvalidArgumentError
from ci.engine.gitignore import NAME, Ignored
from ci.engine.nodes import Node
from ci.engine.store import Store
from ci.engine.trees import DIRECTORY_MODE, FILE_MODE, Entry, Tree, clean, parents

NAME_LIMIT = 255  # characters of a file's name, as Linux and Dagger have it


@dataclass(frozen=True)
class Inputs:
    """What a field may look at: the store, and the trees of other recipes."""

    store: Store
    tree: Callable[[Node | None], Tree]


Make = Callable[[Inputs, Node], Tree]
TREES: dict[str, Make] = {}


def makes(*names: str) -> Callable[[Make], Make]:
    """Register the maker of the fields `Type.name`."""

    def register(function: Make) -> Make:
        TREES.update(dict.fromkeys(names, function))
        return function

    return register


def put(base: Tree, other: Tree) -> Tree:
    """`other` copied over `base`: through the links to directories that `base` has, replacing what is in the way."""
    return base.merged(paths.through(base, other))


def selected(store: Store, tree: Tree, include: Sequence[str], exclude: Sequence[str], gitignore: bool) -> Tree:
    """What the patterns, and with `gitignore` the .gitignore files in `tree`, leave of it."""
    kept = tree.filtered(include, exclude)
    if not gitignore:
        return kept
    ignored = Ignored(lambda folder: _lines(store, tree.by_path.get(posixpath.join(folder, NAME))))
    return Tree(tuple(entry for entry in kept.entries if not ignored(entry.path, entry.kind == "d")))


def _lines(store: Store, entry: Entry | None) -> list[str]:
    return store.read(entry.blob).decode(errors="replace").splitlines() if entry and entry.kind == "f" else []


def named(path: str) -> str:
    """`path` relative to the root, as the name of a file.

    Raises:
        InvalidArgumentError: it names the root itself, or is longer than a name can be.
    """
    if not clean(path):
        raise InvalidArgumentError(f"path {path!r} is the directory itself, not a file in it")
    if len(posixpath.basename(path)) > NAME_LIMIT:
        raise InvalidArgumentError(f"File name length exceeds the maximum supported {NAME_LIMIT} characters")
    return clean(path)


@makes("Directory.directory")
def _directory(inputs: Inputs, node: Node) -> Tree:
    if node.parent is None:
        return Tree()
    tree = inputs.tree(node.parent)
    return tree.subtree(paths.folder(tree, node.args["path"]))


@makes("Directory.withDirectory")
def _with_directory(inputs: Inputs, node: Node) -> Tree:
    base, args = inputs.tree(node.parent), node.args
    source = selected(
        inputs.store, inputs.tree(args["source"]), args["include"], args["exclude"], args.get("gitignore") or False
    )
    root = paths.resolved(base, args["path"])
    copied = moded(owners.owned(inputs.store, base, source, args["owner"]), args.get("permissions"))
    top = [] if not root or base.holds_directory(root) else [_top(inputs.store, base, root, node)]
    moved = [replace(entry, path=f"{root}/{entry.path}" if root else entry.path) for entry in copied.entries]
    return put(base, Tree((*top, *moved)))


def _top(store: Store, base: Tree, root: str, node: Node) -> Entry:
    """The directory that `withDirectory` makes where it is not there yet."""
    mode = node.args.get("permissions")
    made = Tree((Entry(root, "d", DIRECTORY_MODE if mode is None else mode),))
    return owners.owned(store, base, made, node.args["owner"]).entries[0]


def moded(tree: Tree, mode: int | None) -> Tree:
    """`tree` with every file and directory of it set to `mode`, where one is given."""
    if mode is None:
        return tree
    return tree.mapped(lambda entry: entry if entry.kind == "l" else replace(entry, mode=mode))


@makes("Directory.withFile")
def _with_file(inputs: Inputs, node: Node) -> Tree:
    return _with(inputs, node, [node.args["source"]], node.args["owner"])


@makes("Directory.withFiles")
def _with_files(inputs: Inputs, node: Node) -> Tree:
    return _with(inputs, node, node.args["sources"], "", folder=True)


def _with(inputs: Inputs, node: Node, sources: Iterable[Node], owner: str, folder: bool = False) -> Tree:
    base, path = inputs.tree(node.parent), node.args["path"]
    if folder or path.endswith(("/", "/.")) or base.holds_directory(paths.resolved(base, path)):
        path = path.rstrip("/.") + "/"
    files = [inputs.tree(source).entries[0] for source in sources]
    made = Tree(tuple(replace(e, path=named(path + e.path if path.endswith("/") else path)) for e in files))
    return put(base, moded(owners.owned(inputs.store, base, made, owner), node.args.get("permissions")))


@makes("Directory.withNewFile")
def _with_new_file(inputs: Inputs, node: Node) -> Tree:
    base, data, path = inputs.tree(node.parent), node.args["contents"].encode(), named(node.args["path"])
    place = paths.resolved(base, path)  # a link that is there is written through
    if base.holds_directory(place):
        raise InvalidArgumentError(f"open {node.args['path']}: is a directory")
    # A file that is there keeps its mode and owner, as opening it to write would.
    kept = base.by_path.get(place) or Entry(place, "f", node.args.get("permissions") or FILE_MODE)
    entry = replace(kept, size=len(data), blob=inputs.store.put_bytes(data))
    return put(base, Tree((entry,)))


@makes("Directory.withNewDirectory")
def _with_new_directory(inputs: Inputs, node: Node) -> Tree:
    base, path = inputs.tree(node.parent), node.args["path"]
    if posixpath.normpath(path).startswith("../"):
        raise InvalidArgumentError(f"cannot create directory outside parent: {posixpath.normpath(path)}")
    place = paths.resolved(base, path)
    if base.holds_directory(place):
        return base
    mode = node.args.get("permissions") or DIRECTORY_MODE
    missing = [place[:end] for end in _ends(place) if not base.holds_directory(place[:end])]
    return base.merged(Tree(tuple(Entry(at, "d", mode) for at in missing)))


def _ends(path: str) -> list[int]:
    """Where each folder that leads to `path`, and `path` itself, ends in it."""
    return [at for at, character in enumerate(path) if character == "/"] + [len(path)]


@makes("Directory.withSymlink")
def _with_symlink(inputs: Inputs, node: Node) -> Tree:
    base = inputs.tree(node.parent)
    place = paths.resolved(base, named(node.args["linkName"]), follow_last=False)
    if place in base.by_path:
        raise InvalidArgumentError(f"symlink {node.args['target']} {node.args['linkName']}: file exists")
    return base.merged(Tree((Entry(place, "l", 0o777, target=node.args["target"]),)))


@makes("Directory.withoutDirectory", "Directory.withoutFile")
def _without(inputs: Inputs, node: Node) -> Tree:
    return left(inputs.tree(node.parent), [node.args["path"]])


@makes("Directory.withoutFiles")
def _without_files(inputs: Inputs, node: Node) -> Tree:
    return left(inputs.tree(node.parent), node.args["paths"])


def left(tree: Tree, gone: Iterable[str]) -> Tree:
    """`tree` without what the paths and patterns name."""
    for path in gone:
        found = [entry.path for entry in tree.glob(path)] if "*" in path else [paths.resolved(tree, path, False)]
        tree = Tree() if "" in found else tree.without(found)
    return tree


@makes("Directory.filter")
def _filter(inputs: Inputs, node: Node) -> Tree:
    args = node.args
    tree = inputs.tree(node.parent)
    return selected(inputs.store, tree, args["include"], args["exclude"], args.get("gitignore") or False)


@makes("Directory.diff")
def _diff(inputs: Inputs, node: Node) -> Tree:
    before, after = set(inputs.tree(node.parent).entries), inputs.tree(node.args["other"])
    changed = {entry.path for entry in after.entries if entry not in before}
    above = {parent for path in changed for parent in parents(path)}
    return Tree(tuple(entry for entry in after.entries if entry.path in changed or entry.path in above))


@makes("Directory.withTimestamps", "File.withTimestamps")
def _with_timestamps(inputs: Inputs, node: Node) -> Tree:
    return inputs.tree(node.parent).mapped(lambda entry: replace(entry, mtime=node.args["timestamp"]))


@makes("Directory.chown")
def _chown(inputs: Inputs, node: Node) -> Tree:
    tree = inputs.tree(node.parent)
    place = paths.resolved(tree, node.args["path"])
    changed = owners.owned(inputs.store, tree, tree, node.args["owner"]).by_path
    return tree.mapped(lambda e: changed[e.path] if not place or f"{e.path}/".startswith(f"{place}/") else e)
