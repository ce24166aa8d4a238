"""COPY and ADD.

Sources: https://docs.docker.com/reference/dockerfile/#copy and #add.
"""

import posixpath
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ci.engine.dockerfile.errors import InstructionNotServedError
from ci.engine.dockerfile.parse import Heredoc, Instruction
from ci.engine.nodes import Node
from ci.engine.recipe import call

if TYPE_CHECKING:
    from ci.engine.dockerfile.stage import Stage

MODE = re.compile(r"[0-7]{3,4}")
DOWNLOADED_MODE = 0o600  # as ADD gives a file that it fetches
GIT = re.compile(r"(?:https?://.+\.git|git@.+|ssh://.+|git://.+)(?:#.*)?$")


def copy(stage: "Stage", row: Instruction) -> None:
    """COPY: files of the context, of another stage or of an image."""
    name = stage.words(row).one(row.flag("from"))
    origin = stage.build.source(row, name, stage.number) if name else stage.build.given.context
    _put(stage, row, origin, unpack=False)


def add(stage: "Stage", row: Instruction) -> None:
    """ADD: files of the context, unpacked where they are archives, and what is fetched by URL."""
    _put(stage, row, stage.build.given.context, unpack=row.flag("unpack") != "false")


def _put(stage: "Stage", row: Instruction, origin: Node, unpack: bool) -> None:
    *sources, dest = _paths(stage, row)
    if not sources:
        raise row.error(
            f"{row.name} requires at least two arguments, but only one was provided. Destination could not "
            "be determined."
        )
    folder = dest.endswith(("/", "/.")) or dest in ("", ".") or len(sources) > 1
    place = stage.path(dest)
    rows = [_source(stage, row, source, origin, unpack) for source in sources]
    args = {
        "sources": rows,
        "dest": place,
        "folder": folder or place in stage.folders,
        "target": stage.node if not folder else None,
        "mode": _mode(stage, row),
        "exclude": row.flags_of("exclude"),
        "parents": bool(row.flag("parents")),
        "unpack": unpack,
        "line": row.line,
    }
    if folder:
        stage.folders.add(place)
    source = Node("Directory", "dockerCopy", None, args)
    stage.add("withDirectory", path="/", source=source, owner=stage.words(row).one(row.flag("chown")))


def _paths(stage: "Stage", row: Instruction) -> list[str]:
    found = row.array()
    words = stage.words(row)
    return [words.one(path) for path in found] if found is not None else words.each(row.text)


def _source(stage: "Stage", row: Instruction, source: str, origin: Node, unpack: bool) -> dict[str, Any]:
    heredoc = next((doc for doc in row.heredocs if source.lstrip("<-") == doc.name and source.startswith("<<")), None)
    if heredoc is not None:
        return {"file": _heredoc(stage, row, heredoc)}
    if row.name == "ADD" and GIT.fullmatch(source):
        return {"from": _repository(source), "path": "/"}
    if row.name == "ADD" and source.startswith(("http://", "https://")):
        name = posixpath.basename(urlsplit(source).path) or "download"
        checksum = row.flag("checksum") or None
        return {"file": call(None, "http", url=source, name=name, permissions=DOWNLOADED_MODE, checksum=checksum)}
    # A path cannot lead out of where it starts.
    return {"from": origin, "path": posixpath.normpath(posixpath.join("/", source))}


def _heredoc(stage: "Stage", row: Instruction, heredoc: Heredoc) -> Node:
    text = stage.words(row).raw(heredoc.text) if heredoc.expand else heredoc.text
    return call(None, "file", name=heredoc.name, contents=text)


def _repository(source: str) -> Node:
    url, _, fragment = source.partition("#")
    ref, _, folder = fragment.partition(":")
    repository = call(None, "git", url=url)
    tree = call(call(repository, "ref", name=ref) if ref else call(repository, "head"), "tree", discardGitDir=True)
    return call(tree, "directory", path=folder) if folder else tree


def _mode(stage: "Stage", row: Instruction) -> int | None:
    text = stage.words(row).one(row.flag("chmod"))
    if not text:
        return None
    if not MODE.fullmatch(text):
        raise InstructionNotServedError(row.line, f"{row.name} --chmod={text} (only octal modes are)")
    return int(text, 8)
