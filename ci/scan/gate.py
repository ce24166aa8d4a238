"""The verdict: what was found and not accepted, and what could not be looked at, against the settings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from ci.scan.accepted import Accepted, unused
from ci.scan.finding import Finding, weight

PASSED, FAILED, INCOMPLETE = "passed", "failed", "incomplete"
FAIL, WARN = "fail", "warn"


@dataclass(frozen=True)
class Rules:
    """From which severity on a finding stops a release, vulnerabilities apart; whether one that nobody has fixed yet
    does; the licences that do; the age limit of the vulnerability database in days; and what is done where something
    could not be scanned (FAIL or WARN)."""

    severity: str = "medium"
    vulnerabilities: str = "high"
    unfixed: bool = False
    licences: tuple[str, ...] = ("AGPL-*", "GPL-*", "SSPL-*")
    database_days: int = 7
    unscanned: str = WARN

    def stops(self, finding: Finding) -> bool:
        """Whether a finding that nobody accepted stops a release."""
        if finding.kind != "vulnerability":
            return weight(finding.severity) >= weight(self.severity)
        return weight(finding.severity) >= weight(self.vulnerabilities) and (self.unfixed or bool(finding.fixed))


@dataclass(frozen=True)
class Judged:
    """A finding with what the gate makes of it: `accepted` by which row, `expired` where that row's day is over."""

    finding: Finding
    stops: bool
    accepted: Accepted | None = None
    expired: bool = False


@dataclass(frozen=True)
class Scanner:
    """A scanner's run: how long it took in seconds, and why it looked at nothing, or not at all of it."""

    name: str
    seconds: float = 0.0
    not_scanned: str = ""
    broken: bool = False  # it ended in a way that is its own fault or ours: always red


@dataclass(frozen=True)
class Verdict:
    """The scan as a whole; `reasons` names each thing that stops a release."""

    findings: tuple[Judged, ...]
    scanners: tuple[Scanner, ...]
    unused: tuple[Accepted, ...]
    outcome: str
    reasons: tuple[str, ...]


def judge(
    findings: Sequence[Finding], scanners: Sequence[Scanner], accepted: Sequence[Accepted], rules: Rules, today: date
) -> Verdict:
    """FAILED where a finding stops the release, a scanner broke, or something was not scanned and the rules ask for
    it; INCOMPLETE where something was not scanned otherwise: PASSED is only what was looked at whole."""
    judged = tuple(_judged(finding, accepted, rules, today) for finding in findings)
    reasons = [_reason(each) for each in judged if each.stops]
    for scanner in scanners:
        if scanner.broken or (scanner.not_scanned and rules.unscanned == FAIL):
            reasons.append(f"{scanner.name}: {scanner.not_scanned}")
    complete = not any(scanner.not_scanned for scanner in scanners)
    outcome = FAILED if reasons else PASSED if complete else INCOMPLETE
    return Verdict(judged, tuple(scanners), tuple(unused(accepted, findings)), outcome, tuple(reasons))


def counted(verdict: Verdict) -> Mapping[str, int]:
    """How many findings stop the release, were accepted, and are told only."""
    stops = sum(each.stops for each in verdict.findings)
    accepted = sum(each.accepted is not None and not each.expired for each in verdict.findings)
    return {"stops": stops, "accepted": accepted, "told": len(verdict.findings) - stops - accepted}


def _judged(finding: Finding, accepted: Sequence[Accepted], rules: Rules, today: date) -> Judged:
    rows = [row for row in accepted if row.covers(finding)]
    row = max(rows, key=lambda each: each.expires, default=None)
    holds = row is not None and today <= row.expires
    return Judged(finding, rules.stops(finding) and not holds, row, row is not None and not holds)


def _reason(judged: Judged) -> str:
    finding = judged.finding
    expired = f"; accepted until {judged.accepted.expires}" if judged.accepted and judged.expired else ""
    return f"{finding.severity} {finding.rule} in {finding.where}: {finding.message}{expired}"
