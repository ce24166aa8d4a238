"""What is put into a root file system and taken out of it, one after the other, folded into one layer.

What is taken out becomes a whiteout: an empty file that marks its sibling, or all that a directory held, as gone in the
layers below. Source: OCI image-spec v1.1, layer.md, "Whiteouts".
"""

import posixpath
from dataclasses import dataclass, field

from ci.engine.trees import DIRECTORY_MODE, Entry, Tree, clean

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"


@dataclass
class Changes:
    """Changes over the layers below, in order."""

    _entries: dict[str, Entry] = field(default_factory=dict)
    _gone: set[str] = field(default_factory=set)

    @property
    def takes_out(self) -> bool:
        """Whether anything of the layers below is taken out."""
        return bool(self._gone)

    def put(self, tree: Tree) -> None:
        """Put every entry of `tree` at its path."""
        for entry in tree.entries:
            before = self._entries.get(entry.path)
            if before is not None and before.kind == "d" and entry.kind != "d":
                self._drop(entry.path)
            self._entries[entry.path] = entry

    def take(self, path: str) -> None:
        """Take `path` out, with all that it holds."""
        path = clean(path)
        self._drop(path)
        self._gone = {gone for gone in self._gone if not gone.startswith(f"{path}/")} | {path}

    def _drop(self, path: str) -> None:
        self._entries = {p: e for p, e in self._entries.items() if p != path and not p.startswith(f"{path}/")}

    def tree(self) -> Tree:
        """The layer: entries and whiteouts, parents before what they hold."""
        entries = dict(self._entries)
        for path in self._gone:
            below = path in entries or any(other.startswith(f"{path}/") for other in entries)
            if not below:
                parent, name = posixpath.split(path)
                entries[posixpath.join(parent, WHITEOUT + name)] = _mark(posixpath.join(parent, WHITEOUT + name))
            elif entries.setdefault(path, Entry(path, "d", DIRECTORY_MODE)).kind == "d":
                entries[f"{path}/{OPAQUE}"] = _mark(f"{path}/{OPAQUE}")
        return Tree(tuple(entries[path] for path in sorted(entries)))


def _mark(path: str) -> Entry:
    return Entry(path, "f", 0o600)
