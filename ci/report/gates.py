"""The gates that stop a release: each compares one figure with its limit, and says so in one sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ci.errors import CutoverError
from ci.report.facts import Case, Limits

MEGABYTE = 1_000_000
MOST_TOLD = 3  # of what stops, in one sentence; the report has all
ALL = 100.0  # percent
PASSED, STOPS, INCOMPLETE, NOTHING = "passed", "stops", "incomplete", "nothing to judge"
LICENCE = "licence"


@dataclass(frozen=True)
class Gate:
    """A gate's verdict: `outcome` is passed, stops, incomplete (not all was looked at), or nothing to judge."""

    name: str
    outcome: str
    why: str


class StoppedError(CutoverError):
    """Gates that stop the release."""

    def __init__(self, gates: Sequence[Mapping[str, str]]) -> None:
        told = "; ".join(f"{gate['name']}: {gate['why']}" for gate in gates)
        super().__init__(f"{len(gates)} gate{'s' if len(gates) > 1 else ''} of a release stopped it: {told}")


def judge(cases: Sequence[Case] | None, coverage: float | None, image_bytes: int | None, broken: Mapping[str, str],
          limits: Limits, scan: Mapping[str, Any] | None = None) -> list[Gate]:  # fmt: skip
    """The verdict of each gate; None where there is nothing to judge, unless the stage that should give it broke.

    Args:
        scan: the scan's own verdict, `scan.json`, which goes by [tool.cutover.scan].
    """
    return [
        pass_rate(cases, limits.pass_rate) if cases else _absent("pass rate", "test", broken),
        _coverage(coverage, limits.coverage) if cases or coverage is not None else _absent("coverage", "test", broken),
        _image(image_bytes, limits.image_megabytes) if image_bytes else _absent("image size", "image", broken),
        _findings(scan) if scan else _absent("findings", "scan", broken),
        _licences(scan) if scan else _absent("licences", "scan", broken),
    ]


def _absent(name: str, stage: str, broken: Mapping[str, str]) -> Gate:
    if stage in broken:
        return Gate(name, STOPS, f"not known, because {stage} ended without a result")
    return Gate(name, NOTHING, "there is nothing to measure")


def pass_rate(cases: Sequence[Case], least: float) -> Gate:
    """Of the tests that ran, those that passed; what failed is named."""
    ran = [case for case in cases if case.outcome != "skipped"]
    failed = [case for case in ran if case.outcome != "passed"]
    rate = ALL * (len(ran) - len(failed)) / len(ran) if ran else ALL
    why = f"{_percent(rate)} of {len(ran)} tests passed, at least {least:g} % must"
    if failed:
        why += f" ({failed[0].name}{f' and {len(failed) - 1} more' if len(failed) > 1 else ''} failed)"
    return Gate("pass rate", PASSED if rate >= least else STOPS, why)


def _coverage(percent: float | None, least: float) -> Gate:
    if percent is None:  # not known is not green
        return Gate(
            "coverage", STOPS if least else PASSED, f"it was not measured, at least {least:g} % must be covered"
        )
    why = f"{_percent(percent)} of the lines and branches are covered, at least {least:g} % must be"
    return Gate("coverage", PASSED if percent >= least else STOPS, why)


def _image(size: int, most: float | None) -> Gate:
    why = f"the image has {size / MEGABYTE:.1f} MB compressed, "
    if most is None:
        return Gate("image size", PASSED, f"{why}and no limit is set")
    return Gate("image size", PASSED if size <= most * MEGABYTE else STOPS, f"{why}at most {most:g} MB are allowed")


def _findings(scan: Mapping[str, Any]) -> Gate:
    """What the scan names as stopping a release, licences apart."""
    licences = tuple(f"{row['severity']} {row['rule']} in {row['path']}" for row in _stopping_licences(scan))
    reasons = [reason for reason in scan["reasons"] if not licences or not reason.startswith(licences)]
    unseen = [f"{row['name']}: {row['not_scanned']}" for row in scan["scanners"] if row["not_scanned"]]
    if reasons:
        return Gate("findings", STOPS, _told(reasons))
    if unseen:
        return Gate("findings", INCOMPLETE, f"nothing that was found stops a release; not scanned: {_told(unseen)}")
    return Gate("findings", PASSED, "nothing that the scan found stops a release")


def _licences(scan: Mapping[str, Any]) -> Gate:
    found = [f"{row['rule']} of {row['package'] or row['path']}" for row in _stopping_licences(scan)]
    if found:
        return Gate("licences", STOPS, f"forbidden: {_told(found)}")
    return Gate("licences", PASSED, "no package has a forbidden one")


def _stopping_licences(scan: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [row for row in scan["findings"] if row["kind"] == LICENCE and row["stops"]]


def _told(lines: Sequence[str]) -> str:
    return "; ".join(lines[:MOST_TOLD]) + (f"; and {len(lines) - MOST_TOLD} more" if len(lines) > MOST_TOLD else "")


def _percent(value: float) -> str:
    """Rounded down, so that 99.99 is never shown as 100."""
    return f"{int(value * 10) / 10:g} %"
