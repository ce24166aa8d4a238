"""Canary analysis: green against blue in the same minutes, by error ratio and by latency. Pure arithmetic.

Errors: Newcombe's hybrid score interval for the difference of two proportions (Statistics in Medicine 17, 1998, method
10). Latency: the mean over the minutes, weighted by their requests, of the difference of the logarithms of 90th
percentiles; its error is that of a lognormal distribution's percentiles, or the scatter of the minutes if that is more.

Green fails where even the favourable end of the interval is beyond what is tolerated, passes where the other end is
within it too, and is inconclusive otherwise. Failing is tested at ERROR_RATE shared among all looks. Where blue answers
within milliseconds a ratio says little: green may always take LEAST_SLOWER_S longer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from .evidence import FAILED, INCONCLUSIVE, PASSED, Finding

# Chance of failing a good green in a whole pause: shared among its looks (one a minute) and the two measures.
ERROR_RATE, LOOKS = 0.01, 30
FAIL_Z = NormalDist().inv_cdf(1 - ERROR_RATE / LOOKS / 2)
PASS_Z = NormalDist().inv_cdf(0.99)
# The 90th percentile of a lognormal distribution: its distance from the median, and the error of its estimate, both in
# standard deviations of the logarithm (the latter over the root of the number of requests).
P90_Z = NormalDist().inv_cdf(0.9)
P90_ERROR = math.sqrt(0.9 * 0.1) / NormalDist().pdf(P90_Z)
# Added to every latency in seconds, so that nothing below a millisecond counts; and the least spread that is believed.
FLOOR_S = 0.001
LEAST_SPREAD = 0.05
# Seconds more at the 90th percentile that nobody would call slower, whatever the ratio is.
LEAST_SLOWER_S = 0.01


@dataclass(frozen=True)
class Minute:
    """One side's minute: requests, how many of them failed (5xx, connection refused), latency in seconds if known."""

    at: float
    requests: int = 0
    errors: int = 0
    p50: float | None = None
    p90: float | None = None


@dataclass(frozen=True)
class Tolerance:
    """At least `requests` a side; `error_points` more percent of errors, `slower_percent` more latency are borne."""

    requests: int = 300
    error_points: float = 2.0
    slower_percent: float = 50.0


@dataclass(frozen=True)
class Interval:
    """An estimate with the bounds by which green fails (`low`) and passes (`high`)."""

    estimate: float
    low: float
    high: float

    def against(self, tolerated: float) -> str:
        """The outcome."""
        if self.low > tolerated:
            return FAILED
        return PASSED if self.high <= tolerated else INCONCLUSIVE


def analyse(green: Sequence[Minute], blue: Sequence[Minute], tolerance: Tolerance) -> Finding:
    """Judges the minutes that both sides have; the numbers say all that the judgement rests on."""
    pairs = _same_minutes(green, blue)
    greens, blues = [one for one, _ in pairs], [other for _, other in pairs]
    numbers = _counted(greens, blues)
    if min(numbers["green_requests"], numbers["blue_requests"]) < tolerance.requests:
        why = (
            f"{numbers['green_requests']} requests of green and {numbers['blue_requests']} of blue in "
            f"{len(pairs)} minutes, {tolerance.requests} of each are needed"
        )
        return Finding(INCONCLUSIVE, why, numbers)
    errors = _error_interval(greens, blues)
    latency = _latency_interval(pairs)
    slower = max(tolerance.slower_percent / 100, LEAST_SLOWER_S / (_latency(blues) + FLOOR_S))
    numbers |= {"errors": _shown(errors), "latency": _shown(latency), "slower_tolerated": slower}
    return Finding(*_verdict(errors, latency, tolerance.error_points, slower), numbers)


def _verdict(errors: Interval, latency: Interval | None, error_points: float, slower: float) -> tuple[str, str]:
    """Outcome and words; of errors so many points more are tolerated, of latency this share more."""
    words = f"{100 * errors.estimate:+.2f} points of errors (at least {100 * errors.low:+.2f}, at most"
    words += f" {100 * errors.high:+.2f}; tolerated {error_points:g})"
    outcomes = [errors.against(error_points / 100)]
    if latency:
        outcomes.append(latency.against(math.log1p(slower)))
        low, middle, high = (100 * math.expm1(each) for each in (latency.low, latency.estimate, latency.high))
        words += f", {middle:+.0f} % of latency (at least {low:+.0f}, at most {high:+.0f}; tolerated"
        words += f" {100 * slower:.0f})"
    else:
        outcomes.append(INCONCLUSIVE)
        words += ", latency unknown"
    for outcome in (FAILED, INCONCLUSIVE):
        if outcome in outcomes:
            return outcome, words
    return PASSED, words


def _same_minutes(green: Sequence[Minute], blue: Sequence[Minute]) -> list[tuple[Minute, Minute]]:
    blues = {minute.at: minute for minute in blue if minute.requests}
    return [(minute, blues[minute.at]) for minute in green if minute.requests and minute.at in blues]


def _counted(greens: Sequence[Minute], blues: Sequence[Minute]) -> dict[str, Any]:
    return {
        "minutes": len(greens),
        "green_requests": sum(each.requests for each in greens),
        "green_errors": sum(each.errors for each in greens),
        "blue_requests": sum(each.requests for each in blues),
        "blue_errors": sum(each.errors for each in blues),
    }


def _error_interval(greens: Sequence[Minute], blues: Sequence[Minute]) -> Interval:
    numbers = _counted(greens, blues)
    green = (min(numbers["green_errors"], numbers["green_requests"]), numbers["green_requests"])
    blue = (min(numbers["blue_errors"], numbers["blue_requests"]), numbers["blue_requests"])
    ours, theirs = green[0] / green[1], blue[0] / blue[1]
    low = ours - theirs - math.hypot(ours - wilson(*green, FAIL_Z)[0], wilson(*blue, FAIL_Z)[1] - theirs)
    high = ours - theirs + math.hypot(wilson(*green, PASS_Z)[1] - ours, theirs - wilson(*blue, PASS_Z)[0])
    return Interval(ours - theirs, low, high)


def wilson(events: int, trials: int, z: float) -> tuple[float, float]:
    """Wilson's score interval of a proportion (Journal of the American Statistical Association 22, 1927)."""
    share, weight = events / trials, z * z / trials
    middle = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / trials + weight / (4 * trials)) / (1 + weight)
    return max(0.0, middle - half), min(1.0, middle + half)


def _latency_interval(pairs: Sequence[tuple[Minute, Minute]]) -> Interval | None:
    """Of the logarithm of green's latency over blue's; None where no minute has both."""
    rows = [row for ours, theirs in pairs if (row := _latency_row(ours, theirs))]
    if not rows:
        return None
    total = sum(row.weight for row in rows)
    mean = sum(row.difference * row.weight for row in rows) / total
    variance = sum(row.variance * row.weight**2 for row in rows) / total**2
    if len(rows) > 1:
        scatter = sum(row.weight * (row.difference - mean) ** 2 for row in rows)
        variance = max(variance, scatter / total / (len(rows) - 1))
    error = math.sqrt(variance)
    return Interval(mean, mean - FAIL_Z * error, mean + PASS_Z * error)


def _latency(side: Sequence[Minute]) -> float:
    """Its 90th percentile in seconds, the mean over its requests; 0 where it is not known."""
    known = [(minute.p90, minute.requests) for minute in side if minute.p90 is not None]
    return sum(p90 * requests for p90, requests in known) / max(1, sum(requests for _, requests in known))


@dataclass(frozen=True)
class _Row:
    """One minute's difference of logarithms, the variance of that estimate, and its weight."""

    difference: float
    variance: float
    weight: float


def _latency_row(ours: Minute, theirs: Minute) -> _Row | None:
    if ours.p50 is None or ours.p90 is None or theirs.p50 is None or theirs.p90 is None:
        return None
    sides = ((ours.p50, ours.p90, ours.requests), (theirs.p50, theirs.p90, theirs.requests))
    spreads = [max(LEAST_SPREAD, math.log((p90 + FLOOR_S) / (p50 + FLOOR_S)) / P90_Z) for p50, p90, _ in sides]
    variance = sum((P90_ERROR * spread) ** 2 / side[2] for spread, side in zip(spreads, sides, strict=True))
    difference = math.log((ours.p90 + FLOOR_S) / (theirs.p90 + FLOOR_S))
    return _Row(difference, variance, 1 / (1 / ours.requests + 1 / theirs.requests))


def _shown(interval: Interval | None) -> dict[str, float] | None:
    if interval is None:
        return None
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}
