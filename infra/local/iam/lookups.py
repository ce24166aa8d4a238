"""Looks up in the records what a call names: ARNs behind names, tags of resources, and policies on resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.local.iam.policy import Policy, parse_policy

Backend = Callable[[str], Any]  # moto's backend of a region, or of a partition for global services


class Records:
    """`backends` gives moto's backend by service and region; `stacks` CloudFormation's; `ecs_tags` those of an ARN."""

    def __init__(
        self,
        backends: Callable[[str, str], Any],
        stacks: Callable[[str], list[Any]],
        ecs_tags: Callable[[str, str], Mapping[str, str]],
        partition: Callable[[str], str],
    ) -> None:
        self._backends = backends
        self._stacks = stacks
        self._ecs_tags = ecs_tags
        self._partition = partition

    def stack_arn(self, region: str, name: str) -> str | None:
        """Of a stack that is not deleted."""
        return next((each.id for each in self._stacks(region) if each.name == name and not each.deleted), None)

    def change_set_stack(self, region: str, arn: str) -> str | None:
        """Of the stack that has the change set."""
        for stack in self._stacks(region):
            if any(each.id == arn for each in stack.change_sets.values()):
                return str(stack.id)
        return None

    def iam_arn(self, kind: str, name: str) -> str | None:
        """In the partition `aws`, or another one that has it."""
        backend = self._backends("iam", "aws")
        holders = {"role": "roles", "user": "users", "group": "groups", "instance-profile": "instance_profiles"}
        found = getattr(backend, holders[kind]).values()
        return next((str(each.arn) for each in list(found) if each.name == name), None)

    def secret_arn(self, region: str, name: str) -> str | None:
        """With its random end."""
        secret = self._backends("secretsmanager", region).secrets.get(name)
        return None if secret is None else str(secret.arn)

    def tags(self, arn: str) -> Mapping[str, str]:
        """Of resources of the services in TAG_READERS, and of ECS."""
        parts = arn.split(":", 5)
        if len(parts) < 6:
            return {}
        _, _, service, region, _, resource = parts
        if service == "ecs":
            return self._ecs_tags(region, arn)
        if service == "cloudformation":
            stack = next((each for each in self._stacks(region) if each.id == arn), None)
            return {each["Key"]: each["Value"] for each in stack.tags} if stack is not None else {}
        if service not in TAG_READERS:
            return {}
        tags: Mapping[str, str] = TAG_READERS[service](
            self._backends(service, region or self._partition("")), arn, resource
        )
        return tags

    def policies(self, arn: str) -> list[Policy]:
        """Of an ECR repository, a secret, a bucket (for its objects too); and a role's trust policy."""
        parts = arn.split(":", 5)
        if len(parts) < 6:
            return []
        _, _, service, region, _, resource = parts
        if service not in POLICY_READERS:
            return []
        document = POLICY_READERS[service](self._backends(service, region or self._partition("")), arn, resource)
        return [parse_policy(document)] if document else []


def _ecr_tags(backend: Any, arn: str, resource: str) -> Mapping[str, str]:
    repository = backend.repositories.get(resource.removeprefix("repository/"))
    return dict(backend.tagger.get_tag_dict_for_resource(repository.arn)) if repository is not None else {}


def _iam_tags(backend: Any, arn: str, resource: str) -> Mapping[str, str]:
    role = next((each for each in list(backend.roles.values()) if each.arn == arn), None)
    return _pairs(role.tags if role is not None else backend.tagger.list_tags_for_resource(arn)["Tags"])


def _secret_tags(backend: Any, arn: str, resource: str) -> Mapping[str, str]:
    secret = next((each for each in list(backend.secrets.values()) if each.arn == arn), None)
    return _pairs(secret.tags) if secret is not None else {}


def _log_tags(backend: Any, arn: str, resource: str) -> Mapping[str, str]:
    group = backend.groups.get(resource.removeprefix("log-group:").partition(":log-stream:")[0])
    return dict(backend.tagger.get_tag_dict_for_resource(group.arn)) if group is not None else {}


def _pairs(tags: Any) -> dict[str, str]:
    return {each["Key"]: each["Value"] for each in tags or ()}


def _ecr_policy(backend: Any, arn: str, resource: str) -> Any:
    repository = backend.repositories.get(resource.removeprefix("repository/"))
    return repository.policy if repository is not None else None


def _s3_policy(backend: Any, arn: str, resource: str) -> Any:
    bucket = backend.buckets.get(resource.partition("/")[0])
    return bucket.policy.decode() if bucket is not None and bucket.policy else None


def _trust_policy(backend: Any, arn: str, resource: str) -> Any:
    role = next((each for each in list(backend.roles.values()) if each.arn == arn), None)
    return role.assume_role_policy_document if role is not None else None


def _secret_policy(backend: Any, arn: str, resource: str) -> Any:
    secret = next((each for each in list(backend.secrets.values()) if each.arn == arn), None)
    return secret.policy if secret is not None else None


Reader = Callable[[Any, str, str], Any]  # (backend, ARN, its resource part)
TAG_READERS: Mapping[str, Reader] = {
    "ecr": _ecr_tags,
    "elasticloadbalancing": lambda backend, arn, _: backend.tagging_service.get_tag_dict_for_resource(arn),
    "iam": _iam_tags,
    "secretsmanager": _secret_tags,
    "logs": _log_tags,
    "cloudwatch": lambda backend, arn, _: backend.tagger.get_tag_dict_for_resource(arn),
}
POLICY_READERS: Mapping[str, Reader] = {
    "ecr": _ecr_policy,
    "s3": _s3_policy,
    "iam": _trust_policy,
    "secretsmanager": _secret_policy,
}
