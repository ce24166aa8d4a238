"""Which target group is live, which one takes the incoming tasks, and the writing of both rules' weights.

Sources: developer guide, "blue-green-deployment-how-it-works" and "troubleshooting-blue-green" (the texts). Which group
a first deployment lands in is the other one than the production rule's live one, as was observed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.ecs.interfaces import LoadBalancing, RuleForward
from infra.local.ecs.model import Task
from infra.local.ecs.strategy import WHOLE, weights

BOTH_MUST_HANG = (
    "Both targetGroup and alternateTargetGroup must be associated with the productionListenerRule or testListenerRule."
)


class InvalidNetworking(Exception):
    """The rules or target groups are not as a shift needs them; `str()` goes behind ECS's fixed words."""


@dataclass(frozen=True)
class Attachment:
    """An entry of a service's loadBalancers. `alternate` and the rules are there for strategies that shift traffic."""

    container: str
    port: int
    target_group: str
    alternate: str | None = None
    production_rule: str | None = None
    test_rule: str | None = None

    @property
    def groups(self) -> frozenset[str]:
        """Its target groups."""
        return frozenset(group for group in (self.target_group, self.alternate) if group)

    def other(self, group: str) -> str:
        """The group of the pair that `group` is not."""
        return self.alternate if self.alternate and group == self.target_group else self.target_group

    def live(self, balancing: LoadBalancing) -> str:
        """The group that serves production; raises InvalidNetworking where the rules are not fit for a shift."""
        production = _existing_rule(balancing, self.production_rule)
        hanging = set(production.weights)
        if self.test_rule is not None:
            hanging |= set(_existing_rule(balancing, self.test_rule).weights)
        if not production.plain:
            raise InvalidNetworking(f"The rule {self.production_rule} has actions other than forward.")
        if unexpected := sorted(set(production.weights) - self.groups):
            raise InvalidNetworking(
                f"{self.production_rule} is forwarding traffic to unexpected target group {unexpected[0]}."
            )
        if missing := sorted(self.groups - hanging):
            raise InvalidNetworking(f"Target group {missing[0]} is not associated with a rule. {BOTH_MUST_HANG}")
        serving = [group for group, weight in production.weights.items() if weight > 0]
        if len(serving) != 1:
            raise InvalidNetworking(
                f"{self.production_rule} should have exactly one target group serving traffic but found {len(serving)}."
            )
        return serving[0]

    def shift_production(self, balancing: LoadBalancing, to: str, percent: float = WHOLE) -> None:
        """Give `to` that share of production, the other group the rest."""
        if self.production_rule is not None:
            share, rest = weights(percent)
            balancing.set_weights(self.production_rule, {to: share, self.other(to): rest})

    def shift_test(self, balancing: LoadBalancing, to: str) -> None:
        """Show `to` on the test rule; nothing where there is none."""
        if self.test_rule is not None:
            balancing.set_weights(self.test_rule, {to: 100, self.other(to): 0})


def attachments(settings: Mapping[str, Any]) -> tuple[Attachment, ...]:
    """The entries of loadBalancers of a service's settings."""
    return tuple(_attachment(entry) for entry in settings.get("loadBalancers") or ())


def _attachment(entry: Mapping[str, Any]) -> Attachment:
    advanced = entry.get("advancedConfiguration") or {}
    return Attachment(
        entry["containerName"],
        entry["containerPort"],
        entry["targetGroupArn"],
        advanced.get("alternateTargetGroupArn"),
        advanced.get("productionListenerRule"),
        advanced.get("testListenerRule"),
    )


def targets(task: Task) -> list[tuple[str, str, int]]:
    """(target group, address, port) of everything that the task is, or should be, registered as."""
    if task.revision is None or task.ip is None:
        return []
    pairs = zip(task.revision.target_groups, attachments(task.revision.settings), strict=False)
    return [(group, task.ip, entry.port) for group, entry in pairs]


def _existing_rule(balancing: LoadBalancing, arn: str | None) -> RuleForward:
    rule = balancing.rule(arn or "")
    if rule is None:
        raise InvalidNetworking(f"One or more rules not found: {arn}")
    return rule
