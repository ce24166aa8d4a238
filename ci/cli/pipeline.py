"""`cutover pipeline`: the pipeline that AWS on this machine has, carried out from a commit to production."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ci.cli.codebuild import endpoint, say, state_folder
from ci.errors import CutoverError

if TYPE_CHECKING:
    from ci.pipeline import Execution


class NoCommitError(CutoverError):
    """The repository has no such commit."""

    def __init__(self, source: Path, commit: str) -> None:
        super().__init__(f"{source} has no commit {commit}")


class Kept:
    """The variables with which each stage last succeeded, in a file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._stages: dict[str, dict[str, str]] = {}
        with contextlib.suppress(FileNotFoundError, ValueError):
            self._stages = json.loads(file.read_text(encoding="utf-8"))

    def last(self, stage: str) -> Mapping[str, str] | None:
        """Those of a stage; None where it never succeeded."""
        return self._stages.get(stage)

    def keep(self, execution: "Execution") -> None:
        """Remember the stages that succeeded."""
        done = [stage.name for stage in execution.stages if stage.status == "Succeeded"]
        self._stages |= {name: dict(execution.variables) for name in done}
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps(self._stages), encoding="utf-8")


@click.command()
@click.option("--aws", "at", default="tcp://127.0.0.1:4566", show_default=True, callback=endpoint, metavar="URL",
              help="AWS on this machine.")  # fmt: skip
@click.option("--name", default="cutover", show_default=True, help="The pipeline.")
@click.option("--region", default="eu-north-1", show_default=True)
@click.option("--commit", default="HEAD", show_default=True, help="What goes through it.")
@click.option("--source", type=click.Path(exists=True, file_okay=False, path_type=Path), default=".", metavar="PATH",
              help="The repository (default: the one here).")  # fmt: skip
@click.option("--approve", type=click.Choice(["ask", "yes", "no"]), default="ask", show_default=True,
              help="What is answered where a person is asked.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The execution as one JSON document.")
def pipeline(at: str, name: str, region: str, commit: str, source: Path, approve: str, as_json: bool) -> int:
    """Carry out a pipeline that was deployed to AWS on this machine, stage by stage, approval included.

    Its build actions run as `cutover codebuild` does. Exit code 1 where a stage failed.
    """
    if not at:
        raise CutoverError("a pipeline needs AWS on this machine: name it with --aws")
    from ci.cli.engine import opened_store
    from ci.codebuild.build import Place
    from ci.engine.docker_api import Docker
    from ci.pipeline import Hooks, execute
    from ci.pipeline.actions import Actions, Here, declared

    found = declared(name, at, region)
    root = state_folder()
    kept = Kept(root / "pipelines" / f"{at.rpartition(':')[2]}-{region}-{name}.json")
    place = Place(root / "builds", root / "cache")
    with closing(Docker("pipeline")) as docker:
        here = Here(at, region, source.absolute(), _commit(source, commit), place, docker, opened_store(),
                    lambda question: _approved(question, approve), say, lambda built: None)  # fmt: skip
        hooks = Hooks(Actions(name, here).carry_out, kept.last, time.monotonic, lambda text: say(f"=== {text}\n"))
        execution = execute(found, hooks)
    kept.keep(execution)
    click.echo(json.dumps(document(execution), indent=2) if as_json else told(execution))
    return int(execution.status == "Failed")


def _commit(source: Path, commit: str) -> str:
    words = ["git", "-C", str(source), "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NoCommitError(source, commit)
    return done.stdout.strip()


def _approved(question: str, answer: str) -> bool:
    if answer != "ask":
        say(f"{question} {answer}\n")
        return answer == "yes"
    if not sys.stdin.isatty():
        say(f"{question} nobody is here to answer (--approve yes): not approved\n")
        return False
    return click.confirm(question, err=True)


def document(execution: "Execution") -> dict[str, object]:
    """An execution, as JSON has it."""
    stages = [
        {"name": stage.name, "status": stage.status, "seconds": round(stage.seconds, 1), "failed": stage.failed,
         "rolled_back": stage.rolled_back}
        for stage in execution.stages
    ]  # fmt: skip
    return {"status": execution.status, "stages": stages, "variables": execution.variables}


def told(execution: "Execution") -> str:
    """An execution in lines."""
    rows = []
    for stage in execution.stages:
        failed = f"  {stage.failed} failed" if stage.failed else ""
        back = f"; its rollback: {stage.rolled_back}" if stage.rolled_back else ""
        rows.append(f"{stage.name:<12}{stage.status:<11}{stage.seconds:.1f}s{failed}{back}")
    return "\n".join([*rows, execution.status])
