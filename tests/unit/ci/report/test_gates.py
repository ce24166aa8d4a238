"""Each gate at its limit and beyond, and the sentence that names what stopped."""

from dataclasses import asdict

import pytest

from ci.report.facts import Case, Limits
from ci.report.gates import INCOMPLETE, NOTHING, PASSED, STOPS, StoppedError, judge

from .conftest import SCAN, UNSEEN


def _cases(passed: int, failed: int, skipped: int = 0) -> list[Case]:
    outcomes = ["passed"] * passed + ["failed"] * failed + ["skipped"] * skipped
    return [Case(f"test_{number}", outcome, 0.1) for number, outcome in enumerate(outcomes)]


@pytest.mark.parametrize(
    ("cases", "least", "outcome", "why"),
    [
        (_cases(9, 0, 5), 100.0, PASSED, "100 % of 9 tests passed, at least 100 % must"),
        (_cases(9, 1), 90.0, PASSED, "90 % of 10 tests passed, at least 90 % must (test_9 failed)"),
        (_cases(1999, 1), 100.0, STOPS, "99.9 % of 2000 tests passed, at least 100 % must (test_1999 failed)"),
        (_cases(8, 2), 90.0, STOPS, "80 % of 10 tests passed, at least 90 % must (test_8 and 1 more failed)"),
        (_cases(0, 0, 2), 100.0, PASSED, "100 % of 0 tests passed, at least 100 % must"),
        (None, 100.0, NOTHING, "there is nothing to measure"),
    ],
)
def test_pass_rate(cases: list[Case] | None, least: float, outcome: str, why: str) -> None:
    gate = judge(cases, None, None, {}, Limits(pass_rate=least))[0]
    assert (gate.name, gate.outcome, gate.why) == ("pass rate", outcome, why)


@pytest.mark.parametrize(("percent", "outcome"), [(90.0, PASSED), (89.99, STOPS), (100.0, PASSED)])
def test_coverage(percent: float, outcome: str) -> None:
    assert judge(None, percent, None, {}, Limits(coverage=90))[1].outcome == outcome


@pytest.mark.parametrize(("least", "outcome"), [(80.0, STOPS), (0.0, PASSED)])
def test_coverage_that_was_not_measured_is_not_enough(least: float, outcome: str) -> None:
    assert judge(_cases(1, 0), None, None, {}, Limits(coverage=least))[1].outcome == outcome


@pytest.mark.parametrize(
    ("most", "outcome"), [(None, PASSED), (35.0, PASSED), (20.0, PASSED), (19.9, STOPS), (0.5, STOPS)]
)
def test_image_size(most: float | None, outcome: str) -> None:
    assert judge(None, None, 20_000_000, {}, Limits(image_megabytes=most))[2].outcome == outcome


def test_what_is_not_known_because_its_stage_broke_stops() -> None:
    broken = {"test": "no", "image": "no", "scan": "no"}
    assert {gate.outcome for gate in judge(None, None, None, broken, Limits())} == {STOPS}


def test_licences_and_all_else_that_the_scan_found_are_two_gates() -> None:
    findings, licences = judge(None, None, None, {}, Limits(), SCAN)[3:]
    assert (findings.outcome, findings.why) == (STOPS, "high CVE-2020-1 in requirements.txt:4: flask <0.1 has a hole")
    assert (licences.outcome, licences.why) == (STOPS, "forbidden: GPL-3.0 of gnu")


def test_what_was_not_scanned_is_said_and_is_not_green() -> None:
    findings, licences = judge(None, None, None, {}, Limits(), UNSEEN)[3:]
    assert findings.outcome == INCOMPLETE
    assert findings.why == "nothing that was found stops a release; not scanned: pip-audit: no advisories"
    assert licences.outcome == PASSED


def test_more_than_a_few_findings_are_counted() -> None:
    many = {**UNSEEN, "reasons": [f"high R{number} in a.py" for number in range(5)]}
    assert (
        judge(None, None, None, {}, Limits(), many)[3].why
        == "high R0 in a.py; high R1 in a.py; high R2 in a.py; and 2 more"
    )


def test_each_gate_that_stops_is_named() -> None:
    gates = judge(_cases(1, 1), 50.0, 40_000_000, {}, Limits(image_megabytes=35))
    told = str(StoppedError([asdict(gate) for gate in gates[:3]]))
    assert told.startswith("3 gates of a release stopped it: pass rate: 50 % of 2 tests passed")
    assert "; coverage: 50 % of the lines and branches are covered, at least 80 % must be; image size: " in told
    assert str(StoppedError([asdict(gates[1])])).startswith("1 gate of a release stopped it: coverage")
