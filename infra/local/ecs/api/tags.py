"""TagResource, UntagResource, ListTagsForResource."""

from __future__ import annotations

from typing import Any

from infra.local.ecs.api.context import Context
from infra.local.ecs.errors import InvalidParameter, ResourceNotFound
from infra.local.ecs.model import ACTIVE, INACTIVE, Tags

MAX_TAGS = 50
RESERVED = "aws:"


def tag(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """Tags of keys that are there already are replaced."""
    tags = _tags(context, given["resourceArn"])
    merged = check_tags([*tags, *given["tags"]])
    tags[:] = merged
    return {}


def untag(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """A key that is not there is no error."""
    tags = _tags(context, given["resourceArn"])
    tags[:] = [each for each in tags if each["key"] not in given["tagKeys"]]
    return {}


def list_tags(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """ListTagsForResource, to which the model gives no ResourceNotFoundException."""
    try:
        return {"tags": _tags(context, given["resourceArn"])}
    except ResourceNotFound as error:
        raise InvalidParameter(str(error)) from error


def check_tags(given: Tags) -> Tags:
    """The tags, the last of each key; raises InvalidParameter for keys that are missing or AWS's, and for too many."""
    if not all(each.get("key") for each in given):
        raise InvalidParameter("Tag key can not be null or empty.")
    found = {each["key"]: each for each in given}
    if reserved := [key for key in found if key.lower().startswith(RESERVED)]:
        raise InvalidParameter(f"Invalid tag key {reserved[0]}: the prefix aws: is reserved for AWS use.")
    if len(found) > MAX_TAGS:
        raise InvalidParameter(f"The maximum number of tags for a resource is {MAX_TAGS}.")
    return [{"key": each["key"], "value": each.get("value", "")} for each in found.values()]


def _tags(context: Context, arn: str) -> Tags:
    store = context.store
    fields = arn.split(":", 5)
    if len(fields) < 6 or fields[2] != "ecs":
        raise InvalidParameter(f"The resource ARN {arn} is not one of ECS.")
    kind = fields[5].partition("/")[0]
    if kind == "cluster":
        found = [each.tags for each in store.clusters.values() if each.arn == arn and each.status == ACTIVE]
    elif kind == "service":
        found = [each.tags for each in store.services.values() if each.arn == arn and each.status != INACTIVE]
    elif kind == "task":
        found = [each.tags for each in store.all_tasks() if each.arn == arn]
    elif kind == "task-definition":
        found = [each.tags for family in store.families.values() for each in family if each.arn == arn]
    else:
        raise InvalidParameter(f"The resource type {kind} cannot be tagged here.")
    if not found:
        raise ResourceNotFound
    return found[0]
