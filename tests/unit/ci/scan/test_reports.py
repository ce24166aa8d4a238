"""The folder of the scanners read: what broke, what could not be checked, how old the database is."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ci.scan.__main__ import main
from ci.scan.gate import Scanner
from tests.unit.ci.scan.conftest import TODAY

TRIVY = {"SchemaVersion": 2, "Trivy": {"Version": "0.76.0"}}
SETTINGS: dict[str, Any] = {
    "rules": {"licences": ["GPL-*"], "unscanned": "warn"},
    "lock": "requirements.txt",
    "today": TODAY.isoformat(),
}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """What scanners leave that looked at all of it and found nothing."""
    folder = tmp_path / "raw"
    reports: dict[str, Any] = {
        "trivy-source": TRIVY, "trivy-image": TRIVY, "trivy-history": TRIVY, "bandit": {"results": [], "errors": []},
        "pip-audit": {"dependencies": []}, "cfn-lint": [], "policy": [], "files": [],
    }  # fmt: skip
    for name, report in reports.items():
        (folder / name).mkdir(parents=True)
        (folder / name / f"{name}.json").write_text(json.dumps(report))
        (folder / name / f"{name}.jsonl").write_text(json.dumps({"stage": name, "seconds": 1.5}) + "\n")
    (folder / "trivy-history/blobs.json").write_text("{}")
    (folder / "database").mkdir()
    metadata = {"UpdatedAt": f"{(TODAY - timedelta(days=7)).isoformat()}T06:00:00.123456789Z"}
    (folder / "database/metadata.json").write_text(json.dumps(metadata))
    return folder


def _document(raw: Path, code: int) -> dict[str, Any]:
    report = raw.parent / "report"
    assert main(raw, raw.parent, report, SETTINGS) == code
    found: dict[str, Any] = json.loads((report / "scan.json").read_text())
    return found


def _scanner(document: dict[str, Any], name: str) -> Scanner:
    return next(Scanner(**row) for row in document["scanners"] if row["name"] == name)


def test_a_whole_scan_without_findings_passes(raw: Path) -> None:
    """With the seconds that each scanner took; a database of seven days is young enough."""
    document = _document(raw, 0)
    assert document["outcome"] == "passed"
    assert _scanner(document, "bandit") == Scanner("bandit", 1.5)


def test_a_scanner_without_a_report_breaks_the_scan_with_its_last_words(raw: Path) -> None:
    """Whatever it printed last is the reason."""
    (raw / "bandit/bandit.json").unlink()
    (raw / "bandit/bandit.txt").write_text("reading\nkilled: out of memory\n\n")
    document = _document(raw, 1)
    assert document["reasons"] == ["bandit: did not run to its end: killed: out of memory"]


def test_a_missing_folder_breaks_the_scan(raw: Path) -> None:
    """A step that was left out is no clean bill."""
    (raw / "files/files.json").unlink()
    (raw / "files/files.jsonl").unlink()
    (raw / "files").rmdir()
    assert _document(raw, 1)["reasons"] == ["files: files did not run"]


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (None, "there is no vulnerability database"),
        ('{"UpdatedAt": "2026-11-19T00:00:00Z"}', "the database is 8 days old, more than database-days = 7"),
        ("{}", "whose age is known"),
    ],
)
def test_without_a_young_database_the_scan_is_incomplete(raw: Path, metadata: str | None, said: str) -> None:
    """It says that nothing was scanned for vulnerabilities."""
    (raw / "database/metadata.json").unlink()
    if metadata is not None:
        (raw / "database/metadata.json").write_text(metadata)
    document = _document(raw, 0)
    assert document["outcome"] == "incomplete"
    words = _scanner(document, "database").not_scanned
    assert words.startswith("not scanned for vulnerabilities")
    assert said in words


def test_advisories_that_cannot_be_reached_are_told_by_package(raw: Path) -> None:
    """No report at all, or a report in which packages were skipped."""
    skipped = {"dependencies": [{"name": "flask", "skip_reason": "not found"}]}
    (raw / "pip-audit/pip-audit.json").write_text(json.dumps(skipped))
    words = _scanner(_document(raw, 0), "pip-audit").not_scanned
    assert words == "not checked: the advisories could not be reached for flask"
    (raw / "pip-audit/pip-audit.json").unlink()
    (raw / "pip-audit/pip-audit.txt").write_text("ConnectionError: no route\n")
    words = _scanner(_document(raw, 0), "pip-audit").not_scanned
    assert words == "not checked: the advisories could not be reached (ConnectionError: no route)"


def test_what_pip_audit_finds_has_the_lines_of_the_lock(raw: Path) -> None:
    """By its CVE, where it has one."""
    (raw.parent / "requirements.txt").write_text("click==8\nFlask_Thing==2.2 \\\n    --hash=sha256:0\n")
    vulnerability = {"id": "PYSEC-1", "aliases": ["CVE-2026-1"], "fix_versions": ["2.3"], "description": "bad\nvery"}
    report = {"dependencies": [{"name": "flask-thing", "version": "2.2", "vulns": [vulnerability]}]}
    (raw / "pip-audit/pip-audit.json").write_text(json.dumps(report))
    (found,) = _document(raw, 1)["findings"]
    assert (found["rule"], found["path"], found["line"]) == ("CVE-2026-1", "requirements.txt", 2)
    assert (found["fixed"], found["message"]) == ("2.3", "flask-thing 2.2: bad")


def test_a_file_that_bandit_cannot_read_breaks_the_scan(raw: Path) -> None:
    """It has then not looked at all of the code."""
    report = {"results": [], "errors": [{"filename": "./shop.py", "reason": "syntax error"}]}
    (raw / "bandit/bandit.json").write_text(json.dumps(report))
    (reason,) = _document(raw, 1)["reasons"]
    assert "./shop.py: syntax error" in reason
