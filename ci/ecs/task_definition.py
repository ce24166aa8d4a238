"""The next task definition: the live one with another image, and what the service is told of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from .clients import Aws
from .errors import ContainerMissing, code_of
from .images import Image
from .names import CONTAINER, Names
from .once import once

# What DescribeTaskDefinition answers and RegisterTaskDefinition does not take.
READ_ONLY = frozenset(
    {
        "taskDefinitionArn",
        "revision",
        "status",
        "requiresAttributes",
        "compatibilities",
        "registeredAt",
        "registeredBy",
        "deregisteredAt",
        "deleteRequestedAt",
    }
)


def told(image: Image, version: str, commit: str) -> dict[str, str]:
    """The environment variables by which the service knows what it is."""
    return {"APP_VERSION": version, "APP_COMMIT": commit, "APP_IMAGE_DIGEST": image.digest}


def register(aws: Aws, names: Names, live: str, image: Image, version: str, commit: str) -> str:
    """The ARN of a task definition like `live` that runs `image`.

    The newest of the family is taken when it is just that: its runner was stopped before it was used.
    """
    wanted = _with(_registrable(aws, live), live, image, told(image, version, commit))

    def registered() -> str | None:
        newest = _newest(aws, names)
        return str(newest["taskDefinition"]["taskDefinitionArn"]) if newest and _payload(newest) == wanted else None

    def register_it() -> str:
        return aws.ecs_once.register_task_definition(**wanted)["taskDefinition"]["taskDefinitionArn"]

    return registered() or once(aws, register_it, registered)


def _newest(aws: Aws, names: Names) -> Mapping[str, Any] | None:
    """The newest active of the family, or None where all have been deregistered."""
    try:
        return dict(aws.ecs.describe_task_definition(taskDefinition=names.service, include=["TAGS"]))
    except ClientError as error:
        if code_of(error) == "ClientException":
            return None
        raise


def _registrable(aws: Aws, arn: str) -> dict[str, Any]:
    return _payload(aws.ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"]))


def _payload(answer: Mapping[str, Any]) -> dict[str, Any]:
    payload = {key: value for key, value in answer["taskDefinition"].items() if key not in READ_ONLY}
    # An empty list of tags is refused, and so are those that AWS itself has set.
    tags = [tag for tag in answer.get("tags", []) if not tag["key"].startswith("aws:")]
    return payload | ({"tags": tags} if tags else {})


def _with(payload: dict[str, Any], live: str, image: Image, variables: Mapping[str, str]) -> dict[str, Any]:
    containers = payload.get("containerDefinitions", [])
    if not any(container.get("name") == CONTAINER for container in containers):
        raise ContainerMissing(task_definition=live, container=CONTAINER)
    return payload | {"containerDefinitions": [_changed(each, image, variables) for each in containers]}


def _changed(container: Mapping[str, Any], image: Image, variables: Mapping[str, str]) -> dict[str, Any]:
    if container.get("name") != CONTAINER:
        return dict(container)
    kept = [each for each in container.get("environment", []) if each["name"] not in variables]
    told = [{"name": name, "value": value} for name, value in variables.items()]
    return {**container, "image": image.reference, "environment": sorted(kept + told, key=lambda each: each["name"])}
