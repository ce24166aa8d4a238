"""The verdict on datapoints: the tables of CloudWatch's user guide, and the sentences that explain a state."""

import json

import pytest

from infra.local.observe.alarms import ALARM, INSUFFICIENT, OK
from infra.local.observe.evaluation import COMPARISONS, Criteria, Point, decide, judge

POINTS = {"0": False, "X": True, "-": None}
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
KEEP = None

THREE_OF_THREE = [
    ("0 - X - X", (OK, OK, OK, OK)),
    ("0 - - - -", (OK, OK, OK, OK)),
    ("- - - - -", (INSUFFICIENT, KEEP, ALARM, OK)),
    ("0 X X - X", (ALARM, ALARM, ALARM, ALARM)),
    ("- - X - -", (ALARM, KEEP, ALARM, OK)),
    ("- - - - X", (KEEP, KEEP, ALARM, OK)),
    ("- - - X -", (KEEP, KEEP, ALARM, OK)),
]
TWO_OF_THREE = [
    ("0 - X - X", (ALARM, ALARM, ALARM, ALARM)),
    ("0 0 X 0 X", (ALARM, ALARM, ALARM, ALARM)),
    ("0 - X - -", (OK, OK, ALARM, OK)),
    ("- - - - 0", (OK, OK, ALARM, OK)),
    ("- - - X -", (ALARM, KEEP, ALARM, OK)),
]
ROWS = [(3, *row) for row in THREE_OF_THREE] + [(2, *row) for row in TWO_OF_THREE]
CASES = [
    (needed, points, treatment, state)
    for needed, points, states in ROWS
    for treatment, state in zip(TREATMENTS, states, strict=True)
]


@pytest.mark.parametrize(("needed", "points", "treatment", "state"), CASES)
def test_the_tables_of_the_user_guide(needed: int, points: str, treatment: str, state: str | None) -> None:
    criteria = Criteria("GreaterThanThreshold", 0.0, 3, needed, treatment)

    assert decide([POINTS[each] for each in points.split()], criteria) == state


@pytest.mark.parametrize(
    ("comparison", "breaching"),
    [
        ("GreaterThanThreshold", [3.0]),
        ("GreaterThanOrEqualToThreshold", [2.0, 3.0]),
        ("LessThanThreshold", [1.0]),
        ("LessThanOrEqualToThreshold", [1.0, 2.0]),
    ],
)
def test_every_comparison(comparison: str, breaching: list[float]) -> None:
    criteria = Criteria(comparison, 2.0, 1, 1)
    verdicts = {value: judge([Point(0.0, value)], criteria) for value in (1.0, 2.0, 3.0)}

    assert [value for value, verdict in verdicts.items() if verdict and verdict.state == ALARM] == breaching


def test_all_comparisons_are_tested() -> None:
    assert len(COMPARISONS) == 4


def reason(*values: float | None, periods: int = 1, needed: int = 1, treatment: str = "missing") -> str:
    points = [Point(1_600_000_000.0 + 60 * index, value) for index, value in enumerate(values)]
    verdict = judge(points, Criteria("GreaterThanThreshold", 1.0, periods, needed, treatment))
    assert verdict is not None
    return verdict.reason


class TestReasons:
    def test_of_an_alarm(self) -> None:
        assert reason(2.0) == (
            "Threshold Crossed: 1 out of the last 1 datapoints [2.0 (13/09/20 12:26:40)] was greater than the "
            "threshold (1.0) (minimum 1 datapoint for OK -> ALARM transition)."
        )

    def test_of_an_alarm_on_some_of_its_datapoints_the_newest_first(self) -> None:
        assert reason(2.0, 0.0, 3.0, periods=3, needed=2) == (
            "Threshold Crossed: 2 out of the last 3 datapoints [3.0 (13/09/20 12:28:40), 2.0 (13/09/20 12:26:40)] were "
            "greater than the threshold (1.0) (minimum 2 datapoints for OK -> ALARM transition)."
        )

    def test_of_an_end(self) -> None:
        assert reason(0.0) == (
            "Threshold Crossed: 1 out of the last 1 datapoints [0.0 (13/09/20 12:26:40)] was not greater than the "
            "threshold (1.0) (minimum 1 datapoint for ALARM -> OK transition)."
        )

    def test_of_nothing_at_all(self) -> None:
        assert reason(None) == "Insufficient Data: 1 datapoint was unknown."
        assert reason(None, None, None, periods=2, needed=2, treatment="notBreaching") == (
            "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as "
            "[NonBreaching]."
        )

    def test_the_same_as_data(self) -> None:
        verdict = judge([Point(1_600_000_000.0, 2.0)], Criteria("GreaterThanThreshold", 1.0, 1, 1))
        assert verdict is not None

        assert json.loads(verdict.data) == {
            "version": "1.0",
            "threshold": 1.0,
            "recentDatapoints": [2.0],
            "evaluatedDatapoints": [{"timestamp": "2020-09-13T12:26:40.000+00:00", "value": 2.0}],
        }
