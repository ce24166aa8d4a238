"""The verdict, by severity, acceptance and what could not be scanned."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from ci.scan.accepted import Accepted
from ci.scan.gate import FAIL, FAILED, INCOMPLETE, PASSED, Rules, Scanner, counted, judge
from tests.unit.ci.scan.conftest import TODAY, Make

RAN = Scanner("bandit", 1.0)
UNSCANNED = Scanner("database", 0.0, "not scanned for vulnerabilities: there is no vulnerability database")


def test_nothing_found_by_scanners_that_looked_at_all_of_it_passes() -> None:
    """The only way to PASSED."""
    assert judge([], [RAN], [], Rules(), TODAY).outcome == PASSED


def test_what_was_not_scanned_is_never_green() -> None:
    """It is incomplete, or failed where the rules ask for it, with the scanner's words as the reason."""
    assert judge([], [RAN, UNSCANNED], [], Rules(), TODAY).outcome == INCOMPLETE
    red = judge([], [RAN, UNSCANNED], [], Rules(unscanned=FAIL), TODAY)
    assert red.outcome == FAILED
    assert red.reasons == ("database: not scanned for vulnerabilities: there is no vulnerability database",)


def test_a_scanner_that_broke_fails_the_scan_whatever_the_rules() -> None:
    """A crash is no clean bill."""
    broken = Scanner("bandit", 1.0, "did not run to its end: killed", broken=True)
    assert judge([], [broken], [], Rules(), TODAY).outcome == FAILED


@pytest.mark.parametrize(
    ("severity", "outcome"),
    [("unknown", PASSED), ("low", PASSED), ("medium", FAILED), ("high", FAILED), ("critical", FAILED)],
)
def test_a_finding_stops_from_the_severity_of_the_rules_on(make: Make, severity: str, outcome: str) -> None:
    """Medium, where nothing is set."""
    assert judge([make(severity=severity)], [RAN], [], Rules(), TODAY).outcome == outcome


def test_a_vulnerability_stops_from_its_own_severity_on_and_if_there_is_a_fix(make: Make) -> None:
    """What nobody can cure yet stops where `unfixed` is set."""
    fixed = make(kind="vulnerability", severity="high", fixed="2.0")
    assert Rules().stops(fixed)
    assert not Rules().stops(replace(fixed, severity="medium"))
    assert not Rules().stops(replace(fixed, fixed=""))
    assert Rules(unfixed=True).stops(replace(fixed, fixed=""))


@pytest.mark.parametrize(("days", "outcome"), [(1, PASSED), (0, PASSED), (-1, FAILED)])
def test_an_accepted_finding_passes_until_the_end_of_its_day(make: Make, days: int, outcome: str) -> None:
    """The day after it is red again, and the reason says until when it was accepted."""
    row = Accepted("B307", "a calculator", TODAY + timedelta(days=days))
    verdict = judge([make()], [RAN], [row], Rules(), TODAY)
    assert verdict.outcome == outcome
    assert counted(verdict) == {"stops": int(days < 0), "accepted": int(days >= 0), "told": 0}
    if days < 0:
        assert verdict.reasons == ("medium B307 in app/views.py:7: eval; accepted until 2026-11-26",)


def test_of_two_rows_the_later_one_counts(make: Make) -> None:
    """Somebody prolonged it by a row of its own."""
    rows = [Accepted("B307", "old", date(2026, 1, 1)), Accepted("B307", "new", date(2027, 1, 1))]
    assert judge([make()], [RAN], rows, Rules(), TODAY).outcome == PASSED
