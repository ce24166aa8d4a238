"""A service's dependencies in the forms that people keep them."""

import configparser
import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ci.detect.files import imported, parsed, python_files, skipped, text

FRAMEWORKS = {"apiflask", "bottle", "django", "falcon", "flask", "pyramid", "werkzeug"}
LOCK = "requirements.lock"
PLAIN = (LOCK, "requirements.txt", "requirements/prod.txt", "requirements/production.txt", "requirements/base.txt")
FOREIGN = ("uv.lock", "poetry.lock", "Pipfile.lock")
RELOCK = "cutover call relock export --path ."
HASH = re.compile(r"--hash[= ]sha256:")


@dataclass(frozen=True)
class Dependencies:
    """Where dependencies are written, from the service's root, and whether with hashes."""

    file: str
    hashed: bool


def dependencies(root: Path) -> Dependencies | None:
    """The dependencies of a service: in its root, else in the one folder that has some; None where none are named.

    A file with hashes comes before any other, a tool's lock before what it was made from.
    """
    if own := _in(root):
        return own
    found = _in_folders(root)
    return found[0] if len(found) == 1 else None


def unfound(root: Path) -> str | None:
    """Why no dependencies are found though there are some, and what to do; None where there is nothing to say."""
    if dependencies(root) is not None:
        return None
    if (root / "Pipfile").is_file():
        return "Pipfile has no Pipfile.lock, which says the versions; make it: pipenv lock"
    if set(_table(root / "pyproject.toml", "tool", "poetry", "dependencies")) - {"python"}:
        return "pyproject.toml is Poetry's and has no poetry.lock, which says the versions; make it: poetry lock"
    files = [there.file for there in _in_folders(root)]
    if files:
        return f'dependencies are in {", ".join(files)}; name the service\'s: requirements = ["{files[0]}"]'
    needed = sorted(_imported(root))
    if needed:
        return f"the code imports {', '.join(needed)} and no file names what to install; write it to requirements.txt"
    return None


def _imported(root: Path) -> set[str]:
    """The frameworks that a repository's files import."""
    trees = [tree for path in python_files(root) if (tree := parsed(root / path)) is not None]
    return {name for tree in trees for name in imported(tree)} & FRAMEWORKS


def _in_folders(root: Path) -> list[Dependencies]:
    """The dependencies of each folder of the root that has some."""
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not skipped(path.name))
    return [replace(there, file=f"{folder.name}/{there.file}") for folder in folders if (there := _in(folder))]


def _in(folder: Path) -> Dependencies | None:
    plain = [name for name in PLAIN if (folder / name).is_file()]
    # What is in the lock of ours was made of one of the others.
    for name in plain:
        if name != LOCK and hashed(folder / name):
            return Dependencies(name, True)
    others = [name for name in (*FOREIGN, *plain) if name != LOCK and (folder / name).is_file()]
    if not others and _in_project(folder / "pyproject.toml"):
        others = ["pyproject.toml"]
    if not others and setup_cfg(folder):
        others = ["setup.cfg"]
    if not others and LOCK in plain:
        return Dependencies(LOCK, hashed(folder / LOCK))
    return Dependencies(others[0], False) if others else None


def hashed(path: Path) -> bool:
    """Whether a requirements file pins by hash, as `pip install --require-hashes` wants it."""
    return HASH.search(text(path)) is not None


def names(path: Path, distribution: str) -> bool:
    """Whether a requirements file names a distribution at the beginning of a line (PEP 508)."""
    return (
        re.search(rf"^{re.escape(distribution)}\s*(\[|[=<>~!;@\s]|$)", text(path), re.MULTILINE | re.IGNORECASE)
        is not None
    )


def setup_cfg(folder: Path) -> list[str]:
    """What setuptools' setup.cfg names in `install_requires`: requirements (PEP 508), one a line."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text(folder / "setup.cfg"))
    except configparser.Error:
        return []
    lines = parser.get("options", "install_requires", fallback="").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]


def _in_project(path: Path) -> bool:
    project = _table(path, "project")
    return bool(project.get("dependencies") or "dependencies" in project.get("dynamic", []))


def _table(path: Path, *names: str) -> dict[str, Any]:
    """A table of a TOML file, empty where it has none of this name or is no TOML."""
    try:
        found: Any = tomllib.loads(text(path))
    except tomllib.TOMLDecodeError:
        return {}
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
