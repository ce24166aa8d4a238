"""ListTasks, DescribeTasks, DescribeServiceRevisions."""

from __future__ import annotations

from typing import Any

from infra.local.ecs import render_tasks
from infra.local.ecs.api.context import Context, missing, page
from infra.local.ecs.model import Service, Task

PAGE = 100


def list_arns(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """ListTasks, by service, family, starter and desired status (RUNNING where none is given)."""
    cluster = context.store.cluster(given.get("cluster"))
    services = [each for each in context.store.services.values() if each.cluster is cluster]
    if "serviceName" in given:
        services = [context.store.service(cluster, given["serviceName"])]
    status = given.get("desiredStatus", "RUNNING")
    arns = [
        task.arn
        for service in services
        for task in service.tasks
        if task.desired_status == status
        and given.get("family", task.revision.definition.family) == task.revision.definition.family
        and given.get("startedBy", f"ecs-svc/{task.revision.id}") == f"ecs-svc/{task.revision.id}"
    ]
    shown, token = page(arns, given, PAGE)
    return {"taskArns": shown, **token}


def describe(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """DescribeTasks: stopped ones for an hour."""
    cluster = context.store.cluster(given.get("cluster"))
    known: dict[str, tuple[Task, Service]] = {
        task.id: (task, service)
        for service in context.store.services.values()
        if service.cluster is cluster
        for task in service.tasks
    }
    names = [name.rpartition("/")[2] for name in given["tasks"]]
    return {
        "tasks": [render_tasks.task(*known[name], cluster) for name in names if name in known],
        "failures": [missing(context.store.arn(f"task/{cluster.name}/{name}")) for name in names if name not in known],
    }


def describe_revisions(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """DescribeServiceRevisions."""
    known = {
        revision.arn: (revision, service)
        for service in context.store.services.values()
        for revision in service.revisions.values()
    }
    arns = given["serviceRevisionArns"]
    return {
        "serviceRevisions": [render_tasks.revision(*known[arn]) for arn in arns if arn in known],
        "failures": [missing(arn) for arn in arns if arn not in known],
    }
