"""What `valueFrom` stands for (developer guide, "specifying-sensitive-data"): values and ECS's words for a miss."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Protocol

from infra.local.ecs.interfaces import TaskFailedToStart

PREFIX = "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
FROM_ASM, FROM_SSM = "unable to retrieve secret from asm: ", "unable to retrieve secrets from ssm: "
RETRIED = "service call has been retried 1 time(s): "
SECRET_FIELDS = 7  # of `arn:PARTITION:secretsmanager:REGION:ACCOUNT:secret:NAME`, before key, stage and version


class SecretMissing(Exception):
    """The service has no such value; `str()` is its own sentence, with the error's code before it."""


class SecretSources(Protocol):
    """Secrets Manager and the Parameter Store of one region."""

    def secret(self, name: str, stage: str | None, version: str | None) -> str:
        """A secret's text by ARN or name; raises SecretMissing."""
        ...

    def parameter(self, name: str) -> str:
        """A parameter's value by name or ARN, decrypted; raises SecretMissing."""
        ...


class Secrets:
    """The `SecretValues` over `sources(region)`; references without a region are those of `region`."""

    def __init__(self, region: str, sources: Callable[[str], SecretSources]) -> None:
        self._region = region
        self._sources = sources

    def value(self, reference: str) -> str:
        """A parameter's value, a secret's text, or the member of it that is named; raises TaskFailedToStart."""
        fields = reference.split(":")
        region = fields[3] if reference.startswith("arn:") else self._region
        if reference.startswith("arn:") and fields[2] == "secretsmanager":
            return self._secret(reference, self._sources(region))
        try:
            return self._sources(region).parameter(reference)
        except SecretMissing as error:
            raise TaskFailedToStart(f"{PREFIX}{FROM_SSM}{RETRIED}invalid ssm parameters: {reference}") from error

    def _secret(self, reference: str, sources: SecretSources) -> str:
        fields = reference.split(":")
        arn, (key, stage, version) = ":".join(fields[:SECRET_FIELDS]), [*fields[SECRET_FIELDS:], "", "", ""][:3]
        try:
            text = sources.secret(arn, stage or None, version or None)
        except SecretMissing as error:
            raise TaskFailedToStart(
                f"{PREFIX}{FROM_ASM}{RETRIED}failed to fetch secret {arn} from secrets manager: {error}"
            ) from error
        return _member(text, key, arn) if key else text


def _member(text: str, key: str, arn: str) -> str:
    try:
        members = json.loads(text)
    except ValueError as error:
        raise TaskFailedToStart(f"{PREFIX}{FROM_ASM}{RETRIED}secret {arn} is not a valid JSON object") from error
    if not isinstance(members, dict) or key not in members:
        raise TaskFailedToStart(
            f"{PREFIX}{FROM_ASM}{RETRIED}retrieved secret from Secrets Manager did not contain json key {key}"
        )
    value = members[key]
    return value if isinstance(value, str) else json.dumps(value)
