"""Other tools' files: Poetry's and Pipenv's, as requirements (PEP 508) and constraints that uv takes."""

import json
import tomllib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ci.locker.errors import UnreadableError


def poetry(folder: Path, group: str = "") -> list[str]:
    """What pyproject.toml asks for in Poetry's own tables, without versions: the lock has them.

    A group's where one is named. PEP 621's `[project]` is not read here: uv reads it itself.
    """
    table = _toml(folder / "pyproject.toml").get("tool", {}).get("poetry", {})
    rows = table.get("group", {}).get(group, {}) if group else table
    return [
        _poetry_requirement(name, asked)
        for name, asked in rows.get("dependencies", {}).items()
        if name.lower() != "python" and not (isinstance(asked, dict) and asked.get("optional"))
    ]


def poetry_constraints(folder: Path) -> list[str]:
    """The versions in poetry.lock; none for a package that it has in several, by platform, or not from an index."""
    rows = [row for row in _toml(folder / "poetry.lock").get("package", []) if "source" not in row]
    often = Counter(row["name"] for row in rows)
    return [f"{row['name']}=={row['version']}" for row in rows if often[row["name"]] == 1]


def pipfile(folder: Path, group: str = "default") -> list[str]:
    """What Pipfile.lock pins in `default` or `develop`."""
    path = folder / "Pipfile.lock"
    try:
        rows = json.loads(path.read_text(encoding="utf-8")).get(group, {})
    except (OSError, ValueError, AttributeError) as error:
        raise UnreadableError(path.name, str(error)) from error
    return [_pipfile_requirement(name, row) for name, row in rows.items()]


def _poetry_requirement(name: str, asked: Any) -> str:
    if not isinstance(asked, Mapping):
        return name
    if "git" in asked:
        return f"{name} @ git+{asked['git']}" + (f"@{ref}" if (ref := _reference(asked)) else "")
    if "path" in asked:
        raise UnreadableError("pyproject.toml", f"{name} is a folder: publish it, or copy it into the service")
    return name + _extras(asked)


def _reference(asked: Mapping[str, Any]) -> str:
    return str(asked.get("rev") or asked.get("tag") or asked.get("branch") or "")


def _pipfile_requirement(name: str, row: Mapping[str, Any]) -> str:
    if "git" in row:
        return f"{name} @ git+{row['git']}@{row.get('ref', 'HEAD')}"
    markers = f" ; {row['markers']}" if "markers" in row else ""
    return f"{name}{_extras(row)}{row.get('version', '')}{markers}"


def _extras(row: Mapping[str, Any]) -> str:
    return f"[{','.join(row['extras'])}]" if row.get("extras") else ""


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UnreadableError(path.name, str(error)) from error
