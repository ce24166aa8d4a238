"""Trivy's JSON report, https://trivy.dev/docs/latest/configuration/reporting/#json, as findings."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from ci.scan.errors import ReportError, ScannerVersionError
from ci.scan.finding import Finding

LEAST_VERSION = (0, 70)  # 0.69.4 to 0.69.6 were compromised, https://github.com/aquasecurity/trivy/discussions
OS, OS_LICENCES = "os-pkgs", "OS Packages"  # the class of results, and the target of their licences
BLOB = re.compile(r"/?([0-9a-f]{40,64})/(.+)", re.DOTALL)

Row = Mapping[str, Any]


def check_version(version: str) -> None:
    """Refuses a release that must not be used.

    Raises:
        ScannerVersionError: it is older than LEAST_VERSION, or no version.
    """
    found = re.match(r"v?(\d+)\.(\d+)\.", version + ".")
    if found is None or (int(found[1]), int(found[2])) < LEAST_VERSION:
        raise ScannerVersionError(version or "of no known version")


def findings(report: Row, place: str, licences: Sequence[str]) -> list[Finding]:
    """What a report of one place tells; of licences those that match a pattern (`GPL-*`) and are not of the system's
    own packages, which are in the bill of materials.

    Raises:
        ScannerVersionError: this Trivy must not be used.
        ReportError: it is not a report of Trivy's.
    """
    if not isinstance(report, Mapping) or "SchemaVersion" not in report:
        raise ReportError("trivy", "it has no SchemaVersion")
    check_version(str(report.get("Trivy", {}).get("Version", "")))
    return [finding for result in report.get("Results") or [] for finding in _of_result(result, place, licences)]


def in_history(found: Sequence[Finding], blobs: Mapping[str, Sequence[str]]) -> list[Finding]:
    """Findings in files called BLOB/PATH, as findings in PATH of the commit that brought the blob.

    `blobs` gives the commit and the path of each blob.
    """
    placed = []
    for finding in found:
        match = BLOB.fullmatch(finding.path)
        if match and match[1] in blobs:
            commit, path = blobs[match[1]]
            placed.append(replace(finding, path=path, commit=commit, place="history"))
    return placed


def _of_result(result: Row, place: str, licences: Sequence[str]) -> Iterator[Finding]:
    target = str(result.get("Target", "")).lstrip("/")
    for row in result.get("Vulnerabilities") or []:
        yield _vulnerability(row, result, target, place)
    for row in result.get("Misconfigurations") or []:
        if row.get("Status", "FAIL") == "FAIL":
            cause = row.get("CauseMetadata", {})
            yield Finding("trivy", row["ID"], "misconfiguration", row["Severity"].lower(),
                          row.get("Message") or row["Title"], target,
                          cause.get("StartLine") or None, place, url=row.get("PrimaryURL", ""))  # fmt: skip
    for row in result.get("Secrets") or []:
        yield Finding("trivy", row["RuleID"], "secret", row["Severity"].lower(), row["Title"], target,
                      row.get("StartLine") or None, place, context=row.get("Match", "").strip())  # fmt: skip
    for row in result.get("Licenses") or []:
        name = str(row.get("Name", ""))
        if result.get("Target") != OS_LICENCES and _forbidden(name, licences):
            yield _licence(row, target, name, place)


def _vulnerability(row: Row, result: Row, target: str, place: str) -> Finding:
    path = str(row.get("PkgPath") or (target if result.get("Class") != OS else "var/lib/dpkg/status"))
    return Finding("trivy", row["VulnerabilityID"], "vulnerability", row.get("Severity", "UNKNOWN").lower(),
                   f"{row['PkgName']} {row['InstalledVersion']}: {row.get('Title') or row['VulnerabilityID']}",
                   path.lstrip("/"), _package_line(row, result), place, package=row["PkgName"],
                   version=row["InstalledVersion"], fixed=row.get("FixedVersion", ""),
                   url=row.get("PrimaryURL", ""))  # fmt: skip


def _package_line(row: Row, result: Row) -> int | None:
    for package in result.get("Packages") or []:
        if package.get("Name") == row["PkgName"] and package.get("Version") == row["InstalledVersion"]:
            return next((place.get("StartLine") for place in package.get("Locations") or []), None)
    return None


def _licence(row: Row, target: str, name: str, place: str) -> Finding:
    package = str(row.get("PkgName", ""))
    path = str(row.get("FilePath") or target).lstrip("/")
    what = f"{package} is" if package else "this file is"
    return Finding("trivy", name, "licence", "high", f"{what} under {name}", path, None, place, package=package,
                   url=row.get("Link", ""))  # fmt: skip


def _forbidden(name: str, patterns: Sequence[str]) -> bool:
    """Whether each choice (OR) of a licence expression holds a licence (AND) that matches a pattern."""
    choices = [re.split(r"\s+AND\s+", choice) for choice in re.split(r"\s+OR\s+", name)]
    return all(any(fnmatchcase(part.strip("() "), each) for part in parts for each in patterns) for parts in choices)
