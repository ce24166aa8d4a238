"""What is told of the demo's releases: each as the table shows it, and why a command failed."""

import contextlib
import json
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from ci.cli.load import Tally


@dataclass
class Release:
    """One release as the table shows it."""

    title: str
    outcome: str = ""
    version: str = ""
    digest: str = ""
    seconds: float = 0.0
    stages: dict[str, float] = field(default_factory=dict)
    tally: Tally | None = None


def stages(releases: Sequence[Release]) -> Table:
    """How long each stage of ECS's deployment took, by release."""
    table = Table(title="Seconds in each stage of ECS's deployment")
    table.add_column("stage")
    for row in releases:
        table.add_column(row.version or "?", justify="right")
    for stage in dict.fromkeys(stage for row in releases for stage in row.stages):
        table.add_row(stage, *(f"{row.stages[stage]:.1f}" if stage in row.stages else "-" for row in releases))
    return table


def failed(words: Sequence[str], code: int, printed: Sequence[str]) -> str:
    """Which command failed, and its own last sentence where it said one."""
    return f"`cutover {' '.join(words)}` ended with exit code {code}: {said_by(printed)}"


def said_by(printed: Sequence[str]) -> str:
    """The last sentence of a command that failed."""
    found = next((line for line in reversed(printed) if line.startswith("Error: ")), "")
    return found.removeprefix("Error: ").strip() or "see above"


def report_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The deploy's report: the result, or in what a failed one printed."""
    for text in (done.stdout, done.stderr):
        for start in re.finditer(r"^\{", text, re.MULTILINE):
            with contextlib.suppress(ValueError):
                found = json.JSONDecoder().raw_decode(text, start.start())[0]
                if "outcome" in found:
                    return dict(found)
    return {}
