"""10 deploys and 5 rollbacks under load: no request fails, and how long each way takes.

`make prove` runs it and writes the figures into the README; alone: ``pytest -m prove tests/e2e/test_deploys.py -s``.
"""

from __future__ import annotations

import datetime
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from typing import Any

import boto3
import pytest

pytestmark = [pytest.mark.docker, pytest.mark.prove, pytest.mark.timeout(2400)]

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
CUTOVER = [sys.executable, "-P", "-c", "from ci.cli.main import main; main()"]
DEPLOYS, ROLLBACKS = 10, 5
CONNECTIONS, PER_SECOND = 8, 12.5  # 100 requests a second
ENOUGH = 20  # answers of green before the signal turns red
COMMAND_SECONDS, ANSWER_SECONDS = 300, 30
KEYS = {"AccessKeyId": "any", "SecretAccessKey": "any"}
ALARM = "errors"


@dataclass(frozen=True)
class Answer:
    """One request: when it left and when its answer came (time.monotonic()), whose it was, or what went wrong."""

    sent: float
    came: float
    version: str = ""
    problem: str = ""


@dataclass
class Load:
    """Keep-alive connections on production that send at their pace until `stop`; nothing is sent twice."""

    url: str
    answers: list[Answer] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Load:
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(CONNECTIONS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(ANSWER_SECONDS)

    def of(self, version: str, since: float) -> list[Answer]:
        """The answers of a version to requests that left after that moment, by when they left."""
        found = [each for each in list(self.answers) if each.version == version and each.sent >= since]
        return sorted(found, key=lambda each: each.sent)

    def _send(self) -> None:
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.url).netloc, timeout=ANSWER_SECONDS)
        due = time.monotonic()
        while not self._stopped.wait(max(0.0, due - time.monotonic())):
            self.answers.append(self._asked(connection))
            due += 1 / PER_SECOND
        connection.close()

    def _asked(self, connection: http.client.HTTPConnection) -> Answer:
        sent = time.monotonic()
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != http.client.OK:
                return Answer(sent, time.monotonic(), problem=f"status {answer.status}")
            return Answer(sent, time.monotonic(), json.loads(body)["version"])
        except (OSError, ValueError, http.client.HTTPException) as error:
            connection.close()
            return Answer(sent, time.monotonic(), problem=repr(error))


@dataclass(frozen=True)
class Site:
    """AWS on this machine with an environment, an image in its registry, and version 0.0.0 deployed."""

    port: int
    folder: Path
    digest: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_DEFAULT_REGION": "eu-north-1",
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
        }

    def client(self, service: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service, "eu-north-1", endpoint_url=f"http://127.0.0.1:{self.port}", aws_access_key_id="any",
            aws_secret_access_key="any",
        )  # fmt: skip

    def deploy(self, version: str, *more: str) -> subprocess.Popen[str]:
        """`python -m ci.ecs deploy` of the one image as a version of its own."""
        words = [
            "--environment", "demo", "--templates", "infra/templates", "--smoke", str(self.folder / "smoke.json"),
            "--image", self.digest, "--version", version, "--commit", "0" * 40, "--bake-minutes", "1",
        ]  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-m", "ci.ecs", "deploy", *words, *more],
            cwd=ROOT, env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def production(self) -> str:
        """Where production's listener answers on this machine."""
        status = cutover("local", "status", "--port", str(self.port), "--json")
        (balancer,) = json.loads(status)["load_balancers"]
        listeners = balancer["listeners"]
        return str(next(each["url"] for each in listeners if each["port"] == 80))


def cutover(*words: str) -> str:
    """Its standard output."""
    done = subprocess.run(
        [*CUTOVER, *words], cwd=ROOT, env={**os.environ, "CREDENTIALS": json.dumps({"Version": 1, **KEYS})},
        capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


def ended(process: subprocess.Popen[str]) -> int:
    """The exit code; what was said is shown where the test fails."""
    said, _ = process.communicate(timeout=COMMAND_SECONDS)
    print(said[-3000:])
    return process.returncode


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("d")  # a socket's path may have 107 bytes
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    (folder / "smoke.json").write_text('[{"path": "/", "body": "Hello"}]', encoding="utf-8")
    target = ("--aws", f"tcp://127.0.0.1:{port}", "--credentials", "env:CREDENTIALS", "--environment", "demo")
    try:
        cutover("local", "up", "--port", str(port), "--minute", "1s")
        cutover("call", "provision", *target)
        image = cutover("call", "publish", *target).strip()
        made = Site(port, folder, image.partition("@")[2])
        assert ended(made.deploy("0.0.0")) == 0
        yield made
    finally:
        cutover("local", "down", "--port", str(port))


@dataclass
class Figures:
    """Seconds, one of each a deploy or a rollback."""

    green: list[float] = field(default_factory=list)
    all: list[float] = field(default_factory=list)
    back: list[float] = field(default_factory=list)


def until(condition: Callable[[], object]) -> None:
    """Waits for it; fails after COMMAND_SECONDS."""
    end = time.monotonic() + COMMAND_SECONDS
    while not condition():
        assert time.monotonic() < end, "it never came about"
        time.sleep(0.02)


def test_10_deploys_and_5_rollbacks_under_load(site: Site) -> None:
    """Blue-green deploys; the rollbacks are canaries with a tenth of production whose alarm goes off."""
    figures = Figures()
    site.client("cloudwatch").put_metric_alarm(
        AlarmName=ALARM, Namespace="Test", MetricName="errors", Statistic="Sum", Period=60, EvaluationPeriods=1,
        Threshold=1, ComparisonOperator="GreaterThanThreshold", TreatMissingData="ignore",
    )  # fmt: skip
    with Load(site.production()) as load:
        for number in range(1, DEPLOYS + 1):
            deployed(site, load, figures, f"0.0.{number - 1}", f"0.0.{number}")
        for number in range(ROLLBACKS):
            taken_back(site, load, figures, f"0.1.{number}")
    problems = [each.problem for each in load.answers if each.problem]
    keep(figures, len(load.answers), len(problems))
    assert problems == []
    assert [len(each) for each in (figures.green, figures.all, figures.back)] == [DEPLOYS, DEPLOYS, ROLLBACKS]


def deployed(site: Site, load: Load, figures: Figures, old: str, new: str) -> None:
    """One deploy: green's first answer, and the first moment after which all requests were green's."""
    begun = time.monotonic()
    assert ended(site.deploy(new)) == 0
    greens, blues = load.of(new, begun), load.of(old, begun)
    figures.green.append(greens[0].came - begun)
    figures.all.append(next(each.came for each in greens if each.sent > blues[-1].sent) - begun)


def taken_back(site: Site, load: Load, figures: Figures, bad: str) -> None:
    """One rollback: from the alarm to the last request that green got."""
    alarm = site.client("cloudwatch")
    alarm.set_alarm_state(AlarmName=ALARM, StateValue="OK", StateReason="before")
    begun = time.monotonic()
    process = site.deploy(bad, "--strategy", "canary", "--canary-bake-minutes", "120", "--alarm", ALARM)
    until(lambda: len(load.of(bad, begun)) >= ENOUGH or process.poll() is not None)
    red = time.monotonic()
    alarm.set_alarm_state(AlarmName=ALARM, StateValue="ALARM", StateReason="red")
    assert ended(process) == 3
    figures.back.append(max(0.0, load.of(bad, begun)[-1].sent - red))


def keep(figures: Figures, sent: int, failed: int) -> None:
    """Prints the lines, and puts them into the README."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    lines = [
        f"{DEPLOYS} deploys (blue-green) and {ROLLBACKS} rollbacks (of a canary, by its alarm) on two busy cores, a",
        f"minute lasting a second, under {CONNECTIONS * PER_SECOND:g} requests a second: {sent:,} requests,"
        f" {failed} failed ({datetime.datetime.now(datetime.UTC):%Y-%m-%d}, {commit}).",
        "",
        "| seconds | p50 | p95 |",
        "|---|---|---|",
        row("from `deploy` to the first request that the new version answers", figures.green),
        row("from `deploy` to all of production", figures.all),
        row("from a red signal to no request for the new version", figures.back),
    ]
    print("\n".join(lines))
    text = README.read_text(encoding="utf-8")
    block = "\n".join(("<!-- deploys: begin -->", *lines, "<!-- deploys: end -->"))
    filled, count = re.subn(r"<!-- deploys: begin -->.*?<!-- deploys: end -->", lambda _: block, text, flags=re.DOTALL)
    assert count == 1, "the README has a place for the figures"
    README.write_text(filled, encoding="utf-8")


def row(what: str, seconds: Sequence[float]) -> str:
    """A line of the table."""
    cuts = quantiles(seconds, n=20, method="inclusive")
    return f"| {what} | {cuts[9]:.1f} | {cuts[18]:.1f} |"
