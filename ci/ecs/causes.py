"""Why a deployment went wrong, as far as ECS's events and stopped tasks tell; for people, never for decisions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from . import foreign, tasks
from .clients import Aws
from .deployments import Deployment
from .errors import AwsFault
from .names import CONTAINER, Names

EVENTS = 10
LOGGED_TASKS, LOGGED_LINES = 3, 20
TELLING = ("fail", "unhealthy", "unable", "could not", "exceeded")


def why(aws: Aws, names: Names, deployment: Deployment) -> str:
    """ECS's reason, and with it what the first telling event and the first stopped task say; one line."""
    parts = [deployment.reason or f"ECS gives no reason for {deployment.status}"]
    if deployment.status == "STOPPED":
        with suppress(*AwsFault):
            parts += filter(None, [foreign.started_over(aws, names, deployment)])
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
    number = deployment.target.rsplit("/", 1)[-1]
    for task in tasks.tasks(aws, names, "STOPPED"):
        if tasks.number_of(task) == number:
            yield f"a task stopped: {tasks.why(task)}"


def excerpts(aws: Aws, names: Names, deployment: Deployment) -> list[str]:
    """The last lines of the logs of tasks of the deployment's revision that stopped; none where they cannot be read."""
    number = deployment.target.rsplit("/", 1)[-1]
    lines: list[str] = []
    with suppress(*AwsFault):
        stopped = [each for each in tasks.tasks(aws, names, "STOPPED") if tasks.number_of(each) == number]
        for task in stopped[:LOGGED_TASKS]:
            lines += _tail(aws, names, str(task.get("taskArn", "")).rsplit("/", 1)[-1])
    return lines


def _tail(aws: Aws, names: Names, task: str) -> list[str]:
    """As the service's template names group and stream."""
    answer = aws.logs.get_log_events(
        logGroupName=f"/ecs/{names.service}", logStreamName=f"{CONTAINER}/{CONTAINER}/{task}", limit=LOGGED_LINES
    )
    return [f"{task[:8]} {each.get('message', '').rstrip()}" for each in answer.get("events", [])]
