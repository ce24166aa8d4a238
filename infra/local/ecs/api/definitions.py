"""RegisterTaskDefinition, DescribeTaskDefinition, ListTaskDefinitions, DeregisterTaskDefinition."""

from __future__ import annotations

from typing import Any

from infra.local.ecs import render
from infra.local.ecs.api.context import Context, page
from infra.local.ecs.errors import ClientError, NotServed
from infra.local.ecs.model import ACTIVE, INACTIVE, TaskDefinition

PAGE = 100


def register(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """Each call makes a new revision of the family."""
    if not given["containerDefinitions"]:
        raise ClientError("Container.name should not be null or empty.")
    if len(given["containerDefinitions"]) > 1:
        raise NotServed("task definitions with more than one container")
    container = given["containerDefinitions"][0]
    if not container.get("name") or not container.get("image"):
        raise ClientError("Container.image should not be null or empty.")
    body = {name: value for name, value in given.items() if name != "tags"}
    known = context.store.families.setdefault(given["family"], [])
    number = len(known) + 1
    arn = context.store.arn(f"task-definition/{given['family']}:{number}")
    record = TaskDefinition(given["family"], number, arn, body, context.clock.now(), given.get("tags", []))
    known.append(record)
    return {"taskDefinition": render.definition(record), "tags": record.tags}


def describe(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """DescribeTaskDefinition: inactive revisions too."""
    record = context.store.definition(given["taskDefinition"])
    tags = record.tags if "TAGS" in given.get("include", []) else []
    return {"taskDefinition": render.definition(record), "tags": tags}


def list_arns(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """ListTaskDefinitions, by the beginning of the family's name and by status."""
    prefix, status = given.get("familyPrefix", ""), given.get("status", ACTIVE)
    families = (known for name, known in sorted(context.store.families.items()) if name.startswith(prefix))
    arns = [each.arn for known in families for each in known if each.status == status]
    shown, token = page(arns[::-1] if given.get("sort") == "DESC" else arns, given, PAGE)
    return {"taskDefinitionArns": shown, **token}


def deregister(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """Running services keep what they have; new ones cannot use it."""
    if ":" not in given["taskDefinition"].rpartition("/")[2]:
        raise ClientError("Invalid task definition: a revision is needed.")
    record = context.store.definition(given["taskDefinition"])
    record.status, record.deregistered_at = INACTIVE, context.clock.now()
    return {"taskDefinition": render.definition(record)}
