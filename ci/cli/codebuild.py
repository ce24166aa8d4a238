"""`cutover codebuild`: the buildspec carried out on this machine as CodeBuild does."""

import json
import re
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import platformdirs

if TYPE_CHECKING:
    from ci.codebuild.build import Built
    from ci.codebuild.values import Vault

DURATION = re.compile(r"(?P<count>\d+(?:\.\d+)?)(?P<unit>s|m|h)?")
UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, None: 60.0}
ASSIGNMENT = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)=(?P<value>.*)", re.DOTALL)
ENDPOINT = re.compile(r"(?:tcp|http)://(?P<host>[^/]+?)/?")


def _seconds(context: click.Context, option: click.Parameter, text: str) -> float:
    match = DURATION.fullmatch(text)
    if match is None or not float(match["count"]):
        raise click.BadParameter(f"{text!r} is no time; say for example 60m, 90s or 1h", context, option)
    return float(match["count"]) * UNITS[match["unit"]]


def _variables(context: click.Context, option: click.Parameter, rows: Sequence[str]) -> dict[str, str]:
    found = {}
    for row in rows:
        match = ASSIGNMENT.fullmatch(row)
        if match is None:
            raise click.BadParameter(f"{row!r} is no NAME=VALUE", context, option)
        found[match["name"]] = match["value"]
    return found


def endpoint(context: click.Context, option: click.Parameter, text: str) -> str:
    """AWS on this machine, by `tcp://127.0.0.1:4566` or `http://…`; empty for `none`."""
    match = ENDPOINT.fullmatch(text)
    if match is None and text != "none":
        raise click.BadParameter(f"{text!r} is neither tcp://HOST:PORT nor none", context, option)
    return f"http://{match['host']}" if match else ""


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("call", nargs=-1, type=click.UNPROCESSED)
@click.option("--commit", default="HEAD", show_default=True, help="What is built; nothing that is not committed.")
@click.option("--source", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".", metavar="PATH",
              help="The repository (default: the one here).")  # fmt: skip
@click.option("--buildspec", default="infra/buildspec.yml", show_default=True, metavar="PATH", help="In the commit.")
@click.option("--env", "variables", multiple=True, callback=_variables, metavar="NAME=VALUE",
              help="A variable over the buildspec's; again for more.")  # fmt: skip
@click.option("--aws", "at", default="none", callback=endpoint, show_default=True, metavar="URL",
              help="AWS on this machine, tcp://127.0.0.1:4566.")  # fmt: skip
@click.option("--region", default="eu-north-1", show_default=True)
@click.option("--timeout", "limit", default="60m", callback=_seconds, show_default=True, metavar="TIME")
@click.option("--no-cache", is_flag=True, help="Begin without what the buildspec's cache kept of earlier builds.")
@click.option("--json", "as_json", is_flag=True, help="The outcome as one JSON document.")
def codebuild(call: Sequence[str], commit: str, source: Path, buildspec: str, variables: dict[str, str], at: str,
              region: str, limit: float, no_cache: bool, as_json: bool) -> int:  # fmt: skip
    """Carry out the buildspec of a commit as CodeBuild does, in a clean container.

    The words after the options are what CUTOVER_CALL says: `cutover codebuild test`. The build's output goes to stderr;
    the exit code is that of the command that failed.
    """
    from ci.cli.engine import opened_store
    from ci.codebuild.build import Host, Place, Request, build
    from ci.codebuild.values import Given
    from ci.engine.docker_api import Docker

    given = {**({"CUTOVER_CALL": " ".join(call)} if call else {}), **variables}
    request = Request(source.absolute(), commit, buildspec, Given(region=region, variables=given), at, limit)
    root = state_folder()
    place = Place(root / "builds", None if no_cache else root / "cache")
    with closing(Docker("codebuild")) as docker:
        built = build(request, place, Host(docker, opened_store(), vault(at, region), say))
    click.echo(json.dumps(document(built), indent=2) if as_json else told(built))
    return built.outcome.exit_code


def state_folder() -> Path:
    """Where builds of this user are."""
    return Path(platformdirs.user_state_dir("cutover")) / "codebuild"


def say(line: str) -> None:
    """Write a build's output to stderr as it comes."""
    sys.stderr.write(line)
    sys.stderr.flush()


def vault(at: str, region: str) -> "Vault":
    """Parameter Store and Secrets Manager of AWS on this machine, of none where `at` is empty."""
    from ci.codebuild.values import NoVault

    if not at:
        return NoVault()
    from ci.codebuild.aws import AwsVault

    return AwsVault(at, region)


def document(built: "Built") -> dict[str, Any]:
    """A build's outcome, as JSON has it; paths of files are below `folder`."""

    def names(files: list[Path]) -> list[str]:
        return [str(path.relative_to(built.folder)) for path in files]

    return {
        "id": built.id,
        "commit": built.commit,
        "status": "FAILED" if built.outcome.exit_code else "SUCCEEDED",
        "exit_code": built.outcome.exit_code,
        "phases": [
            {"name": phase.name, "status": phase.status, "seconds": round(phase.seconds, 1), "command": phase.command}
            for phase in built.outcome.phases
        ],
        "exported": dict(built.exported),
        "folder": str(built.folder),
        "artifacts": {name: names(files) for name, files in built.artifacts.items()},
        "reports": {name: names(files) for name, files in built.reports.items()},
    }


def told(built: "Built") -> str:
    """A build's outcome in lines."""
    rows = [f"{phase.name:<12}{phase.status:<11}{phase.seconds:.1f}s" for phase in built.outcome.phases]
    if failed := built.outcome.failed:
        first = (failed.command.strip().splitlines() or [""])[0]
        rows.append(f"failed with exit code {failed.exit_code} in {failed.name}: {first}")
    rows += [f"{name}={value}" for name, value in built.exported.items()]
    counts = {**{f"report {name}": files for name, files in built.reports.items()}, **built.artifacts}
    rows += [f"{name}: {len(files)} files" for name, files in counts.items()]
    return "\n".join([*rows, f"in {built.folder}"])
