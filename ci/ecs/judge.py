"""The judge: at each pause the gates that belong to it, one after the other, and what they add up to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from . import gates, smoke
from .analysis import Tolerance
from .deployments import Deployment, Hook
from .evidence import FAILED, INCONCLUSIVE, Finding, Gate, Judgement
from .gates import Place
from .strategy import BEFORE_STEP, SHIFTED, TESTED
from .suite import Suite

WAIT, CONTINUE, ROLLBACK = "wait", "continue", "rollback"
INCONCLUSIVE_WAYS = (WAIT, CONTINUE, ROLLBACK)
# Of the time that a hook has left when it is first seen, the part that may pass in waiting for evidence.
WAITED_PART = 0.8


@dataclass(frozen=True)
class Criteria:
    """By what a deployment is judged; `inconclusive` is what is done where the canary's evidence does not suffice."""

    checks: tuple[smoke.Check, ...]
    alarms: tuple[str, ...] = ()
    healthy_percent: float = 100.0
    tolerance: Tolerance = field(default_factory=Tolerance)
    inconclusive: str = WAIT
    suite: Suite | None = None


@dataclass(frozen=True)
class Verdict:
    """The judgement at a pause: go on or roll back, and why; `inconclusive` where it is for want of evidence."""

    go: bool
    why: str = ""
    inconclusive: bool = False


@dataclass
class Judge:
    """Judges pauses; each judgement is appended to `judgements` (one of a gate at a pause, the newest counts)."""

    place: Place
    criteria: Criteria
    judgements: list[Judgement]
    shifted_at: Callable[[], float]
    _due: dict[str, float] = field(default_factory=dict)

    def __call__(self, deployment: Deployment, hook: Hook) -> Verdict | None:
        """The verdict, or None while more evidence is waited for."""
        unsure = ""
        passed = 0
        for name, gate in self._gates(deployment):
            finding = gate(deployment)
            self._note(name, deployment, finding)
            if finding.outcome == FAILED:
                return Verdict(False, finding.why)
            if finding.outcome == INCONCLUSIVE:
                unsure = finding.why
            passed += 1
        return self._unsure(hook, unsure) if unsure else Verdict(True, f"{passed} gates passed")

    def _gates(self, deployment: Deployment) -> Sequence[tuple[str, Gate]]:
        """By the stage of the pause. Before the first step no request of production has reached green."""
        place, criteria = self.place, self.criteria
        common: list[tuple[str, Gate]] = [
            ("traffic", gates.traffic(place)),
            ("health", gates.health(place, criteria.healthy_percent)),
        ]
        if criteria.alarms:
            common.append(("alarms", gates.alarms(place, criteria.alarms)))
        if deployment.stage == TESTED:
            common.append(("smoke", gates.requests(place, criteria.checks, place.ingress.test)))
            if criteria.suite:
                common.append(("tests", gates.tests(place, criteria.suite)))
        if deployment.stage == SHIFTED:
            common.append(("smoke", gates.requests(place, criteria.checks, place.ingress.production)))
        if deployment.stage == BEFORE_STEP and deployment.percent:
            common.append(("canary", gates.canary(place, criteria.tolerance, self.shifted_at)))
        return common

    def _unsure(self, hook: Hook, why: str) -> Verdict | None:
        if self.criteria.inconclusive == CONTINUE:
            return Verdict(True, f"inconclusive, and told to go on: {why}")
        if self.criteria.inconclusive == WAIT and not self._over(hook):
            return None
        return Verdict(False, f"the evidence is inconclusive: {why}", inconclusive=True)

    def _over(self, hook: Hook) -> bool:
        """Whether the time to wait has passed; a hook that tells no end is not waited for."""
        now = self.place.aws.clock.now()
        if hook.id not in self._due:
            expires = hook.expires.timestamp() if hook.expires else now
            self._due[hook.id] = now + WAITED_PART * (expires - now)
        return now >= self._due[hook.id]

    def _note(self, gate: str, deployment: Deployment, finding: Finding) -> None:
        aws = self.place.aws
        made = Judgement(gate, deployment.stage, deployment.percent, aws.clock.now(), finding)
        earlier = self.judgements[-1] if self.judgements else None
        same = earlier and (earlier.gate, earlier.stage, earlier.percent) == (gate, made.stage, made.percent)
        if earlier is None or not same or earlier.finding.outcome != finding.outcome:
            aws.progress(f"{gate}: {finding.outcome} ({finding.why})")
        self.judgements[:] = [each for each in self.judgements if not _again(each, made)] + [made]


def _again(one: Judgement, other: Judgement) -> bool:
    return (one.gate, one.stage, one.percent) == (other.gate, other.stage, other.percent)


def suite_of(python: Path | None, repository: Path | None, paths: Sequence[str]) -> Suite | None:
    """The service's tests where there are any to run."""
    return Suite(python, repository, tuple(paths)) if python and repository and paths else None
