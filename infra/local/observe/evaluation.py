"""The verdict on an alarm's datapoints, and the sentence that explains it.

Source: CloudWatch user guide, "Evaluating an alarm" and "Configuring how CloudWatch alarms treat missing data". More
datapoints are looked at than the evaluation periods, in case some of the latest are missing; how many more is not
documented but for an example, which is followed: two.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from infra.local.observe.alarms import ALARM, INSUFFICIENT, OK

EXTRA_PERIODS = 2
SHOWN_POINTS = 5
MISSING, IGNORE, BREACHING, NOT_BREACHING = "missing", "ignore", "breaching", "notBreaching"
TREATMENTS = {MISSING: "Missing", IGNORE: "Ignored", BREACHING: "Breaching", NOT_BREACHING: "NonBreaching"}

COMPARISONS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}


@dataclass(frozen=True)
class Criteria:
    """What makes an alarm of datapoints: at least `datapoints` of the latest `periods` are beyond the threshold."""

    comparison: str
    threshold: float
    periods: int
    datapoints: int
    treatment: str = MISSING


@dataclass(frozen=True)
class Point:
    """A datapoint: when its period began, and its value, None where it is missing."""

    time: float
    value: float | None


@dataclass(frozen=True)
class Verdict:
    """The state that the datapoints ask for, why, and the same as JSON."""

    state: str
    reason: str
    data: str


def judge(points: Sequence[Point], criteria: Criteria) -> Verdict | None:
    """The verdict on datapoints, oldest first; None where the alarm stays as it is."""
    compare = COMPARISONS[criteria.comparison][0]
    breaches = [None if each.value is None else compare(each.value, criteria.threshold) for each in points]
    state = decide(breaches, criteria)
    return None if state is None else Verdict(state, _reason(points, criteria, state), _data(points, criteria))


def decide(breaches: Sequence[bool | None], criteria: Criteria) -> str | None:
    """The state by which datapoints breach, oldest first (None: missing); None where the state is kept."""
    real = [each for each in breaches if each is not None]
    needed, treatment = criteria.datapoints, criteria.treatment
    missing = max(0, criteria.periods - len(real))
    if missing == criteria.periods and treatment in (MISSING, IGNORE):
        return INSUFFICIENT if treatment == MISSING else None
    breaching = sum(real[-criteria.periods :]) + (missing if treatment == BREACHING else 0)
    if breaching >= needed:
        return ALARM
    if missing and all(real) and treatment in (MISSING, IGNORE):
        return ALARM if treatment == MISSING and _is_old(breaches, needed) else None
    return OK


def _is_old(breaches: Sequence[bool | None], needed: int) -> bool:
    """Whether the oldest breach is old enough for the missing ones after it to count for nothing."""
    oldest = next(index for index, each in enumerate(breaches) if each)
    return len(breaches) - oldest >= needed


def _reason(points: Sequence[Point], criteria: Criteria, state: str) -> str:
    """In CloudWatch's own words."""
    seen = _recent(points, criteria)
    missing = criteria.periods - len(seen)
    if state == INSUFFICIENT:
        return f"Insufficient Data: {_many(missing, 'datapoint')} {_were(missing)} unknown."
    if not seen:
        return (
            f"Threshold Crossed: no datapoints were received for {_many(missing, 'period')} and "
            f"{_many(missing, 'missing datapoint')} {_were(missing)} treated as [{TREATMENTS[criteria.treatment]}]."
        )
    compare, words = COMPARISONS[criteria.comparison]
    held = [each for each in seen if compare(each.value or 0.0, criteria.threshold) == (state == ALARM)]
    beyond = f"{_were(len(held))}{'' if state == ALARM else ' not'} {words}"
    shown = ", ".join(f"{each.value} ({_moment(each.time)})" for each in reversed(held[-SHOWN_POINTS:]))
    least = criteria.datapoints if state == ALARM else criteria.periods - criteria.datapoints + 1
    way = "OK -> ALARM" if state == ALARM else "ALARM -> OK"
    return (
        f"Threshold Crossed: {len(held)} out of the last {criteria.periods} datapoints [{shown}] {beyond} "
        f"the threshold ({criteria.threshold}) (minimum {_many(least, 'datapoint')} for {way} transition)."
    )


def _recent(points: Sequence[Point], criteria: Criteria) -> list[Point]:
    return [each for each in points if each.value is not None][-criteria.periods :]


def _data(points: Sequence[Point], criteria: Criteria) -> str:
    seen = _recent(points, criteria)
    return json.dumps({
        "version": "1.0",
        "threshold": criteria.threshold,
        "recentDatapoints": [each.value for each in seen],
        "evaluatedDatapoints": [
            {"timestamp": _iso(each.time), "value": each.value} for each in reversed(seen)
        ],
    })  # fmt: skip


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds")


def _many(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _moment(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%d/%m/%y %H:%M:%S")
