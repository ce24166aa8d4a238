"""Glob patterns of `Directory.glob` and of paths to take away.

Source: moby/patternmatcher, whose patterns Dagger takes: `*` and `?` stay within one folder, `**` does not, `[a-z]` is
a set, a backslash takes the next character as it is.
"""

import posixpath
import re
from collections.abc import Iterator

from ci.engine.errors import InvalidArgumentError

TOKEN = re.compile(r"\*\*/|/\*\*$|\*\*|\*|\?|\[[^]]+\]|\\.|.", re.DOTALL)
MEANING = {"**/": "(?:.*/)?", "/**": "/.*", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression for whole paths.

    Raises:
        InvalidArgumentError: it has a set that is none.
    """
    try:
        return re.compile("".join(_parts(posixpath.normpath(pattern).lstrip("/"))), re.DOTALL)
    except re.error as error:
        raise InvalidArgumentError(f"syntax error in pattern {pattern!r}: {error}") from error


def _parts(pattern: str) -> Iterator[str]:
    for token in TOKEN.findall(pattern):
        if token.startswith("[") and len(token) > 1:
            yield token.replace("\\", "\\\\")
        elif token.startswith("\\") and len(token) > 1:
            yield re.escape(token[1:])
        else:
            yield MEANING.get(token) or re.escape(token)


def order(path: str) -> list[str]:
    """The key by which a walk gives paths: folder by folder, by name."""
    return path.split("/")
