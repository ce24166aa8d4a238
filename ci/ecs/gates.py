"""The gates: each looks at one kind of evidence at a pause, and says passed, failed or inconclusive.

Which of them judge at which pause is `judge.py`'s.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from . import guard, metrics, serving, smoke, suite, tasks
from .analysis import Tolerance, analyse
from .clients import Aws, Listener
from .deployments import Deployment
from .errors import UnexpectedTraffic
from .evidence import FAILED, PASSED, Finding
from .names import Names
from .serving import Ingress

# Rules, revisions and target health are read back a moment after they were changed.
SETTLE_S = 15


@dataclass(frozen=True)
class Place:
    """Where the gates look."""

    aws: Aws
    names: Names
    ingress: Ingress


def traffic(place: Place) -> Callable[[Deployment], Finding]:
    """The load balancer is as this pause must have it; what changes within SETTLE_S is waited for."""

    def gate(deployment: Deployment) -> Finding:
        def look() -> Finding:
            try:
                percent = guard.before_continue(place.aws, place.names, place.ingress, deployment)
            except UnexpectedTraffic as error:
                return Finding(FAILED, str(error).rstrip("."))
            return Finding(PASSED, f"the new revision has {percent:g} % of production, each group its own tasks")

        return _settled(place.aws, look)

    return gate


def health(place: Place, percent: float) -> Callable[[Deployment], Finding]:
    """At least `percent` of the tasks that are wanted pass the load balancer's checks in green's group, and none ended.

    A task that ended has been replaced by ECS, and the next one will end as well.
    """

    def gate(deployment: Deployment) -> Finding:
        service = serving.service_of(place.aws, place.names) or {}
        wanted = max(1, math.ceil(service.get("desiredCount", 1) * percent / 100))

        def look() -> Finding:
            healthy = _healthy(place, deployment)
            numbers: dict[str, Any] = {"healthy": healthy, "wanted": wanted}
            outcome = PASSED if healthy >= wanted else FAILED
            return Finding(outcome, f"{healthy} healthy targets, {wanted} are needed", numbers)

        finding = _settled(place.aws, look)
        ended = tasks.ended(place.aws, place.names, deployment.number) if finding.outcome == PASSED else []
        return Finding(FAILED, ended[0], {**finding.numbers, "ended": len(ended)}) if ended else finding

    return gate


def danger(place: Place, deployment: Deployment) -> str:
    """What between two pauses calls for the way back, in words: the new revision has requests, and its tasks end."""
    if not deployment.percent:
        return ""
    if ended := tasks.ended(place.aws, place.names, deployment.number):
        return ended[0]
    return "" if _healthy(place, deployment) else "the new revision has no healthy target"


def alarms(place: Place, names: tuple[str, ...]) -> Callable[[Deployment], Finding]:
    """None of the alarms is in ALARM: ECS ignores one that was so at the start, and may miss one (fact sheet, 4)."""

    def gate(_: Deployment) -> Finding:
        found = place.aws.cloudwatch.describe_alarms(
            AlarmNames=list(names), AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        states = {
            each["AlarmName"]: str(each["StateValue"])
            for each in [*found.get("MetricAlarms", []), *found.get("CompositeAlarms", [])]
        }
        if missing := sorted(set(names) - set(states)):
            return Finding(FAILED, f"there is no alarm {missing[0]!r}", states)
        if firing := sorted(name for name, state in states.items() if state == "ALARM"):
            return Finding(FAILED, f"the alarm {firing[0]!r} is in ALARM", states)
        return Finding(PASSED, f"none of {len(names)} alarms fires", states)

    return gate


def requests(place: Place, checks: tuple[smoke.Check, ...], listener: Listener) -> Callable[[Deployment], Finding]:
    """All smoke checks pass on a listener."""

    def gate(_: Deployment) -> Finding:
        results = smoke.run(checks, listener, place.aws.clock)
        failed = [result for result in results if not result.ok]
        numbers = {"checks": [result.document() for result in results]}
        if not failed:
            return Finding(PASSED, f"{len(results)} checks passed", numbers)
        hint = "" if failed[0].answered else " (the network stack's TestCidr must include the deployer's address)"
        return Finding(FAILED, f"smoke check {failed[0]}{hint}", numbers)

    return gate


def tests(place: Place, run: suite.Suite) -> Callable[[Deployment], Finding]:
    """The service's own tests pass, pointed at the test listener."""

    def gate(_: Deployment) -> Finding:
        return run(place.ingress.test)

    return gate


def canary(place: Place, tolerance: Tolerance, since: Callable[[], float]) -> Callable[[Deployment], Finding]:
    """Green against blue in the same minutes since the last shift; without a blue there is nothing to tell."""

    def gate(deployment: Deployment) -> Finding:
        green = [each.target_group for each in serving.revisions(place.aws, [deployment.target])]
        if not deployment.sources or not green:
            return Finding(PASSED, "there is no old revision to compare with")
        sides = (green[0], place.ingress.other(green[0]))
        ours, theirs = (metrics.minutes(place.aws, place.ingress.load_balancer, each, since()) for each in sides)
        return analyse(ours, theirs, tolerance)

    return gate


def _healthy(place: Place, deployment: Deployment) -> int:
    for revision in serving.revisions(place.aws, [deployment.target]):
        if revision.target_group:
            return serving.healthy_and_registered(place.aws, revision.target_group)[0]
    return 0


def _settled(aws: Aws, look: Callable[[], Finding]) -> Finding:
    """The first finding that passes, or the one after SETTLE_S."""
    since = aws.clock.monotonic()
    while True:
        finding = look()
        if finding.outcome == PASSED or aws.clock.monotonic() - since > SETTLE_S:
            return finding
        aws.pause()
