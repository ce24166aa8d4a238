"""The folder that the scanners leave, read: `SCANNER/SCANNER.json`, `.jsonl` (how it ran) and `.txt` (what it said)."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ci.scan import readers, trivy
from ci.scan.errors import ReportError
from ci.scan.finding import Finding
from ci.scan.gate import Rules, Scanner

TRIVY = {"trivy-source": "source", "trivy-image": "image", "trivy-history": "history"}
SCANNERS = ("trivy-source", "trivy-image", "trivy-history", "database", "pip-audit", "bandit", "cfn-lint", "policy",
            "files")  # fmt: skip
NO_DATABASE = "not scanned for vulnerabilities: there is no vulnerability database"
UNREACHABLE = "not checked: the advisories could not be reached"


@dataclass(frozen=True)
class Reports:
    """The folder; the lock file's name in the repository, and its content."""

    folder: Path
    lock: str
    lock_text: str
    rules: Rules
    today: date

    def read(self) -> tuple[list[Finding], list[Scanner]]:
        """All findings, and each scanner's run.

        Raises:
            ScannerVersionError: the Trivy that ran must not be used.
        """
        findings: list[Finding] = []
        scanners = []
        for name in SCANNERS:
            found, scanner = self._scanner(name)
            findings += found
            scanners.append(scanner)
        return findings, scanners

    def _scanner(self, name: str) -> tuple[list[Finding], Scanner]:
        if name == "database":
            return [], Scanner(name, self._seconds(name), self._database())
        if not (self.folder / name).is_dir():
            return [], Scanner(name, 0.0, f"{name} did not run", broken=True)
        try:
            found, note = self._read(name)
        except (ReportError, OSError, ValueError, KeyError, TypeError) as error:
            return [], Scanner(name, self._seconds(name), self._broken(name, error), broken=True)
        return found, Scanner(name, self._seconds(name), note)

    def _read(self, name: str) -> tuple[list[Finding], str]:
        if name == "pip-audit" and not (self.folder / name / f"{name}.json").exists():
            return [], f"{UNREACHABLE} ({self._last_line(name)})"
        report = self._json(name, name)
        if name in TRIVY:
            found = trivy.findings(report, TRIVY[name], self.rules.licences)
            return (trivy.in_history(found, self._json(name, "blobs")) if name == "trivy-history" else found), ""
        if name == "pip-audit":
            found, skipped = readers.pip_audit(report, self.lock, self.lock_text)
            return found, f"{UNREACHABLE} for {', '.join(skipped)}" if skipped else ""
        by_name: dict[str, Callable[[Any], list[Finding]]] = {"bandit": readers.bandit, "cfn-lint": readers.cfn_lint}
        return by_name.get(name, lambda rows: readers.own(name, rows))(report), ""

    def _database(self) -> str:
        """Why nothing is known of vulnerabilities; empty where the database is there and young enough."""
        path = self.folder / "database/metadata.json"
        if not path.exists():
            return NO_DATABASE
        try:
            updated = datetime.fromisoformat(json.loads(path.read_text())["UpdatedAt"])
        except (ValueError, KeyError, TypeError):
            return f"{NO_DATABASE} whose age is known"
        days = (self.today - updated.astimezone(UTC).date()).days
        if days > self.rules.database_days:
            limit = f"more than database-days = {self.rules.database_days}"
            return f"not scanned for vulnerabilities as of today: the database is {days} days old, {limit}"
        return ""

    def _json(self, scanner: str, name: str) -> Any:
        return json.loads((self.folder / scanner / f"{name}.json").read_text(encoding="utf-8") or "[]")

    def _seconds(self, name: str) -> float:
        path = self.folder / name / f"{name}.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        return sum(float(row["seconds"]) for row in rows)

    def _broken(self, name: str, error: Exception) -> str:
        return f"did not run to its end: {self._last_line(name) or error}"

    def _last_line(self, name: str) -> str:
        path = self.folder / name / f"{name}.txt"
        said: Sequence[str] = path.read_text(errors="replace").split("\n") if path.exists() else ()
        return next((line.strip()[:300] for line in reversed(said) if line.strip()), "")
