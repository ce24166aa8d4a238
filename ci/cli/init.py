"""`cutover init`: the smallest `[tool.cutover]` for the repository at hand."""

import sys
from pathlib import Path
from typing import Any

import click

from ci.detect import look, missing, table, told
from ci.errors import CutoverError
from ci.settings import Settings, has_settings
from ci.settings_table import document

FILE = "pyproject.toml"


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".")
@click.option("--check", is_flag=True, help="Write nothing; say what is missing, with exit code 1 where anything is.")
def init(folder: Path, check: bool) -> None:
    """Look at the repository in FOLDER, say what is there, and write the settings that it needs.

    Adds [tool.cutover] at the end of pyproject.toml, or in a new one; changes nothing that is
    there. The service is read and never imported.
    """
    root = folder.resolve()
    before = _text(root / FILE)
    settings = _settings(before)
    if settings is None and check:
        raise CutoverError(f"{root / FILE} has no [tool.cutover]; `cutover init` writes one")
    if settings is None:
        settings = _written(root, before)
    elif not check:
        click.echo(f"{FILE} has [tool.cutover] already: nothing written", err=True)
    _judged(list(missing(root, settings)), check)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise CutoverError(f"{path} cannot be read: {error}") from error


def _settings(text: str) -> Settings | None:
    """The settings of a pyproject.toml; None where it has none yet."""
    return Settings.parse(text) if has_settings(text) else None


def _table(document: dict[str, Any], key: str) -> dict[str, Any]:
    value = document.get(key, {})
    return value if isinstance(value, dict) else {}


def _written(root: Path, before: str) -> Settings:
    """The settings, added to the file, and told on the screen."""
    found = look(root)
    name = None if "name" in _table(document(before), "project") else root.name
    added = table(found, name)
    after = f"{before.rstrip()}\n\n{added}" if before.strip() else added
    settings = Settings.parse(after)
    try:
        (root / FILE).write_text(after, encoding="utf-8")
    except OSError as error:
        raise CutoverError(f"{root / FILE} cannot be written: {error.strerror}") from error
    click.echo("\n".join(told(found.facts)), err=True)
    click.echo(f"\nAdded to {FILE}:\n", err=True)
    click.echo(added, nl=False)
    return settings


def _judged(gaps: list[str], check: bool) -> None:
    if gaps and check:
        raise CutoverError("missing: " + "; ".join(gaps))
    for gap in gaps:
        print(f"Still missing: {gap}", file=sys.stderr)
    if not gaps:
        click.echo("Nothing is missing.", err=True)
