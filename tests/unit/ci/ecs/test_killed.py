"""A runner that is killed, or an answer that is lost, at any call: the same command again ends in the same state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from ci.ecs import errors

Bench = Any  # see bench.py
RERUNS = 4


class Killed(BaseException):
    """kill -9, as far as a test can have it."""


class Strike:
    """Raises at the `number`-th moment, two a call: before it acts, and after it has acted."""

    def __init__(self, number: int, raised: Callable[[], BaseException]) -> None:
        self.left = number
        self.raised = raised
        self.where = ""

    def __call__(self, when: str, name: str) -> None:
        self.left -= 1
        if self.left == -1:
            self.where = f"{when} {name}"
            raise self.raised()


def until_done(bench: Bench, version: str) -> str:
    """The same command, again and again, until it deployed or rolled back; gives the outcome."""
    for _ in range(RERUNS):
        try:
            bench(version)
        except (Killed, errors.LostSight, *errors.AwsFault):
            continue
        except errors.RolledBack:
            pass
        return str(bench.told.outcome)
    raise AssertionError("it does not end")


def strikes(bench: Bench, version: str, raised: Callable[[], BaseException]) -> Strike | None:
    """One deploy that is struck later each time it is made, then finished; None once it came through untouched."""
    strike = bench.world.on_call = Strike(bench.struck, raised)
    bench.struck += 1
    until_done(bench, version)
    bench.world.on_call = lambda when, name: None
    return strike if strike.where else None


def settled(bench: Bench, version: str, where: str) -> None:
    """The version has all production traffic, and only its tasks are left."""
    served = bench.told.serves
    assert served and (served.version, served.percent) == (version, 100), where
    assert [raw["count"] for raw in bench.world.ecs.revisions.values()].count(1) == 1, where
    healthy = bench.world.targets
    assert sorted(map(len, healthy.values())) == [0, 1] and healthy[bench.world.live()] == ["healthy"], where


def lost() -> BaseException:
    return ReadTimeoutError(endpoint_url="https://ecs")


@pytest.mark.parametrize("raised", [Killed, pytest.param(lost, marks=pytest.mark.prove)])
def test_every_moment_of_a_deploy(live: Bench, raised: Callable[[], BaseException]) -> None:
    live.struck = 0
    versions = ["1.1.0", "1.2.0"]
    while strike := strikes(live, versions[live.struck % 2], raised):
        settled(live, live.told.version, strike.where)
    assert live.struck > 50
    assert not [each for each in live.world.ecs.deployments if each["status"] != "SUCCESSFUL"]


@pytest.mark.parametrize("raised", [Killed, lost])
def test_every_moment_of_a_first_deploy(world: Any, bench: Bench, raised: Callable[[], BaseException]) -> None:
    bench.struck = 0
    while strike := strikes(bench, "1.0.0", raised):
        settled(bench, "1.0.0", strike.where)
        world.reborn()
    assert bench.struck > 50


@pytest.mark.parametrize("raised", [Killed, lost])
def test_no_moment_of_a_rollback_lets_the_bad_version_serve(live: Bench, raised: Callable[[], BaseException]) -> None:
    live.site.answers[(8080, "/")] = (500, "Oops")
    live.struck = 0
    while strike := strikes(live, "1.1.0", raised):
        assert live.told.outcome == "rolled-back"
        settled(live, "1.0.0", strike.where)
    assert live.struck > 50
