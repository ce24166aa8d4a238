"""`cutover cache`: what the engine keeps on this machine, and how to be rid of it."""

import json
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ci.cli.engine import opened_store

if TYPE_CHECKING:
    from ci.engine.docker_api import Docker
    from ci.engine.usage import Usage

UNIT = 1000
AGES = ((86400, "d"), (3600, "h"), (60, "min"))
NAME_WIDTH = 44
UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}


@click.group()
def cache() -> None:
    """Show and prune what the engine keeps on this machine: results, folders, images, cache volumes."""


@cache.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON document.")
@click.option("-a", "--all", "whole", is_flag=True, help="Each thing, not only the sums of each kind.")
def ls(as_json: bool, whole: bool) -> None:
    """List what is kept, with sizes, the longest unused first."""
    from ci.engine.usage import usage

    store = opened_store()
    rows = sorted(usage(store, _docker()), key=lambda row: row.last_used)
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    click.echo((_each(rows) if whole else _sums(rows)) + f"\n{size(sum(row.size for row in rows))} in {store.root}")


@cache.command()
@click.option("--all", "whole", is_flag=True, help="Remove everything that no running call needs.")
@click.option("--max-size", metavar="SIZE", help="Keep at most SIZE (as 500MB or 20GB), the most recently used.")
def prune(whole: bool, max_size: str | None) -> None:
    """Remove what was longest not used: down to the store's own bound, to SIZE, or everything."""
    from ci.engine.usage import limit
    from ci.engine.usage import prune as pruned

    if whole and max_size:
        raise click.UsageError("--all and --max-size exclude each other")
    store = opened_store()
    most = 0 if whole else bytes_of(max_size) if max_size else limit(store)
    removed = pruned(store, _docker(), most)
    click.echo(f"removed {len(removed)} things, {size(sum(row.size for row in removed))}", err=True)


def _docker() -> "Docker | None":
    """Docker, None where none answers: then only what lies in the store's folder is known."""
    from ci.engine.docker_api import Docker
    from ci.engine.errors import DockerUnavailableError

    try:
        return Docker("cache")
    except DockerUnavailableError as error:
        print(f"images and cache volumes are left out: {error}", file=sys.stderr)
        return None


def _each(rows: "list[Usage]") -> str:
    lines = [f"{'Kind':<18}{'Size':>10}  {'Used':<9}{'Name':<{NAME_WIDTH}}"]
    for row in rows:
        name = f"{row.name[:12]} {row.description}".strip()
        shown = name if len(name) < NAME_WIDTH else name[: NAME_WIDTH - 1] + "…"
        lines.append(f"{row.kind:<18}{size(row.size):>10}  {age(row.last_used):<9}{shown}{' (in use)' * row.in_use}")
    return "\n".join(lines)


def _sums(rows: "list[Usage]") -> str:
    kinds: dict[str, list[Usage]] = {}
    for row in rows:
        kinds.setdefault(row.kind, []).append(row)
    lines = [f"{'Kind':<18}{'Count':>7}{'Size':>10}  Last used"]
    for kind, items in sorted(kinds.items(), key=lambda pair: -sum(item.size for item in pair[1])):
        used = max(item.last_used for item in items)
        lines.append(f"{kind:<18}{len(items):>7}{size(sum(i.size for i in items)):>10}  {age(used)}")
    return "\n".join(lines)


def size(count: float) -> str:
    """Bytes as `1.2 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < UNIT:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= UNIT
    return f"{count:.1f} TB"


def bytes_of(text: str) -> int:
    """`500MB` or `1.5g` in bytes.

    Raises:
        click.BadParameter: it is no size.
    """
    number, unit = text.strip().lower().removesuffix("b"), ""
    if number and number[-1] in UNITS:
        number, unit = number[:-1], number[-1]
    try:
        return int(float(number) * UNITS[unit])
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no size; say for example 500MB or 20GB") from error


def age(then: float, now: float | None = None) -> str:
    """How long ago a time (seconds since the epoch) was, as `3 d`."""
    passed = (time.time() if now is None else now) - then
    return next((f"{int(passed // length)} {unit}" for length, unit in AGES if passed >= length), "just now")
