"""DescribeTargetHealth, from the states that our own checks found."""

from __future__ import annotations

from typing import Any

from infra.local.alb.dataplane import DataPlane
from infra.local.alb.targets import Key


def describe_target_health(plane: DataPlane, given: dict[str, Any]) -> dict[str, Any]:
    """The operation's output: the targets that are asked for, or all that are registered or draining."""
    group = given["TargetGroupArn"]
    plane.sync()
    with plane.lock:
        keys = [target.key for target in plane.book.of_group(group)]
        if given.get("Targets"):
            ports = {key[1]: key[2] for key in keys}
            keys = [(group, each["Id"], each.get("Port") or ports.get(each["Id"], 0)) for each in given["Targets"]]
        return {"TargetHealthDescriptions": [_description(plane, key) for key in keys]}


def _description(plane: DataPlane, key: Key) -> dict[str, Any]:
    state, reason, description = plane.book.state(key)
    return {
        "Target": {"Id": key[1], "Port": key[2]},
        "HealthCheckPort": str(key[2]),
        "TargetHealth": {"State": state, "Reason": reason, "Description": description},
    }
