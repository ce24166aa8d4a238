"""Which container of a task may start or stop next (API: ContainerDependency)."""

from __future__ import annotations

from infra.local.ecs.model import Container, Task


class NeverSatisfied(Exception):
    """A dependency can no longer come about; `str()` is the container's reason."""


def satisfied(task: Task, container: Container, now: float) -> bool:
    """Whether all that the container waits for has come about; raises NeverSatisfied where it cannot any more."""
    wanted = task.definition.container(container.name).get("dependsOn") or ()
    met = [_met(task, container, each["containerName"], each["condition"], now) for each in wanted]
    return all(met)


def may_stop(task: Task, container: Container) -> bool:
    """A container is stopped once those that depend on it have ended."""
    return not any(
        dependency["containerName"] == container.name
        for other in task.containers
        if not other.ended and other.runtime_id is not None
        for dependency in task.definition.container(other.name).get("dependsOn") or ()
    )


def _met(task: Task, container: Container, name: str, condition: str, now: float) -> bool:
    other = next(each for each in task.containers if each.name == name)
    never = NeverSatisfied(f"dependency graph: container ordering dependency [{name}] for target [{container.name}] "
                           f"did not reach the condition {condition}.")  # fmt: skip
    match condition:
        case "START":
            met, lost = other.runtime_id is not None, False
        case "COMPLETE":
            met, lost = other.ended, False
        case "SUCCESS":
            met, lost = other.ended and other.exit_code == 0, other.ended and other.exit_code != 0
        case _:
            met, lost = other.health == "HEALTHY" and not other.ended, other.ended or other.health == "UNHEALTHY"
    if lost or (not met and _too_late(task, other, now)):
        raise never
    return met


def _too_late(task: Task, other: Container, now: float) -> bool:
    """`startTimeout` is how long the others wait for a container to come to the condition."""
    limit = task.definition.container(other.name).get("startTimeout")
    return limit is not None and other.started_at is not None and now > other.started_at + limit
