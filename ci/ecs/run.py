"""What a deploy and a rollback have in common: a deployment is followed, judged at its pauses, and its end proved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from . import causes, deployments, guard, metrics, report, serving, smoke, targets
from .clients import Aws
from .deployments import Deployment
from .errors import (
    AwsFault,
    DeploymentFailed,
    Inconclusive,
    NotServing,
    OtherDeployment,
    RolledBack,
    UnexpectedTraffic,
)
from .foreign import ForeignHands
from .gates import SETTLE_S, Place, danger
from .judge import Criteria, Judge
from .names import Names
from .once import once
from .report import Report
from .serving import Ingress, Serving
from .shepherd import Shepherd

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import DeploymentConfigurationTypeDef


class Run:
    """One run in an environment whose load balancer is there; it fills in the report `told` as it goes."""

    def __init__(self, aws: Aws, names: Names, told: Report, ingress: Ingress, criteria: Criteria) -> None:
        self.aws, self.names, self.told, self.ingress, self._criteria = aws, names, told, ingress, criteria

    def joined(self, wanted: tuple[str, str]) -> Deployment | None:
        """The deployment under way where it is to the digest and version `wanted`; None where none is under way."""
        deployment = deployments.under_way(self.aws, self.names)
        if deployment:
            target = targets.of(self.aws, deployment)
            age, owner = targets.age(self.aws, deployment), target.get("Owner", "")
            more = f"{age}{', ' + owner if owner else ''}"
            self.refuse_other(deployment.short, deployment.status, target, wanted, more)
            self.aws.progress(f"take over {deployment.short}, which is under way")
        return deployment

    def refuse_other(
        self, what: str, status: str, target: Mapping[str, str], wanted: tuple[str, str], more: str = ""
    ) -> None:
        """Refuses to meddle with a deployment of another digest or version than `wanted`."""
        digest, version = target.get("ImageDigest", ""), target.get("Version", "")
        if (digest, version) != wanted:
            raise OtherDeployment(
                deployment=what, status=status, target=f"{version} ({digest[:19]})", more=f", {more}" if more else ""
            )

    def look(self, service: Mapping[str, Any]) -> None:
        """The load balancer is as it must be, and what serves is known; what a person should know of it is noted."""
        standing = guard.before_update(self.aws, self.names, self.ingress, service)
        if self.told.serves is None:
            raise UnexpectedTraffic(when=guard.BEFORE_UPDATE, problem="what serves cannot be told")
        if standing.note:
            self.note(standing.note)

    def note(self, line: str) -> None:
        """What a person should know, told at once and in the report."""
        self.told.notes.append(line)
        self.aws.progress(line)

    def update(
        self, service: Mapping[str, Any], task_definition: str, configuration: DeploymentConfigurationTypeDef
    ) -> Deployment:
        """Updates the service to a task definition: the deployment this starts."""
        before = _primary(service)

        def update_it() -> Mapping[str, Any]:
            return self.aws.ecs_once.update_service(
                cluster=self.names.cluster,
                service=self.names.service,
                taskDefinition=task_definition,
                deploymentConfiguration=configuration,
                # After a rollback the service may still name this very one, and would not be deployed again.
                forceNewDeployment=service.get("taskDefinition") == task_definition,
            )["service"]

        def updated() -> Mapping[str, Any] | None:
            now = serving.service_of(self.aws, self.names)
            ours = now is not None and now.get("taskDefinition") == task_definition and _primary(now) != before
            return now if ours else None

        self.told.outcome = report.UNKNOWN
        return deployments.started_by(self.aws, self.names, once(self.aws, update_it, updated))

    def follow(self, deployment: Deployment, minutes: int, saved: Callable[[], None]) -> tuple[Deployment, Shepherd]:
        """The deployment as it ended; `minutes` are its bakes together, `saved` is called after each judgement."""
        told = self.told
        told.service_deployment = deployment.arn
        began = deployment.started or deployment.created
        since = began.timestamp() if began else self.aws.clock.now()
        place = Place(self.aws, self.names, self.ingress)
        judge = Judge(place, self._criteria, told.judgements, lambda: shepherd.shifted or since)

        def decide(seen: Deployment, hook: deployments.Hook) -> Any:
            verdict = judge(seen, hook)
            if verdict is not None:
                saved()
            return verdict

        shepherd = Shepherd(
            self.aws, decide, partial(causes.why, self.aws, self.names), minutes, stages=told.stages,
            watch=ForeignHands(self.aws, self.names, told.foreign_hands.append), danger=partial(danger, place),
        )  # fmt: skip
        ended = shepherd.follow(deployment)
        self._measure(ended, since)
        if ended.status != deployments.SUCCESSFUL:
            self._excerpt(ended)  # now: a first deploy's stack takes its log group with it
        return ended, shepherd

    def conclude(self, ended: Deployment, shepherd: Shepherd, digest: str, why: str = "") -> None:
        """Proves a success; of anything else, says what serves now and why."""
        if ended.status == deployments.SUCCESSFUL:
            self.prove(report.DEPLOYED, digest)
            return
        why = why or shepherd.why
        serves = self.in_words(self.seen(serving.service_of(self.aws, self.names)))
        version = self.told.version
        if ended.status == deployments.ROLLED_BACK and shepherd.inconclusive:
            self.told.outcome = report.INCONCLUSIVE
            raise Inconclusive(version=version, why=why, serves=serves)
        if ended.status == deployments.ROLLED_BACK:
            self.told.outcome = report.ROLLED_BACK
            raise RolledBack(version=version, why=why, serves=serves)
        self.told.outcome = report.FAILED
        raise DeploymentFailed(version=version, status=ended.status, why=why, serves=serves)

    def prove(self, outcome: str, digest: str) -> None:
        """The intended digest has all production traffic, and answers there; NotServing otherwise."""
        live, since = None, self.aws.clock.monotonic()
        while live is None or (live.digest, live.percent) != (digest, 100):
            if self.aws.clock.monotonic() - since > SETTLE_S:
                raise self._not_serving("production does not serve it")
            live = self.seen(serving.service_of(self.aws, self.names))
            self.aws.pause()
        results = smoke.run(self._criteria.checks, self.ingress.production, self.aws.clock)
        self.told.smoke += results
        if failed := [result for result in results if not result.ok]:
            raise self._not_serving(f"production does not answer as it must ({failed[0]})")
        self.told.outcome = outcome

    def seen(self, service: Mapping[str, Any] | None) -> Serving | None:
        """What serves now, which the report then has."""
        self.told.serves = serving.serving(self.aws, self.names, self.ingress, service)
        rules = {"production": self.ingress.production_rule, "test": self.ingress.test_rule}
        self.told.weights = {name: serving.weights(self.aws, rule) for name, rule in rules.items()}
        return self.told.serves

    def in_words(self, live: Serving | None) -> str:
        """For a sentence."""
        return str(live) if live else "nothing serves"

    def _not_serving(self, problem: str) -> NotServing:
        self.told.outcome = report.FAILED
        return NotServing(version=self.told.version, problem=problem, serves=self.in_words(self.told.serves))

    def _measure(self, ended: Deployment, since: float) -> None:
        """The load balancer's minutes of both sides, for the report alone: what CloudWatch refuses is noted."""
        try:
            green = [each.target_group for each in serving.revisions(self.aws, [ended.target])]
            if green and green[0] in self.ingress.target_groups:
                sides = {"green": green[0], "blue": self.ingress.other(green[0])}
                self.told.minutes = {
                    side: metrics.minutes(self.aws, self.ingress.load_balancer, group, since)
                    for side, group in sides.items()
                }
        except AwsFault as error:
            self.told.notes.append(f"the metrics could not be read: {error}")

    def _excerpt(self, ended: Deployment) -> None:
        self.told.logs = causes.excerpts(self.aws, self.names, ended)


def _primary(service: Mapping[str, Any]) -> str:
    """The id of the service's newest deployment, as UpdateService tells it."""
    return next((str(each["id"]) for each in service.get("deployments", []) if each.get("status") == "PRIMARY"), "")
