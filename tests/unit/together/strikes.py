"""Strikes a command at one of its AWS calls, lets it be run again until it is done, and says what came of it."""

from __future__ import annotations

import datetime
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from infra.local.faults import Fault

Place = Any  # see conftest.py
KILLS = ("killed before", "killed after")
FAULTS = ("fail", "throttle", "delay", "lose")
ALL = (*KILLS, *FAULTS)
RERUNS = 4
DELAY_S = 20.0
NONE = "none under way"
Moment = tuple[str, str]  # an operation, and the stage of the deployment under way when it is called for the first time


class Killed(BaseException):
    """kill -9: no further call of that process comes through, whatever it tries on its way out."""


@dataclass(frozen=True)
class Case:
    """A command, and what is arranged before it, which gives the version that has to serve in the end.

    `code` is its exit code; `bad` is a version that must never have more of production than `share`.
    """

    name: str
    arrange: Callable[[Place], str]
    command: Callable[[Place, str, str], Any]  # with that version and a commit
    code: int = 0
    bad: str = ""
    share: float = 0.0


@dataclass
class Outcome:
    """How often the command was run, how the first run ended, and what is wrong now, in words."""

    first: str
    runs: int
    wrong: list[str] = field(default_factory=list)


class Observer:
    """Looks at production whenever time passes: what must never be is noted."""

    def __init__(self, place: Place, case: Case) -> None:
        self.place, self.case, self.wrong = place, case, set[str]()

    def __call__(self) -> None:
        account = self.place.account
        for group, share in account.shares(account.listeners()[80]).items():
            states = [account.plane.book.state(target.key)[0] for target in account.plane.book.of_group(group)]
            if "healthy" not in states:
                self.wrong.add(f"{share:.0%} of production on a group without a healthy target")
            version = account.version_in(group)
            if version and version.name == self.case.bad and share > self.case.share:
                self.wrong.add(f"{share:.0%} of production on {version.name}")


def stage(place: Place) -> str:
    """Of the deployment under way."""
    running = place.service.under_way if place.service else None
    return f"{running.status} {running.stage}" if running else NONE


def moments(place: Place, case: Case) -> list[Moment]:
    """Every operation in every stage of an untouched run."""
    found: dict[Moment, None] = {}

    def note(when: str, service: str, operation: str) -> None:
        if when == "before":
            found.setdefault((operation, stage(place)))

    version = case.arrange(place)
    place.account.around = note
    assert case.command(place, version, "untouched").code == case.code, place.said
    place.account.around = lambda when, service, operation: None
    return list(found)


@dataclass
class Strike:
    """`kind` happens at the first call of the moment."""

    place: Place
    moment: Moment
    kind: str
    struck: bool = False
    dead: bool = False
    armed: bool = False

    def __call__(self, when: str, service: str, operation: str) -> None:
        if self.dead:
            raise Killed
        here = not self.struck and (operation, stage(self.place)) == self.moment
        if when == "before":
            self._before(operation, here)
        elif self.kind == "killed after" and self.armed:
            self.dead = True
            raise Killed

    def _before(self, operation: str, here: bool) -> None:
        if not here:
            return
        self.struck = True
        if self.kind in FAULTS:
            self.place.account.faults.order(Fault("*", operation, self.kind, seconds=DELAY_S))
        elif self.kind == "killed before":
            self.dead = True
            raise Killed
        self.armed = True


def struck(place: Place, case: Case, moment: Moment, kind: str) -> Outcome | None:
    """The command, struck there, and the same again until it has come to its end; None where it never got there."""
    place.forget()
    version = case.arrange(place)
    # What is registered for it is counted, and a place sees the strikes of many cases.
    commit = "-".join((case.name, kind, *moment)).replace(" ", "-")
    before = place.registrations(commit)
    strike, observer = Strike(place, moment, kind), Observer(place, case)
    place.account.around, place.account.watch = strike, observer
    run = partial(case.command, place, version, commit)
    ends = [_end(run, strike)]
    while ends[-1] != str(case.code) and len(ends) <= RERUNS:
        ends.append(_end(run, strike))
    place.account.around, place.account.watch = (lambda *_: None), (lambda: None)
    place.account.faults.cancel()
    if not strike.struck:
        return None
    wrong = sorted(observer.wrong) + _wrong(place, version)
    if (count := place.registrations(commit) - before) > 1:
        wrong.append(f"{count} task definitions were registered")
    if ends[-1] != str(case.code):
        wrong.append(f"it does not end: {', '.join(ends)} ({place.said[-1:]})")
    return Outcome(ends[0], len(ends), wrong)


def _end(run: Callable[[], Any], strike: Strike) -> str:
    """An exit code, or that it was killed; another runner is as alive as ever."""
    try:
        return str(run().code)
    except Killed:
        return "killed"
    finally:
        strike.dead = strike.armed = False


def _wrong(place: Place, version: str) -> list[str]:
    """What is not as it must be when all is over."""
    wrong = []
    if place.serves() != {version: 1.0}:
        wrong.append(f"{place.serves()} serves")
    if place.containers.running() != [version]:
        wrong.append(f"tasks of {place.containers.running()} run")
    if (count := len(place.targets())) != 1:
        wrong.append(f"{count} targets are registered")
    if place.service.under_way:
        wrong.append("a deployment is under way")
    return wrong


Outcomes = Mapping[tuple[Moment, str], Outcome]
HEAD = """# Deploys that are struck

What becomes of a deploy or a rollback whose runner is killed (before a call is sent, or after AWS has acted on it), or
whose call fails, is throttled, comes 20 seconds late, or acts and loses its answer; the same command is then run again
until it is done. Each call is struck in each stage of the deployment in which it is made, against AWS on this machine
in one process (the real gateway, ECS, load balancer records and CloudFormation; containers, HAProxy and time in
memory). The clients try once here: a fault is one that outlasted botocore's own attempts.

A cell says how many strikes ended as they must, and in how many runs at the most: the intended version has all of
production, one task of it runs, one target is registered, nothing is under way, nothing was registered twice, and at no
moment had a target group without a healthy target a share of production, or a bad version more than the canary's.

`make prove` writes this page (`tests/unit/together/test_strikes.py`).
"""


def write(page: Path, case: Case, outcomes: Outcomes) -> None:
    """Puts a command's table into the page, in place of the one it had."""
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    sections = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    sections[case.name] = "\n".join(["", *_table(case, outcomes), "", ""])
    page.write_text(f"{HEAD}\n" + "\n".join(f"## {name}\n{body.rstrip()}\n" for name, body in sections.items()))


def _table(case: Case, outcomes: Outcomes) -> Iterator[str]:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout
    good = sum(not each.wrong for each in outcomes.values())
    yield f"{len(outcomes)} strikes, {good} ended as they must, with exit code {case.code}"
    yield f"({datetime.date.today()}, {commit.strip()})."
    yield ""
    yield f"| call | stages | {' | '.join(ALL)} | first run's exit codes |"
    yield f"|---|---|{'---|' * len(ALL)}---|"
    for operation in dict.fromkeys(operation for (operation, _), _ in outcomes):
        rows = {key: each for key, each in outcomes.items() if key[0][0] == operation}
        cells = [_cell([each for (_, kind), each in rows.items() if kind == wanted]) for wanted in ALL]
        codes = sorted({each.first for each in rows.values() if each.first != "killed"})
        yield f"| {operation} | {len({stage for (_, stage), _ in rows})} | {' | '.join(cells)} | {', '.join(codes)} |"


def _cell(outcomes: list[Outcome]) -> str:
    good = sum(not each.wrong for each in outcomes)
    return f"{good} of {len(outcomes)}, {max((each.runs for each in outcomes), default=0)}"
