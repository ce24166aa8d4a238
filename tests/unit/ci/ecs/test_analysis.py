"""Canary analysis: what passes, what fails, what cannot be told, and on which numbers."""

from __future__ import annotations

import math

import pytest

from ci.ecs.analysis import Minute, Tolerance, analyse, wilson
from ci.ecs.evidence import FAILED, INCONCLUSIVE, PASSED, Finding


def minutes(
    count: int, requests: int, errors: int = 0, p50: float | None = 0.05, p90: float | None = 0.1
) -> list[Minute]:
    return [Minute(60.0 * at, requests, errors, p50, p90) for at in range(count)]


BLUE = minutes(5, 2000)


def judged(*green: Minute, blue: list[Minute] | None = None, **tolerance: float) -> Finding:
    return analyse(green, BLUE if blue is None else blue, Tolerance(**tolerance))  # type: ignore[arg-type]


def test_a_green_like_blue_passes_with_all_numbers() -> None:
    finding = judged(*minutes(5, 200))
    assert finding.outcome == PASSED
    assert finding.numbers["green_requests"] == 1000 and finding.numbers["blue_requests"] == 10_000
    assert set(finding.numbers["errors"]) == {"estimate", "low", "high"}


def test_too_few_requests_are_inconclusive_and_say_how_many_are_needed() -> None:
    finding = judged(*minutes(5, 50))
    assert finding.outcome == INCONCLUSIVE
    assert "250 requests of green" in finding.why and "300 of each are needed" in finding.why


def test_no_traffic_at_all_is_inconclusive() -> None:
    assert judged().outcome == INCONCLUSIVE
    assert judged(*minutes(5, 200), blue=[]).outcome == INCONCLUSIVE


def test_only_minutes_that_both_sides_have_count() -> None:
    """A bad minute before the shift, when green had none of production, is no evidence."""
    late = [Minute(60.0 * at, 400, 0, 0.05, 0.1) for at in (3, 4, 5, 6)]
    assert judged(*late).numbers["minutes"] == 2


@pytest.mark.parametrize("errors", [20, 100, 200])
def test_many_more_errors_fail(errors: int) -> None:
    finding = judged(*minutes(5, 200, errors))
    assert finding.outcome == FAILED
    assert "points of errors" in finding.why


def test_errors_that_blue_has_as_well_are_not_greens_fault() -> None:
    assert judged(*minutes(5, 600, 30), blue=minutes(5, 2000, 100)).outcome == PASSED


def test_a_few_errors_more_are_inconclusive_not_a_failure() -> None:
    assert judged(*minutes(5, 80, 2)).outcome == INCONCLUSIVE


@pytest.mark.parametrize(("factor", "outcome"), [(1.0, PASSED), (1.2, PASSED), (3.0, FAILED)])
def test_latency_is_judged_by_its_ratio(factor: float, outcome: str) -> None:
    assert judged(*minutes(5, 200, 0, 0.05 * factor, 0.1 * factor)).outcome == outcome


def test_a_ratio_below_a_millisecond_does_not_count() -> None:
    slow = minutes(5, 500, 0, 0.0002, 0.0006)
    assert judged(*slow, blue=minutes(5, 2000, 0, 0.0001, 0.0002)).outcome == PASSED


def test_minutes_that_scatter_widen_the_interval() -> None:
    scattered = [Minute(60.0 * at, 200, 0, 0.05, 0.1 * (6 if at == 4 else 1)) for at in range(5)]
    assert judged(*scattered).outcome == INCONCLUSIVE


def test_latency_that_is_not_known_is_inconclusive() -> None:
    finding = judged(*minutes(5, 200, 0, None, None))
    assert finding.outcome == INCONCLUSIVE and "latency unknown" in finding.why


def test_more_errors_than_requests_are_all_of_them() -> None:
    """Refused connections and answers are two metrics, and may count one request twice."""
    assert judged(*minutes(5, 200, 400)).outcome == FAILED


def test_what_is_tolerated_is_a_setting() -> None:
    assert judged(*minutes(5, 200, 20), error_points=30).outcome == PASSED
    assert judged(*minutes(5, 200, 0, 0.15, 0.3), slower_percent=400).outcome == PASSED


def test_wilsons_interval_is_the_published_one() -> None:
    """Newcombe (1998), table I: 81 of 263 and 1 of 29, at 95 %."""
    assert wilson(81, 263, 1.959964) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(1, 29, 1.959964) == pytest.approx((0.0061, 0.1718), abs=1e-4)
    assert wilson(0, 20, 1.959964)[0] == 0 and math.isclose(wilson(20, 20, 1.959964)[1], 1)


@pytest.mark.parametrize(
    ("blue", "green", "outcome"),
    [(0.002, 0.008, PASSED), (0.0005, 0.004, PASSED), (0.002, 0.03, FAILED), (0.1, 0.109, PASSED), (0.1, 0.2, FAILED)],
)
def test_under_ten_milliseconds_more_is_not_slower_whatever_the_ratio(blue: float, green: float, outcome: str) -> None:
    finding = judged(*minutes(5, 1000, 0, green / 2, green), blue=minutes(5, 2000, 0, blue / 2, blue))
    assert finding.outcome == outcome, finding.why
