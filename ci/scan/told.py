"""The verdict as JSON, JUnit and Markdown."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree

from ci.scan.gate import FAIL, Judged, Rules, Scanner, Verdict, counted

MOST_ROWS = 200  # of a table that a person reads
# What XML 1.0 cannot hold: https://www.w3.org/TR/xml/#charsets
CONTROL = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 65534, 65535), " ")


def document(verdict: Verdict) -> dict[str, Any]:
    """`outcome` (passed, failed, incomplete), `reasons`, `counts`, `scanners`, `findings`, `unused`, for JSON."""
    return {
        "outcome": verdict.outcome,
        "reasons": list(verdict.reasons),
        "counts": dict(counted(verdict)),
        "scanners": [asdict(scanner) for scanner in verdict.scanners],
        "findings": [_finding(each) for each in verdict.findings],
        "unused": [str(row) for row in verdict.unused],
    }


def junit(verdict: Verdict, rules: Rules) -> str:
    """A suite a scanner: a failed case for each finding that stops, a skipped one for what was not scanned."""
    root = ElementTree.Element("testsuites", name="scan")
    for scanner in verdict.scanners:
        _suite(root, scanner, [each for each in verdict.findings if _is_of(each, scanner)], rules)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def markdown(verdict: Verdict) -> str:
    """The summary for a job's page: verdict, what was not scanned, a table of the findings, the gravest first."""
    counts = counted(verdict)
    lines = [
        f"# Scan: {verdict.outcome}",
        "",
        f"{counts['stops']} findings stop a release, {counts['accepted']} are accepted, {counts['told']} are below "
        "the gate.",
        "",
        *(f"- **{each.name}**: {each.not_scanned}" for each in verdict.scanners if each.not_scanned),
        *(f"- accepted, but not found: {row}" for row in verdict.unused),
        "",
    ]
    return "\n".join([*lines, *_table(verdict.findings)]) + "\n"


def lines(verdict: Verdict) -> str:
    """What `scan` prints: a line for each thing that stops, for each that was not scanned, and the verdict."""
    counts = counted(verdict)
    told = [*verdict.reasons]
    told += [f"{each.name}: {each.not_scanned}" for each in verdict.scanners
             if each.not_scanned and f"{each.name}: {each.not_scanned}" not in told]  # fmt: skip
    told += [f"accepted, but not found: {row}" for row in verdict.unused]
    told.append(f"scan {verdict.outcome}: {counts['stops']} findings stop a release, {counts['accepted']} accepted, "
                f"{counts['told']} below the gate")  # fmt: skip
    return "\n".join(told) + "\n"


def _finding(judged: Judged) -> dict[str, Any]:
    finding = asdict(judged.finding)
    del finding["context"]
    accepted = judged.accepted
    row = {"reason": accepted.reason, "expires": accepted.expires.isoformat()} if accepted else None
    return {**finding, "fingerprint": judged.finding.fingerprint, "stops": judged.stops, "accepted": row,
            "expired": judged.expired}  # fmt: skip


def _is_of(judged: Judged, scanner: Scanner) -> bool:
    place = judged.finding.place
    first = judged.finding.scanner.split(", ")[0]
    return scanner.name == (f"trivy-{place}" if first == "trivy" else first)


def _suite(root: ElementTree.Element, scanner: Scanner, found: list[Judged], rules: Rules) -> None:
    suite = ElementTree.SubElement(root, "testsuite", name=scanner.name, time=f"{scanner.seconds:.3f}")
    failures = skipped = 0
    for each in found:
        case = _case(suite, scanner.name, f"{each.finding.rule} {each.finding.where}")
        if each.stops:
            failures += 1
            ElementTree.SubElement(case, "failure", message=_clean(each.finding.message), type=each.finding.severity)
    if scanner.not_scanned:
        red = scanner.broken or rules.unscanned == FAIL
        case = _case(suite, scanner.name, "scanned")
        ElementTree.SubElement(case, "failure" if red else "skipped", message=_clean(scanner.not_scanned))
        failures, skipped = failures + red, skipped + (not red)
    elif not found:
        _case(suite, scanner.name, "nothing found")
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(failures))
    suite.set("errors", "0")
    suite.set("skipped", str(skipped))


def _case(suite: ElementTree.Element, scanner: str, name: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname=f"scan.{scanner}", name=_clean(name), time="0")


def _clean(text: str) -> str:
    return text.translate(CONTROL)


def _table(findings: Iterable[Judged]) -> list[str]:
    rows = list(findings)
    if not rows:
        return ["Nothing was found."]
    table = ["| | severity | rule | where | what |", "|---|---|---|---|---|"]
    for each in rows[:MOST_ROWS]:
        finding = each.finding
        mark = "stops" if each.stops else "accepted" if each.accepted and not each.expired else ""
        cells = (mark, finding.severity, finding.rule, f"`{finding.where}`", finding.message)
        table.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    if len(rows) > MOST_ROWS:
        table.append(f"\n{len(rows) - MOST_ROWS} more are in scan.json.")
    return table
