"""Reads the files that the stages leave: records, JUnit, Cobertura, `FILE:LINE: message`, `scan.json`, CycloneDX."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

from ci.report.facts import LEVELS, Case, Finding, Level, Measured, Package, Ran

PLACE = re.compile(r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+)(?::\d+)?: (?P<text>.+)$", re.MULTILINE)
WORD = re.compile(r"^(?P<level>error|warning|note): ")  # mypy's
CODE = re.compile(r"^(?P<code>[A-Z]+[0-9]+) (?:\[\*\] )?")  # ruff's and flake8's
BRACKETS = re.compile(r"\s+\[(?P<code>[a-z][a-z-]*)\]$")  # mypy's
SHORT = 7  # digits of a commit
OUTCOMES = {"failure": "failed", "error": "error", "skipped": "skipped"}


def record(text: str) -> Ran:
    """A stage's commands as one: from the beginning of the first, the first exit code that is not 0."""
    rows = [json.loads(line) for line in text.splitlines()]
    code = next((row["exit_code"] for row in rows if row["exit_code"]), 0)
    return Ran(rows[0]["begun"], sum(row["seconds"] for row in rows), code)


def junit(text: str) -> list[Case]:
    """The tests of a JUnit file, in its order."""
    return [_case(element) for element in ElementTree.fromstring(text).iter("testcase")]


def _case(element: ElementTree.Element) -> Case:
    name = ".".join(filter(None, (element.get("classname"), element.get("name", ""))))
    seconds = float(element.get("time") or 0)
    found = next((child for child in element if child.tag in OUTCOMES), None)
    if found is None:
        return Case(name, "passed", seconds)
    detail = (found.text or "").strip()
    places = [match for match in PLACE.finditer(detail) if match["file"].endswith(".py")]
    last = places[-1] if places else None  # where it was raised, below where it was called
    return Case(
        name, OUTCOMES[found.tag], seconds, found.get("message") or "", detail, last["file"] if last else "",
        int(last["line"]) if last else None,
    )  # fmt: skip


def cobertura(text: str) -> tuple[float, list[Measured]]:
    """The coverage in percent, of lines and branches as coverage.py counts them, and its files.

    A file's path is from the folder that was measured, where there is only one; else as it stands.
    """
    root = ElementTree.fromstring(text)
    valid, covered = (sum(int(root.get(f"{kind}-{word}") or 0) for kind in ("lines", "branches"))
                      for word in ("valid", "covered"))  # fmt: skip
    sources = [source.text or "" for source in root.iter("source")]
    folder = sources[0].rstrip("/").removeprefix("/src").lstrip("/") if len(sources) == 1 else ""
    files = [_measured(element, folder) for element in root.iter("class")]
    return 100.0 * covered / valid if valid else 100.0, files


def _measured(element: ElementTree.Element, folder: str) -> Measured:
    lines = [(int(line.get("number", 0)), line.get("hits") == "0") for line in element.iter("line")]
    name = "/".join(filter(None, (folder, element.get("filename", ""))))
    return Measured(name, len(lines), tuple(number for number, missed in lines if missed))


def printed(stage: str, text: str) -> list[Finding]:
    """The findings among the lines that a linter or type checker printed; a note belongs to the one before it."""
    found = [_finding(stage, match) for match in PLACE.finditer(text)]
    return [finding for finding in found if finding.level != "note"]


def _finding(stage: str, match: re.Match[str]) -> Finding:
    text, level = match["text"], "error"
    if word := WORD.match(text):
        level, text = word["level"], text[word.end() :]
    code = CODE.match(text) or BRACKETS.search(text)
    rule = code["code"] if code else ""
    text = (text[: code.start()] + text[code.end() :]) if code else text
    return Finding(stage, stage, rule, _level(level), text.strip(), match["file"], int(match["line"]))


def scanned(document: Mapping[str, Any]) -> list[Finding]:
    """The findings of a `scan.json`: an error is one that stops a release, a note one that is accepted."""
    return [_scanned(row) for row in document["findings"]]


def _scanned(row: Mapping[str, Any]) -> Finding:
    level: Level = "error" if row["stops"] else "note" if row["accepted"] else "warning"
    parts = [row["message"], f"(in commit {row['commit'][:SHORT]})" if row["commit"] else ""]
    if row["accepted"]:
        parts.append(f"(accepted until {row['accepted']['expires']}: {row['accepted']['reason']})")
    return Finding("scan", row["scanner"], row["rule"], level, " ".join(filter(None, parts)), row["path"], row["line"])


def _level(word: str) -> Level:
    return next((level for level in LEVELS if level == word), "note")


def cyclonedx(text: str) -> list[Package]:
    """The components of a CycloneDX document, by name."""
    rows = json.loads(text).get("components", ())
    packages = [Package(row["name"], row.get("version", ""), tuple(_licences(row))) for row in rows]
    return sorted(packages, key=lambda package: (package.name.lower(), package.version))


def _licences(row: Mapping[str, Any]) -> Iterator[str]:
    for entry in row.get("licenses", ()):
        licence = entry.get("license", {})
        if name := entry.get("expression") or licence.get("id") or licence.get("name"):
            yield name
