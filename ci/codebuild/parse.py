"""Reads a buildspec of version 0.2; what CodeBuild would refuse is told with its place and the nearest known key."""

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from ci.codebuild.buildspec import (
    FORMATS,
    MOST_RETRIES,
    ON_FAILURE,
    PHASES,
    SHELLS,
    Artifacts,
    Buildspec,
    Phase,
    Report,
    Variables,
)
from ci.codebuild.errors import BuildspecError

VERSION = 0.2
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
RESERVED = "CODEBUILD_"
RETRY = re.compile(r"RETRY(?:-(?P<count>[1-9][0-9]*)|-(?P<pattern>.+))?", re.DOTALL)
YES = {"yes": True, "no": False, "true": True, "false": False}


class _Table:
    """One mapping of the file, its keys taken one by one so that what is left over is unknown."""

    def __init__(self, file: str, place: str, raw: Any) -> None:
        self.file, self.place = file, place
        if not isinstance(raw, Mapping):
            raise self.wrong("must be a mapping")
        self._raw = {str(key): value for key, value in raw.items()}
        self._known: list[str] = []

    def wrong(self, reason: str, key: str = "") -> BuildspecError:
        """The error for this mapping, or for one of its keys."""
        return BuildspecError(self.file, ".".join(filter(None, (self.place, key))), reason)

    def has(self, key: str) -> bool:
        """Whether a key, which is one of the known, is there."""
        self._known.append(key)
        return key in self._raw

    def take(self, key: str, default: Any = None) -> Any:
        """The value under a key; `default` where there is none."""
        if key not in self._known:
            self._known.append(key)
        return self._raw.pop(key, default)

    def text(self, key: str, default: str = "", valid: Callable[[str], bool] = bool, allowed: str = "a text") -> str:
        """A text, which numbers are too."""
        value = self.take(key)
        if value is None:
            return default
        if isinstance(value, bool | list | dict) or not valid(str(value)):
            raise self.wrong(f"= {value!r} is not allowed: it must be {allowed}", key)
        return str(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts, empty where it is left out."""
        value = self.take(key, [])
        if not isinstance(value, list) or any(each is None or isinstance(each, list | dict) for each in value):
            raise self.wrong("must be a list of texts", key)
        return tuple(str(each) for each in value)

    def flag(self, key: str) -> bool:
        """yes or no; no where it is left out."""
        value = self.take(key, False)
        known = value if isinstance(value, bool) else YES.get(str(value).lower())
        if known is None:
            raise self.wrong(f"= {value!r} is not allowed: it must be yes or no", key)
        return known

    def table(self, key: str) -> "_Table":
        """A mapping, empty where it is left out."""
        return _Table(self.file, ".".join(filter(None, (self.place, key))), self.take(key, {}))

    def names(self, key: str) -> dict[str, str]:
        """A mapping of environment variables' names to texts."""
        inner = self.table(key)
        found = {name: inner.text(name, valid=lambda _: True) for name in list(inner._raw)}
        for name in found:
            if not NAME.fullmatch(name) or name.startswith(RESERVED):
                raise inner.wrong(f"is no name for a variable (letters, digits, _; not {RESERVED}…)", name)
        return found

    def rows(self) -> "list[tuple[str, _Table]]":
        """The mapping's own mappings, by their keys."""
        return [(key, self.table(key)) for key in list(self._raw)]

    def done(self) -> None:
        """Refuse what nobody took."""
        for key in self._raw:
            near = difflib.get_close_matches(key, self._known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(self._known)}"
            raise self.wrong(f"has no key {key!r}; {hint}")


def parse(text: str, file: str = "buildspec.yml") -> Buildspec:
    """The buildspec in a file's text.

    Raises:
        BuildspecError: it is not YAML, or CodeBuild would refuse it.
    """
    root = _Table(file, "", _loaded(text, file))
    _check_version(root)
    user = root.text("run-as")
    spec = Buildspec(
        _phases(root.table("phases"), user),
        _variables(root.table("env")),
        tuple(_report(group, table) for group, table in root.table("reports").rows()),
        _artifacts(root.table("artifacts")) if root.has("artifacts") else None,
        _cache(root.table("cache")),
    )
    root.done()
    return spec


def _loaded(text: str, file: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        at = f"line {mark.line + 1}" if mark else ""
        raise BuildspecError(file, at, f"is not YAML: {getattr(error, 'problem', None) or error}") from error


def _check_version(root: _Table) -> None:
    version = root.take("version")
    try:
        known = float(str(version)) == VERSION
    except ValueError:
        known = False
    if not known:
        raise root.wrong(f"= {version!r} is not served: it must be {VERSION}", "version")


def _variables(table: _Table) -> Variables:
    found = Variables(
        table.text("shell", "sh", lambda value: value in SHELLS, f"one of {', '.join(SHELLS)}"),
        table.names("variables"),
        table.names("parameter-store"),
        table.names("secrets-manager"),
        table.texts("exported-variables"),
    )
    table.flag("git-credential-helper")
    table.done()
    return found


def _phases(table: _Table, user: str) -> tuple[Phase, ...]:
    found = tuple(_phase(table.table(name), name, user) for name in PHASES if table.has(name))
    table.done()
    if not any(phase.commands for phase in found):
        raise table.wrong("must have a phase with commands")
    return found


def _phase(table: _Table, name: str, user: str) -> Phase:
    action, retries, pattern = _on_failure(table)
    table.take("runtime-versions")  # CodeBuild's own images have them; a container of ours has what it has
    phase = Phase(
        name,
        table.texts("commands"),
        table.texts("finally"),
        table.text("run-as", user),
        action,
        retries,
        pattern,
    )
    table.done()
    return phase


def _on_failure(table: _Table) -> tuple[str, int, str]:
    """What to do, how often to try again, and on what output only (a pattern)."""
    said = table.text("on-failure")
    retry = RETRY.fullmatch(said)
    if said in ("", "ABORT", "CONTINUE"):
        return said, 0, ""
    if retry is None or int(retry["count"] or 0) > MOST_RETRIES:
        allowed = f"one of {', '.join(ON_FAILURE)}, RETRY-COUNT (at most {MOST_RETRIES}) or RETRY-PATTERN"
        raise table.wrong(f"= {said!r} is not allowed: it must be {allowed}", "on-failure")
    return "RETRY", int(retry["count"] or MOST_RETRIES), retry["pattern"] or ""


def _report(group: str, table: _Table) -> Report:
    known = f"one of {', '.join(FORMATS)}"
    report = Report(
        group,
        table.texts("files"),
        table.text("base-directory"),
        table.flag("discard-paths"),
        table.text("file-format", FORMATS[0], lambda value: value.upper() in FORMATS, known).upper(),
    )
    if not report.files:
        raise table.wrong("must have files")
    table.done()
    return report


def _artifacts(table: _Table, within: bool = False) -> Artifacts:
    secondary = {} if within else dict(table.table("secondary-artifacts").rows())
    found = Artifacts(
        table.texts("files"),
        table.text("name"),
        table.text("base-directory"),
        table.flag("discard-paths"),
        table.texts("exclude-paths"),
        {name: _artifacts(inner, within=True) for name, inner in secondary.items()},
    )
    table.flag("enable-symlinks")
    table.text("s3-prefix")
    if not found.files and not found.secondary:
        raise table.wrong("must have files")
    table.done()
    return found


def _cache(table: _Table) -> tuple[str, ...]:
    paths = table.texts("paths")
    table.text("key")
    table.texts("fallback-keys")
    table.text("action")
    table.done()
    return paths
