"""File: what is asked of one."""

import hashlib
import itertools
import json
from collections.abc import Mapping
from typing import Any

from ci.engine import hostfs
from ci.engine.api import Context, leaf
from ci.engine.errors import EngineError, HostPathError, InvalidArgumentError
from ci.engine.fields import found
from ci.engine.fields.directory import tree_of
from ci.engine.fields.json_value import made
from ci.engine.fields.workdir import destination
from ci.engine.nodes import Node

CONTENTS_LIMIT = 128 << 20  # bytes of a file that `contents` gives, as Dagger's engine has it


@leaf("File.sync")
def _sync(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    tree_of(context, node)
    return node.id


def text_of(context: Context, node: Node) -> bytes:
    """A file's content.

    Raises:
        EngineError: it is too large for an answer.
    """
    entry = context.session.evaluator.file(node)
    if entry.size > CONTENTS_LIMIT:
        raise EngineError(f"file size {entry.size} exceeds limit {CONTENTS_LIMIT} of contents: export it instead")
    return context.session.store.read(entry.blob)


@leaf("File.contents")
def _contents(context: Context, node: Node, args: Mapping[str, Any]) -> str:
    data, offset, limit = text_of(context, node), args.get("offsetLines"), args.get("limitLines")
    if (offset or 0) < 0 or (limit or 0) < 0:
        raise InvalidArgumentError("offsetLines and limitLines cannot be negative")
    if offset is not None or limit is not None:
        lines = data.split(b"\n")
        lines = [line + b"\n" for line in lines[:-1]] + lines[-1:]
        data = b"".join(itertools.islice(lines[offset or 0 :], limit))
    return data.decode(errors="replace")


@leaf("File.size")
def _size(context: Context, node: Node, _: Mapping[str, Any]) -> int:
    return context.session.evaluator.file(node).size


@leaf("File.name")
def _name(context: Context, node: Node, _: Mapping[str, Any]) -> str:
    return context.session.evaluator.file(node).path


@leaf("File.digest")
def _digest(context: Context, node: Node, args: Mapping[str, Any]) -> str:
    """With `excludeMetadata` of the content alone: the digest of its SHA-256, as Dagger makes it."""
    if not args["excludeMetadata"]:
        return f"sha256:{tree_of(context, node).timeless.digest}"
    blob = context.session.evaluator.file(node).blob
    return f"sha256:{hashlib.sha256(bytes.fromhex(blob)).hexdigest()}"


@leaf("File.stat")
def _stat(context: Context, node: Node, _: Mapping[str, Any]) -> Node:
    return found.stat(context, context.session.evaluator.file(node))


@leaf("File.asJSON")
def _as_json(context: Context, node: Node, _: Mapping[str, Any]) -> Node:
    text = text_of(context, node).decode(errors="replace")
    try:
        json.loads(text)
    except ValueError as error:
        raise InvalidArgumentError(f"invalid JSON: {error}") from error
    return made(context, text)


@leaf("File.search")
def _search(context: Context, node: Node, args: Mapping[str, Any]) -> list[Node]:
    return found.search(context, tree_of(context, node), {**args, "paths": [], "globs": []})


@leaf("File.export")
def export(context: Context, node: Node, args: Mapping[str, Any]) -> str:
    """Write a File to the client's host, or to the function's working folder; gives the absolute path."""
    entry, place = context.session.evaluator.file(node), destination(context, args["path"])
    if args.get("allowParentDirPath") and (place.is_dir() or args["path"].endswith("/")):
        place /= entry.path
    if place.is_dir():
        raise HostPathError(f"destination {place} is a directory; must be a file path unless allowParentDirPath is set")
    hostfs.write_file(context.session.store, entry, place)
    return str(place)
