"""The service's tasks: which revision each belongs to, and where it listens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .clients import Aws
from .names import Names

# DescribeTasks takes so many.
DESCRIBE_LIMIT = 100


def tasks(aws: Aws, names: Names, status: str = "RUNNING") -> Iterator[Mapping[str, Any]]:
    """The tasks whose desired status is this one."""
    token: dict[str, Any] = {}
    while True:
        page = aws.ecs.list_tasks(
            cluster=names.cluster,
            serviceName=names.service,
            desiredStatus=status,  # type: ignore[arg-type]  # a str to mypy
            maxResults=DESCRIBE_LIMIT,
            **token,
        )
        if arns := page.get("taskArns", []):
            yield from aws.ecs.describe_tasks(cluster=names.cluster, tasks=arns)["tasks"]
        if not page.get("nextToken"):
            return
        token = {"nextToken": page["nextToken"]}


def ended(aws: Aws, names: Names, number: str) -> list[str]:
    """Why tasks of a revision ended that ought to run on: those whose container exited, or failed its health check."""
    stopped = [each for each in tasks(aws, names, "STOPPED") if number_of(each) == number]
    return [f"a task ended: {why(each)}" for each in stopped if _ended_by_itself(each)]


def why(task: Mapping[str, Any]) -> str:
    """The reason ECS has for a stopped task, with the exit codes."""
    codes = [str(each["exitCode"]) for each in task.get("containers", []) if each.get("exitCode") is not None]
    code = f" (exit code {', '.join(codes)})" if codes else ""
    return f"{task.get('stoppedReason', 'no reason')}{code}"


def _ended_by_itself(task: Mapping[str, Any]) -> bool:
    return task.get("stopCode") == "EssentialContainerExited" or task.get("healthStatus") == "UNHEALTHY"


def number_of(task: Mapping[str, Any]) -> str:
    """The tail of the ARN of the task's revision: ECS started it as ``ecs-svc/NUMBER``."""
    return str(task.get("startedBy", "")).rsplit("/", 1)[-1]


def revision_by_address(aws: Aws, names: Names) -> dict[str, str]:
    """Number of the revision by private IPv4 address, of all tasks that run."""
    return {address: number_of(task) for task in tasks(aws, names) for address in _addresses(task)}


def _addresses(task: Mapping[str, Any]) -> Iterator[str]:
    for attachment in task.get("attachments", []):
        yield from (each["value"] for each in attachment.get("details", []) if each["name"] == "privateIPv4Address")
    for container in task.get("containers", []):
        interfaces = container.get("networkInterfaces", [])
        yield from (each["privateIpv4Address"] for each in interfaces if each.get("privateIpv4Address"))
