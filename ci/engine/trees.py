"""Folders by content: a tree is a sorted list of entries whose file contents lie in the store as blobs.

Times are no part of a tree (a touched file changes nothing), so two clones of one commit give the same tree.
"""

import posixpath
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from ci.engine import globs
from ci.engine.nodes import digest_of

if TYPE_CHECKING:
    import pathspec

Kind = Literal["f", "d", "l"]
DIRECTORY_MODE = 0o755
FILE_MODE = 0o644


@dataclass(frozen=True)
class Entry:
    """One file, directory or symbolic link; `path` is relative to the tree's root, without a leading slash. `mtime` is
    in seconds, and None unless `withTimestamps` set it."""

    path: str
    kind: Kind
    mode: int = FILE_MODE
    uid: int = 0
    gid: int = 0
    size: int = 0
    blob: str = ""
    target: str = ""
    mtime: int | None = None

    def row(self) -> list[Any]:
        """The entry as a JSON list, for digests and for the store."""
        row = [self.path, self.kind, self.mode, self.uid, self.gid, self.size, self.blob, self.target]
        return row if self.mtime is None else [*row, self.mtime]


@dataclass(frozen=True)
class Tree:
    """An immutable folder: entries sorted by path, parents before what they hold."""

    entries: tuple[Entry, ...] = ()

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> "Tree":
        """A tree of these entries; later ones replace earlier ones of the same path; missing parents are added."""
        by_path = {entry.path: entry for entry in entries if entry.path}
        for path in list(by_path):
            for parent in parents(path):
                by_path.setdefault(parent, Entry(parent, "d", DIRECTORY_MODE))
        return cls(tuple(by_path[path] for path in sorted(by_path)))

    @classmethod
    def from_rows(cls, rows: Iterable[Sequence[Any]]) -> "Tree":
        """The tree that `rows` gave."""
        return cls(tuple(Entry(*row) for row in rows))

    def rows(self) -> list[list[Any]]:
        """The tree as JSON lists."""
        return [entry.row() for entry in self.entries]

    @cached_property
    def digest(self) -> str:
        """The SHA-256 (hex) of what the tree holds."""
        return digest_of(self.rows())

    @property
    def timeless(self) -> "Tree":
        """The tree without the times that `withTimestamps` set: they are no part of Dagger's digests."""
        if all(entry.mtime is None for entry in self.entries):
            return self
        return self.mapped(lambda entry: replace(entry, mtime=None))

    @cached_property
    def by_path(self) -> dict[str, Entry]:
        """The entries by their path."""
        return {entry.path: entry for entry in self.entries}

    def get(self, path: str) -> Entry | None:
        """The entry at `path`, None where there is none or `path` is the root."""
        return self.by_path.get(clean(path))

    def holds_directory(self, path: str) -> bool:
        """Whether `path` is the root or a directory."""
        path = clean(path)
        return not path or (path in self.by_path and self.by_path[path].kind == "d")

    def children(self, path: str) -> list[Entry]:
        """What lies directly in the directory `path`, by name."""
        path = clean(path)
        return [entry for entry in self.entries if posixpath.dirname(entry.path) == path]

    def subtree(self, path: str) -> "Tree":
        """The directory `path` as a tree of its own (empty where nothing is there)."""
        path = clean(path)
        if not path:
            return self
        prefix = path + "/"
        return Tree(tuple(replace(e, path=e.path[len(prefix) :]) for e in self.entries if e.path.startswith(prefix)))

    def placed(self, path: str) -> "Tree":
        """This tree under the directory `path`, with the directories that lead there."""
        path = clean(path)
        if not path:
            return self
        moved = [replace(entry, path=f"{path}/{entry.path}") for entry in self.entries]
        return Tree.of([Entry(path, "d", DIRECTORY_MODE), *moved])

    def merged(self, other: "Tree") -> "Tree":
        """Both trees in one; where both have a path `other` wins, and a file takes the place of a directory."""
        replaced = {e.path for e in other.entries if e.kind != "d" and self.holds_directory(e.path)}
        entered = {parent for e in other.entries for parent in parents(e.path)}
        kept = [
            e for e in self.entries
            if (e.kind == "d" or e.path not in entered) and replaced.isdisjoint(parents(e.path))
        ]  # fmt: skip
        return Tree.of([*kept, *other.entries])

    def without(self, paths: Iterable[str]) -> "Tree":
        """The tree without `paths` and what they hold."""
        gone = {clean(path) for path in paths}
        return Tree(tuple(e for e in self.entries if e.path not in gone and gone.isdisjoint(parents(e.path))))

    def mapped(self, change: Callable[[Entry], Entry]) -> "Tree":
        """The tree with `change` applied to each entry."""
        return Tree(tuple(change(entry) for entry in self.entries))

    def filtered(self, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> "Tree":
        """What `include` names (all where it is empty) less what `exclude` names."""
        if not include and not exclude:
            return self
        keep = matcher(include, exclude)
        kept = {entry.path for entry in self.entries if keep(entry.path, entry.kind == "d")}
        above = {parent for path in kept for parent in parents(path)}
        return Tree(tuple(entry for entry in self.entries if entry.path in kept or entry.path in above))

    def glob(self, pattern: str) -> Iterator[Entry]:
        """The entries that match `pattern`, folder by folder."""
        matches = globs.compiled(pattern)
        yield from sorted((e for e in self.entries if matches.fullmatch(e.path)), key=lambda e: globs.order(e.path))


def clean(path: str) -> str:
    """A path relative to the root, without `.`, `..` at the start, or slashes at its ends."""
    return posixpath.normpath("/" + path).strip("/")


def matcher(include: Sequence[str] = (), exclude: Sequence[str] = ()) -> Callable[[str, bool], bool]:
    """Whether a path (and whether it is a directory) is kept by Dagger's include and exclude patterns.

    Patterns are those of .dockerignore: rooted unless they start with `**`, `!` takes back, the last match decides.
    A directory is kept for what is in it, not by itself, where `include` is given.
    """
    included, excluded = _spec(include), _spec(exclude)

    def keep(path: str, is_directory: bool) -> bool:
        if exclude and excluded.match_file(path + "/" if is_directory else path):
            return False
        return not include or included.match_file(path)

    return keep


def _spec(patterns: Sequence[str]) -> "pathspec.PathSpec[Any]":
    import pathspec

    rooted = [_rooted(pattern) for pattern in patterns]
    # What git's own `dir/*` leaves to its walk: that the folders it names count with all they hold.
    lines = [
        line for pattern in rooted for line in ((pattern, f"{pattern}/**") if pattern.endswith("/*") else (pattern,))
    ]
    return pathspec.PathSpec.from_lines("gitignore", lines)


def _rooted(pattern: str) -> str:
    negated = "!" if pattern.startswith("!") else ""
    body = pattern.removeprefix("!").removeprefix("./").rstrip("/")
    if body in (".", ""):
        body = "**"
    return negated + (body if body.startswith(("**", "/")) else "/" + body)


def parents(path: str) -> Iterator[str]:
    """The folders that hold `path`, the nearest first, without the root."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path
