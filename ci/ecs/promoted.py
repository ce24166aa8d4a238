"""The way of an environment from release to release, as ECS remembers it: what a rollback goes back to.

Successful deployments, oldest first, make the way. One to a digest that was on it before goes back there, and so does
one to an older task definition than the one before it, which is what `rollback` deploys. What was registered or begun
and never promoted is not on it.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import deployments, serving
from .clients import Aws
from .deployments import ROLLED_BACK, SUCCESSFUL, TERMINAL, Brief
from .names import Names
from .serving import DESCRIBE_LIMIT, Revision

# So many deployments back, twenty a call.
MOST_DEPLOYMENTS = 200


@dataclass(frozen=True)
class Way:
    """`releases` oldest first, the last one promoted at the end; `went_back`: that end was come to by going back."""

    releases: tuple[Revision, ...]
    went_back: bool = False

    def of(self, digest: str) -> Revision | None:
        """The newest release of a digest."""
        return next((each for each in reversed(self.releases) if each.digest == digest), None)


def way(aws: Aws, names: Names) -> Way:
    """As far back as MOST_DEPLOYMENTS, and as ECS remembers, which is 90 days."""
    ended = [brief for brief in deployments.briefs(aws, names) if brief.status in TERMINAL]
    done = [brief for brief in ended if brief.status == SUCCESSFUL]
    releases, returned = _walked(done, {each.arn: each for each in _described(aws, done)})
    rolled_back = bool(ended) and ended[-1].status == ROLLED_BACK
    return Way(tuple(releases), returned or rolled_back)


def is_older(one: Revision, other: Revision) -> bool:
    """Whether its task definition was registered before the other's: only `rollback` goes to such a one."""
    return _number(one) < _number(other)


def _number(revision: Revision) -> int:
    """Of the task definition in its family."""
    tail = revision.task_definition.rpartition(":")[2]
    return int(tail) if tail.isdigit() else 0


def _described(aws: Aws, done: list[Brief]) -> tuple[Revision, ...]:
    arns = [brief.target for brief in done[-MOST_DEPLOYMENTS:]]
    batches = [arns[start : start + DESCRIBE_LIMIT] for start in range(0, len(arns), DESCRIBE_LIMIT)]
    return tuple(revision for batch in batches for revision in serving.revisions(aws, batch))


def _walked(done: list[Brief], by_arn: dict[str, Revision]) -> tuple[list[Revision], bool]:
    """The way, and whether its last step was one back."""
    passed: list[Revision] = []
    returned = False
    for revision in (by_arn[brief.target] for brief in done if brief.target in by_arn):
        before = len(passed)
        digests = [each.digest for each in passed]
        if revision.digest in digests:
            passed = passed[: digests.index(revision.digest)]
        while passed and is_older(revision, passed[-1]):
            passed.pop()
        returned = len(passed) < before and (len(passed) < before - 1 or digests[-1] != revision.digest)
        passed.append(revision)
    return passed, returned
