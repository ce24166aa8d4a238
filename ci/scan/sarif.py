"""One SARIF 2.1.0 of all findings, https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ci.scan.finding import SEVERITIES, Finding
from ci.scan.gate import Judged, Verdict

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "unknown": "warning"}
# What GitHub sorts by: https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.5", "low": "2.0", "unknown": "5.0"}


def document(verdict: Verdict) -> dict[str, Any]:
    """The log: one run of the tool `cutover scan`, each scanner an extension of it, accepted findings suppressed."""
    rules = _rules([each.finding for each in verdict.findings])
    index = {rule["id"]: number for number, rule in enumerate(rules)}
    driver = {"name": "cutover scan", "rules": rules}
    extensions = [{"name": scanner.name} for scanner in verdict.scanners]
    run = {
        "tool": {"driver": driver, "extensions": extensions},
        "invocations": [_invocation(verdict)],
        "columnKind": "unicodeCodePoints",
        "results": [_result(each, index) for each in verdict.findings],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _invocation(verdict: Verdict) -> dict[str, Any]:
    notes = [
        {"level": "error" if scanner.broken else "warning",
         "message": {"text": f"{scanner.name}: {scanner.not_scanned}"}}
        for scanner in verdict.scanners if scanner.not_scanned
    ]  # fmt: skip
    return {"executionSuccessful": not any(each.broken for each in verdict.scanners),
            "toolExecutionNotifications": notes}  # fmt: skip


def _rules(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    first: dict[str, Finding] = {}
    for finding in findings:
        first.setdefault(finding.rule, finding)
    return [_rule(finding) for finding in first.values()]


def _rule(finding: Finding) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": finding.rule,
        "shortDescription": {"text": finding.message.split(":")[0] or finding.rule},
        "defaultConfiguration": {"level": LEVELS[_known(finding.severity)]},
        "properties": {"tags": ["security", finding.kind], "security-severity": SCORES[_known(finding.severity)]},
    }
    return {**rule, "helpUri": finding.url} if finding.url.startswith("https://") else rule


def _result(judged: Judged, index: Mapping[str, int]) -> dict[str, Any]:
    finding = judged.finding
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(finding.path)}}
    if finding.line:
        physical["region"] = {"startLine": finding.line}
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index[finding.rule],
        "level": LEVELS[_known(finding.severity)],
        "message": {"text": _text(finding)},
        "locations": [{"physicalLocation": physical}],
        "partialFingerprints": {"cutover/v1": finding.fingerprint},
        "properties": {"kind": finding.kind, "severity": finding.severity, "place": finding.place,
                       "scanner": finding.scanner, "stops": judged.stops},
    }  # fmt: skip
    if judged.accepted:
        status = "rejected" if judged.expired else "accepted"
        result["suppressions"] = [
            {"kind": "external", "status": status, "justification": judged.accepted.reason}]  # fmt: skip
    return result


def _text(finding: Finding) -> str:
    commit = f" (commit {finding.commit})" if finding.commit else ""
    return finding.message + commit


def _known(severity: str) -> str:
    return severity if severity in SEVERITIES else "unknown"
