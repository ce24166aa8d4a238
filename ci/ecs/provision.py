"""The environment's stacks, one after the other; the service stack is `deploy`'s, and is never touched here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import deployments, stacks
from .clients import Aws
from .errors import DeploymentUnderWay
from .names import Names
from .stacks import Outcome

# In the order in which they need each other.
CONCERNS = ("registry", "network", "roles", "ingress", "evidence")


@dataclass(frozen=True)
class Settings:
    """What the templates are told; `test_cidr` None keeps what an existing stack has."""

    names: Names
    templates: Path
    port: int
    health: str
    test_cidr: str | None = None

    def parameters(self, concern: str) -> dict[str, str]:
        """The parameters of one stack that are ours to say; of the others an existing stack keeps its own."""
        if concern == "registry":
            return {"Prefix": self.names.prefix}
        common = {"Prefix": self.names.prefix, "Environment": self.names.environment}
        if concern == "network":
            return common | {"ContainerPort": str(self.port)} | ({"TestCidr": self.test_cidr} if self.test_cidr else {})
        if concern == "ingress":
            return common | {"ContainerPort": str(self.port), "HealthCheckPath": self.health}
        return common


def provision(aws: Aws, settings: Settings, *, dry_run: bool = False, may_replace: bool = False) -> Iterator[Outcome]:
    """Creates or changes each stack and gives its outcome as soon as it is there; `dry_run` changes nothing.

    Without `may_replace` nothing that holds data or traffic is replaced or removed.

    Raises DeploymentUnderWay while ECS deploys in the environment.
    """
    if running := deployments.under_way(aws, settings.names):
        environment = settings.names.environment
        raise DeploymentUnderWay(environment=environment, deployment=running.short, status=running.status)
    for concern in CONCERNS:
        name = settings.names.stack(concern)
        aws.progress(f"{name}: look")
        template = settings.templates / f"{concern}.yaml"
        yield stacks.apply(aws, name, template, settings.parameters(concern), dry_run=dry_run, may_replace=may_replace)
