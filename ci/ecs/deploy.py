"""A deploy, from an image to the proof that it serves; it reads as one sequence in `deploy`.

The first deploy of an environment creates the service stack, later ones call UpdateService; either way ECS runs the
deployment and this shepherds it. Success is one thing: the intended digest has all production traffic, read back from
ECS and the rule, and seen through the production listener.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from . import causes, deployments, guard, report, serving, smoke, stacks, task_definition
from .clients import Aws
from .deployments import Deployment
from .errors import (
    DeploymentFailed,
    NotServing,
    OtherDeployment,
    RolledBack,
    ServiceMissing,
    StackFailed,
    StackStuck,
    UnexpectedTraffic,
)
from .images import Image, resolve
from .names import Names
from .report import Report
from .serving import Ingress, Serving
from .shepherd import Shepherd, Verdict
from .strategy import HOOK_MINUTES, configuration

# Rules and revisions are read back a moment after ECS wrote them.
SETTLE_S = 15


@dataclass(frozen=True)
class Order:
    """What is to be deployed, where, and how it is judged."""

    names: Names
    image: str
    version: str
    commit: str
    port: int
    health: str
    templates: Path
    checks: tuple[smoke.Check, ...]
    bake_minutes: int


def deploy(aws: Aws, order: Order, told: Report) -> None:
    """Deploys and fills in the report; returns only if the digest serves, raises a CutoverDeployError otherwise."""
    image = resolve(aws, order.names.prefix, order.image)
    told.digest, told.image = image.digest, image.reference
    ingress = serving.ingress_of(aws, order.names)
    run = _Run(aws, order, told, ingress, image)
    name = order.names.stack("service")
    stack = _standing(aws, name)
    if stack is None or stack.status in stacks.FAILED_BIRTH | stacks.UNBORN | {"CREATE_IN_PROGRESS"}:
        run.first(name, stack)
    elif not stack.busy and stack.status not in stacks.USABLE:
        raise StackStuck(stack=name, status=stack.status)
    else:
        run.next()


class _Run:
    """One deploy in an environment whose load balancer is there."""

    def __init__(self, aws: Aws, order: Order, told: Report, ingress: Ingress, image: Image) -> None:
        self._aws = aws
        self._order = order
        self._names = order.names
        self._told = told
        self._ingress = ingress
        self._image = image

    def first(self, name: str, stack: stacks.Stack | None) -> None:
        """Creates the service stack, or joins its creation, and shepherds the deployment that this starts."""
        if stack and stack.busy:
            self._refuse_other(name, stack.status, stack.parameters)
            self._aws.progress(f"{name}: take over its creation")
        else:
            template = self._order.templates / "service.yaml"
            stacks.begin_creation(self._aws, name, template, self._parameters(), stack)
        self._told.outcome = report.UNKNOWN
        ended, why = self._shepherd(self._appeared(name))
        self._aws.progress(f"{name}: wait for the stack")
        final = stacks.settled(self._aws, name)
        lines = stacks.tell_failures(self._aws, name) if final and final.status not in stacks.USABLE else ()
        # The reason ECS has for a first deployment is that there is nothing to go back to; the stack's event has more.
        more = lines[:1] if ended.reason and ended.reason.rstrip(".") in why else ()
        self._conclude(ended, "; ".join((why, *more)))
        if final is None or final.status not in stacks.USABLE:
            self._told.outcome = report.FAILED
            raise StackFailed(
                stack=name, status=final.status if final else "deleted", first="although its service runs"
            )

    def next(self) -> None:
        """Updates the service, or joins a deployment of the same image, and shepherds it."""
        service = serving.service_of(self._aws, self._names)
        if service is None:
            raise ServiceMissing(service=self._names.service, stack=self._names.stack("service"))
        deployment = deployments.under_way(self._aws, self._names)
        if deployment:
            self._refuse_other(deployment.short, deployment.status, self._target(deployment))
            self._aws.progress(f"take over {deployment.short}, which is under way")
        elif self._is_live(service):
            self._aws.progress("the live revision is the one that is asked for: nothing to deploy")
            self._prove(report.UNCHANGED)
            return
        else:
            deployment = self._updated(service)
        self._told.outcome = report.UNKNOWN
        self._conclude(*self._shepherd(deployment))

    def _parameters(self) -> dict[str, str]:
        order, image = self._order, self._image
        return {
            "Prefix": self._names.prefix,
            "Environment": self._names.environment,
            "Image": image.reference,
            "ImageDigest": image.digest,
            "Version": order.version,
            "Commit": order.commit,
            "ContainerPort": str(order.port),
            "HealthCheckPath": order.health,
            "BakeTimeInMinutes": str(order.bake_minutes),
            "HookTimeoutInMinutes": str(HOOK_MINUTES),
        }

    def _refuse_other(self, what: str, status: str, target: Mapping[str, str]) -> None:
        """Refuses to meddle with a deployment of another image or version."""
        digest, version = target.get("ImageDigest", ""), target.get("Version", "")
        if (digest, version) != (self._image.digest, self._order.version):
            raise OtherDeployment(deployment=what, status=status, target=f"{version} ({digest[:19]})")

    def _target(self, deployment: Deployment) -> dict[str, str]:
        for revision in serving.revisions(self._aws, [deployment.target]):
            version = serving.environment_of(self._aws, revision.task_definition).get("APP_VERSION", "")
            return {"ImageDigest": revision.digest, "Version": version}
        return {}

    def _is_live(self, service: Mapping[str, Any]) -> bool:
        live = self._seen(service)
        wanted = (self._image.digest, self._order.version, self._order.commit, 100)
        return live is not None and (live.digest, live.version, live.commit, live.percent) == wanted

    def _updated(self, service: Mapping[str, Any]) -> Deployment:
        """Looks at the rule, registers the task definition, and updates the service: the deployment this starts."""
        guard.before_update(self._aws, self._names, self._ingress, service)
        live = self._told.serves
        if live is None:
            raise UnexpectedTraffic(when=guard.BEFORE_UPDATE, problem="what serves cannot be told")
        order, image = self._order, self._image
        arn = task_definition.register(self._aws, self._names, live.task_definition, image, order.version, order.commit)
        self._aws.progress(f"update {self._names.service} from {live.version} to {order.version}")
        answer = self._aws.ecs.update_service(
            cluster=self._names.cluster,
            service=self._names.service,
            taskDefinition=arn,
            deploymentConfiguration=configuration(order.bake_minutes),
            # After a rollback the service may still name this very task definition, and would not be deployed again.
            forceNewDeployment=service.get("taskDefinition") == arn,
        )
        return deployments.started_by(self._aws, self._names, answer["service"])

    def _appeared(self, name: str) -> Deployment:
        """The new service's first deployment, once CloudFormation has got that far."""
        while True:
            if deployment := deployments.newest(self._aws, self._names):
                return deployment
            stack = stacks.look(self._aws, name)
            if stack is None or not stack.busy:
                break
            self._aws.pause()
        lines = stacks.tell_failures(self._aws, name) if stack else ()
        self._told.outcome = report.FAILED
        status = stack.status if stack else "deleted"
        raise StackFailed(stack=name, status=status, first=lines[0] if lines else "no deployment was seen")

    def _shepherd(self, deployment: Deployment) -> tuple[Deployment, str]:
        """The deployment as it ended, and why if it did not end well."""
        diagnose = partial(causes.why, self._aws, self._names)
        shepherd = Shepherd(self._aws, self._judge, diagnose, self._order.bake_minutes, stages=self._told.stages)
        self._told.service_deployment = deployment.arn
        ended = shepherd.follow(deployment)
        return ended, shepherd.why

    def _judge(self, deployment: Deployment) -> Verdict:
        """At the pause: the load balancer as it must be, then the smoke checks on the test listener."""
        if problem := self._problem(deployment):
            return Verdict(False, problem)
        results = smoke.run(self._order.checks, self._ingress.test, self._aws.clock)
        self._told.smoke += results
        failed = [result for result in results if not result.ok]
        if not failed:
            return Verdict(True, f"{len(results)} checks passed")
        hint = "" if failed[0].answered else " (the network stack's TestCidr must include the deployer's address)"
        return Verdict(False, f"smoke check {failed[0]}{hint}")

    def _problem(self, deployment: Deployment) -> str:
        since = self._aws.clock.monotonic()
        while True:
            try:
                guard.before_continue(self._aws, self._ingress, deployment)
                return ""
            except UnexpectedTraffic as error:
                if self._aws.clock.monotonic() - since > SETTLE_S:
                    return str(error).rstrip(".")
            self._aws.pause()

    def _conclude(self, ended: Deployment, why: str) -> None:
        """Proves a success; of anything else, says what serves now and why."""
        if ended.status == deployments.SUCCESSFUL:
            self._prove(report.DEPLOYED)
            return
        serves = self._in_words(self._seen(serving.service_of(self._aws, self._names)))
        version = self._order.version
        if ended.status == deployments.ROLLED_BACK:
            self._told.outcome = report.ROLLED_BACK
            raise RolledBack(version=version, why=why, serves=serves)
        self._told.outcome = report.FAILED
        raise DeploymentFailed(version=version, status=ended.status, why=why, serves=serves)

    def _prove(self, outcome: str) -> None:
        """The intended digest has all production traffic, and answers there; NotServing otherwise."""
        live, since = None, self._aws.clock.monotonic()
        while live is None or (live.digest, live.percent) != (self._image.digest, 100):
            if self._aws.clock.monotonic() - since > SETTLE_S:
                raise self._not_serving("production does not serve it")
            live = self._seen(serving.service_of(self._aws, self._names))
            self._aws.pause()
        results = smoke.run(self._order.checks, self._ingress.production, self._aws.clock)
        self._told.smoke += results
        if failed := [result for result in results if not result.ok]:
            raise self._not_serving(f"production does not answer as it must ({failed[0]})")
        self._told.outcome = outcome

    def _not_serving(self, problem: str) -> NotServing:
        self._told.outcome = report.FAILED
        return NotServing(version=self._order.version, problem=problem, serves=self._in_words(self._told.serves))

    def _seen(self, service: Mapping[str, Any] | None) -> Serving | None:
        """What serves now, which the report then has."""
        self._told.serves = serving.serving(self._aws, self._names, self._ingress, service)
        rules = {"production": self._ingress.production_rule, "test": self._ingress.test_rule}
        self._told.weights = {name: serving.weights(self._aws, rule) for name, rule in rules.items()}
        return self._told.serves

    def _in_words(self, live: Serving | None) -> str:
        return str(live) if live else "nothing serves"


def _standing(aws: Aws, name: str) -> stacks.Stack | None:
    """The service stack; what is only being cleared away is waited for."""
    stack = stacks.look(aws, name)
    if stack and stack.status.startswith(("ROLLBACK_", "DELETE_")):
        return stacks.settled(aws, name)
    return stack
