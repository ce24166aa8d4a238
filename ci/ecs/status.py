"""What serves an environment, since when, what each side has, and the deployment under way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from . import deployments, serving, targets
from .clients import Aws
from .deployments import SUCCESSFUL
from .names import Names
from .report import iso
from .serving import Ingress, Serving


@dataclass(frozen=True)
class Side:
    """One target group: its percent of production and of the test listener, its targets, and what its tasks run."""

    target_group: str
    production: float
    test: float
    healthy: int
    registered: int
    versions: tuple[str, ...]


@dataclass(frozen=True)
class UnderWay:
    """The deployment under way, in ECS's words; `percent` is the new revision's of production."""

    deployment: str
    status: str
    stage: str
    percent: float | None
    version: str
    digest: str
    age: str
    owner: str


@dataclass(frozen=True)
class Status:
    """`since` is when the deployment that brought what serves had ended, ISO 8601; empty where ECS has forgotten."""

    environment: str
    serves: Serving | None
    since: str
    sides: tuple[Side, ...]
    under_way: UnderWay | None

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """For a person."""
        since = f" since {self.since}" if self.since else ""
        commit = f", commit {self.serves.commit[:12]}" if self.serves else ""
        yield f"{self.environment}: {self.serves}{commit}{since}" if self.serves else f"{self.environment}: unknown"
        for side in self.sides:
            runs = ", ".join(side.versions) or "no tasks"
            yield (
                f"  {side.target_group}: {side.production:g} % of production, {side.test:g} % of test, "
                f"{side.healthy} of {side.registered} targets healthy, {runs}"
            )
        if (way := self.under_way) is None:
            yield "  no deployment is under way"
        else:
            share = f" (new {way.percent:g} %)" if way.percent is not None else ""
            by = f", {way.owner}" if way.owner else ""
            yield f"  under way: {way.deployment} to {way.version}, {way.status} {way.stage}{share}, {way.age}{by}"


def status(aws: Aws, names: Names) -> Status:
    """Read from ECS and the load balancer; EnvironmentMissing before `provision`."""
    ingress = serving.ingress_of(aws, names)
    service = serving.service_of(aws, names)
    live = serving.serving(aws, names, ingress, service)
    since, sides = _since(aws, names, live), _sides(aws, names, ingress)
    return Status(names.environment, live, since, sides, _under_way(aws, names))


def _since(aws: Aws, names: Names, live: Serving | None) -> str:
    brought = [
        brief
        for brief in deployments.briefs(aws, names)
        if live and brief.target == live.revision and brief.status == SUCCESSFUL and brief.finished
    ]
    return iso(brought[-1].finished.timestamp()) if brought and brought[-1].finished else ""


def _sides(aws: Aws, names: Names, ingress: Ingress) -> tuple[Side, ...]:
    production, test = serving.weights(aws, ingress.production_rule), serving.weights(aws, ingress.test_rule)
    service = serving.service_of(aws, names)
    current = serving.current_revisions(aws, names, service) if service else ()
    runs = {group: tuple(_version(aws, each) for each in current if each.target_group == group) for group in production}
    return tuple(
        Side(
            group.split("targetgroup/")[-1], production.get(group, 0.0), test.get(group, 0.0),
            *serving.healthy_and_registered(aws, group), runs.get(group, ()),
        )
        for group in ingress.target_groups
    )  # fmt: skip


def _version(aws: Aws, revision: serving.Revision) -> str:
    version = serving.environment_of(aws, revision.task_definition).get("APP_VERSION", "")
    return f"{version or 'unknown'} ({revision.digest[:19]})"


def _under_way(aws: Aws, names: Names) -> UnderWay | None:
    deployment = deployments.under_way(aws, names)
    if deployment is None:
        return None
    target = targets.of(aws, deployment)
    return UnderWay(
        deployment.short, deployment.status, deployment.stage, deployment.percent, target.get("Version", ""),
        target.get("ImageDigest", ""), targets.age(aws, deployment), target.get("Owner", ""),
    )  # fmt: skip
