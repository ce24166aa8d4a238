"""A service's dependencies in the forms that people keep them."""

import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path

from ci.detect.files import skipped, text

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
    folders = sorted(path for path in root.iterdir() if path.is_dir() and not skipped(path.name))
    found = [(folder.name, there) for folder in folders if (there := _in(folder))]
    return replace(found[0][1], file=f"{found[0][0]}/{found[0][1].file}") if len(found) == 1 else None


def _in(folder: Path) -> Dependencies | None:
    plain = [name for name in PLAIN if (folder / name).is_file()]
    # What is in the lock of ours was made of one of the others.
    for name in plain:
        if name != LOCK and hashed(folder / name):
            return Dependencies(name, True)
    others = [name for name in (*FOREIGN, *plain) if name != LOCK and (folder / name).is_file()]
    if not others and _in_project(folder / "pyproject.toml"):
        others = ["pyproject.toml"]
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


def _in_project(path: Path) -> bool:
    try:
        project = tomllib.loads(text(path)).get("project", {})
    except tomllib.TOMLDecodeError:
        return False
    return isinstance(project, dict) and bool(
        project.get("dependencies") or "dependencies" in project.get("dynamic", [])
    )
