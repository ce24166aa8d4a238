"""What a scanner found, in one form for all of them."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

SEVERITIES = ("unknown", "low", "medium", "high", "critical")  # from the least
KINDS = ("secret", "vulnerability", "misconfiguration", "code", "licence", "policy", "permission")
PLACES = ("source", "image", "history")


@dataclass(frozen=True)
class Finding:
    """One thing found: `rule` of `scanner`, in a file and line of `place` (one of PLACES), where there are any.

    `commit` is the first that has it (history only); `package`, `version` and `fixed` are set for packages; `context`
    is the line with the secret left out, by which versions of one file are known to hold the same.
    """

    scanner: str
    rule: str
    kind: str
    severity: str
    message: str
    path: str
    line: int | None = None
    place: str = "source"
    commit: str = ""
    package: str = ""
    version: str = ""
    fixed: str = ""
    url: str = ""
    context: str = ""

    @property
    def fingerprint(self) -> str:
        """16 hex digits: the same for the same finding in the next scan, wherever in the file it has moved to."""
        parts = (self.rule, self.kind, self.path, self.package, self.version, self.context or self.message)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    @property
    def where(self) -> str:
        """`path:line`, and in which commit or part, as a person reads it."""
        line = f":{self.line}" if self.line else ""
        part = {"image": " (image)", "history": f" (commit {self.commit[:12]})"}.get(self.place, "")
        return f"{self.path}{line}{part}"


def weight(severity: str) -> int:
    """The place of a severity in SEVERITIES; 0 for one that is not known."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else 0


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Each finding once, the gravest first.

    Two are the same where rule, package and version are (vulnerabilities), else rule, path, line and context; what the
    source still has is not told of the history too.
    """
    kept: dict[tuple[object, ...], Finding] = {}
    for finding in sorted(findings, key=lambda found: PLACES.index(found.place)):
        key = _key(finding)
        first = kept.setdefault(key, finding)
        if first is not finding:
            kept[key] = _joined(first, finding)
    return sorted(kept.values(), key=lambda found: (-weight(found.severity), found.path, found.line or 0, found.rule))


def _key(finding: Finding) -> tuple[object, ...]:
    if finding.kind == "vulnerability":
        return finding.kind, finding.rule, finding.package.lower().replace("_", "-"), finding.version
    if finding.kind == "secret":
        return finding.kind, finding.rule, finding.path, finding.context or finding.line
    return finding.kind, finding.rule, finding.path, finding.line, finding.package


def _joined(first: Finding, other: Finding) -> Finding:
    scanners = dict.fromkeys([*first.scanner.split(", "), *other.scanner.split(", ")])
    gravest = max(first.severity, other.severity, key=weight)
    return replace(first, scanner=", ".join(scanners), severity=gravest, fixed=first.fixed or other.fixed,
                   line=first.line or other.line)  # fmt: skip
