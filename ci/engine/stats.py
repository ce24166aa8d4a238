"""What lies at one path: in a tree, or as Docker tells of it."""

from collections.abc import Mapping
from typing import Any

from ci.engine import paths
from ci.engine.trees import DIRECTORY_MODE, Entry, Kind, Tree

# Bits of Go's FileMode, which Docker's path stat has.
GO_DIRECTORY, GO_LINK = 1 << 31, 1 << 27
PERMISSION_BITS = 0o777


def in_tree(tree: Tree, path: str, follow: bool) -> Entry | None:
    """What lies at `path` of a tree, with `follow` where a link leads; None where nothing does."""
    place = paths.resolved(tree, path, follow)
    if not path or place:
        return tree.by_path.get(place)
    return Entry("", "d", DIRECTORY_MODE)


def described(found: Mapping[str, Any] | None) -> Entry | None:
    """What Docker's path stat tells of."""
    if found is None:
        return None
    kind: Kind = "d" if found["mode"] & GO_DIRECTORY else "l" if found["mode"] & GO_LINK else "f"
    return Entry(found["name"].strip("/"), kind, found["mode"] & PERMISSION_BITS, size=found["size"])
