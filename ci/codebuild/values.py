"""The build's environment: the buildspec's variables, over them the project's, and what CodeBuild itself sets."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ci.codebuild.buildspec import Variables
from ci.codebuild.checkout import Checkout
from ci.codebuild.errors import NoValueError

ACCOUNT = "123456789012"  # AWS on this machine has this one
PARAMETER_STORE, SECRETS_MANAGER = "Parameter Store", "Secrets Manager"
REFERENCE_PARTS = 4
ARN_PARTS = 7  # of arn:partition:secretsmanager:region:account:secret:name


class NoSuchValueError(LookupError):
    """There is no such value; the message says why."""


class Vault(Protocol):
    """Parameter Store and Secrets Manager."""

    def parameter(self, name: str) -> str:
        """A parameter, decrypted; raises NoSuchValueError."""

    def secret(self, name: str, stage: str, version: str) -> str:
        """A secret's text; raises NoSuchValueError."""


class NoVault:
    """Where there is no AWS, nothing can be fetched."""

    def parameter(self, name: str) -> str:
        """Raises NoSuchValueError."""
        raise NoSuchValueError("there is no AWS: name one with --aws")

    def secret(self, name: str, stage: str, version: str) -> str:
        """Raises NoSuchValueError."""
        raise NoSuchValueError("there is no AWS: name one with --aws")


@dataclass(frozen=True)
class Values:
    """What the variables' values are, and which of them are never to be shown."""

    environment: Mapping[str, str]
    secrets: Sequence[str] = ()


@dataclass(frozen=True)
class Given:
    """What the project says of a build: its name, region, and variables that stand over the buildspec's.

    Attributes:
        initiator: who started it, as `codepipeline/NAME`.
        parameters, stored: variables of the project's that are fetched, as in the buildspec.
    """

    project: str = "cutover"
    region: str = "eu-north-1"
    variables: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, str] = field(default_factory=dict)
    stored: Mapping[str, str] = field(default_factory=dict)
    initiator: str = "cutover"


def fetched(variables: Variables, given: Given, vault: Vault) -> Values:
    """The values of all variables; the project's stand over the buildspec's.

    Raises:
        NoValueError: a parameter or secret is not there.
    """
    parameters = {**variables.parameters, **given.parameters}
    stored = {**variables.secrets, **given.stored}
    secrets = {name: _secret(name, reference, vault) for name, reference in stored.items()}
    found = {name: _parameter(name, place, vault) for name, place in parameters.items()}
    return Values({**variables.plain, **found, **secrets, **given.variables}, tuple(filter(None, secrets.values())))


def _parameter(name: str, place: str, vault: Vault) -> str:
    try:
        return vault.parameter(place)
    except NoSuchValueError as error:
        raise NoValueError(name, f"{PARAMETER_STORE} ({place})", str(error)) from error


def _secret(name: str, reference: str, vault: Vault) -> str:
    """The secret of a reference `secret-id:json-key:version-stage:version-id`; only the first must be there."""
    identity, key, stage, version = _parts(reference)
    try:
        text = vault.secret(identity, stage, version)
        return text if not key else str(json.loads(text)[key])
    except NoSuchValueError as error:
        raise NoValueError(name, f"{SECRETS_MANAGER} ({identity})", str(error)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise NoValueError(name, f"{SECRETS_MANAGER} ({identity})", f"it has no JSON key {key!r}") from error


def _parts(reference: str) -> list[str]:
    words = reference.split(":")
    if reference.startswith("arn:"):
        words = [":".join(words[:ARN_PARTS]), *words[ARN_PARTS:]]
    return [*words, *[""] * REFERENCE_PARTS][:REFERENCE_PARTS]


def codebuild(given: Given, build_id: str, source: Checkout, started: float) -> dict[str, str]:
    """CodeBuild's own variables, and what AWS's clients read; `started` in seconds since the epoch.

    https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-env-vars.html
    """
    name = f"{given.project}:{build_id}"
    return {
        "AWS_DEFAULT_REGION": given.region,
        "AWS_REGION": given.region,
        "CI": "true",
        "CODEBUILD_BUILD_ARN": f"arn:aws:codebuild:{given.region}:{ACCOUNT}:build/{name}",
        "CODEBUILD_BUILD_ID": name,
        "CODEBUILD_BUILD_IMAGE": "cutover/codebuild",
        "CODEBUILD_BUILD_NUMBER": "1",
        "CODEBUILD_CI": "true",
        "CODEBUILD_INITIATOR": given.initiator,
        "CODEBUILD_LOG_PATH": build_id,
        "CODEBUILD_RESOLVED_SOURCE_VERSION": source.commit,
        "CODEBUILD_SOURCE_REPO_URL": source.repository,
        "CODEBUILD_SOURCE_VERSION": source.commit,
        "CODEBUILD_SRC_DIR": str(source.folder),
        "CODEBUILD_START_TIME": str(round(started * 1000)),
    }
