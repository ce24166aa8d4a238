"""Owners of files: `user[:group]` as numbers, names looked up where the files are."""

from dataclasses import replace

from ci.engine import paths
from ci.engine.errors import EngineError
from ci.engine.store import Store
from ci.engine.trees import Tree

PASSWD, GROUP = "/etc/passwd", "/etc/group"


def owned(store: Store, base: Tree, tree: Tree, owner: str) -> Tree:
    """`tree` with every entry owned by `owner` (empty: as it is), whose names `base` has in its /etc.

    Raises:
        EngineError: it has no such user or group.
    """
    if not owner:
        return tree
    user, colon, group = owner.partition(":")
    uid = _number(store, base, owner, PASSWD, user)
    gid = _number(store, base, owner, GROUP, group) if colon else uid
    return tree.mapped(lambda entry: replace(entry, uid=uid, gid=gid))


def _number(store: Store, base: Tree, owner: str, path: str, name: str) -> int:
    known = number(name)
    if known is not None:
        return known
    entry = paths.found(base, path)
    if entry is None or entry.kind != "f":
        raise EngineError(f"failed to parse ownership {owner}: open {path}: no such file or directory")
    return looked_up(store.read(entry.blob).decode(errors="replace"), owner, path, name)


def number(name: str) -> int | None:
    """The number that `name` is, or that every system gives it; None for other names."""
    if name == "root":
        return 0
    return int(name) if name.isdigit() else None


def looked_up(text: str, owner: str, path: str, name: str) -> int:
    """The number of `name` in the text of /etc/passwd or /etc/group.

    Raises:
        EngineError: it is not there.
    """
    for fields in (line.split(":") for line in text.splitlines()):
        if fields[0] == name and len(fields) > 2 and fields[2].isdigit():
            return int(fields[2])
    kind, short = ("user", "uid") if path == PASSWD else ("group", "gid")
    raise EngineError(f"failed to parse ownership {owner}: find {short}: no such {kind}: {name}")
