"""From a task definition's container to what the runtime is asked to run."""

from __future__ import annotations

from infra.local.ecs.interfaces import ContainerSpec, HealthCheck
from infra.local.ecs.model import Service, Task

DEFAULT_INTERVAL, DEFAULT_TIMEOUT, DEFAULT_RETRIES = 30, 5, 3  # API: HealthCheck


def container_spec(task: Task, service: Service) -> ContainerSpec:
    """The task's one container; the task's own cpu and memory are its limits."""
    body = task.revision.definition.body
    container = task.revision.definition.container()
    definition = task.revision.definition
    return ContainerSpec(
        name=f"{service.cluster.name}-{definition.family}-{definition.revision}-{task.id[:12]}",
        image=container["image"],
        labels={
            "cutover.ecs.task": task.arn,
            "cutover.ecs.service": service.arn,
            "cutover.ecs.task-definition": definition.arn,
            "cutover.ecs.revision": task.revision.arn,
        },
        environment={each["name"]: each.get("value", "") for each in container.get("environment") or ()},
        entry_point=_words(container.get("entryPoint")),
        command=_words(container.get("command")),
        user=container.get("user"),
        working_directory=container.get("workingDirectory"),
        read_only=bool(container.get("readonlyRootFilesystem")),
        cpu=int(body.get("cpu") or container.get("cpu") or 0),
        memory=int(body.get("memory") or container.get("memory") or 0),
        health_check=_health_check(container.get("healthCheck")),
    )


def _words(words: list[str] | None) -> tuple[str, ...] | None:
    return tuple(words) if words else None


def _health_check(check: dict[str, object] | None) -> HealthCheck | None:
    if not check:
        return None
    command = check["command"]
    assert isinstance(command, list)
    return HealthCheck(
        command=tuple(command),
        interval=_number(check, "interval", DEFAULT_INTERVAL),
        timeout=_number(check, "timeout", DEFAULT_TIMEOUT),
        retries=int(_number(check, "retries", DEFAULT_RETRIES)),
        start_period=_number(check, "startPeriod", 0),
    )


def _number(check: dict[str, object], key: str, default: int) -> float:
    value = check.get(key)
    return float(value) if isinstance(value, int | float) else float(default)
