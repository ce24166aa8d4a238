"""Searches the files of a tree by regular expression, as `Directory.search` and `File.search` do.

Source: Dagger runs ripgrep and hands on what its `--json` prints; offsets are in bytes, lines count from 1.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pathspec

from ci.engine import paths
from ci.engine.errors import InvalidArgumentError
from ci.engine.gitignore import Ignored
from ci.engine.store import Store
from ci.engine.trees import Entry, Tree

IGNORE_FILES = (".gitignore", ".ignore", ".rgignore")


@dataclass(frozen=True)
class Result:
    """One matching line (or several, where the match spans them), and where in it the matches lie."""

    path: str
    line: int = 0
    offset: int = 0
    text: str = ""
    matches: tuple[tuple[str, int, int], ...] = ()


def search(store: Store, tree: Tree, args: Mapping[str, Any]) -> list[Result]:
    """What Dagger's `search(**args)` finds in `tree`, by path and line.

    Raises:
        InvalidArgumentError: the pattern is no regular expression, or a path leads out of the directory.
    """
    pattern = _pattern(args)
    found: list[Result] = []
    limit = args.get("limit")
    for entry in _searched(store, tree, args):
        data = store.read(entry.blob)
        if b"\0" in data:
            continue  # binary, as ripgrep takes it
        results = _in_file(entry.path, data.decode(errors="replace"), pattern, bool(args.get("multiline")))
        found += [Result(r.path) for r in results[:1]] if args.get("filesOnly") else results
        if limit is not None and len(found) >= limit:
            return found[:limit]
    return found


def _pattern(args: Mapping[str, Any]) -> re.Pattern[str]:
    text = re.escape(args["pattern"]) if args.get("literal") else args["pattern"]
    flags = re.MULTILINE
    flags |= re.IGNORECASE if args.get("insensitive") else re.NOFLAG
    flags |= re.DOTALL if args.get("dotall") and args.get("multiline") else re.NOFLAG
    try:
        return re.compile(text, flags)
    except re.error as error:
        raise InvalidArgumentError(f"regex parse error: {args['pattern']}: {error}") from error


def _searched(store: Store, tree: Tree, args: Mapping[str, Any]) -> Iterator[Entry]:
    roots = [_root(tree, path) for path in args.get("paths") or ("",)]
    named = _named(args.get("globs") or ())
    ignored = [Ignored(_lines_of(store, tree, name)) for name in IGNORE_FILES] if args.get("skipIgnored") else []
    for entry in sorted(tree.entries, key=lambda entry: entry.path.split("/")):
        inside = any(not root or f"{entry.path}/".startswith(f"{root}/") for root in roots)
        hidden = args.get("skipHidden") and any(part.startswith(".") for part in entry.path.split("/"))
        left_out = hidden or any(rule(entry.path, False) for rule in ignored)
        if entry.kind == "f" and inside and not left_out and named(entry.path):
            yield entry


def _root(tree: Tree, path: str) -> str:
    if posixpath.normpath(path.lstrip("/") or ".").startswith(".."):
        raise InvalidArgumentError(f"path cannot escape directory: {path}")
    return paths.resolved(tree, path)


def _named(globs: Sequence[str]) -> Any:
    """Whether ripgrep's `--glob`s let a path through: the last that matches decides, `!` leaves out."""
    kept = pathspec.GitIgnoreSpec.from_lines(globs)
    wanted = any(not glob.startswith("!") for glob in globs)

    def lets(path: str) -> bool:
        verdict = kept.check_file(path).include
        return not wanted if verdict is None else verdict

    return lets


def _lines_of(store: Store, tree: Tree, name: str) -> Any:
    def lines(folder: str) -> list[str]:
        entry = tree.by_path.get(posixpath.join(folder, name))
        return store.read(entry.blob).decode(errors="replace").splitlines() if entry and entry.kind == "f" else []

    return lines


def _in_file(path: str, text: str, pattern: re.Pattern[str], multiline: bool) -> list[Result]:
    if multiline:
        return _grouped(path, text, pattern)
    found, offset = [], 0
    for number, line in enumerate(text.splitlines(keepends=True), 1):
        matches = tuple(_match(line, m) for m in pattern.finditer(line.rstrip("\r\n")))
        if matches:
            found.append(Result(path, number, offset, line, matches))
        offset += len(line.encode())
    return found


def _grouped(path: str, text: str, pattern: re.Pattern[str]) -> list[Result]:
    """Matches that may span lines, each with the whole lines that it touches."""
    found = []
    for match in pattern.finditer(text):
        start = text.rfind("\n", 0, match.start()) + 1
        end = text.find("\n", max(match.start(), match.end() - 1))
        lines = text[start:] if end < 0 else text[start : end + 1]
        begin, stop = (len(text[start:at].encode()) for at in match.span())
        number = text.count("\n", 0, start) + 1
        found.append(Result(path, number, len(text[:start].encode()), lines, ((match[0], begin, stop),)))
    return found


def _match(line: str, match: re.Match[str]) -> tuple[str, int, int]:
    return match[0], len(line[: match.start()].encode()), len(line[: match.end()].encode())
