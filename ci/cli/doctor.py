"""`cutover doctor`: what this machine has of what the pipeline needs, and what to do where it lacks something."""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ci.cli import inputs, machine
from ci.cli.engine import cache_folder, found, opened_store, recipes
from ci.cli.findings import Finding, red, table
from ci.cli.inputs import Project
from ci.cli.machine import Machine, NoDocker
from ci.cli.options import Options
from ci.engine.errors import DockerUnavailableError, EngineError
from ci.errors import CutoverError


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON document.")
@click.option(
    "--offline",
    is_flag=True,
    help="Could the whole pipeline run with no network beyond the mirrors? Lists every input, and where it comes from.",
)
@click.option("-m", "--mod", default=Options.mod, metavar="PATH", help="The module's folder (default: here or above).")
def doctor(as_json: bool, offline: bool, mod: str) -> None:
    """Check what this machine has of what the pipeline needs.

    Exit code 1 when something that is needed does not work.
    """
    findings = list(diagnosed(Machine(), mod, offline))
    click.echo(json.dumps([asdict(row) for row in findings], indent=2) if as_json else table(findings), nl=as_json)
    wrong = [row.name for row in findings if row.counts]
    if wrong:
        raise CutoverError(f"{len(wrong)} of {len(findings)} checks are red: {', '.join(wrong)}")
    if offline:
        print("Offline: every input is on this machine or at the mirrors named above.", file=sys.stderr)


def diagnosed(asked: Machine, mod: str, offline: bool) -> Iterator[Finding]:
    """All findings, in the order in which one thing needs the other."""
    docker_api = _docker(asked)
    try:
        yield from _in_order(asked, mod, docker_api, offline)
    finally:
        docker_api.close()


def _in_order(asked: Machine, mod: str, docker_api: Any, offline: bool) -> Iterator[Finding]:
    yield machine.docker(asked, docker_api)
    yield from machine.disk(asked, cache_folder(), docker_api)
    yield machine.certificates(asked)
    yield machine.proxies(asked)
    yield from machine.programs(asked)
    yield from inputs.indexes(asked)
    yield from _inputs(asked, mod, docker_api, offline)
    yield machine.dagger(asked)
    yield machine.credentials(asked)
    yield machine.endpoint(asked)


def _docker(asked: Machine) -> Any:
    try:
        return asked.connect()
    except DockerUnavailableError as error:
        return NoDocker(error)


def _inputs(asked: Machine, mod: str, docker_api: Any, offline: bool) -> Iterator[Finding]:
    """The base images, and offline each other input too."""
    try:
        config = found(Options(mod=mod))
        root = config.root if config else Path.cwd()
        project = Project(root, recipes(root))
        store = opened_store()
    except (CutoverError, EngineError) as error:
        yield red("module", str(error), "correct it, or name another with -m PATH")
        return
    images = project.images()
    yield from (inputs.image(name, project, docker_api, store, offline) for name in images)
    if offline:
        yield from inputs.recipes(project, images)
        yield from inputs.locked(project, asked)
