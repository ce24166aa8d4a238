"""What lies at a path, as Stat objects and search results."""

import posixpath
from collections.abc import Mapping
from typing import Any

from ci.engine.api import Context
from ci.engine.fields.rows import rows
from ci.engine.nodes import Node
from ci.engine.search import Result
from ci.engine.search import search as searched
from ci.engine.stats import PERMISSION_BITS
from ci.engine.trees import Entry, Tree

FILE_TYPES = {"f": "REGULAR", "d": "DIRECTORY", "l": "SYMLINK"}


def is_of_type(entry: Entry | None, expected: str | None) -> bool:
    """Whether something is there, and of the ExistsType `expected` where one is given."""
    return entry is not None and expected in (None, f"{FILE_TYPES[entry.kind]}_TYPE")


def stat(context: Context, entry: Entry) -> Node:
    """Dagger's Stat object of an entry."""
    row = {
        "name": posixpath.basename(entry.path) or "/",
        "size": len(entry.target.encode()) if entry.kind == "l" else entry.size,
        "fileType": FILE_TYPES[entry.kind],
        "permissions": entry.mode & PERMISSION_BITS,
    }
    return rows(context, "Stat", [row])[0]


def search(context: Context, tree: Tree, args: Mapping[str, Any]) -> list[Node]:
    """Dagger's SearchResult objects."""
    return rows(context, "SearchResult", (_result(context, r) for r in searched(context.session.store, tree, args)))


def _result(context: Context, result: Result) -> dict[str, Any]:
    matches = [{"text": text, "start": start, "end": end} for text, start, end in result.matches]
    return {
        "filePath": result.path,
        "lineNumber": result.line,
        "absoluteOffset": result.offset,
        "matchedLines": result.text,
        "submatches": rows(context, "SearchSubmatch", matches),
    }
