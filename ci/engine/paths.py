"""Paths inside of a tree, symbolic links followed as a root file system would: none leads out of the tree.

Source: Dagger resolves the paths it is given with containerd's `RootPath`, which treats the directory as the root.
"""

import posixpath
from collections import deque
from dataclasses import replace

from ci.engine.errors import EngineError, NotADirectoryPathError, NotAFileError, NotFoundError
from ci.engine.trees import Entry, Tree

MAX_LINKS = 255  # followed for one path, as Linux does at 40


def resolved(tree: Tree, path: str, follow_last: bool = True) -> str:
    """`path` without links, `.` and `..`, relative to the root (empty: the root itself); what is not there stays.

    Raises:
        EngineError: the links go round.
    """
    done: list[str] = []
    pending = deque(path.split("/"))
    links = 0
    while pending:
        part = pending.popleft()
        if part == "..":
            del done[-1:]
        if part in ("", ".", ".."):
            continue
        entry = tree.by_path.get("/".join((*done, part)))
        if entry is None or entry.kind != "l" or not (pending or follow_last):
            done.append(part)
            continue
        links += 1
        if links > MAX_LINKS:
            raise EngineError(f"stat {path}: too many levels of symbolic links")
        if entry.target.startswith("/"):
            done = []
        pending.extendleft(reversed(entry.target.split("/")))
    return "/".join(done)


def found(tree: Tree, path: str, follow_last: bool = True) -> Entry | None:
    """What lies at `path`; None for the root and for what is not there."""
    return tree.by_path.get(resolved(tree, path, follow_last))


def folder(tree: Tree, path: str) -> str:
    """The place of the directory that `path` names.

    Raises:
        NotFoundError: nothing is there.
        NotADirectoryPathError: something else is.
    """
    place = resolved(tree, path)
    if place and place not in tree.by_path:
        raise NotFoundError(path)
    if place and tree.by_path[place].kind != "d":
        raise NotADirectoryPathError(path)
    return place


def file(tree: Tree, path: str) -> Entry:
    """The file that `path` names, under the name it was asked for.

    Raises:
        NotFoundError: nothing is there.
        NotAFileError: a directory is.
    """
    place = resolved(tree, path)
    entry = tree.by_path.get(place)
    if entry is None and place:
        raise NotFoundError(path)
    if entry is None or entry.kind == "d":
        raise NotAFileError(path)
    return replace(entry, path=posixpath.basename(posixpath.normpath(path)))


def through(tree: Tree, other: Tree) -> Tree:
    """`other` with its paths led through the links to directories that `tree` has, as copying over it would."""
    if all(entry.kind != "l" for entry in tree.entries):
        return other
    moved = []
    for entry in other.entries:
        place = resolved(tree, entry.path, follow_last=False)
        if entry.kind == "d" and tree.holds_directory(target := resolved(tree, entry.path)):
            place = target
        moved.append(replace(entry, path=place))
    return Tree(tuple(moved))
