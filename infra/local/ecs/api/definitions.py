"""Task definitions: registered, listed, deregistered, deleted."""

from __future__ import annotations

from typing import Any

from infra.local.ecs import render
from infra.local.ecs.api import sizes
from infra.local.ecs.api.context import Context, page
from infra.local.ecs.api.definition_checks import check_definition
from infra.local.ecs.api.tags import check_tags
from infra.local.ecs.errors import ClientError, InvalidParameter
from infra.local.ecs.model import ACTIVE, DELETE_IN_PROGRESS, INACTIVE, TaskDefinition

PAGE, MAX_DELETED = 100, 10


def register(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """Each call makes a new revision of the family."""
    body = sizes.in_units({name: value for name, value in given.items() if name != "tags"})
    check_definition(body)
    known = context.store.families.setdefault(given["family"], [])
    number = known[-1].revision + 1 if known else 1
    arn = context.store.arn(f"task-definition/{given['family']}:{number}")
    record = TaskDefinition(
        given["family"], number, arn, body, context.clock.now(), context.caller, check_tags(given.get("tags", []))
    )
    known.append(record)
    return {"taskDefinition": render.definition(record), "tags": record.tags}


def describe(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """DescribeTaskDefinition: inactive revisions too."""
    record = context.store.definition(given["taskDefinition"])
    tags = record.tags if "TAGS" in given.get("include", []) else []
    return {"taskDefinition": render.definition(record), "tags": tags}


def list_arns(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """ListTaskDefinitions, by family (the API calls it a prefix, and takes the whole name) and by status."""
    family, status = given.get("familyPrefix"), given.get("status", ACTIVE)
    families = (known for name, known in sorted(context.store.families.items()) if family in (None, name))
    arns = [each.arn for known in families for each in known if each.status == status]
    shown, token = page(arns[::-1] if given.get("sort") == "DESC" else arns, given, PAGE)
    return {"taskDefinitionArns": shown, **token}


def list_families(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """ListTaskDefinitionFamilies: ACTIVE are those with an active revision, INACTIVE the others."""
    prefix, status = given.get("familyPrefix", ""), given.get("status", ACTIVE)
    names = [
        name
        for name, known in sorted(context.store.families.items())
        if name.startswith(prefix) and status in ("ALL", ACTIVE if _is_active(known) else INACTIVE)
    ]
    shown, token = page(names, given, PAGE)
    return {"families": shown, **token}


def deregister(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """Running services keep what they have; new ones cannot use it."""
    if ":" not in given["taskDefinition"].rpartition("/")[2]:
        raise ClientError("Invalid task definition: a revision is needed.")
    record = context.store.definition(given["taskDefinition"])
    record.status, record.deregistered_at = INACTIVE, context.clock.now()
    return {"taskDefinition": render.definition(record)}


def delete(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """DeleteTaskDefinitions: those that are INACTIVE; they go at once where no task or service uses them."""
    if len(given["taskDefinitions"]) > MAX_DELETED:
        raise InvalidParameter(f"You can delete at most {MAX_DELETED} task definitions.")
    done, failures = [], []
    for reference in given["taskDefinitions"]:
        try:
            record = context.store.definition(reference)
        except ClientError:
            failures.append({"arn": reference, "reason": "The specified task definition was not found."})
            continue
        if record.status == ACTIVE:
            failures.append({"arn": record.arn, "reason": "The specified task definition is still in ACTIVE status. "
                             "Please deregister the target and try again."})  # fmt: skip
        else:
            record.status = DELETE_IN_PROGRESS
            done.append(render.definition(record))
            _forget(context, record)
    return {"taskDefinitions": done, "failures": failures}


def _forget(context: Context, record: TaskDefinition) -> None:
    """One that is the newest of its family stays as DELETE_IN_PROGRESS: its number is not given again."""
    services = context.store.services.values()
    revisions = (revision for service in services for revision in service.revisions.values())
    users = [each.definition for each in revisions] + [task.definition for task in context.store.all_tasks()]
    known = context.store.families[record.family]
    if not any(each is record for each in users) and known[-1] is not record:
        known.remove(record)


def _is_active(known: list[TaskDefinition]) -> bool:
    return any(each.status == ACTIVE for each in known)
