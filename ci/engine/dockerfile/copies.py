"""What COPY and ADD put in: sources picked from trees, at their places under the destination.

Source: https://docs.docker.com/reference/dockerfile/#copy.
Registered as the engine's own recipe `Directory.dockerCopy`.
"""

import io
import posixpath
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ci.engine.directories import Inputs, makes
from ci.engine.dockerfile.words import wildcard
from ci.engine.errors import EngineError, ExecError, NotFoundError
from ci.engine.nodes import Node
from ci.engine.store import Store
from ci.engine.trees import DIRECTORY_MODE, FILE_MODE, Entry, Tree, clean, matcher

ARCHIVES = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")  # what ADD unpacks, beside plain tar files


@makes("Directory.dockerCopy")
def copied(inputs: Inputs, node: Node) -> Tree:
    """The tree to put over the root.

    The recipe's arguments: `sources` (each a `file`, or a `path` in `from`: a Directory or Container), `dest`
    (absolute), `folder` (whether it is one in any case), `target` (the container that may have it as one), `mode`,
    `exclude`, `parents`, `unpack`, `line`.

    Raises:
        EngineError: a source is not there.
    """
    args = node.args
    found = [item for source in args["sources"] for item in _picked(inputs, source, args)]
    folder = args["folder"] or len(found) > 1 or (len(found) == 1 and _exists(inputs, args))
    entries = [entry for name, tree in found for entry in _placed(inputs, args, name, tree, folder)]
    if args["mode"] is not None:
        entries = [replace(entry, mode=args["mode"]) if entry.kind != "l" else entry for entry in entries]
    return Tree(tuple(entry for _, entry in sorted({entry.path: entry for entry in entries}.items())))


# A source as what it gives: a file's name (None: a directory, whose content is meant) and its tree.
Picked = tuple[str | None, Tree]


def _picked(inputs: Inputs, source: Mapping[str, Any], args: Mapping[str, Any]) -> Iterator[Picked]:
    if "file" in source:
        tree = inputs.tree(source["file"])
        yield tree.entries[0].path, tree
        return
    path = clean(source["path"])
    pattern = wildcard(path)
    if pattern is None:
        yield _one(inputs, source["from"], path, args)
        return
    names = path.split("/")
    fixed = posixpath.join("", *names[: next(at for at, name in enumerate(names) if wildcard(name))])
    base = _tree(inputs, source["from"], fixed, args["line"])
    matches = [entry for entry in base.entries if pattern.fullmatch(posixpath.join(fixed, entry.path))]
    if not matches:
        raise _missing(args["line"], source["path"])
    for entry in matches:
        if entry.kind == "d":
            yield None, _kept(base.subtree(entry.path), args, posixpath.join(fixed, entry.path))
        else:
            yield _named(args, posixpath.join(fixed, entry.path)), Tree((replace(entry, path="file"),))


def _one(inputs: Inputs, origin: Node, path: str, args: Mapping[str, Any]) -> Picked:
    try:
        return None, _kept(_tree(inputs, origin, path, args["line"]), args, path)
    except (NotFoundError, ExecError, _MissingSourceError):
        raise
    except EngineError:  # no directory
        file = inputs.tree(Node("File", "file", origin, {"path": f"/{path}", "expand": False}))
        return _named(args, path), Tree((replace(file.entries[0], path="file"),))


def _tree(inputs: Inputs, origin: Node, path: str, line: int) -> Tree:
    if origin.type == "Directory" and not path:
        return inputs.tree(origin)
    try:
        return inputs.tree(Node("Directory", "directory", origin, {"path": f"/{path}", "expand": False}))
    except NotFoundError as error:
        raise _missing(line, path) from error


class _MissingSourceError(EngineError):
    """A source that is not there; the words are BuildKit's."""


def _missing(line: int, path: str) -> EngineError:
    return _MissingSourceError(
        f'line {line} of the Dockerfile: failed to compute cache key: "/{path.lstrip("/")}": not found'
    )


def _named(args: Mapping[str, Any], path: str) -> str:
    return path if args["parents"] else posixpath.basename(path)


def _kept(tree: Tree, args: Mapping[str, Any], path: str) -> Tree:
    """A directory without what `--exclude` names, under its own path where parents are kept."""
    if args["exclude"]:
        keep = matcher((), args["exclude"])
        tree = Tree(tuple(entry for entry in tree.entries if keep(entry.path, entry.kind == "d")))
    return tree.placed(path) if args["parents"] else tree


def _exists(inputs: Inputs, args: Mapping[str, Any]) -> bool:
    """Whether the container that is copied into has a directory where the one file is to go."""
    if args["target"] is None:
        return False
    try:
        inputs.tree(Node("Directory", "directory", args["target"], {"path": args["dest"], "expand": False}))
    except ExecError:
        raise
    except EngineError:
        return False
    return True


def _placed(inputs: Inputs, args: Mapping[str, Any], name: str | None, tree: Tree, folder: bool) -> Iterable[Entry]:
    root = clean(args["dest"])
    if name is not None:
        if args["unpack"] and (unpacked := _unpacked(inputs.store, tree.entries[0])) is not None:
            return [replace(entry, path=posixpath.join(root, entry.path)) for entry in unpacked]
        place = posixpath.join(root, name) if folder else root
        return [replace(tree.entries[0], path=place)]
    inside = [replace(entry, path=posixpath.join(root, entry.path)) for entry in tree.entries]
    return inside or ([Entry(root, "d", DIRECTORY_MODE)] if root else [])


def _unpacked(store: Store, entry: Entry) -> list[Entry] | None:
    """What is in a tar file, None where the file is none."""
    place = store.blob_path(entry.blob)
    with place.open("rb") as file:
        head = file.read(262)
    if not head.startswith(ARCHIVES) and head[257:262] != b"ustar":
        return None
    try:
        with tarfile.open(place, "r:*") as archive:
            return [found for member in archive if (found := _member(store, archive, member))]
    except (tarfile.TarError, EOFError, OSError):
        return None


def _member(store: Store, archive: tarfile.TarFile, member: tarfile.TarInfo) -> Entry | None:
    path, owner = clean(member.name), (member.mode, member.uid, member.gid)
    if not path:
        return None
    if member.isdir():
        return Entry(path, "d", *owner)
    if member.issym():
        return Entry(path, "l", *owner, target=member.linkname)
    if member.isfile() or member.islnk():
        blob, size = store.put_stream(archive.extractfile(member) or io.BytesIO())
        return Entry(path, "f", member.mode or FILE_MODE, member.uid, member.gid, size=size, blob=blob)
    return None
