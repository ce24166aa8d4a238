"""The report's document: failures first everywhere, and what is not known is not made up."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ci.report.document import Inputs, document, ranges

from .conftest import BEGUN, JUNIT, UNSEEN, asked, ran


def _stages(made: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in made["stages"]}


def test_the_failed_test_stands_first_with_its_place_then_the_slowest(evil: Path) -> None:
    tests = document(Inputs(evil), asked())["tests"]
    assert [case["name"].rpartition(".")[2] for case in tests["cases"]] == [
        "test_name", "test_skipped", "test_slow", "test_hello"
    ]  # fmt: skip
    assert (tests["total"], tests["failed"], tests["skipped"], tests["passed"]) == (4, 1, 1, 2)
    assert (tests["cases"][0]["file"], tests["cases"][0]["line"]) == ("app/views.py", 7)
    assert tests["cases"][0]["message"] == "assert 1 == 2"


def test_the_least_covered_file_stands_first_with_the_lines_that_no_test_ran(evil: Path) -> None:
    coverage = document(Inputs(evil), asked())["coverage"]
    assert coverage["percent"] == 60.0
    assert coverage["files"][0] == {"file": "app/views.py", "percent": 50.0, "lines": 8, "missing": "2-4, 12"}
    assert coverage["files"][1]["missing"] == ""


def test_findings_of_all_tools_have_place_and_rule_the_gravest_first(evil: Path) -> None:
    """What stops a release, then what does not, then what is accepted; a note of mypy's is none."""
    found = document(Inputs(evil), asked())["findings"]
    assert [(row["tool"], row["rule"], row["level"], row["file"], row["line"]) for row in found] == [
        ("lint", "F401", "error", "app/views.py", 3),
        ("types", "return-value", "error", "app/views.py", 9),
        ("trivy", "GPL-3.0", "error", "lock", None),
        ("trivy", "CVE-2020-1", "error", "requirements.txt", 4),
        ("trivy", "DS002", "warning", "Dockerfile", None),
        ("trivy", "B307", "note", "app/old.py", 4),
    ]
    assert found[-1]["message"] == "eval (in commit 0123456) (accepted until 2030-01-01: of our own text)"
    assert found[0]["message"] == "`os` imported but unused"
    assert found[1]["message"] == 'Incompatible return value type (got "int", expected "str")'


def test_a_stage_whose_command_ran_before_the_call_came_from_the_cache(evil: Path) -> None:
    stages = _stages(document(Inputs(evil), asked()))
    assert (stages["lint"]["cached"], stages["lint"]["begun"], stages["lint"]["waited"]) == (True, BEGUN - 60, 0.1)
    assert (stages["types"]["cached"], stages["types"]["waited"]) == (False, None)
    assert stages["lint"]["seconds"] == 2.5


def test_what_there_is_not_is_said_and_is_no_failure(clean: Path) -> None:
    made = document(Inputs(clean), asked())
    stages = _stages(made)
    assert made["verdict"] == "passed"
    assert (stages["types"]["outcome"], stages["types"]["why"]) == ("none", "there are no settings of mypy")
    assert (stages["scan"]["outcome"], stages["scan"]["why"]) == ("none", "this report has no scan")
    assert made["sbom"] is None
    assert made["tests"] is None
    outcomes = {gate["name"]: gate["outcome"] for gate in made["gates"]}
    assert outcomes.pop("image size") == "passed"
    assert set(outcomes.values()) == {"nothing to judge"}


def test_a_scan_that_could_not_look_at_all_has_not_passed_and_neither_has_the_commit(clean: Path) -> None:
    ran(clean, "scan", 0, BEGUN + 1)
    (clean / "scan/scan.json").write_text(json.dumps(UNSEEN))
    made = document(Inputs(clean), asked())
    assert (made["verdict"], _stages(made)["scan"]["outcome"]) == ("incomplete", "incomplete")
    assert _stages(made)["scan"]["why"] == "could not look at all: pip-audit"
    assert _stages(made)["scan"]["seconds"] == 6.5, "the judge's 2.5 and those of all scanners"
    assert {gate["name"]: gate["outcome"] for gate in made["gates"]}["findings"] == "incomplete"


def test_a_stage_that_broke_is_failed_and_so_are_the_gates_that_want_its_result(clean: Path) -> None:
    """Not known is not green."""
    made = document(Inputs(clean), replace(asked(), broken={"test": "pip: no such package"}))
    assert made["verdict"] == "failed"
    assert _stages(made)["test"]["why"] == "pip: no such package"
    assert [(gate["name"], gate["outcome"]) for gate in made["gates"]][:3] == [
        ("pass rate", "stops"), ("coverage", "stops"), ("image size", "passed")
    ]  # fmt: skip


def test_gates_that_stop_stand_first(evil: Path) -> None:
    gates = document(Inputs(evil), asked(coverage=10.0, image_megabytes=20.0))["gates"]
    assert [(gate["name"], gate["outcome"]) for gate in gates] == [
        ("pass rate", "stops"), ("image size", "stops"), ("findings", "stops"), ("licences", "stops"),
        ("coverage", "passed"),
    ]  # fmt: skip


@pytest.mark.parametrize(("pass_rate", "outcome"), [(60.0, "passed"), (70.0, "failed"), (100.0, "failed")])
def test_failed_tests_within_the_pass_rate_are_no_failure(clean: Path, pass_rate: float, outcome: str) -> None:
    """Two of three that ran have passed."""
    ran(clean, "test", 1, BEGUN + 1)
    (clean / "test/junit.xml").write_text(JUNIT)
    (clean / "test/coverage.xml").write_text(
        '<coverage lines-valid="1" lines-covered="1" branches-valid="0" branches-covered="0"/>'
    )
    made = document(Inputs(clean), asked(pass_rate=pass_rate))
    assert (_stages(made)["test"]["outcome"], made["verdict"]) == (outcome, outcome)


@pytest.mark.parametrize(
    ("numbers", "text"), [((), ""), ((3,), "3"), ((3, 4), "3-4"), ((9, 3, 4, 5), "3-5, 9"), ((1, 3, 5), "1, 3, 5")]
)
def test_line_numbers_are_told_in_ranges(numbers: tuple[int, ...], text: str) -> None:
    assert ranges(numbers) == text
