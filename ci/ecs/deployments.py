"""ECS's service deployments as read back: what is under way, and everything the shepherd decides by.

Source: ECS API reference, ServiceDeployment. A status this file does not know counts as not terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from .clients import Aws
from .errors import DeploymentNotFound, code_of
from .names import Names

SUCCESSFUL = "SUCCESSFUL"
ROLLED_BACK = "ROLLBACK_SUCCESSFUL"
TERMINAL = frozenset({SUCCESSFUL, "STOPPED", ROLLED_BACK, "ROLLBACK_FAILED"})

# UpdateService answers before its deployment is listed.
FIND_WAIT_S = 60
PAGES = 100
ABSENT = ("ServiceNotFoundException", "ClusterNotFoundException", "ServiceNotActiveException")


@dataclass(frozen=True)
class Deployment:
    """A snapshot of one service deployment; `awaiting` are the ids of its PAUSE hooks that wait for an answer."""

    arn: str
    status: str
    reason: str
    stage: str
    target: str
    sources: tuple[str, ...]
    awaiting: tuple[str, ...]

    @property
    def terminal(self) -> bool:
        """Whether ECS is done with it."""
        return self.status in TERMINAL

    @property
    def short(self) -> str:
        """The part of the ARN that a person compares."""
        return self.arn.rsplit("/", 1)[-1]


def describe(aws: Aws, arn: str) -> Deployment | None:
    """The deployment, or None where its service is gone."""
    found = aws.ecs.describe_service_deployments(serviceDeploymentArns=[arn]).get("serviceDeployments", [])
    return _parsed(found[0]) if found else None


def under_way(aws: Aws, names: Names) -> Deployment | None:
    """The newest deployment that has not ended, or None; no service counts as none."""
    briefs = sorted(_briefs(aws, names), key=_created, reverse=True)
    for brief in briefs:
        if brief["status"] not in TERMINAL:
            return describe(aws, brief["serviceDeploymentArn"])
    return None


def newest(aws: Aws, names: Names) -> Deployment | None:
    """The newest deployment, ended or not, or None."""
    briefs = sorted(_briefs(aws, names), key=_created)
    return describe(aws, briefs[-1]["serviceDeploymentArn"]) if briefs else None


def last_successful_target(aws: Aws, names: Names) -> str | None:
    """The service revision that the newest successful deployment brought."""
    done = [brief for brief in _briefs(aws, names) if brief["status"] == SUCCESSFUL]
    return str(max(done, key=_created)["targetServiceRevisionArn"]) if done else None


def started_by(aws: Aws, names: Names, service: Mapping[str, Any]) -> Deployment:
    """The deployment which the UpdateService that answered `service` began; waits until it is listed.

    The PRIMARY entry's id is ``ecs-svc/N``, and N is the tail of the target service revision's ARN.
    """
    primary = next((each["id"] for each in service.get("deployments", []) if each["status"] == "PRIMARY"), "")
    number = str(primary).rsplit("/", 1)[-1]
    since = aws.clock.monotonic()
    while aws.clock.monotonic() - since <= FIND_WAIT_S:
        for brief in _briefs(aws, names):
            if str(brief.get("targetServiceRevisionArn", "")).rsplit("/", 1)[-1] == number and (
                found := describe(aws, brief["serviceDeploymentArn"])
            ):
                return found
        aws.pause()
    raise DeploymentNotFound(service=names.service, seconds=FIND_WAIT_S)


def _briefs(aws: Aws, names: Names) -> list[Any]:
    """All deployments ECS remembers; it has no order of its own, and botocore no paginator."""
    briefs: list[Any] = []
    token: dict[str, Any] = {}
    for _ in range(PAGES):
        try:
            page = aws.ecs.list_service_deployments(cluster=names.cluster, service=names.service, **token)
        except ClientError as error:
            if code_of(error) in ABSENT:
                return []
            raise
        briefs += page.get("serviceDeployments", [])
        if not page.get("nextToken"):
            break
        token = {"nextToken": page["nextToken"]}
    return briefs


def _created(brief: Mapping[str, Any]) -> datetime:
    created: datetime = brief["createdAt"]
    return created


def _parsed(raw: Mapping[str, Any]) -> Deployment:
    return Deployment(
        arn=raw["serviceDeploymentArn"],
        status=raw["status"],
        reason=raw.get("statusReason") or raw.get("rollback", {}).get("reason") or "",
        stage=raw.get("lifecycleStage", ""),
        target=raw.get("targetServiceRevision", {}).get("arn", ""),
        sources=tuple(each["arn"] for each in raw.get("sourceServiceRevisions", [])),
        awaiting=tuple(
            hook["hookId"]
            for hook in raw.get("lifecycleHookDetails", [])
            if hook.get("targetType") == "PAUSE" and hook.get("status") == "AWAITING_ACTION"
        ),
    )
