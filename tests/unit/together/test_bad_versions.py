"""Versions that are bad in every way: each is seen, production never has more than a canary of it, nothing is left."""

from __future__ import annotations

import sys
from typing import Any

import pytest

Place = Any  # see conftest.py
strikes = sys.modules["together_strikes"]
CANARY = 0.1
BAKES = "--canary-bake-minutes 20 --step-bake-minutes 20"
BAD: dict[str, dict[str, Any]] = {
    "never healthy": {"ails": 0.0},
    "crashes on start": {"lives": 0.1},
    "answers otherwise": {"body": "Goodbye"},
    "5xx under load only": {"errors": 0.2},
    "3 times slower": {"slower": 3.0},
    "healthy, then dies": {"lives": 2.0},
    "healthy, then ails": {"ails": 2.0},
}


@pytest.fixture
def loaded(place: Place) -> Place:
    place.account.load = 4000
    return place


@pytest.mark.parametrize("what", BAD)
@pytest.mark.parametrize("strategy", ["canary", "linear"])
def test_a_bad_version_is_rolled_back(loaded: Place, what: str, strategy: str) -> None:
    name = f"bad-{len(loaded.containers.versions)}"
    loaded.release(name, **BAD[what])
    share = CANARY if strategy == "canary" else 0.5
    observer = strikes.Observer(loaded, strikes.Case(what, strikes.stage, strikes.stage, bad=name, share=share))
    loaded.account.watch = observer
    done = loaded.deploy(name, f"--strategy {strategy} {BAKES}")
    assert (done.code, done.document["outcome"]) == (3, "rolled-back"), done.document["message"]
    assert (loaded.serves(), loaded.containers.running()) == ({"1.0.0": 1.0}, ["1.0.0"])
    assert not [each for each in observer.wrong if "of production on bad" in each]


def test_a_version_that_dies_in_the_bake_is_taken_back_while_the_old_one_still_runs(loaded: Place) -> None:
    """Nobody asks at a bake: the deployer asks ECS for the way back by itself."""
    loaded.release("late", lives=8.0)
    done = loaded.deploy("late", "--bake-minutes 30")
    assert (done.code, loaded.serves()) == (3, {"1.0.0": 1.0}), done.document["message"]
    assert "a task ended" in done.document["message"]


def test_a_canary_that_gets_no_traffic_is_inconclusive(place: Place) -> None:
    done = place.deploy("1.1.0", "--strategy canary")
    assert (done.code, done.document["outcome"], place.serves()) == (5, "inconclusive", {"1.0.0": 1.0})


def test_a_digest_that_is_not_the_tags_is_refused(place: Place) -> None:
    place.site.manifests["1.1.0"] = f"sha256:{'f' * 64}"
    try:
        done = place.deploy("1.1.0", f"--image sha256:{'e' * 64}")
        assert (done.code, place.service.under_way) == (4, None)
    finally:
        place.site.manifests["1.1.0"] = next(k for k, v in place.containers.versions.items() if v.name == "1.1.0")


@pytest.mark.parametrize("count", [3, pytest.param(50, marks=pytest.mark.prove)])
def test_good_canaries_under_noise_are_promoted(loaded: Place, count: int) -> None:
    """What happens to a minute happens to both sides: load and latency wander by a third from minute to minute."""
    loaded.account.noise = 0.3
    codes = [loaded.deploy(("1.1.0", "1.0.0")[turn % 2], "--strategy canary").code for turn in range(count)]
    assert codes == [0] * count
