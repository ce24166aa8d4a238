"""Makes the recipes of directories and files true: what they hold, out of the store, of images, and of mounts."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from typing import Any, Protocol

from ci.engine import containers, directories, paths, stats
from ci.engine.errors import EngineError, NotFoundError, NotServedError
from ci.engine.mounts import rooted
from ci.engine.nodes import Node, digest_of
from ci.engine.outcomes import Outcome
from ci.engine.runner import Runner
from ci.engine.state import Container, Mount, Placed, Removed, Rootfs
from ci.engine.store import Store
from ci.engine.tar import read_tree, without_mount_points
from ci.engine.trees import DIRECTORY_MODE, Entry, Tree, clean

AT_ONCE = 8  # inputs of one step that are made at the same time
UNREADABLE = {"cache": "cache", "temp": "tmpfs", "secret": "secret", "socket": "socket"}  # mounts that hold no folder


class Images(Protocol):
    """What folders need of the evaluator."""

    def container(self, node: Node) -> Container:
        """The state of a container."""

    def key(self, rootfs: Rootfs) -> str:
        """The digest of all that a root file system is made of."""

    def rootfs_image(self, rootfs: Rootfs) -> str:
        """Docker's id of the image of a root file system."""

    def outcome(self, rootfs: Rootfs) -> Outcome:
        """What a command gave, run where it was not."""


class Folders:
    """The directories and files of one session.

    Attributes:
        makers: gives the trees of fields (`Type.name`) that come from outside of the store (registries, git, HTTP).
    """

    def __init__(self, store: Store, runner: Runner, images: Images) -> None:
        self._store, self._runner, self._images = store, runner, images
        self._trees: dict[str, Tree] = {}
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self.makers: dict[str, Callable[[Node], Tree]] = {}

    def tree(self, node: Node | None) -> Tree:
        """The tree of a Directory, or of a File as the one entry it is."""
        if node is None:
            return Tree()
        known = self._trees.get(node.digest)
        if known is None:
            with self._locks[node.digest]:
                known = self._trees.get(node.digest) or self._trees.setdefault(node.digest, self._tree(node))
        return known

    def make(self, nodes: Iterable[Node]) -> None:
        """Make several trees at once, so that asking for one of them does not wait for the others."""
        todo = {node.digest: node for node in nodes if node.digest not in self._trees and node.field != "snapshot"}
        if len(todo) < 2:
            return
        with ThreadPoolExecutor(min(AT_ONCE, len(todo))) as pool:
            for made in [pool.submit(copy_context().run, self.tree, node) for node in todo.values()]:
                made.result()

    def _tree(self, node: Node) -> Tree:
        if node.field == "snapshot":
            return self._kept(node.args["tree"])
        if maker := self.makers.get(f"{node.type}.{node.field}"):
            return maker(node)
        if node.parent is not None and node.parent.type == "Container":
            return self._from_container(node, node.parent)
        make = directories.TREES.get(f"{node.type}.{node.field}")
        if make is None:
            raise NotServedError(f"{node.type}.{node.field}")
        return make(directories.Inputs(self._store, self.tree), node)

    def _kept(self, digest: str) -> Tree:
        tree = self._store.get_tree(digest)
        if tree is None:
            raise EngineError(f"the tree {digest[:12]} is gone from the store; call again")
        return tree

    # Out of containers

    def _from_container(self, node: Node, container: Node) -> Tree:
        state = self._images.container(container)
        path = "/" if node.field == "rootfs" else containers.resolved(state, node.args)
        mount = None if node.field == "rootfs" else state.mount_over(path)
        if mount is not None and mount.kind in UNREADABLE:
            raise EngineError(f"{path}: cannot retrieve path from {UNREADABLE[mount.kind]}")
        if mount is not None:
            return _part(self.mounted(mount, state.rootfs), mount, node, path)
        if (whole := self._pure(state.rootfs)) is not None:
            return _within(whole, node, path, path)
        record = self._at(state.rootfs, path)
        if not record["found"]:
            raise NotFoundError(path)
        return _checked(Tree.from_rows(record["rows"]), record["directory"], node, path)

    def _pure(self, rootfs: Rootfs) -> Tree | None:
        """The tree of a root file system that no image and no command had a part in; None for others."""
        tree = Tree()
        for layer in rootfs.steps():
            if isinstance(layer.step, Placed):
                tree = directories.put(tree, self.owned(layer.step, layer.parent or Rootfs()))
            elif isinstance(layer.step, Removed):
                tree = directories.left(tree, layer.step.paths)
            elif layer.step is not None:
                return None
        return tree

    def stat(self, node: Node, path: str, follow: bool) -> Entry | None:
        """What lies at an absolute path of a container, with `follow` where a link leads; None where nothing does."""
        state = self._images.container(node)
        mount = state.mount_over(path)
        if mount is not None and mount.kind in ("directory", "file"):
            tree = self.mounted(mount, state.rootfs)
            inside = path[len(mount.path) :] or "/"
            return tree.entries[0] if mount.kind == "file" else stats.in_tree(tree, inside, follow)
        if (whole := self._pure(state.rootfs)) is not None:
            return stats.in_tree(whole, path, follow)
        key = digest_of(["stat", self._images.key(state.rootfs), path, follow])
        record = self._store.get_record("stat", key)
        if record is None:
            record = {"found": self._runner.stat(self._images.rootfs_image(state.rootfs), path, follow)}
            self._store.put_record("stat", key, record)
        return stats.described(record["found"])

    def _at(self, rootfs: Rootfs, path: str) -> dict[str, Any]:
        """What lies at a path of a root file system: whether anything, whether a directory, and the tree's rows."""
        key = digest_of(["tree", self._images.key(rootfs), path])
        record: dict[str, Any] | None = self._store.get_record("path", key)
        if record is None:
            record = self._archived(rootfs, path)
            self._store.put_record("path", key, record)
        return record

    def _archived(self, rootfs: Rootfs, path: str) -> dict[str, Any]:
        with self._runner.archive(self._images.rootfs_image(rootfs), path) as stream:
            if stream is None:
                return {"found": False}
            tree, is_directory = read_tree(self._store, stream)
            if is_directory:
                tree = without_mount_points(tree, path)
            return {"found": True, "directory": is_directory, "rows": tree.rows()}

    # Into containers

    def placed(self, step: Placed) -> Tree:
        """What `withDirectory` or `withFile` puts in, at its place, with the mode asked for."""
        tree = self.tree(step.source)
        if step.source.type == "File":
            entry = replace(tree.entries[0], path=clean(step.path))
            return Tree((replace(entry, mode=step.mode) if step.mode is not None else entry,))
        root = clean(step.path)
        moved = [replace(entry, path=f"{root}/{entry.path}" if root else entry.path) for entry in tree.entries]
        # The folder itself only where nothing else makes it: an existing one keeps its mode and owner.
        if root and (not moved or step.mode is not None):
            moved.insert(0, Entry(root, "d", step.mode or DIRECTORY_MODE))
        return Tree(tuple(moved))

    def owned(self, step: Placed, below: Rootfs) -> Tree:
        """What `placed` gives, with the owner asked for, whose name is looked up in `below`."""
        tree = self.placed(step)
        if not step.owner:
            return tree
        uid, gid = self._owner(below, step.owner)
        root = clean(step.path)
        if root and step.source.type == "Directory" and tree.get(root) is None:
            tree = Tree((Entry(root, "d", DIRECTORY_MODE), *tree.entries))
        return tree.mapped(lambda entry: replace(entry, uid=uid, gid=gid))

    def mounted(self, mount: Mount, below: Rootfs) -> Tree:
        """What a mounted directory or file holds now, relative to its place."""
        if mount.after is not None:
            tree = self._kept(self._images.outcome(mount.after).mounts[mount.path])
        else:
            tree = self.tree(mount.source)
            if mount.owner:
                uid, gid = self._owner(below, mount.owner)
                tree = tree.mapped(lambda entry: replace(entry, uid=uid, gid=gid))
        for change in mount.changes:
            if isinstance(change, Removed):
                inside = clean(change.paths[0][len(mount.path) :])
                tree = directories.left(tree, [inside]) if inside else Tree()
            else:
                tree = directories.put(tree, self.owned(change, below).subtree(mount.path))
        return tree

    def for_mounts(self, mounts: Iterable[Mount], below: Rootfs) -> dict[str, Tree]:
        """What the mounts of a command are filled with, by path; of a secret only who owns it."""
        filled: dict[str, Tree] = {}
        for mount in mounts:
            if mount.kind in ("directory", "file"):
                filled[mount.path] = self.mounted(mount, below)
            elif mount.kind == "cache" and mount.source is not None:
                filled[mount.path] = self.tree(mount.source)
            if mount.owner and mount.kind in ("directory", "cache", "secret"):
                uid, gid = self._owner(below, mount.owner)
                entries = filled.get(mount.path, Tree()).entries
                if mount.kind == "cache":
                    entries = tuple(replace(entry, uid=uid, gid=gid) for entry in entries)
                filled[mount.path] = rooted(uid, gid, entries)
        return filled

    def _owner(self, below: Rootfs, owner: str) -> tuple[int, int]:
        """The numbers of `user[:group]`, names looked up in the image's own files."""
        user, _, group = owner.partition(":")
        uid = int(user) if user.isdigit() else self._lookup(below, "/etc/passwd", user)
        if not group:
            return uid, uid
        return uid, int(group) if group.isdigit() else self._lookup(below, "/etc/group", group)

    def _lookup(self, below: Rootfs, path: str, name: str) -> int:
        record = self._at(below, path)
        rows = Tree.from_rows(record["rows"]).entries if record["found"] else ()
        for line in (line for row in rows for line in self._store.read(row.blob).decode().splitlines()):
            fields = line.split(":")
            if fields[0] == name:
                return int(fields[2])
        raise EngineError(f"{path} of the image has no {name!r}")


def _checked(tree: Tree, is_directory: bool, node: Node, path: str) -> Tree:
    if node.type == "File" and is_directory:
        raise EngineError(f"path {path} is a directory, not a file")
    if node.type == "Directory" and not is_directory:
        raise EngineError(f"path {path} is a file, not a directory")
    return tree


def _part(tree: Tree, mount: Mount, node: Node, path: str) -> Tree:
    """What lies in a mount at a path of the container."""
    if mount.kind == "file":
        return _checked(tree, False, node, path)
    return _within(tree, node, path[len(mount.path) :], path)


def _within(tree: Tree, node: Node, inside: str, path: str) -> Tree:
    """What lies at `inside` of a tree, which the container sees at `path`."""
    place = paths.resolved(tree, inside)
    if tree.holds_directory(place):
        return _checked(tree.subtree(place), True, node, path)
    if (entry := tree.get(place)) is None:
        raise NotFoundError(path)
    return _checked(Tree((replace(entry, path=path.rpartition("/")[2]),)), False, node, path)
