"""Canaries by simulation: how often the analysis fails a good one, and passes a bad one.

``python tests/unit/ci/ecs/simulation.py`` prints the table; `make prove` writes docs/deploys.md.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import quantiles

from ci.ecs.analysis import Minute, Tolerance, analyse

SEED = 20_261_126
MINUTES = 5
LATENCY_S, SPREAD = 0.05, 0.6
OUTCOMES = ("passed", "inconclusive", "failed")


@dataclass(frozen=True)
class Case:
    """A green beside a blue: requests a minute of green (blue has nine times as many), and what green does to them.

    `errors` is the share of requests that fail at blue, `more` what green adds to it; `slower` multiplies its latency;
    `noise` is how far, in standard deviations of a logarithm, each minute's load and latency of both sides wanders;
    `latency` is blue's median in seconds.
    """

    name: str
    requests: int = 100
    errors: float = 0.001
    more: float = 0.0
    slower: float = 1.0
    noise: float = 0.0
    latency: float = LATENCY_S


CASES = (
    Case("like blue"),
    Case("like blue, 1 % of errors", errors=0.01),
    Case("like blue, noisy minutes", noise=0.3),
    Case("like blue, few requests", requests=40),
    Case("1 point more errors (tolerated)", more=0.01),
    Case("1.2 times slower (tolerated)", slower=1.2),
    Case("3 times 2 ms (tolerated)", slower=3.0, latency=0.002),
    Case("5 points more errors", more=0.05),
    Case("20 points more errors", more=0.2),
    Case("half of all fail", more=0.5),
    Case("2 times slower", slower=2.0),
    Case("3 times slower", slower=3.0),
    Case("3 times slower, noisy minutes", slower=3.0, noise=0.3),
    Case("15 times 2 ms", slower=15.0, latency=0.002),
)


def outcomes(case: Case, runs: int, seed: int = SEED) -> Counter[str]:
    """How often each outcome came of one look at five minutes."""
    source = random.Random(f"{seed} {case.name}")
    return Counter(_judged(case, source) for _ in range(runs))


def table(runs: int) -> Iterator[str]:
    """Rows of Markdown, in percent."""
    yield "| canary | requests a minute | passed | inconclusive | failed |"
    yield "|---|---|---|---|---|"
    for case in CASES:
        found = outcomes(case, runs)
        shares = " | ".join(f"{100 * found[each] / runs:.1f}" for each in OUTCOMES)
        yield f"| {case.name} | {case.requests} | {shares} |"


HEAD = """# How often the canary analysis errs

By simulation, written by `make prove` (`tests/unit/ci/ecs/simulation.py`): one look at {minutes} minutes of a canary
that has a tenth of production, judged by the default settings, {runs} times each, in percent. Latencies are lognormal
(blue's median {latency:g} ms where it is not said, a spread of {spread:g}); in noisy minutes load and latency of both
sides wander together by a third from minute to minute. *Failed* rolls back, *passed* goes on, *inconclusive* waits for
more minutes.

A good canary that failed is a false alarm, a bad one that passed is a miss.
"""


def page(runs: int) -> str:
    """All of docs/deploys.md."""
    head = HEAD.format(minutes=MINUTES, runs=runs, latency=1000 * LATENCY_S, spread=SPREAD)
    return "\n".join((head, *table(runs), ""))


def _judged(case: Case, source: random.Random) -> str:
    green, blue = [], []
    for at in range(MINUTES):
        # What happens to a minute happens to both sides: that is why they are compared in the same minutes.
        load, weather = (math.exp(source.gauss(0, case.noise)) for _ in range(2))
        median = weather * case.latency
        green.append(_minute(source, at, case.requests * load, case.errors + case.more, median * case.slower))
        blue.append(_minute(source, at, 9 * case.requests * load, case.errors, median))
    return analyse(green, blue, Tolerance()).outcome


def _minute(source: random.Random, at: int, requests: float, errors: float, median: float) -> Minute:
    count = max(2, round(requests))
    failed = sum(source.random() < errors for _ in range(count))
    times = [median * math.exp(source.gauss(0, SPREAD)) for _ in range(count)]
    tenths = quantiles(times, n=10)
    return Minute(60.0 * at, count, failed, tenths[4], tenths[8])


if __name__ == "__main__":
    print("\n".join(table(1000)))
