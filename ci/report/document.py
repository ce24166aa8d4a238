"""The report as one JSON document, of a folder with a folder for each stage; what failed stands first everywhere."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ci.report import gates, read
from ci.report.facts import LEVELS, STAGES, Asked, Case, Finding, Measured, Package, Ran

OUTCOMES = ("failed", "error", "skipped", "passed")  # of tests, in the order in which they stand
SOME_FAILED = "exit code 1"  # pytest's
NONE = "none.txt"  # says why a stage has nothing


@dataclass(frozen=True)
class Inputs:
    """The folder of the stages' files: `lint/`, `types/`, `test/`, `scan/`, `image/`, `changelog.md`."""

    root: Path

    def text(self, name: str) -> str | None:
        """A file's text, None where it is not there."""
        place = self.root / name
        return place.read_text(encoding="utf-8", errors="replace") if place.is_file() else None

    def texts(self, folder: str, ending: str) -> list[str]:
        """The texts of a folder's files with an ending."""
        places = sorted((self.root / folder).glob(f"*{ending}"))
        return [place.read_text(encoding="utf-8", errors="replace") for place in places]


def document(inputs: Inputs, asked: Asked) -> dict[str, Any]:
    """The document; `verdict` is failed where a stage failed or a gate stops, incomplete where the scan could not
    look at all, else passed."""
    cases = _cases(inputs)
    coverage = read.cobertura(text) if (text := inputs.text("test/coverage.xml")) else None
    image = json.loads(text) if (text := inputs.text("image/image.json")) else None
    scan = json.loads(text) if (text := inputs.text("scan/scan.json")) else None
    found = _findings(inputs, scan)
    judged = gates.judge(
        cases, coverage[0] if coverage else None, image["bytes"] if image else None, asked.broken, asked.limits, scan
    )
    stages = [_tolerated(stage(inputs, name, asked), judged, asked) for name in STAGES]
    stopped = [gate for gate in judged if gate.outcome == gates.STOPS]
    failed = any(row["outcome"] == "failed" for row in stages)
    whole = scan is None or scan["outcome"] != gates.INCOMPLETE
    return {
        "schema": 1, "service": asked.service, "version": asked.version, "commit": asked.commit, "begun": asked.begun,
        "verdict": "failed" if failed or stopped else "passed" if whole else gates.INCOMPLETE, "stages": stages,
        "gates": [asdict(gate) for gate in [*stopped, *(gate for gate in judged if gate not in stopped)]],
        "tests": _tests(cases), "coverage": _coverage(coverage), "findings": [asdict(row) for row in found],
        "scanners": scan["scanners"] if scan else [],
        "image": image, "sbom": _sbom(inputs), "changelog": inputs.text("changelog.md") or "",
    }  # fmt: skip


def stage(inputs: Inputs, name: str, asked: Asked) -> dict[str, Any]:
    """How a stage went: `outcome` is passed, failed, incomplete, or none (with `why`); `cached` whether its result is
    older than the call for this report; `seconds` what its command took when it ran, None where that is not known."""
    row: dict[str, Any] = {
        "name": name, "outcome": "none", "why": "", "begun": None, "seconds": None, "cached": None,
        "waited": asked.waited.get(name),
    }  # fmt: skip
    if name in asked.broken:
        return {**row, "outcome": "failed", "why": asked.broken[name]}
    if text := inputs.text(f"{name}/{name}.jsonl"):
        row |= _ran(read.record(text), asked)
        return _looked(row, json.loads(told)) if (told := inputs.text(f"{name}/scan.json")) else row
    return {**row, "why": (inputs.text(f"{name}/{NONE}") or f"this report has no {name}").strip()}


def _looked(row: dict[str, Any], scan: Mapping[str, Any]) -> dict[str, Any]:
    """A scan that found nothing and did not look at all has not passed; its seconds are those of all its scanners."""
    row["seconds"] += sum(each["seconds"] for each in scan["scanners"])
    if scan["outcome"] != gates.INCOMPLETE or row["outcome"] == "failed":
        return row
    names = ", ".join(each["name"] for each in scan["scanners"] if each["not_scanned"])
    return {**row, "outcome": gates.INCOMPLETE, "why": f"could not look at all: {names}"}


def _tolerated(row: dict[str, Any], judged: list[gates.Gate], asked: Asked) -> dict[str, Any]:
    """The stage of the tests has not failed where the pass rate allows what failed in it, as `test` has it."""
    outcomes = {gate.name: gate.outcome for gate in judged}
    within = outcomes["pass rate"] == outcomes["coverage"] == gates.PASSED
    if row["name"] == "test" and row["why"] == SOME_FAILED and within and asked.limits.pass_rate < gates.ALL:
        return {**row, "outcome": "passed", "why": "what failed is within the pass rate"}
    return row


def _ran(ran: Ran, asked: Asked) -> Mapping[str, Any]:
    return {
        "outcome": "failed" if ran.exit_code else "passed",
        "why": f"exit code {ran.exit_code}" if ran.exit_code else "",
        "begun": ran.begun, "seconds": ran.seconds, "cached": ran.begun < asked.begun,
    }  # fmt: skip


def _cases(inputs: Inputs) -> list[Case] | None:
    text = inputs.text("test/junit.xml")
    return read.junit(text) if text else None


def _tests(cases: list[Case] | None) -> dict[str, Any] | None:
    if cases is None:
        return None
    ordered = sorted(cases, key=lambda case: (OUTCOMES.index(case.outcome), -case.seconds, case.name))
    counts = {outcome: sum(case.outcome == outcome for case in cases) for outcome in OUTCOMES}
    return {"total": len(cases), **counts, "cases": [asdict(case) for case in ordered]}


def _coverage(found: tuple[float, list[Measured]] | None) -> dict[str, Any] | None:
    if found is None:
        return None
    percent, files = found
    rows = sorted(files, key=lambda file: (file.percent, file.file))
    return {
        "percent": percent,
        "files": [
            {"file": row.file, "percent": row.percent, "lines": row.lines, "missing": ranges(row.missing)}
            for row in rows
        ],
    }


def ranges(numbers: tuple[int, ...]) -> str:
    """Line numbers in few words: `3-5, 9`."""
    rows: list[list[int]] = []
    for number in sorted(numbers):
        if rows and number == rows[-1][1] + 1:
            rows[-1][1] = number
        else:
            rows.append([number, number])
    return ", ".join(f"{first}-{last}" if last > first else f"{first}" for first, last in rows)


def _findings(inputs: Inputs, scan: Mapping[str, Any] | None) -> list[Finding]:
    found = [row for name in ("lint", "types") for row in read.printed(name, inputs.text(f"{name}/{name}.txt") or "")]
    found += read.scanned(scan) if scan else []
    return sorted(found, key=lambda row: (LEVELS.index(row.level), row.file, row.line or 0, row.rule))


def _sbom(inputs: Inputs) -> list[dict[str, Any]] | None:
    texts = inputs.texts("scan", ".cdx.json")
    packages: list[Package] = [package for text in texts for package in read.cyclonedx(text)]
    return [asdict(package) for package in packages] if texts else None
