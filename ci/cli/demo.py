"""`cutover demo`: two releases and a broken one of this repository's service, on AWS on this machine, under load."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import click
import platformdirs
from rich.console import Console
from rich.table import Table

from ci.cli import own as cutover
from ci.cli.changes import AnyChanges, Changes, OwnChanges
from ci.cli.load import Load
from ci.cli.released import Release, failed, report_of, said_by, stages
from ci.cli.scratch import Scratch
from ci.cli.watch import Watch
from ci.detect import RELOCK, missing
from ci.errors import CutoverError
from ci.settings import Settings, has_settings

ENVIRONMENT = "demo"
MINUTE = "1s"  # what AWS counts in minutes (bake time, hook timeout) lasts seconds here
CUTOVER = [sys.executable, "-P", "-c", "from ci.cli.main import main; main()"]
# AWS on this machine takes any; the deployer gets them as it gets real ones.
CREDENTIALS = {"Version": 1, "AccessKeyId": "demo", "SecretAccessKey": "demo", "SessionToken": "demo"}
FILE = "pyproject.toml"
NO_CHECKOUT = "Cutover's own service is in a checkout of its repository only; show your own: cutover demo --source PATH"
LOG_LINES = 12  # of tasks that ended, of those in the report
WIDTH = 120  # of the table, also where the screen's width is not known


class DemoError(CutoverError):
    """A step of the demo did not go as it must."""


class LeftUpError(DemoError):
    """The demo failed after it had started AWS on this machine, which stays up to be looked at."""

    def __init__(self, reason: Exception, port: int) -> None:
        super().__init__(f"{reason}\nWhat runs still can be looked at; end it: cutover local down --port {port}")


class Demo:
    """The demo's sequence: each method is one thing that the user sees happen."""

    def __init__(self, origin: Path, port: int, own: bool = True) -> None:
        self.port = port
        self._began = time.monotonic()
        self._first_seconds = 0.0  # from the start to the first cut-over
        self._module: list[str] = []
        self.endpoint = f"http://127.0.0.1:{port}"
        self.console = Console(stderr=True)
        self.out = Console(width=max(WIDTH, Console().width))
        self._say("a scratch clone with a remote of its own")
        self.scratch = Scratch(origin, Path(platformdirs.user_state_dir("cutover")) / f"demo-{port}")
        if not own and any((at / "dagger.json").is_file() for at in (self.scratch.work, *self.scratch.work.parents)):
            git = self.scratch.root / ".git"
            self._module = ["-m", str(cutover.module()), f"--source={self.scratch.work}", f"--history={git}"]
        self.settings = self._prepared()
        self.environment = self.settings.environment(ENVIRONMENT)
        self.changes: Changes = OwnChanges() if own else AnyChanges(self.settings)

    def run(self) -> None:
        """Everything, and the table at the end."""
        self._say("AWS on this machine")
        self._cutover("local", "down", "--port", str(self.port))
        try:
            self._cutover("local", "up", "--port", str(self.port), "--minute", MINUTE)
            self._released()
        except CutoverError as error:
            raise LeftUpError(error, self.port) from error
        except KeyboardInterrupt:
            self._cutover("local", "down", "--port", str(self.port))
            raise

    def _released(self) -> None:
        self._say("provision the environment")
        self._call("provision")
        releases = [self._first(), self._second(), self._broken()]
        self._table(releases)
        _check(releases)

    def _prepared(self) -> Settings:
        """The settings, written where there are none, and the lock files, made where they are missing; committed."""
        if (settings := _read(self.scratch.work)) is None:
            self._say("cutover init")
            self._cutover("init")
            settings = _read(self.scratch.work)
        assert settings is not None  # `init` writes them, or has failed
        if ENVIRONMENT not in settings.environments:
            self.scratch.append(FILE, f"\n[tool.cutover.environments.{ENVIRONMENT}]\n")
        gaps = list(missing(self.scratch.work, settings))
        if gaps and all(RELOCK in gap for gap in gaps):
            self._say("lock the dependencies")
            self._called(*RELOCK.split()[2:])
            gaps = list(missing(self.scratch.work, settings))
        if gaps:
            raise DemoError("; ".join([gap for gap in gaps if RELOCK not in gap] or gaps))
        self.scratch.commit("build: settings and locks for the demo")
        return _read(self.scratch.work) or settings

    def _first(self) -> Release:
        release = self._release(Release("first release"), under_load=False)
        self._first_seconds = time.monotonic() - self._began
        self.scratch.tag(release.version, self.settings.tag_prefix)
        return release

    def _second(self) -> Release:
        release = self._release(Release(self.changes.harmless(self.scratch)))
        self.scratch.tag(release.version, self.settings.tag_prefix)
        return release

    def _broken(self) -> Release:
        return self._release(Release(self.changes.broken(self.scratch)), fails=True)

    def _release(self, release: Release, under_load: bool = True, fails: bool = False) -> Release:
        self._say(f"release: {release.title}")
        start = time.monotonic()
        names = f"{self.environment.prefix}-{ENVIRONMENT}"
        version = self._called("version").stdout.strip()
        with Watch(self._client("ecs"), names, names) as watch, self._loaded(under_load) as load:
            done = self._call("release", "--approve", version, fails=True)
        release.seconds = time.monotonic() - start
        release.stages, release.tally = watch.stages, load.tally if load else None
        report = report_of(done)
        release.version, release.digest = report.get("version", ""), report.get("digest", "")
        release.outcome = report.get("outcome", "not deployed")
        if fails == (done.returncode == 0) or not report or (fails and watch.status != "ROLLBACK_SUCCESSFUL"):
            raise DemoError(self._why(release, done, report))
        return release

    def _why(self, release: Release, done: subprocess.CompletedProcess[str], report: dict[str, Any]) -> str:
        """What the release says of itself, the last lines of tasks that ended, and the setting where one helps."""
        said = report.get("message") or said_by(done.stderr.splitlines())
        hint = ""
        if "health checks" in said:
            hint = f'\n[tool.cutover] health = "{self.settings.health}" must be a path that answers 200'
        logs = "".join(f"\n  {line}" for line in report.get("logs", [])[-LOG_LINES:])
        ended = f"the release {release.title!r} ended with exit code {done.returncode}, {release.outcome}"
        return f"{ended}: {said}{hint}{logs}"

    @contextlib.contextmanager
    def _loaded(self, wanted: bool) -> Iterator[Load | None]:
        if not wanted:
            yield None
            return
        smoke = self.settings.smoke[0]
        with Load(self._urls()[0] + smoke.path, smoke.status) as load:
            yield load

    def _call(self, function: str, *more: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
        words = [
            "--environment",
            ENVIRONMENT,
            "--aws",
            f"tcp://127.0.0.1:{self.port}",
            "--credentials",
            "env:CUTOVER_DEMO_CREDENTIALS",
        ]
        return self._called(function, *words, *more, fails=fails)

    def _called(self, *words: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
        """`cutover call`, of Cutover's own module also where the service's repository has another."""
        return self._cutover("call", "--progress", "plain", *self._module, *words, fails=fails)

    def _cutover(self, *words: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
        """Run the command in the clone, its progress on the screen; its result is captured."""
        environment = {**os.environ, "CUTOVER_DEMO_CREDENTIALS": json.dumps(CREDENTIALS)}
        process = subprocess.Popen(
            [*CUTOVER, *words],
            cwd=self.scratch.work,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        errors = []
        assert process.stderr is not None
        for line in process.stderr:
            errors.append(line)
            self.console.print(f"  {line.rstrip()}", style="dim", markup=False, highlight=False, soft_wrap=True)
        result, _ = process.communicate()
        done = subprocess.CompletedProcess(list(words), process.returncode, result, "".join(errors))
        if process.returncode and not fails:
            raise DemoError(failed(words, process.returncode, errors))
        return done

    def _client(self, name: str) -> Any:
        client: Any = boto3.client  # its overloads want the service's name as a literal
        return client(
            name,
            endpoint_url=self.endpoint,
            region_name=self.environment.region,
            aws_access_key_id="demo",
            aws_secret_access_key="demo",
        )

    def _urls(self) -> list[str]:
        status = json.loads(self._cutover("local", "status", "--json", "--port", str(self.port)).stdout)
        return [listener["url"] for row in status["load_balancers"] for listener in row["listeners"]]

    def _table(self, releases: list[Release]) -> None:
        self._say("what serves now")
        production, *others = self._urls()
        # --json is `call`'s too: the function's text, itself JSON, as a JSON string.
        serves = json.loads(json.loads(self._call("status", "--json").stdout))["serves"]
        table = Table(title="Releases on this machine")
        for title in ("release", "version", "digest", "outcome", "seconds", "requests", "failed", "slowest (ms)"):
            table.add_column(title)
        for row in releases:
            tally = row.tally
            counts = (str(tally.sent), str(tally.failed), f"{tally.slowest * 1000:.0f}") if tally else ("-", "-", "-")
            table.add_row(row.title, row.version, row.digest[7:19], row.outcome, f"{row.seconds:.1f}", *counts)
        self.out.print(table)
        self.out.print(stages(releases))
        self.out.print(
            f"From the start to the first cut-over: {self._first_seconds:.0f} s; "
            f"all of it: {time.monotonic() - self._began:.0f} s",
            highlight=False,
        )
        self.out.print(f"Serving now: {serves['version']} ({serves['digest'][7:19]}) on {production}", highlight=False)
        self.out.print(
            f"Test listener: {', '.join(others)}   AWS, as a page: {self.endpoint}/   "
            f"End it: cutover local down --port {self.port}",
            highlight=False,
        )

    def _say(self, text: str) -> None:
        self.console.rule(text, align="left")


def _read(folder: Path) -> Settings | None:
    """The settings of the service in a folder; None where it has none.

    Raises:
        SettingsError: they are not as they must be.
    """
    path = folder / FILE
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return Settings.parse(text) if has_settings(text) else None


def _check(releases: list[Release]) -> None:
    failed = sum(release.tally.failed for release in releases if release.tally)
    if failed:
        reasons = [str(dict(release.tally.reasons)) for release in releases if release.tally]
        raise DemoError(f"{failed} requests failed during the cut-overs: {'; '.join(reasons)}")


@click.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), default=4566, show_default=True, help="Port of AWS on this machine."
)
@click.option(
    "--source",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Another service's folder, in a repository or not; it is copied, what is not committed included.",
)
def demo(port: int, source: Path | None) -> None:
    """Release a service twice and break it once, on AWS on this machine, under load: this repository's own, or SOURCE.

    A service without [tool.cutover] or without lock files gets them in the copy, as by `cutover
    init` and `cutover call relock`. The folder itself stays as it is.
    """
    try:
        own = cutover.checkout()
        if (origin := source or own) is None:
            raise DemoError(NO_CHECKOUT)
        Demo(origin, port, own=origin.resolve() == own).run()
    except CutoverError as error:
        raise click.ClickException(str(error)) from error
