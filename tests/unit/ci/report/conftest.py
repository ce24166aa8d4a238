"""A folder as the stages leave it, made by hand: one of each evil, and a clean one."""

import json
from pathlib import Path
from typing import Any

import pytest

from ci.report.facts import Asked, Limits

BEGUN = 1_800_000_000.0
JUNIT = """<?xml version="1.0"?><testsuites><testsuite name="pytest" tests="4">
<testcase classname="tests.test_views" name="test_hello" time="0.5"/>
<testcase classname="tests.test_views" name="test_slow" time="9.5"/>
<testcase classname="tests.test_views" name="test_skipped" time="0"><skipped message="not here"/></testcase>
<testcase classname="tests.test_views" name="test_name" time="0.1"><failure message="assert 1 == 2">
tests/test_views.py:10: in test_name
    check()
app/views.py:7: AssertionError &lt;b&gt;</failure></testcase>
</testsuite></testsuites>"""
COVERAGE = """<?xml version="1.0"?>
<coverage lines-valid="10" lines-covered="6" branches-valid="0" branches-covered="0">
<sources><source>/src/app</source></sources><packages><package><classes>
<class filename="good.py"><lines><line number="1" hits="1"/><line number="2" hits="1"/></lines></class>
<class filename="views.py"><lines>
<line number="1" hits="1"/><line number="2" hits="0"/><line number="3" hits="0"/><line number="4" hits="0"/>
<line number="6" hits="1"/><line number="7" hits="1"/><line number="9" hits="1"/><line number="12" hits="0"/>
</lines></class></classes></package></packages></coverage>"""
RUFF = "app/views.py:3:8: F401 [*] `os` imported but unused\nFound 1 error.\n"
MYPY = (
    'app/views.py:9: error: Incompatible return value type (got "int", expected "str")  [return-value]\n'
    "app/views.py:9: note: See the manual\nFound 1 error in 1 file (checked 8 source files)\n"
)
FOUND = {
    "scanner": "trivy", "rule": "CVE-2020-1", "kind": "vulnerability", "severity": "high", "commit": "", "line": 4,
    "message": "flask <0.1 has a hole", "path": "requirements.txt", "package": "flask", "stops": True, "accepted": None,
}  # fmt: skip
SCAN: dict[str, Any] = {
    "outcome": "failed",
    "reasons": ["high CVE-2020-1 in requirements.txt:4: flask <0.1 has a hole", "high GPL-3.0 in lock: copyleft"],
    "scanners": [{"name": "trivy-source", "seconds": 3.0, "not_scanned": "", "broken": False},
                 {"name": "pip-audit", "seconds": 1.0, "not_scanned": "no advisories", "broken": False}],
    "findings": [
        {**FOUND, "rule": "DS002", "kind": "misconfiguration", "path": "Dockerfile", "line": None, "stops": False,
         "message": "runs as root"},
        {**FOUND, "rule": "B307", "kind": "code", "path": "app/old.py", "commit": "0123456789", "stops": False,
         "message": "eval", "accepted": {"reason": "of our own text", "expires": "2030-01-01"}},
        {**FOUND, "rule": "GPL-3.0", "kind": "licence", "path": "lock", "line": None, "package": "gnu",
         "message": "copyleft"},
        FOUND,
    ],
}  # fmt: skip
UNSEEN = {**SCAN, "outcome": "incomplete", "reasons": [], "findings": []}
SBOM = {
    "components": [
        {"name": "werkzeug", "version": "3.1", "licenses": [{"license": {"id": "BSD-3-Clause"}}]},
        {"name": "Flask", "version": "3.1", "licenses": [{"expression": "BSD-3-Clause"}]},
        {"name": "odd", "version": "1"},
    ]
}
IMAGE = {
    "digest": "sha256:" + "a" * 64, "bytes": 20_400_000,
    "layers": [{"name": "/", "digest": "sha256:" + "b" * 64, "bytes": 20_400_000, "unpacked": 70_000_000,
                "files": 900}],
    "folders": [{"path": "/usr/local/lib", "bytes": 40_000_000}],
    "files": [{"path": "/usr/lib/big.so", "bytes": 4_000}],
}  # fmt: skip
CHANGELOG = "## 1.2.0\n\n### Features\n\n- **shop:** a <script>alert(1)</script> cart (abc1234)\n"


def asked(**limits: float) -> Asked:
    """A report asked for at `BEGUN`."""
    waited = {"lint": 0.1, "test": 12.0}
    return Asked("greeter", "1.2.0", "c" * 40, BEGUN, Limits(**{"coverage": 90.0, **limits}), waited)


def ran(folder: Path, name: str, code: int, begun: float, text: str = "") -> None:
    """A stage's record and what it printed."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    record = {"stage": name, "begun": begun, "seconds": 2.5, "exit_code": code}
    (place / f"{name}.jsonl").write_text(json.dumps(record) + "\n")
    (place / f"{name}.txt").write_text(text)


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    """Everything that can be found is."""
    ran(tmp_path, "lint", 1, BEGUN - 60, RUFF)
    ran(tmp_path, "types", 1, BEGUN + 1, MYPY)
    ran(tmp_path, "test", 1, BEGUN + 1)
    ran(tmp_path, "scan", 1, BEGUN + 1)
    ran(tmp_path, "image", 0, BEGUN + 1)
    (tmp_path / "test/junit.xml").write_text(JUNIT)
    (tmp_path / "test/coverage.xml").write_text(COVERAGE)
    (tmp_path / "scan/scan.json").write_text(json.dumps(SCAN))
    (tmp_path / "scan/sbom.cdx.json").write_text(json.dumps(SBOM))
    (tmp_path / "image/image.json").write_text(json.dumps(IMAGE))
    (tmp_path / "changelog.md").write_text(CHANGELOG)
    return tmp_path


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """A service without tests and types; nothing is found."""
    ran(tmp_path, "lint", 0, BEGUN + 1, "All checks passed!\n")
    for name, why in (("types", "there are no settings of mypy\n"), ("test", "no tests are set\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "none.txt").write_text(why)
    ran(tmp_path, "image", 0, BEGUN + 1)
    (tmp_path / "image/image.json").write_text(json.dumps(IMAGE))
    return tmp_path
