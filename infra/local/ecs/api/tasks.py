"""RunTask, StopTask, ListTasks, DescribeTasks."""

from __future__ import annotations

import copy
from typing import Any

from infra.local.ecs import render_tasks
from infra.local.ecs.api import sizes
from infra.local.ecs.api.context import Context, at_most, missing, page
from infra.local.ecs.api.definition_checks import check_variables
from infra.local.ecs.api.services import active_definition
from infra.local.ecs.api.settings import check_launch
from infra.local.ecs.api.tags import check_tags
from infra.local.ecs.errors import InvalidParameter, NotServed
from infra.local.ecs.model import Task, TaskDefinition
from infra.local.ecs.scheduler import new_task

PAGE, MAX_DESCRIBED, MAX_STARTED = 100, 100, 10
LAUNCH = (
    "launchType", "platformVersion", "networkConfiguration", "capacityProviderStrategy", "clientToken",
    "enableExecuteCommand",
)  # fmt: skip
UNSERVED = ("volumeConfigurations",)


def run(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """RunTask: up to ten tasks; the same client token again gives the tasks of the first call."""
    cluster = context.store.cluster(given.get("cluster"))
    definition = active_definition(context, given["taskDefinition"])
    _check_run(given, definition)
    given = {**given, "overrides": sizes.in_units(given.get("overrides") or {})}
    token = given.get("clientToken")
    known = [each for each in context.store.tasks if token and each.launch.get("clientToken") == token]
    if not known:
        known = [_started(context, cluster.name, definition, given) for _ in range(given.get("count", 1))]
        context.store.tasks.extend(known)
    return {"tasks": [render_tasks.task(each, with_tags=True) for each in known], "failures": []}


def stop(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """StopTask: a service's task is replaced; one that has stopped stays as it is."""
    task = context.store.task(context.store.cluster(given.get("cluster")), given["task"])
    context.scheduler.retire(task, "UserInitiated", given.get("reason") or "Task stopped by user")
    return {"task": render_tasks.task(task)}


def list_arns(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """ListTasks, by service, family, starter, launch type and desired status (RUNNING where none is given)."""
    cluster = context.store.cluster(given.get("cluster"))
    tasks = [each for each in context.store.all_tasks() if each.cluster is cluster]
    if "serviceName" in given:
        tasks = context.store.service(cluster, given["serviceName"]).tasks
    if "containerInstance" in given:
        raise NotServed("container instances")
    status = given.get("desiredStatus", "RUNNING")
    arns = [
        task.arn
        for task in tasks
        if task.desired_status == status
        and given.get("family", task.definition.family) == task.definition.family
        and given.get("startedBy", task.started_by) == task.started_by
        and given.get("launchType", "FARGATE") == "FARGATE"
    ]
    shown, token = page(arns, given, PAGE)
    return {"taskArns": shown, **token}


def describe(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """DescribeTasks: stopped ones for an hour."""
    cluster = context.store.cluster(given.get("cluster"))
    at_most(MAX_DESCRIBED, given["tasks"], "tasks")
    known = {task.id: task for task in context.store.all_tasks() if task.cluster is cluster}
    names = [name.rpartition("/")[2] for name in given["tasks"]]
    tags = "TAGS" in given.get("include", [])
    return {
        "tasks": [render_tasks.task(known[name], with_tags=tags) for name in names if name in known],
        "failures": [missing(context.store.arn(f"task/{cluster.name}/{name}")) for name in names if name not in known],
    }


def _check_run(given: dict[str, Any], definition: TaskDefinition) -> None:
    if not 1 <= given.get("count", 1) <= MAX_STARTED:
        raise InvalidParameter(f"count must be between 1 and {MAX_STARTED}.")
    for name in UNSERVED:
        if given.get(name):
            raise NotServed(f"the member {name} of RunTask")
    check_launch(given, definition)
    names = {each["name"] for each in definition.containers}
    for override in (given.get("overrides") or {}).get("containerOverrides") or ():
        if override.get("name") not in names:
            raise InvalidParameter(
                f"Override for container named {override.get('name')} is not a container in the TaskDefinition."
            )
        check_variables(override)


def _started(context: Context, cluster: str, definition: TaskDefinition, given: dict[str, Any]) -> Task:
    task = new_task(context.store, cluster, definition, context.clock.now())
    task.group = given.get("group", task.group)
    task.started_by = given.get("startedBy")
    task.overrides = copy.deepcopy(given["overrides"])
    task.launch = copy.deepcopy({name: given[name] for name in LAUNCH if name in given})
    inherited = definition.tags if given.get("propagateTags") == "TASK_DEFINITION" else []
    task.tags = check_tags([*inherited, *given.get("tags", [])])
    return task
