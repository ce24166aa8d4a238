"""What a service and its tests need, found in the repository or named in the settings, in words for uv."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ci.detect import dependencies, setup_cfg, unfound
from ci.locker import foreign
from ci.locker.errors import UnfoundError, UnreadableError
from ci.settings import Settings

SERVER = ("gunicorn",)
TEST_TOOLS = ("pytest", "pytest-cov")
TEST_GROUPS = ("test", "tests", "testing", "dev")
DEVELOPMENT = (
    "requirements-test.txt", "requirements_test.txt", "test-requirements.txt", "requirements/test.txt",
    "requirements/tests.txt", "requirements/testing.txt", "requirements-dev.txt", "requirements_dev.txt",
    "dev-requirements.txt", "requirements/dev.txt", "requirements/development.txt",
)  # fmt: skip
EXPORT = ("export", "--quiet", "--frozen", "--no-emit-project", "--no-header", "--no-annotate")


@dataclass(frozen=True)
class Needs:
    """What is given to uv: `words` of `uv pip compile` (files, groups, extras), requirements and constraints as lines,
    and each folder's `uv export` whose lines are requirements too."""

    words: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    exports: tuple[tuple[str, ...], ...] = ()

    def __add__(self, other: "Needs") -> "Needs":
        return Needs(
            tuple(dict.fromkeys((*self.words, *other.words))),
            tuple(dict.fromkeys((*self.lines, *other.lines))),
            tuple(dict.fromkeys((*self.constraints, *other.constraints))),
            tuple(dict.fromkeys((*self.exports, *other.exports))),
        )


def of_service(root: Path, settings: Settings) -> Needs:
    """What the service needs to run: the settings' `requirements` or what is found, and the server.

    Raises:
        UnfoundError: there are some, and it is not clear which.
        UnreadableError: a file is not as it must be.
    """
    if not settings.requirements and (why := unfound(root)):
        raise UnfoundError(why)
    names = settings.requirements or _found(root)
    return _sum(_of(root, name) for name in names) + Needs(lines=SERVER)


def of_tests(root: Path, settings: Settings) -> Needs:
    """What the tests need beside: the settings' `test-requirements` or what is found, and pytest with its coverage."""
    names = settings.test_requirements
    found = _sum(_of(root, name) for name in names) if names else _development(root, settings)
    return found + Needs(lines=TEST_TOOLS)


def _sum(parts: Iterable[Needs]) -> Needs:
    return sum(parts, Needs())


def _found(root: Path) -> tuple[str, ...]:
    found = dependencies(root)
    return (found.file,) if found else ()


def _of(root: Path, name: str) -> Needs:
    """One entry: a file, or FILE:GROUP for a group of a pyproject.toml (PEP 735)."""
    path, _, group = name.partition(":")
    folder, file = (root / path).parent, Path(path).name
    if not (root / path).is_file():
        raise UnreadableError(name, "it is not there")
    if group:
        return Needs(words=(f"--group={name}",))
    if file == "uv.lock":
        return Needs(exports=((*EXPORT, "--no-dev", "--project", Path(path).parent.as_posix()),))
    if file == "poetry.lock":
        own = Needs(lines=tuple(foreign.poetry(folder)), constraints=tuple(foreign.poetry_constraints(folder)))
        return own + (
            Needs(words=((Path(path).parent / "pyproject.toml").as_posix(),))
            if "project" in _project(folder)
            else Needs()
        )
    if file == "Pipfile.lock":
        return Needs(lines=tuple(foreign.pipfile(folder)))
    if file == "setup.cfg":
        return Needs(lines=tuple(setup_cfg(folder)))
    return Needs(words=(path,))


def _development(root: Path, settings: Settings) -> Needs:
    """What development files and groups of the service's own folder say, the tests' before all of development's."""
    own = settings.requirements or _found(root)
    folder = Path(own[0].partition(":")[0]).parent if own else Path()
    file = next((name for name in DEVELOPMENT if (root / folder / name).is_file()), None)
    parts = [Needs(words=((folder / file).as_posix(),))] if file else []
    kind = Path(own[0]).name if own else ""
    if kind == "Pipfile.lock":
        parts.append(Needs(lines=tuple(foreign.pipfile(root / folder, "develop"))))
    if kind == "uv.lock":
        return _sum([*parts, Needs(exports=((*EXPORT, "--all-groups", "--project", folder.as_posix()),))])
    return _sum([*parts, _groups(root, folder)])


def _groups(root: Path, folder: Path) -> Needs:
    """The first group and the first extra of a pyproject.toml that is of tests."""
    project = _project(root / folder)
    file = (folder / "pyproject.toml").as_posix()
    group = _first(project.get("dependency-groups", {}))
    extra = _first(project.get("project", {}).get("optional-dependencies", {}))
    poetry = _first(project.get("tool", {}).get("poetry", {}).get("group", {}))
    return Needs(
        words=(*((f"--group={file}:{group}",) if group else ()), *((f"--extra={extra}", file) if extra else ())),
        lines=tuple(foreign.poetry(root / folder, poetry)) if poetry else (),
    )


def _first(named: object) -> str | None:
    return next((name for name in TEST_GROUPS if isinstance(named, dict) and name in named), None)


def _project(folder: Path) -> dict[str, Any]:
    path = folder / "pyproject.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UnreadableError(path.name, str(error)) from error
