"""ECS's view of the load balancer, over moto's ELBv2 records and the data plane that makes them true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.local.alb.dataplane import DataPlane
from infra.local.ecs.interfaces import RuleForward


class Elbv2Balancing:
    """One region's. `backend` is moto's ELBv2 backend."""

    def __init__(self, backend: Any, plane: DataPlane) -> None:
        self._backend = backend
        self._plane = plane

    def rule(self, arn: str) -> RuleForward | None:
        """The rule's weights, from all its forward actions; None where there is no such rule."""
        rule = self._find(arn)
        if rule is None:
            return None
        weights: dict[str, int] = {}
        for action in rule.actions:
            weights.update(_weights(action.data))
        return RuleForward(weights, plain=all(action.type == "forward" for action in rule.actions))

    def set_weights(self, arn: str, weights: Mapping[str, int]) -> None:
        """Write the rule as ECS does, one weighted forward, and have HAProxy follow before this returns."""
        groups = [{"TargetGroupArn": group, "Weight": weight} for group, weight in weights.items()]
        self._backend.modify_rule(arn, [], [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}])
        self._plane.sync()

    def target_group_exists(self, arn: str) -> bool:
        """Whether the region has the target group."""
        return arn in self._backend.target_groups

    def register(self, target_group: str, ip: str, port: int) -> None:
        """Register an address; its health checks begin at once."""
        self._backend.register_targets(target_group, [{"Id": ip, "Port": port}])
        self._plane.sync()

    def deregister(self, target_group: str, ip: str, port: int) -> None:
        """A group that was deleted, or does not know the target, is no error."""
        group = self._backend.target_groups.get(target_group)
        if group is not None and ip in group.targets:
            self._backend.deregister_targets(target_group, [{"Id": ip, "Port": port}])
            self._plane.sync()

    def target_state(self, target_group: str, ip: str, port: int) -> str:
        """The state that our own checks found."""
        with self._plane.lock:
            return self._plane.book.state((target_group, ip, port))[0]

    def _find(self, arn: str) -> Any:
        for balancer in list(self._backend.load_balancers.values()):
            for listener in list(balancer.listeners.values()):
                for rule in list(listener.rules.values()):
                    if rule.arn == arn:
                        return rule
        return None


def _weights(action: Mapping[str, Any]) -> dict[str, int]:
    if "ForwardConfig" in action:
        return {each["TargetGroupArn"]: int(each["Weight"]) for each in action["ForwardConfig"]["TargetGroups"]}
    return {action["TargetGroupArn"]: 1} if "TargetGroupArn" in action else {}
