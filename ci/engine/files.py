"""File: what each field that returns one makes of the tree it is given, which has that one file as its only entry."""

from collections.abc import Iterator
from dataclasses import replace

from ci.engine import owners, paths
from ci.engine.directories import Inputs, makes, named
from ci.engine.errors import InvalidArgumentError
from ci.engine.nodes import Node
from ci.engine.trees import FILE_MODE, Entry, Tree


@makes("File.file")
def _file(inputs: Inputs, node: Node) -> Tree:
    if node.parent is not None:
        return Tree((paths.file(inputs.tree(node.parent), node.args["path"]),))
    data = node.args["contents"].encode()
    mode = node.args.get("permissions") or FILE_MODE
    return Tree((Entry(_plain(node.args["name"]), "f", mode, size=len(data), blob=inputs.store.put_bytes(data)),))


@makes("File.withName")
def _with_name(inputs: Inputs, node: Node) -> Tree:
    name = _plain(node.args["name"])
    return inputs.tree(node.parent).mapped(lambda entry: replace(entry, path=name))


def _plain(name: str) -> str:
    """`name`, which is no path.

    Raises:
        InvalidArgumentError: it is one.
    """
    if "/" in name:
        raise InvalidArgumentError(f'file name "{name}" must not contain a directory')
    return named(name)


@makes("File.chown")
def _chown(inputs: Inputs, node: Node) -> Tree:
    return owners.owned(inputs.store, Tree(), inputs.tree(node.parent), node.args["owner"])


@makes("File.withReplaced")
def _with_replaced(inputs: Inputs, node: Node) -> Tree:
    (entry,) = inputs.tree(node.parent).entries
    args = node.args
    data = replaced(
        inputs.store.read(entry.blob),
        args["search"].encode(),
        args["replacement"].encode(),
        every=args.get("all") or False,
        first_from=args.get("firstFrom"),
    )
    return Tree((replace(entry, size=len(data), blob=inputs.store.put_bytes(data)),))


def replaced(text: bytes, search: bytes, replacement: bytes, *, every: bool, first_from: int | None) -> bytes:
    """`text` with `search` replaced: all of it, the first one from line `first_from` (from 1), or the only one.

    Raises:
        InvalidArgumentError: it is not there, or there more than once and neither is asked for.
    """
    lines = text.splitlines(keepends=True)
    before = b"".join(lines[: (first_from or 1) - 1])
    after = text[len(before) :]
    count = after.count(search) if search else 0
    if every or count == 0:
        if not every:
            raise InvalidArgumentError("search string not found")
        return before + (after.replace(search, replacement) if count else after)
    if count > 1 and first_from is None:
        raise InvalidArgumentError(f"search string found multiple times: {', '.join(_places(after, search))}")
    return before + after.replace(search, replacement, 1)


def _places(text: bytes, search: bytes) -> Iterator[str]:
    at = text.find(search)
    while at >= 0:
        line = text.count(b"\n", 0, at)
        start = at - (text.rfind(b"\n", 0, at) + 1)
        yield f"line {line + 1} ({start}-{start + len(search)})"
        at = text.find(search, at + len(search))
