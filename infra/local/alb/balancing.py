"""ECS's view of the load balancer, over moto's ELBv2 records and the data plane that makes them true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.local.alb.changes import deregister, find_rule, modify_rule, register
from infra.local.alb.dataplane import DataPlane
from infra.local.ecs.interfaces import RuleForward


class Elbv2Balancing:
    """One region's. `backend` is moto's ELBv2 backend."""

    def __init__(self, backend: Any, plane: DataPlane) -> None:
        self._backend = backend
        self._plane = plane

    def rule(self, arn: str) -> RuleForward | None:
        """The rule's weights, from all its forward actions; None where there is no such rule."""
        found = find_rule(self._backend, arn)
        if found is None:
            return None
        rule = found[1]
        weights: dict[str, int] = {}
        for action in rule.actions:
            weights.update(_weights(action.data))
        return RuleForward(weights, plain=all(action.type == "forward" for action in rule.actions))

    def set_weights(self, arn: str, weights: Mapping[str, int]) -> None:
        """Write the rule as ECS does, one weighted forward, and have HAProxy follow before this returns."""
        groups = [{"TargetGroupArn": group, "Weight": weight} for group, weight in weights.items()]
        modify_rule(self._backend, arn, (), [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}])
        self._plane.sync()

    def target_group_exists(self, arn: str) -> bool:
        """Whether the region has the target group."""
        return arn in self._backend.target_groups

    def register(self, target_group: str, ip: str, port: int) -> None:
        """Register an address; its health checks begin at once."""
        register(self._backend.target_groups[target_group], [{"Id": ip, "Port": port}])
        self._plane.sync()

    def deregister(self, target_group: str, ip: str, port: int) -> None:
        """A group that was deleted, or does not know the target, is no error."""
        group = self._backend.target_groups.get(target_group)
        if group is not None:
            deregister(group, [{"Id": ip, "Port": port}])
            self._plane.sync()

    def drain(self, target_group: str, ip: str, port: int) -> None:
        """Go on draining after a start of the server."""
        self._plane.drain((target_group, ip, port))

    def target_state(self, target_group: str, ip: str, port: int) -> str:
        """The state that our own checks found."""
        with self._plane.lock:
            return self._plane.book.state((target_group, ip, port))[0]


def _weights(action: Mapping[str, Any]) -> dict[str, int]:
    if "ForwardConfig" in action:
        return {each["TargetGroupArn"]: int(each["Weight"]) for each in action["ForwardConfig"]["TargetGroups"]}
    return {action["TargetGroupArn"]: 1} if "TargetGroupArn" in action else {}
