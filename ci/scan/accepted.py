"""Findings that somebody has accepted, with a reason and until a day: `.cutover-accepted.toml` in the repository."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import Any

from ci.scan.errors import AcceptedFileError
from ci.scan.finding import Finding

FILE = ".cutover-accepted.toml"
KEYS = ("rule", "path", "package", "reason", "expires")


@dataclass(frozen=True)
class Accepted:
    """One row: what is accepted (a rule; where `path`, a pattern, and `package` are given, only there), why, and until
    the end of which day."""

    rule: str
    reason: str
    expires: date
    path: str = "*"
    package: str = ""

    def covers(self, finding: Finding) -> bool:
        """Whether the finding is what this row accepts, whatever the day."""
        return (
            self.rule == finding.rule and fnmatchcase(finding.path, self.path) and self.package in ("", finding.package)
        )

    def __str__(self) -> str:
        return self.rule + (f" in {self.path}" if self.path != "*" else "") + (
            f" of {self.package}" if self.package else "")  # fmt: skip


def parse(text: str) -> list[Accepted]:
    """The rows of the file, `[[accepted]]` each.

    Raises:
        AcceptedFileError: it is not TOML, or a row lacks its reason or its expiry, or has a key that is not known.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise AcceptedFileError(f"is not TOML: {error}") from error
    rows = document.pop("accepted", [])
    if document or not isinstance(rows, list):
        raise AcceptedFileError("must hold nothing but [[accepted]]")
    return [_row(row, number) for number, row in enumerate(rows, 1)]


def _row(row: Any, number: int) -> Accepted:
    where = f"[[accepted]] number {number}"
    if not isinstance(row, Mapping):
        raise AcceptedFileError(f"{where} must be a table")
    for key in row:
        if key not in KEYS:
            raise AcceptedFileError(f"{where} has no key {key!r}; known: {', '.join(KEYS)}")
    for key in ("rule", "reason"):
        if not isinstance(row.get(key), str) or not row[key].strip():
            raise AcceptedFileError(f"{where} must have {key}: a text that is not empty")
    if type(row.get("expires")) is not date or isinstance(row.get("expires"), datetime):
        raise AcceptedFileError(f"{where} must have expires: a day such as expires = 2027-06-30")
    for key in ("path", "package"):
        if key in row and (not isinstance(row[key], str) or not row[key]):
            raise AcceptedFileError(f"{where} {key} must be a text that is not empty")
    return Accepted(**row)


def unused(rows: Sequence[Accepted], findings: Sequence[Finding]) -> list[Accepted]:
    """Rows that accept nothing that was found."""
    return [row for row in rows if not any(row.covers(finding) for finding in findings)]
