"""Why a deployment went wrong, as far as ECS's events and stopped tasks tell; for people, never for decisions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from .clients import Aws
from .deployments import Deployment
from .errors import AwsFault
from .names import Names

EVENTS = 10
TASKS = 10
TELLING = ("fail", "unhealthy", "unable", "could not", "exceeded")


def why(aws: Aws, names: Names, deployment: Deployment) -> str:
    """ECS's reason, and with it what the first telling event and the first stopped task say; one line."""
    parts = [deployment.reason or f"ECS gives no reason for {deployment.status}"]
    with suppress(*AwsFault):
        parts += [event for event in _events(aws, names) if not deployment.reason or deployment.reason not in event][:1]
    with suppress(*AwsFault):
        parts += list(_stopped_tasks(aws, names, deployment))[:1]
    return "; ".join(" ".join(part.split()).rstrip(".") for part in dict.fromkeys(parts))


def _events(aws: Aws, names: Names) -> Iterator[str]:
    for service in aws.ecs.describe_services(cluster=names.cluster, services=[names.service]).get("services", []):
        for event in service.get("events", [])[:EVENTS]:
            if any(word in event["message"].lower() for word in TELLING):
                yield event["message"]


def _stopped_tasks(aws: Aws, names: Names, deployment: Deployment) -> Iterator[str]:
    """Tasks of the deployment's own revision: they were started by ``ecs-svc/`` and the tail of its ARN."""
    found = aws.ecs.list_tasks(cluster=names.cluster, serviceName=names.service, desiredStatus="STOPPED")["taskArns"]
    if not found:
        return
    number = deployment.target.rsplit("/", 1)[-1]
    for task in aws.ecs.describe_tasks(cluster=names.cluster, tasks=found[:TASKS])["tasks"]:
        if task.get("startedBy", "").rsplit("/", 1)[-1] != number:
            continue
        codes = [str(each["exitCode"]) for each in task.get("containers", []) if each.get("exitCode") is not None]
        code = f" (exit code {', '.join(codes)})" if codes else ""
        yield f"a task stopped: {task.get('stoppedReason', 'no reason')}{code}"
