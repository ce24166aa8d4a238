"""A module's configuration: what its dagger.json and its pyproject.toml say of it."""

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ci.engine.errors import HostPathError, ModuleLoadError
from ci.engine.typedefs import pascal

CONFIG = "dagger.json"
GIT = ".git"
ALWAYS_IGNORED = ("**/__pycache__", "**/.git", ".venv")
INSTALLED = {"site-packages", "dist-packages"}
VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
FIRST_VERSION = "v0.9.9"  # of the engine for which a dagger.json that names none was written
CACHING_VERSION = (0, 19, 4)  # from which on functions' results are cached by default
NOT_SERVED = {
    "dependencies": "depends on other modules",
    "toolchains": "uses toolchains",
    "blueprint": "is made of a blueprint",
}


@dataclass(frozen=True)
class ModuleConfig:
    """A Python module.

    Attributes:
        root: the folder of its dagger.json.
        name: its name.
        source: the folder of its Python project (dagger.json's `source`).
        include: the patterns of dagger.json's `include`, relative to `root`.
        called_for: the folder of a project without a module of its own, for which this one is called (Dagger's word:
            a blueprint).
        caches: whether results of functions that say nothing of it outlive the session (Dagger's default function
            caching).
    """

    root: Path
    name: str
    source: Path
    include: tuple[str, ...] = ()
    called_for: Path | None = None
    caches: bool = True

    @property
    def main_object(self) -> str:
        """The name of the main object's class."""
        return pascal(self.name)

    @property
    def context_root(self) -> Path:
        """The folder that absolute default paths are relative to: the project's, the git repository's, the module's."""
        return self.called_for or repository(self.root) or self.root

    def default(self, path: str) -> Path:
        """The place of a DefaultPath: an absolute one from the context's root, another from the module's.

        A project deep inside of a repository has that repository's `/.git`.

        Raises:
            HostPathError: it lies outside of the context.
            ModuleLoadError: the history is asked for, and the project lies in no repository.
        """
        if not path.startswith("/"):
            return _within(repository(self.root) or self.root, self.root / path)
        inside = path.strip("/")
        if self.called_for is None or inside != GIT:
            return _within(self.context_root, self.context_root / inside)
        if (root := repository(self.called_for)) is None:
            raise ModuleLoadError(
                f"{self.called_for} is in no git repository, and versions come from git's history: "
                "git init && git add --all && git commit -m 'First commit'"
            )
        return root / GIT

    @property
    def included(self) -> tuple[str, ...]:
        """Which files of `root` the module is made of: those of its source, changed by `include` (Dagger's order)."""
        inside = self.source.relative_to(self.root).as_posix()
        return ("**" if inside == "." else f"{inside}/**", *self.include, CONFIG)

    @property
    def ignored(self) -> tuple[str, ...]:
        """What is no part of the module: git's own folder, bytecode, and what .gitignore names.

        A module in an installed package is of no repository, though its virtual environment lies in one.
        """
        if INSTALLED & set(self.root.parts):
            return ALWAYS_IGNORED
        patterns = [pattern for folder in self._folders() for pattern in _ignored(folder, self.root)]
        return (*ALWAYS_IGNORED, *patterns)

    def _folders(self) -> list[Path]:
        top = repository(self.root) or self.root
        between = [at for at in self.root.parents if at.is_relative_to(top)]
        return [*reversed(between), self.root]

    def project(self) -> Mapping[str, Any]:
        """The source's pyproject.toml, empty where it has none.

        Raises:
            ModuleLoadError: it is not TOML.
        """
        path = self.source / "pyproject.toml"
        try:
            return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ModuleLoadError(f"{path} is not TOML: {error}") from error


def _within(context: Path, path: Path) -> Path:
    place = Path(os.path.normpath(path))
    if not place.is_relative_to(context):
        raise HostPathError(
            f'path "{place}" is outside of context directory "{context}", '
            "path should be relative to the context directory"
        )
    return place


def repository(folder: Path) -> Path | None:
    """The root of the git repository that a folder lies in, None where it lies in none."""
    return next((at for at in (folder, *folder.parents) if (at / GIT).exists()), None)


def find_config(start: Path) -> ModuleConfig:
    """The module at `start` or the nearest folder above it.

    Raises:
        ModuleLoadError: none is there, its dagger.json cannot be read, or the embedded engine does not serve it.
    """
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / CONFIG).is_file():
            return _read(folder.resolve())
    raise ModuleLoadError(f"no module: {start} and the folders above it have no dagger.json; name one with -m PATH")


def _read(folder: Path) -> ModuleConfig:
    try:
        raw = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        name, sdk = str(raw["name"]), raw.get("sdk")
        source = (folder / (raw.get("source") or ".")).resolve()
        include = tuple(str(pattern) for pattern in raw.get("include") or ())
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModuleLoadError(f"{folder / CONFIG} is not a module's configuration: {error!r}") from error
    _check(name, folder, sdk, raw)
    if not source.is_dir() or not source.is_relative_to(folder):
        raise ModuleLoadError(f"module {name}: its source {raw['source']!r} is no folder inside of {folder}")
    return ModuleConfig(folder, name, source, include, caches=_caches(raw))


def _caches(raw: Mapping[str, Any]) -> bool:
    """Whether dagger.json leaves default function caching on: by its own setting, else by its engine's version."""
    disabled = raw.get("disableDefaultFunctionCaching")
    if isinstance(disabled, bool):
        return not disabled
    version = str(raw.get("engineVersion") or FIRST_VERSION)
    found = VERSION.match(version)
    return found is None or tuple(map(int, found.groups())) >= CACHING_VERSION


def _check(name: str, folder: Path, sdk: Any, raw: Mapping[str, Any]) -> None:
    """Refuse what the embedded engine does not serve, in one sentence."""
    kind = str((sdk.get("source") if isinstance(sdk, Mapping) else sdk) or "none")
    if kind.partition("@")[0] != "python":
        raise ModuleLoadError(
            f"module {name} in {folder} has the SDK {kind!r}: the embedded engine runs Python modules only; "
            "use Dagger's engine (--engine dagger)"
        )
    for key, text in NOT_SERVED.items():
        if raw.get(key):
            raise ModuleLoadError(
                f"module {name} {text} ({', '.join(_names(raw[key]))}), which the embedded engine does not serve; "
                "use Dagger's engine (--engine dagger)"
            )


def _names(value: Any) -> Sequence[str]:
    rows = value if isinstance(value, list) else [value]
    return [str(row.get("name") or row.get("source") if isinstance(row, Mapping) else row) for row in rows]


def _ignored(folder: Path, root: Path) -> Iterator[str]:
    """The patterns of a folder's .gitignore as they apply inside of `root`, which is it or lies below it."""
    path = folder / ".gitignore"
    inside = root.relative_to(folder).as_posix()
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        taken_back, body = ("!", pattern[1:]) if pattern.startswith("!") else ("", pattern)
        body = body.rstrip("/")
        if "/" not in body:
            yield f"{taken_back}**/{body}"
        elif inside == "." or body.lstrip("/").startswith((f"{inside}/", "**/")):
            yield taken_back + body.lstrip("/").removeprefix("" if inside == "." else f"{inside}/")
