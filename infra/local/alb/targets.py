"""What state each target is in, by ALB's names and thresholds. Pure bookkeeping: time is passed in.

Source: ALB user guide, "target-group-health-checks" and "edit-target-group-attributes" (deregistration delay).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from infra.local.alb.records import Records, TargetGroup

Key = tuple[str, str, int]  # target group ARN, address, port
REASONS = {
    "initial": ("Elb.RegistrationInProgress", "Target registration is in progress"),
    "unavailable": ("Target.HealthCheckDisabled", "Health checks are disabled for this target group"),
    "unhealthy": ("Target.FailedHealthChecks", "Health checks failed"),
    "unused": ("Target.NotRegistered", "Target is not registered to the target group"),
    "draining": ("Target.DeregistrationInProgress", "Target deregistration is in progress"),
}
CHECKING = ("Elb.InitialHealthChecking", "Initial health checks in progress")
NOT_IN_USE = ("Target.NotInUse", "Target group is not configured to receive traffic from the load balancer")


@dataclass
class Target:
    """A target that is registered, or draining. `failed` says why the last check failed, as (reason, description)."""

    key: Key
    group: TargetGroup
    state: str = "initial"
    passes: int = 0
    fails: int = 0
    next_check: float = 0.0
    checking: bool = False
    drained_at: float | None = None
    failed: tuple[str, str] | None = None
    in_use: bool = True


class TargetBook:
    """All targets. `follow` takes over what the records say, `result` what a health check found."""

    def __init__(self) -> None:
        self._targets: dict[Key, Target] = {}

    def follow(self, records: Records, now: float) -> None:
        """New targets begin as `initial`; those no longer registered drain for their group's delay, then go."""
        groups = {group.arn: group for group in records.target_groups}
        in_use = records.in_use
        for group in records.target_groups:
            for address, port in group.targets:
                self._register((group.arn, address, port), group, now)
        for target in list(self._targets.values()):
            arn, address, port = target.key
            self._use(target, arn in in_use, now)
            if arn not in groups:
                del self._targets[target.key]
            elif (address, port) not in groups[arn].targets:
                self._drain(target, now)

    def drain(self, key: Key, group: TargetGroup, now: float) -> None:
        """Drain, from now on, a target that the records no longer name."""
        self._drain(self._targets.setdefault(key, Target(key, group)), now)

    def has_drained(self, now: float) -> bool:
        """Whether the deregistration delay of some target has elapsed."""
        return any(each.drained_at is not None and now >= each.drained_at for each in self._targets.values())

    def result(self, key: Key, failure: tuple[str, str] | None, now: float) -> None:
        """A check passed, or failed with (reason, description). A new target is healthy after its first pass."""
        target = self._targets.get(key)
        if target is None or target.drained_at is not None:
            return
        target.checking = False
        if failure is None:
            target.passes, target.fails, target.failed = target.passes + 1, 0, None
            if target.state == "initial" or target.passes >= target.group.health.healthy_threshold:
                target.state = "healthy"
        else:
            target.passes, target.fails, target.failed = 0, target.fails + 1, failure
            if target.fails >= target.group.health.unhealthy_threshold:
                target.state = "unhealthy"

    def due(self, now: float) -> list[Target]:
        """Targets whose next check is due; each is given out once an interval, however long the check takes."""
        due = [each for each in self._targets.values() if self._is_due(each, now)]
        for target in due:
            target.checking, target.next_check = True, now + target.group.health.interval
        return due

    def state(self, key: Key) -> tuple[str, str | None, str | None]:
        """(state, reason, description), as DescribeTargetHealth gives them."""
        target = self._targets.get(key)
        if target is None:
            return "unused", *REASONS["unused"]
        if not target.in_use and target.drained_at is None:
            return "unused", *NOT_IN_USE
        if target.drained_at is None and not target.group.health.enabled:
            return "unavailable", *REASONS["unavailable"]
        if target.state == "unhealthy" and target.failed is not None:
            return "unhealthy", *target.failed
        if target.state == "initial" and target.fails:
            return "initial", *CHECKING
        return target.state, *REASONS.get(target.state, (None, None))

    def of_group(self, arn: str) -> list[Target]:
        """The group's targets, draining ones too."""
        return [target for target in self._targets.values() if target.key[0] == arn]

    def routable(self, arn: str) -> frozenset[tuple[str, int]]:
        """Targets that get requests: the healthy ones, or where there is none all that are registered (fail-open)."""
        registered = [target for target in self.of_group(arn) if target.drained_at is None]
        healthy = [target for target in registered if target.state == "healthy"]
        return frozenset(target.key[1:] for target in healthy or registered)

    def __iter__(self) -> Iterator[Target]:
        return iter(list(self._targets.values()))

    def _register(self, key: Key, group: TargetGroup, now: float) -> None:
        target = self._targets.get(key)
        if target is None or target.drained_at is not None:
            self._targets[key] = Target(key, group, next_check=now)
        else:
            target.group = group

    @staticmethod
    def _use(target: Target, in_use: bool, now: float) -> None:
        """A group that comes into use has its targets checked from the beginning."""
        if in_use and not target.in_use and target.drained_at is None:
            target.state, target.passes, target.fails, target.next_check = "initial", 0, 0, now
        target.in_use = in_use

    def _drain(self, target: Target, now: float) -> None:
        if target.drained_at is None:
            target.state, target.drained_at = "draining", now + target.group.deregistration_delay
        if now >= target.drained_at:
            del self._targets[target.key]

    @staticmethod
    def _is_due(target: Target, now: float) -> bool:
        watched = target.drained_at is None and target.in_use and target.group.health.enabled
        return watched and not target.checking and now >= target.next_check
