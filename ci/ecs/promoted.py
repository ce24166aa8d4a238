"""The way of an environment from release to release, as ECS remembers it: what a rollback goes back to.

Successful deployments, oldest first, make the way; one to a digest that was on it before goes back there. What was
registered or begun and never promoted is not on it.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import deployments, serving
from .clients import Aws
from .deployments import ROLLED_BACK, SUCCESSFUL, TERMINAL, Brief
from .names import Names
from .serving import DESCRIBE_LIMIT, Revision


@dataclass(frozen=True)
class Way:
    """`releases` oldest first, the last one promoted at the end; `went_back`: that end was come to by going back."""

    releases: tuple[Revision, ...]
    went_back: bool = False

    def of(self, digest: str) -> Revision | None:
        """The newest release of a digest."""
        return next((each for each in reversed(self.releases) if each.digest == digest), None)


def way(aws: Aws, names: Names) -> Way:
    """As far back as ECS describes revisions in one call, which is twenty deployments."""
    ended = [brief for brief in deployments.briefs(aws, names) if brief.status in TERMINAL]
    done = [brief for brief in ended if brief.status == SUCCESSFUL]
    releases, returned = _walked(done, {each.arn: each for each in _described(aws, done)})
    rolled_back = bool(ended) and ended[-1].status == ROLLED_BACK
    return Way(tuple(releases), returned or rolled_back)


def _described(aws: Aws, done: list[Brief]) -> tuple[Revision, ...]:
    return serving.revisions(aws, [brief.target for brief in reversed(done[-DESCRIBE_LIMIT:])])


def _walked(done: list[Brief], by_arn: dict[str, Revision]) -> tuple[list[Revision], bool]:
    """The way, and whether its last step was one back."""
    passed: list[Revision] = []
    returned = False
    for revision in (by_arn[brief.target] for brief in done if brief.target in by_arn):
        digests = [each.digest for each in passed]
        known = revision.digest in digests
        returned = known and digests.index(revision.digest) < len(passed) - 1
        passed = [*(passed[: digests.index(revision.digest)] if known else passed), revision]
    return passed, returned
