"""The deployments that ECS and the bucket remember, with the figures of DORA.

Source of the four keys: dora.dev, "DORA's software delivery metrics". Lead time runs from a deploy's begin, as the
deployer does not see when a commit was made; a change has failed where its deployment did not succeed or was gone back
from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from . import deployments, serving
from .clients import Aws
from .deployments import SUCCESSFUL, TERMINAL, Brief
from .kept import Shelf
from .names import Names
from .report import iso

DAY_S = 24 * 60 * 60.0


@dataclass(frozen=True)
class Release:
    """One deployment; seconds from its begin to its end, None while it runs; `evidence` is where its report is kept."""

    deployment: str
    begun: float
    status: str
    digest: str
    version: str = ""
    verb: str = ""
    outcome: str = ""
    seconds: float | None = None
    evidence: str = ""


@dataclass(frozen=True)
class Figures:
    """Of the time that is looked at: per day, seconds (medians), and shares from 0 to 1; None for want of any."""

    deployments: int
    per_day: float | None
    deploy_seconds: float | None
    change_failure_rate: float | None
    restore_seconds: float | None
    by_status: dict[str, float]


@dataclass(frozen=True)
class History:
    """Newest first."""

    environment: str
    releases: tuple[Release, ...]
    figures: Figures

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """For a person."""
        for each in self.releases:
            took = f"{each.seconds:.0f} s" if each.seconds is not None else "under way"
            what = f"{each.verb or '-':<9} {each.version or each.digest[:19] or 'unknown':<12}"
            yield f"{iso(each.begun)}  {what} {each.outcome or each.status:<20} {took:>9}  {each.evidence}".rstrip()
        figures = self.figures
        yield (
            f"{figures.deployments} deployments, {_shown(figures.per_day)} a day; seconds to 100 %"
            f" {_shown(figures.deploy_seconds)}; change failure rate {_shown(figures.change_failure_rate)}; seconds to"
            f" restore {_shown(figures.restore_seconds)}"
        )
        yield ", ".join(f"{status} {share:.0%}" for status, share in sorted(figures.by_status.items()))


def history(aws: Aws, names: Names) -> History:
    """What ECS keeps for 90 days, joined with the reports in the bucket."""
    kept = {str(each.get("service_deployment")): each for each in Shelf(aws, names).documents()}
    briefs = deployments.briefs(aws, names)
    digests = _digests(aws, briefs)
    releases = [_release(brief, digests.get(brief.target, ""), kept.get(brief.arn, {})) for brief in briefs]
    return History(names.environment, tuple(reversed(releases)), figures(releases, aws.clock.now()))


def figures(releases: Sequence[Release], now: float) -> Figures:
    """Of deployments that have ended, oldest first."""
    ended = [each for each in releases if each.status in TERMINAL]
    done = [each for each in ended if each.status == SUCCESSFUL]
    changes = [each for index, each in enumerate(ended) if not _back(ended, index)]
    failed = [index for index, each in enumerate(ended) if each in changes and _failed(ended, index)]
    days = max(1.0, (now - ended[0].begun) / DAY_S) if ended else 1.0
    statuses = Counter(each.status for each in ended)
    return Figures(
        deployments=len(ended),
        per_day=round(len(done) / days, 2) if ended else None,
        deploy_seconds=_median(each.seconds for each in done if each.seconds is not None),
        change_failure_rate=round(len(failed) / len(changes), 3) if changes else None,
        restore_seconds=_median(_restored(ended, index) for index in failed),
        by_status={status: round(count / len(ended), 3) for status, count in statuses.items()},
    )


def _back(ended: Sequence[Release], index: int) -> bool:
    """Whether this one went back to a digest that was promoted before the one that served."""
    before = [each.digest for each in ended[:index] if each.status == SUCCESSFUL]
    one = ended[index]
    return one.status == SUCCESSFUL and one.digest in before and one.digest != before[-1]


def _failed(ended: Sequence[Release], index: int) -> bool:
    return ended[index].status != SUCCESSFUL or (index + 1 < len(ended) and _back(ended, index + 1))


def _restored(ended: Sequence[Release], index: int) -> float:
    """Seconds from a bad change's begin until what it broke was mended."""
    mender = ended[index] if ended[index].status != SUCCESSFUL else ended[index + 1]
    return mender.begun + (mender.seconds or 0.0) - ended[index].begun


def _median(values: Iterable[float]) -> float | None:
    known = list(values)
    return round(median(known), 1) if known else None


def _digests(aws: Aws, briefs: Sequence[Brief]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(briefs), serving.DESCRIBE_LIMIT):
        arns = [each.target for each in briefs[start : start + serving.DESCRIBE_LIMIT]]
        found |= {each.arn: each.digest for each in serving.revisions(aws, arns)}
    return found


def _release(brief: Brief, digest: str, document: dict[str, Any]) -> Release:
    begun = (brief.started or brief.created).timestamp()
    return Release(
        deployment=brief.short, begun=begun, status=brief.status, digest=digest,
        version=str(document.get("version", "")), verb=str(document.get("verb", "")),
        outcome=str(document.get("outcome", "")),
        seconds=round(brief.finished.timestamp() - begun, 1) if brief.finished else None,
        evidence=str(document.get("kept", "")),
    )  # fmt: skip


def _shown(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g}"
