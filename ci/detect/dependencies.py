"""A service's dependencies in the forms that people keep them, and how each becomes a lock file with hashes."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from ci.detect.files import text

LOCK = "requirements.lock"
PLAIN = (LOCK, "requirements.txt", "requirements/prod.txt", "requirements/production.txt", "requirements/base.txt")
# Other tools' locks, and the command of theirs that writes requirements with hashes.
FOREIGN = {
    "uv.lock": f"uv export --format requirements-txt --no-emit-project --output-file {LOCK}",
    "poetry.lock": f"poetry export --format requirements.txt --output {LOCK}",
    "Pipfile.lock": f"pipenv requirements --hash > {LOCK}",
}
COMPILE = "uv pip compile --generate-hashes --universal {source} --output-file {lock}"
HASH = re.compile(r"--hash[= ]sha256:")


@dataclass(frozen=True)
class Dependencies:
    """Where dependencies are written, whether with hashes, and the command that locks them (empty where they are)."""

    file: str
    hashed: bool
    command: str = ""


def dependencies(folder: Path) -> Dependencies | None:
    """The dependencies of a service in `folder`; None where it names none.

    A file with hashes comes before any other, a tool's lock before what it was made from.
    """
    plain = [name for name in PLAIN if (folder / name).is_file()]
    for name in plain:
        if hashed(folder / name):
            return Dependencies(name, True)
    for name, command in FOREIGN.items():
        if (folder / name).is_file():
            return Dependencies(name, False, command)
    named = plain or (["pyproject.toml"] if _in_project(folder / "pyproject.toml") else [])
    return Dependencies(named[0], False, COMPILE.format(source=named[0], lock=LOCK)) if named else None


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
