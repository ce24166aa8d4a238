"""What the engine remembers of a host's folder: the stamps (mode, size, times, inode) of what lay in it, by which an
unchanged file is known without reading it, and an unchanged folder without walking it.

The rule is git's for its index ("racy git"): a stamp counts only where it is older than the moment it was taken by more
than the file system's clock can blur.
"""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ci.engine.nodes import digest_of
from ci.engine.store import Store

FORMAT = 1
FINE_NS = 100_000_000  # how far a clock with fractions of a second may blur: more than a kernel's tick
COARSE_NS = 2_000_000_000  # the same where times are whole seconds

Stamp = tuple[int, int, int, int, int]  # mode, size in bytes, mtime and ctime in ns, inode


def stamp(info: os.stat_result) -> Stamp:
    """What tells a path's state from another one."""
    return (info.st_mode, info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_ino)


@dataclass
class Index:
    """One folder, seen with one set of patterns.

    Attributes:
        at: when the walk began, in ns.
        tree: the digest of the tree it gave.
        folders: the stamps of the folders that were listed, by path.
        files: the stamps of the files and links that were kept, each with its blob or target.
    """

    at: int
    tree: str = ""
    folders: dict[str, Stamp] = field(default_factory=dict)
    files: dict[str, tuple[Stamp, str]] = field(default_factory=dict)

    def content(self, path: str, now: Stamp) -> str | None:
        """The blob of the file `path`, None where it may have changed since."""
        found = self.files.get(path)
        return found[1] if found and found[0] == now and _settled(now, self.at) else None

    def rows(self) -> dict[str, Any]:
        """The index as a JSON value."""
        folders = [[path, *row] for path, row in self.folders.items()]
        files = [[path, *row, content] for path, (row, content) in self.files.items()]
        return {"at": self.at, "tree": self.tree, "folders": folders, "files": files}


def load(store: Store, root: Path, include: Sequence[str], exclude: Sequence[str]) -> Index | None:
    """The index of a folder, None where there is none."""
    record = store.get_record("index", key(root, include, exclude))
    if record is None:
        return None
    folders = {row[0]: _stamp(row) for row in record["folders"]}
    return Index(record["at"], record["tree"], folders, {row[0]: (_stamp(row), row[6]) for row in record["files"]})


def save(store: Store, root: Path, include: Sequence[str], exclude: Sequence[str], index: Index) -> None:
    """Keep an index."""
    store.put_record("index", key(root, include, exclude), index.rows())


def key(root: Path, include: Sequence[str], exclude: Sequence[str]) -> str:
    """Under what a folder's index is kept: it is this machine's own, so it goes by place."""
    return digest_of([FORMAT, str(root.absolute()), list(include), list(exclude)])


def unchanged(store: Store, root: Path, include: Sequence[str], exclude: Sequence[str]) -> str | None:
    """The digest of the tree that a folder still is, None where it must be walked again."""
    record = store.get_record("index", key(root, include, exclude))
    if record is None:
        return None
    same = all(_same(str(root), record["at"], record[kind]) for kind in ("folders", "files"))
    return str(record["tree"]) if same else None


def _same(root: str, at: int, rows: list[list[Any]]) -> bool:
    lstat, join, settled = os.lstat, os.path.join, at - FINE_NS
    for row in rows:
        try:
            info = lstat(join(root, row[0]))
        except OSError:
            return False
        if info.st_mtime_ns != row[3] or info.st_ctime_ns != row[4] or info.st_ino != row[5] or info.st_mode != row[1]:
            return False
        # Most paths settled long ago; only the others need the whole rule.
        if info.st_ctime_ns >= settled - COARSE_NS and not _settled(stamp(info), at):
            return False
        if info.st_size != row[2] and not stat.S_ISDIR(info.st_mode):
            return False
    return True


def _settled(row: Sequence[int], at: int) -> bool:
    """Whether a change after `at` would show in the stamp."""
    changed = max(row[2], row[3])
    blur = COARSE_NS if row[2] % 1_000_000_000 == 0 and row[3] % 1_000_000_000 == 0 else FINE_NS
    return changed + blur < at


def _stamp(row: Sequence[Any]) -> Stamp:
    return (row[1], row[2], row[3], row[4], row[5])


def reachable(patterns: Sequence[str]) -> Callable[[str], bool]:
    """Whether one of the patterns can match something in a folder, by the parts before each one's first wildcard."""
    prefixes = [tuple(_literal(pattern)) for pattern in patterns]

    def enters(folder: str) -> bool:
        parts = tuple(folder.split("/"))
        return any(parts[: len(prefix)] == prefix[: len(parts)] for prefix in prefixes)

    return enters


def _literal(pattern: str) -> Iterator[str]:
    for part in pattern.removeprefix("!").split("/"):
        if any(character in part for character in "*?[\\"):
            return
        if part not in ("", "."):
            yield part
