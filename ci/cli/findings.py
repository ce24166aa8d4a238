"""What `cutover doctor` finds: one row a check, what it saw, and what to do where that is not good."""

from collections.abc import Sequence
from dataclasses import dataclass

MARKS = {"ok": "✔", "red": "✘", "absent": "-"}
GAP = 2


@dataclass(frozen=True)
class Finding:
    """One check's outcome.

    Attributes:
        name: of the check.
        state: `ok`, `red` (does not work), or `absent` (not there, and nothing needs it).
        detail: what was seen.
        todo: what to do where it is red, or to have it where it is absent.
        needed: whether the pipeline needs it; a red one that is not needed does not count.
    """

    name: str
    state: str
    detail: str
    todo: str = ""
    needed: bool = True

    @property
    def counts(self) -> bool:
        """Whether the pipeline cannot run because of it."""
        return self.needed and self.state == "red"


def ok(name: str, detail: str, needed: bool = True) -> Finding:
    """A check that is fine."""
    return Finding(name, "ok", detail, "", needed)


def red(name: str, detail: str, todo: str, needed: bool = True) -> Finding:
    """A check that is not."""
    return Finding(name, "red", detail, todo, needed)


def absent(name: str, detail: str, todo: str = "") -> Finding:
    """Something optional that is not there."""
    return Finding(name, "absent", detail, todo, False)


def table(findings: Sequence[Finding]) -> str:
    """The findings as lines: a mark, the name, what was seen; what to do stands below those that are red."""
    width = max(len(row.name) for row in findings) + GAP
    lines = []
    for row in findings:
        optional = "" if row.needed else " (optional)"
        lines.append(f"{MARKS[row.state]} {row.name:<{width}}{row.detail}{optional}")
        if row.todo and row.state == "red":
            lines.append(f"  {'':<{width}}→ {row.todo}")
    return "\n".join(lines) + "\n"
