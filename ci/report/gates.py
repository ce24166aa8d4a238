"""The gates that stop a release: each compares one figure with its limit, and says so in one sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ci.errors import CutoverError
from ci.report.facts import Case, Limits

MEGABYTE = 1_000_000
ALL = 100.0  # percent
PASSED, STOPS, NOTHING = "passed", "stops", "nothing to judge"


@dataclass(frozen=True)
class Gate:
    """A gate's verdict: `outcome` is passed, stops, or nothing to judge."""

    name: str
    outcome: str
    why: str


class StoppedError(CutoverError):
    """Gates that stop the release."""

    def __init__(self, gates: Sequence[Mapping[str, str]]) -> None:
        told = "; ".join(f"{gate['name']}: {gate['why']}" for gate in gates)
        super().__init__(f"{len(gates)} gate{'s' if len(gates) > 1 else ''} of [tool.cutover.gates] stopped it: {told}")


def judge(cases: Sequence[Case] | None, coverage: float | None, image_bytes: int | None, broken: Mapping[str, str],
          limits: Limits) -> list[Gate]:  # fmt: skip
    """The verdict of each gate; None where there is nothing to judge, unless the stage that should give it broke."""
    return [
        pass_rate(cases, limits.pass_rate) if cases else _absent("pass rate", "test", broken),
        _coverage(coverage, limits.coverage) if cases or coverage is not None else _absent("coverage", "test", broken),
        _image(image_bytes, limits.image_megabytes) if image_bytes else _absent("image size", "image", broken),
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


def _percent(value: float) -> str:
    """Rounded down, so that 99.99 is never shown as 100."""
    return f"{int(value * 10) / 10:g} %"
