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
from .strategy import BLUE_GREEN, CANARY, STRATEGIES, shares

SUCCESSFUL = "SUCCESSFUL"
ROLLED_BACK = "ROLLBACK_SUCCESSFUL"
TERMINAL = frozenset({SUCCESSFUL, "STOPPED", ROLLED_BACK, "ROLLBACK_FAILED"})

# UpdateService answers before its deployment is listed.
FIND_WAIT_S = 60
PAGES = 100
ABSENT = ("ServiceNotFoundException", "ClusterNotFoundException", "ServiceNotActiveException")


@dataclass(frozen=True)
class Hook:
    """A PAUSE that waits: until `expires`, if ECS tells."""

    id: str
    expires: datetime | None = None


@dataclass(frozen=True)
class Brief:
    """A service deployment as ListServiceDeployments has it."""

    arn: str
    status: str
    target: str
    created: datetime
    started: datetime | None = None
    finished: datetime | None = None

    @property
    def short(self) -> str:
        """The part of the ARN that a person compares."""
        return self.arn.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Deployment:
    """A snapshot of one service deployment; `awaiting` are its PAUSE hooks that wait for an answer.

    `percent` is the new revision's share of production as ECS has it, `shares` what it may be after each step.
    """

    arn: str
    status: str
    reason: str
    stage: str
    target: str
    sources: tuple[str, ...]
    awaiting: tuple[Hook, ...]
    percent: float | None = None
    shares: tuple[float, ...] = (100.0,)
    created: datetime | None = None
    started: datetime | None = None
    finished: datetime | None = None

    @property
    def terminal(self) -> bool:
        """Whether ECS is done with it."""
        return self.status in TERMINAL

    @property
    def short(self) -> str:
        """The part of the ARN that a person compares."""
        return self.arn.rsplit("/", 1)[-1]

    @property
    def number(self) -> str:
        """The tail of the ARN of its target revision, by which its tasks are known."""
        return self.target.rsplit("/", 1)[-1]


def describe(aws: Aws, arn: str) -> Deployment | None:
    """The deployment, or None where its service is gone."""
    found = aws.ecs.describe_service_deployments(serviceDeploymentArns=[arn]).get("serviceDeployments", [])
    return _parsed(found[0]) if found else None


def under_way(aws: Aws, names: Names) -> Deployment | None:
    """The newest deployment that has not ended, or None; no service counts as none."""
    running = [brief for brief in briefs(aws, names) if brief.status not in TERMINAL]
    return describe(aws, running[-1].arn) if running else None


def newest(aws: Aws, names: Names, since: datetime) -> Deployment | None:
    """The newest deployment, ended or not, or None; `since` as ECS may still list those of a service that is gone."""
    found = [brief for brief in briefs(aws, names) if brief.created >= since]
    return describe(aws, found[-1].arn) if found else None


def last_successful_target(aws: Aws, names: Names) -> str | None:
    """The service revision that the newest successful deployment brought."""
    done = [brief for brief in briefs(aws, names) if brief.status == SUCCESSFUL]
    return done[-1].target if done else None


def started_by(aws: Aws, names: Names, service: Mapping[str, Any]) -> Deployment:
    """The deployment which the UpdateService that answered `service` began; waits until it is listed.

    The PRIMARY entry's id is ``ecs-svc/N``, and N is the tail of the target service revision's ARN.
    """
    primary = next((each["id"] for each in service.get("deployments", []) if each["status"] == "PRIMARY"), "")
    number = str(primary).rsplit("/", 1)[-1]
    since = aws.clock.monotonic()
    while aws.clock.monotonic() - since <= FIND_WAIT_S:
        for brief in briefs(aws, names):
            if brief.target.rsplit("/", 1)[-1] == number and (found := describe(aws, brief.arn)):
                return found
        aws.pause()
    raise DeploymentNotFound(service=names.service, seconds=FIND_WAIT_S)


def briefs(aws: Aws, names: Names) -> list[Brief]:
    """All deployments ECS remembers (90 days), oldest first; it has no order of its own, and botocore no paginator."""
    found: list[Any] = []
    token: dict[str, Any] = {}
    for _ in range(PAGES):
        try:
            page = aws.ecs.list_service_deployments(cluster=names.cluster, service=names.service, **token)
        except ClientError as error:
            if code_of(error) in ABSENT:
                return []
            raise
        found += page.get("serviceDeployments", [])
        if not page.get("nextToken"):
            break
        token = {"nextToken": page["nextToken"]}
    return sorted((_brief(raw) for raw in found), key=lambda brief: brief.created)


def _brief(raw: Mapping[str, Any]) -> Brief:
    return Brief(
        arn=raw["serviceDeploymentArn"],
        status=raw["status"],
        target=raw.get("targetServiceRevisionArn", ""),
        created=raw["createdAt"],
        started=raw.get("startedAt"),
        finished=raw.get("finishedAt"),
    )


def _parsed(raw: Mapping[str, Any]) -> Deployment:
    target = raw.get("targetServiceRevision", {})
    return Deployment(
        arn=raw["serviceDeploymentArn"],
        status=raw["status"],
        reason=raw.get("statusReason") or raw.get("rollback", {}).get("reason") or "",
        stage=raw.get("lifecycleStage", ""),
        target=target.get("arn", ""),
        sources=tuple(each["arn"] for each in raw.get("sourceServiceRevisions", [])),
        awaiting=tuple(
            Hook(hook["hookId"], hook.get("expiresAt"))
            for hook in raw.get("lifecycleHookDetails", [])
            if hook.get("targetType") == "PAUSE" and hook.get("status") == "AWAITING_ACTION"
        ),
        percent=target.get("requestedProductionTrafficWeight"),
        shares=_shares(raw.get("deploymentConfiguration", {})),
        created=raw.get("createdAt"),
        started=raw.get("startedAt"),
        finished=raw.get("finishedAt"),
    )


def _shares(configuration: Mapping[str, Any]) -> tuple[float, ...]:
    """The deployment's own copy of the strategy counts: the service's may have been changed since."""
    kind = {word: name for name, word in STRATEGIES.items()}.get(configuration.get("strategy", ""), BLUE_GREEN)
    canary, linear = configuration.get("canaryConfiguration", {}), configuration.get("linearConfiguration", {})
    # What ECS takes where it is left out.
    percent = canary.get("canaryPercent", 5.0) if kind == CANARY else linear.get("stepPercent", 10.0)
    return shares(kind, percent)
