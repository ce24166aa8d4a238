"""One table of `[tool.cutover]`, and what a value in it may be: a bad one is one sentence that names its key."""

import difflib
import math
import re
import shlex
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from ci.errors import CutoverError

URL_PATH = re.compile(r"/[!-~]*")
VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
INSIDE = "of the repository, given from its root"


class SettingsError(CutoverError):
    """A setting that is missing, unknown or has a value that is not allowed."""


def document(text: str) -> dict[str, Any]:
    """The text of a pyproject.toml as a mapping.

    Raises:
        SettingsError: it is not TOML.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"pyproject.toml is not TOML: {error}") from error


def inner(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A table of the document, empty where it is left out."""
    table = document.get(key, {})
    if not isinstance(table, dict):
        raise SettingsError(f"[{key}] must be a table")
    return table


class Table:
    """One table of the settings, its keys taken one by one so that what is left over is unknown."""

    def __init__(self, name: str, raw: Any) -> None:
        if not isinstance(raw, dict):
            raise SettingsError(f"[{name}] must be a table")
        self.name = name
        self._raw = dict(raw)
        self._known: list[str] = []

    def take(self, key: str, default: Any, allowed: str, valid: Callable[[Any], bool]) -> Any:
        """The value of `key`, checked; the default where it is left out (`...`: it must be there)."""
        self._known.append(key)
        if key not in self._raw:
            if default is ...:
                near = difflib.get_close_matches(key, self._raw, 1)
                hint = f"; {near[0]!r} is no key" if near else ""
                raise SettingsError(f"[{self.name}] must have {key}: {allowed}{hint}")
            return default
        value = self._raw.pop(key)
        if not valid(value):
            raise SettingsError(f"[{self.name}] {key} = {value!r} is not allowed: it must be {allowed}")
        return value

    def text(self, key: str, default: Any, allowed: str = "a text that is not empty") -> Any:
        """A text."""
        return self.take(key, default, allowed, lambda value: isinstance(value, str) and bool(value.strip()))

    def number(self, key: str, default: Any, least: int, most: int) -> int:
        """A whole number from `least` to `most`."""
        allowed = f"a whole number from {least} to {most}"
        return int(self.take(key, default, allowed, lambda v: type(v) is int and least <= v <= most))

    def quantity(self, key: str, default: float, least: float, most: float) -> float:
        """A number from `least` to `most`, with or without a fraction."""
        allowed = f"a number from {least:g} to {most:g}"
        return float(self.take(key, default, allowed, lambda v: type(v) in (int, float) and least <= v <= most))

    def table(self, key: str) -> "Table":
        """A table, empty where it is left out."""
        return Table(f"{self.name}.{key}", self.take(key, {}, "a table", lambda value: isinstance(value, dict)))

    def texts(self, key: str, default: Sequence[str], empty: bool = True) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(self.take(key, default, "a list of texts", lambda v: is_texts(v) and (empty or bool(v))))

    def path(self, key: str, default: Any) -> Any:
        """A URL's path."""
        return self.take(key, default, "a URL's path, which starts with / and has no spaces", matches(URL_PATH))

    def file(self, key: str, default: Any) -> Any:
        """A file of the repository."""
        return self.take(key, default, f"a file {INSIDE}", is_inside)

    def files(self, key: str, default: Any) -> Any:
        """A list of files or folders of the repository, as a tuple; the default where it is left out."""
        found = self.take(key, default, f"a list of files {INSIDE}", lambda v: is_texts(v) and all(map(is_inside, v)))
        return tuple(found) if isinstance(found, list) else found

    def command(self, key: str) -> tuple[str, ...]:
        """A command line, in its words; empty where it is left out."""
        return tuple(shlex.split(self.take(key, "", 'a command such as "python -m flake8 app"', is_line)))

    def variables(self, key: str) -> dict[str, str]:
        """A table of environment variables."""
        allowed = 'a table of texts, as in { NAME = "value" }'
        return dict(self.take(key, {}, allowed, is_variables))

    def tables(self, key: str) -> dict[str, "Table"]:
        """A table of tables."""
        rows = self.take(key, {}, "a table", lambda value: isinstance(value, dict))
        return {name: Table(f"{self.name}.{key}.{name}", row) for name, row in rows.items()}

    def rows(self, key: str) -> list["Table"]:
        """An array of tables."""
        rows = self.take(key, [], f"an array of tables ([[{self.name}.{key}]])", lambda value: isinstance(value, list))
        return [Table(f"{self.name}.{key}[{number}]", row) for number, row in enumerate(rows)]

    def done(self) -> None:
        """Refuse what nobody took."""
        for key in self._raw:
            near = difflib.get_close_matches(key, self._known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(self._known)}"
            raise SettingsError(f"[{self.name}] has no key {key!r}; {hint}")


def matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    """Whether a value is a text of this pattern."""
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def is_texts(value: Any) -> bool:
    """Whether a value is a list of texts, none of them empty."""
    return isinstance(value, list) and all(isinstance(item, str) and item for item in value)


def each(valid: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Whether a value is a list of texts that are all valid."""
    return lambda value: is_texts(value) and all(map(valid, value))


def is_variables(value: Any) -> bool:
    """Whether a value is a table of environment variables."""
    return isinstance(value, dict) and all(VARIABLE.fullmatch(k) and isinstance(v, str) for k, v in value.items())


def is_line(value: Any) -> bool:
    """Whether a value is a command line, with its quotes closed."""
    try:
        return isinstance(value, str) and bool(shlex.split(value))
    except ValueError:
        return False


def is_command(value: Any) -> bool:
    """Whether a value is a command line that runs python, which coverage can be put before."""
    try:
        return isinstance(value, str) and len(words := shlex.split(value)) > 1 and words[0] == "python"
    except ValueError:
        return False


def is_inside(value: Any) -> bool:
    """Whether a value is a path from the repository's root that stays within."""
    if not isinstance(value, str) or not value.strip():
        return False
    path = PurePosixPath(value)
    return not path.is_absolute() and ".." not in path.parts


def is_positive(value: Any) -> bool:
    """Whether a value is a number above 0."""
    return type(value) in (int, float) and math.isfinite(value) and value > 0
