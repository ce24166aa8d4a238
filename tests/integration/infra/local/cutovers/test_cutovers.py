"""Deployments of every strategy under an open-loop load, half of them rolled back: no request fails, shares hold.

A short pass belongs to the suite; `make prove` runs the long one and writes its table to docs/cutovers.md. The last
tests are negative controls: what ECS or the load balancer must not do is done on purpose, and the verdict tells.
"""

import datetime
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from infra.local.alb.haproxy import Haproxy
from infra.local.alb.records import short_id
from infra.local.processes import Ledger
from infra.local.state import StateDirectory

pytestmark = pytest.mark.docker

ROOT = Path(__file__).resolve().parents[5]
TABLE = ROOT / "docs" / "cutovers.md"
TOLERANCE = 0.02
POLL_SECONDS = 0.2
SETTLE_SECONDS = 0.5  # from a change of weights that an API shows until it is in effect, at the most
SHORT, LONG = (100.0, 4), (500.0, 22)  # requests a second; minutes of a bake, which last a second each here
ENOUGH = {SHORT: 100, LONG: 10_000}  # requests that a stage must have for its shares to be looked at
DEPLOYMENTS, RECENT = 20, 1000
SHIFT_SECONDS = 180.0  # a bound for a deployment's way to its first shift
PROOF_SECONDS = 3600  # a bound for the long list, which takes about 20 minutes


def configuration(strategy: str, minutes: int) -> dict[str, Any]:
    """A deploymentConfiguration each of whose shares lasts that many minutes."""
    return {"strategy": strategy, "bakeTimeInMinutes": minutes, **SETTINGS[strategy](minutes)}


SETTINGS: dict[str, Callable[[int], dict[str, Any]]] = {
    "BLUE_GREEN": lambda minutes: {},
    "CANARY": lambda minutes: {
        "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": minutes},
    },
    "LINEAR": lambda minutes: {
        "linearConfiguration": {"stepPercent": 35.0, "stepBakeTimeInMinutes": minutes},
    },
    "ROLLING": lambda minutes: {"minimumHealthyPercent": 100, "maximumPercent": 200},
}


@dataclass
class Stage:
    """A time (time.time()) in which the rule's weights were the same; `shares` and `seen` by target group."""

    shares: dict[str, float]
    began: float
    ended: float
    seen: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return sum(self.seen.values())

    @property
    def worst(self) -> float:
        """The greatest distance between a group's share of requests and of weights."""
        groups = {*self.shares, *self.seen}
        return max(abs(self.seen[each] / self.total - self.shares.get(each, 0.0)) for each in groups)


class Weights:
    """Looks at the rule again and again while a deployment runs."""

    def __init__(self, site: Any) -> None:
        self._site, self._stopped, self.stages = site, threading.Event(), list[Stage]()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Weights":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(POLL_SECONDS):
            before = time.time()
            shares, after = self._site.shares(), time.time()
            if self.stages and self.stages[-1].shares == shares:
                self.stages[-1].ended = before
            else:
                self.stages.append(Stage(shares, after + SETTLE_SECONDS, after))


@dataclass
class Outcome:
    """What a deployment showed; `group` is where its release was put."""

    strategy: str
    group: str
    status: str
    stages: list[Stage]
    sent: int
    failed: list[str]
    slowest: float

    def problems(self, enough: int) -> list[str]:
        """What must not be."""
        wrong = [
            f"{stage.shares} became {dict(stage.seen)}"
            for stage in self.stages
            if stage.total >= enough and stage.worst > TOLERANCE
        ]
        shut = [
            f"{group} got requests at weight 0"
            for stage in self.stages
            for group in stage.seen
            if group not in stage.shares
        ]
        return [*self.failed, *wrong, *shut]


def deploy(
    site: Any, load: Any, strategy: str, minutes: int, *, roll_back: bool = False,
    early: Callable[[], None] | None = None, late: Callable[[], None] | None = None,
) -> Outcome:  # fmt: skip
    """One deployment under load. `early` is called once it has begun; `late`, or a rollback, after the first shift."""
    first = len(load.sent)
    with Weights(site) as watched:
        site.wait_for(lambda: watched.stages, "the first look at the weights")
        if not roll_back:
            time_until(watched.stages[-1].began + minutes)
        colour = site.release(configuration(strategy, minutes))
        if early is not None:
            early()
        site.wait_for(lambda: colour in {each.colour for each in load.sent[-RECENT:]}, "the shift", SHIFT_SECONDS)
        if late is not None:
            time_until(time.time() + SETTLE_SECONDS)
            late()
        if roll_back:
            time_until(time.time() + minutes / 2)
            site.roll_back()
        status = site.ended()
        time_until(time.time() + 1)
    return outcome(site, strategy, status, watched.stages, load.sent[first:])


def time_until(moment: float) -> None:
    """Let the load run until then."""
    while time.time() < moment:
        threading.Event().wait(min(POLL_SECONDS, max(0.0, moment - time.time())))


def outcome(site: Any, strategy: str, status: str, stages: Sequence[Stage], sent: Sequence[Any]) -> Outcome:
    """Lay the requests into the stages in which they left."""
    for request in sent:
        stage = next((each for each in stages if each.began <= request.due and request.ended <= each.ended), None)
        if stage is not None and not request.problem:
            stage.seen[site.groups_of[request.colour]] += 1
    failed = [request.problem for request in sent if request.problem]
    slowest = max(request.ended - request.due for request in sent)
    group = site.groups_of[site.newest]
    return Outcome(strategy, group, status, [each for each in stages if each.total], len(sent), failed, slowest)


@pytest.mark.parametrize(
    ("strategy", "roll_back", "stages"),
    [("BLUE_GREEN", False, 2), ("CANARY", True, 1), ("LINEAR", False, 3), ("ROLLING", True, 1)],
)
def test_a_deployment_or_a_rollback_loses_no_request_and_keeps_its_shares(
    site: Any, open_load: Callable[..., Any], strategy: str, roll_back: bool, stages: int
) -> None:
    rate, minutes = SHORT

    found = deploy(site, open_load(site.url, rate), strategy, minutes, roll_back=roll_back)

    assert found.status == ("ROLLBACK_SUCCESSFUL" if roll_back else "SUCCESSFUL")
    assert found.problems(ENOUGH[SHORT]) == []
    assert sum(stage.total >= ENOUGH[SHORT] for stage in found.stages) >= stages


@pytest.mark.prove
@pytest.mark.timeout(PROOF_SECONDS)
def test_20_deployments_of_every_strategy_under_500_requests_a_second(site: Any, open_load: Callable[..., Any]) -> None:
    rate, minutes = LONG
    load = open_load(site.url, rate)
    strategies = [list(SETTINGS)[number // 2 % len(SETTINGS)] for number in range(DEPLOYMENTS)]

    outcomes = [
        deploy(site, load, strategy, minutes, roll_back=number % 2 == 1) for number, strategy in enumerate(strategies)
    ]
    load.stop()
    TABLE.write_text(table(outcomes, rate), encoding="utf-8")

    assert [problem for each in outcomes for problem in each.problems(ENOUGH[LONG])] == []
    assert {each.status for each in outcomes} == {"SUCCESSFUL", "ROLLBACK_SUCCESSFUL"}


def table(outcomes: Sequence[Outcome], rate: float) -> str:
    """The results as they are kept, with commit and date."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    rows = [
        f"| {number} | {each.strategy} | {each.status} | {each.sent} | {len(each.failed)} | {_shown(each)} "
        f"| {each.slowest:.2f} s |"
        for number, each in enumerate(outcomes, 1)
    ]
    return "\n".join([
        "# Cutovers under load",
        "",
        f"Written by `make prove` on {datetime.datetime.now(datetime.UTC):%Y-%m-%d} at commit {commit.stdout.strip()}:",
        f"{rate:.0f} requests a second, open loop, a quarter of them over new connections, each 25th slow; every",
        f"other deployment is rolled back. A stage is a time of constant weights with {ENOUGH[LONG]} requests or more:",
        "the weight of the new release's target group, and that group's share of the requests. In a ROLLING",
        "deployment, old and new tasks are in one group.",
        "",
        "| | strategy | ended | requests | failed | stages: weight → share | slowest |",
        "|---|---|---|---|---|---|---|",
        *rows,
        "",
    ])  # fmt: skip


def _shown(found: Outcome) -> str:
    told = [each for each in found.stages if each.total >= ENOUGH[LONG]]
    return ", ".join(
        f"{each.shares.get(found.group, 0.0):.0%} → {each.seen[found.group] / each.total:.2%} of {each.total}"
        for each in told
    )


class TestNegativeControls:
    """Each turns the verdict of a deployment."""

    @pytest.fixture
    def load(self, site: Any, open_load: Callable[..., Any]) -> Any:
        return open_load(site.url, SHORT[0])

    @pytest.fixture
    def undrained(self, site: Any) -> Iterator[None]:
        for group in site.groups:
            site.delay(group, 0)
        yield
        for group in site.groups:
            site.delay(group, 5)

    def test_without_a_drain_requests_fail(self, site: Any, load: Any, undrained: None) -> None:
        found = deploy(site, load, "BLUE_GREEN", 0).problems(ENOUGH[SHORT])

        assert found, "slow requests were cut off"

    def test_a_weight_of_0_that_gets_requests_is_seen(self, site: Any, load: Any) -> None:
        def leak() -> None:
            """Have HAProxy send a twentieth to the group that the rule gives nothing, behind ELBv2's back."""
            state = StateDirectory.of(site.instance.port)
            proxy = Haproxy(state.root / "x", state.haproxy_socket, Ledger(state.processes), state.root / "x")
            _, first = min(site.weights().items())
            proxy.tell([f"set var proc.w_{short_id(site.rule)}_0 int({50 if first == 0 else 950})"])

        found = deploy(site, load, "BLUE_GREEN", SHORT[1], late=leak).problems(ENOUGH[SHORT])

        assert any("got requests at weight 0" in each for each in found)

    def test_a_blue_that_is_stopped_while_it_serves_is_seen(self, site: Any, load: Any) -> None:
        live = site.live

        def kill() -> None:
            for container in site.containers(live):
                container.kill()

        found = deploy(site, load, "BLUE_GREEN", 1, early=kill).problems(ENOUGH[SHORT])

        assert any("status 50" in each for each in found)
