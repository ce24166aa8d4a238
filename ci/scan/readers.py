"""The reports of the scanners beside Trivy, as findings."""

from collections.abc import Mapping, Sequence
from typing import Any

from ci.scan.errors import ReportError
from ci.scan.finding import Finding

Row = Mapping[str, Any]
CFN_LEVELS = {"Error": "high", "Warning": "medium", "Informational": "low"}


def bandit(report: Row) -> list[Finding]:
    """Of `bandit --format json`, https://bandit.readthedocs.io/en/latest/formatters/json.html.

    Raises:
        ReportError: a file could not be read by it.
    """
    if report.get("errors"):
        first = report["errors"][0]
        raise ReportError("bandit", f"{first['filename']}: {first['reason']}")
    return [
        Finding("bandit", f"{row['test_id']}", "code", row["issue_severity"].lower(),
                f"{row['test_name']}: {row['issue_text']}", row["filename"].removeprefix("./"), row["line_number"],
                url=row.get("more_info", ""), context=" ".join(str(row.get("code", "")).split()))
        for row in report["results"]
    ]  # fmt: skip


def pip_audit(report: Row, lock: str, text: str) -> tuple[list[Finding], list[str]]:
    """Of `pip-audit --format json` over the lock file `lock`, whose content is `text`; and the packages that it could
    not look up."""
    found, skipped = [], []
    for package in report["dependencies"]:
        if "skip_reason" in package:
            skipped.append(str(package["name"]))
        for row in package.get("vulns", []):
            rule = next((alias for alias in row.get("aliases", []) if alias.startswith("CVE-")), row["id"])
            found.append(
                Finding("pip-audit", rule, "vulnerability", "high",
                        f"{package['name']} {package['version']}: {_first_line(row.get('description', ''))}", lock,
                        _lock_line(text, package["name"]), package=package["name"], version=package["version"],
                        fixed=", ".join(row.get("fix_versions", [])), url=f"https://osv.dev/vulnerability/{row['id']}")
            )  # fmt: skip
    return found, skipped


def cfn_lint(rows: Sequence[Row]) -> list[Finding]:
    """Of `cfn-lint --format json`."""
    return [
        Finding("cfn-lint", row["Rule"]["Id"], "misconfiguration", CFN_LEVELS.get(row["Level"], "high"),
                row["Message"], row["Filename"], row["Location"]["Start"]["LineNumber"],
                url=row["Rule"].get("Source", ""))
        for row in rows
    ]  # fmt: skip


def own(scanner: str, rows: Sequence[Row]) -> list[Finding]:
    """Of our own steps (`files`, `policy`), which write the fields of a finding."""
    try:
        return [Finding(scanner=scanner, **row) for row in rows]
    except TypeError as error:
        raise ReportError(scanner, str(error)) from error


def _first_line(text: str) -> str:
    return text.strip().split("\n", 1)[0][:200]


def _lock_line(text: str, package: str) -> int | None:
    wanted = package.lower().replace("_", "-")
    for number, line in enumerate(text.splitlines(), 1):
        if line.split("==")[0].strip().lower().replace("_", "-") == wanted:
            return number
    return None
