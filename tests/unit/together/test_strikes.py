"""A command that is killed, or meets a fault of AWS, at any of its calls ends in the same state when it is run again.

`make test` strikes the calls that change something, `make prove` every call in every stage of the deployment, and
writes docs/deploy-faults.md.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

Place = Any  # see conftest.py
strikes = sys.modules["together_strikes"]
ROOT = Path(__file__).parents[3]
TABLE = ROOT / "docs" / "deploy-faults.md"
ALL_SECONDS = 3600  # a bound for one command's long list, which takes minutes
FEW = {
    "deploy, blue-green": ("RegisterTaskDefinition", "UpdateService", "ContinueServiceDeployment"),
    "rollback --now of a deployment under way": ("StopServiceDeployment",),
}


def other(place: Place) -> str:
    """1.0.0 and 1.1.0 take turns: the one that does not serve."""
    return "1.1.0" if place.serves() == {"1.0.0": 1.0} else "1.0.0"


def same(place: Place) -> str:
    (version,) = place.serves()
    return str(version)


def promoted(place: Place) -> str:
    """The other one has just been deployed, and this one is to come back."""
    version = same(place)
    assert place.deploy(other(place)).code == 0, place.said
    return version


def under_way(place: Place) -> str:
    """A runner that is gone has begun to deploy 1.2.0."""
    place.begin("1.2.0")
    return same(place)


def canary(place: Place, version: str, commit: str) -> Any:
    return place.deploy(version, "--strategy canary", commit)


CASES = {
    case.name: case
    for case in (
        strikes.Case("deploy, blue-green", other, lambda place, version, commit: place.deploy(version, "", commit)),
        strikes.Case("deploy, canary", other, canary),
        strikes.Case(
            "deploy of a bad canary", same, lambda place, _, commit: canary(place, "6.6.6", commit), 3, "6.6.6", 0.1
        ),
        strikes.Case("rollback", promoted, lambda place, *_: place.rollback()),
        strikes.Case("rollback --now", promoted, lambda place, *_: place.rollback("--now")),
        strikes.Case(
            "rollback --now of a deployment under way", under_way, lambda place, *_: place.rollback("--now"),
            bad="1.2.0",
        ),
    )
}  # fmt: skip


@pytest.fixture
def field(place: Place) -> Place:
    """Production has requests, and there is a version that fails half of those."""
    place.account.load = 4000
    if "6.6.6" not in place.site.manifests:
        place.release("6.6.6", errors=0.5)
    return place


def wrong(outcomes: Any) -> Any:
    """What is wrong anywhere, by the moment and the kind of strike."""
    return {key: each.wrong for key, each in outcomes.items() if each.wrong}


@pytest.mark.parametrize("kind", ["killed after", "lose"])
@pytest.mark.parametrize("name", FEW)
def test_a_call_that_changes_something(field: Place, name: str, kind: str) -> None:
    case, found = CASES[name], {}
    for moment in strikes.moments(field, case):
        if moment[0] in FEW[name] and moment[0] not in {operation for (operation, _), _ in found}:
            found[moment, kind] = strikes.struck(field, case, moment, kind)
    assert len(found) == len(FEW[name])
    assert wrong(found) == {}


def test_a_strike_does_not_count_what_another_case_has_registered(field: Place) -> None:
    """All cases share a place, and two of them are struck at the same moments."""
    moment = ("RegisterTaskDefinition", strikes.NONE)
    for name in ("deploy, blue-green", "deploy, canary"):
        assert strikes.struck(field, CASES[name], moment, "killed after").wrong == []


@pytest.mark.prove
@pytest.mark.timeout(ALL_SECONDS)
@pytest.mark.parametrize("name", CASES)
def test_every_call_in_every_stage(field: Place, name: str) -> None:
    case = CASES[name]
    outcomes = {
        (moment, kind): outcome
        for moment in strikes.moments(field, case)
        for kind in strikes.ALL
        if (outcome := strikes.struck(field, case, moment, kind))
    }
    strikes.write(TABLE, case, outcomes)
    assert wrong(outcomes) == {}
