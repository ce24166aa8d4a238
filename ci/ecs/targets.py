"""What a deployment is to: its version and digest, and who began it, as its own task definition tells."""

from __future__ import annotations

from . import serving
from .clients import Aws
from .deployments import Deployment


def of(aws: Aws, deployment: Deployment) -> dict[str, str]:
    """ImageDigest, Version, Commit and Owner (the principal that registered the task definition, where AWS tells)."""
    for revision in serving.revisions(aws, [deployment.target]):
        described = aws.ecs.describe_task_definition(taskDefinition=revision.task_definition)["taskDefinition"]
        told = serving.variables(described)
        return {
            "ImageDigest": revision.digest,
            "Version": told.get("APP_VERSION", ""),
            "Commit": told.get("APP_COMMIT", ""),
            "Owner": described.get("registeredBy", ""),
        }
    return {}


def age(aws: Aws, deployment: Deployment) -> str:
    """How long ago it was begun, in words."""
    if deployment.created is None:
        return "of unknown age"
    minutes = max(0, round((aws.clock.now() - deployment.created.timestamp()) / 60))
    return f"begun {minutes} minutes ago" if minutes != 1 else "begun a minute ago"
