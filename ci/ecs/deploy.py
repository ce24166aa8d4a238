"""A deploy, from an image to the proof that it serves; it reads as one sequence in `deploy`.

The first deploy of an environment creates the service stack, later ones call UpdateService; either way ECS runs the
deployment and this shepherds it. Success is one thing: the intended digest has all production traffic, read back from
ECS and the rule, and seen through the production listener.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import deployments, plan, report, serving, stacks, strategy, task_definition
from .clients import Aws
from .deployments import Deployment
from .errors import (
    ServiceMissing,
    StackChanging,
    StackFailed,
    StackStuck,
    Unapproved,
)
from .images import Image, resolve
from .judge import Criteria
from .names import Names
from .report import Report
from .run import Run
from .serving import Ingress
from .strategy import Strategy


@dataclass(frozen=True)
class Order:
    """What is to be deployed, where, how, and how it is judged; `approval` None where no person has to approve."""

    names: Names
    image: str
    version: str
    commit: str
    port: int
    health: str
    templates: Path
    criteria: Criteria
    strategy: Strategy
    approval: str | None = None
    dry_run: bool = False


def deploy(aws: Aws, order: Order, told: Report, saved: Callable[[], None] = lambda: None) -> None:
    """Deploys and fills in the report; returns only if the digest serves, raises a CutoverDeployError otherwise.

    A dry run looks and says what would be done. `saved` is called whenever the report has grown.
    """
    told.strategy = order.strategy.kind
    if order.approval is not None and order.approval != order.version:
        raise Unapproved(version=order.version, image=order.image, given=order.approval or "none")
    image = resolve(aws, order.names.prefix, order.image)
    told.digest, told.image = image.digest, image.reference
    ingress = serving.ingress_of(aws, order.names)
    run = _Deploy(aws, order, told, ingress, image, saved)
    name = order.names.stack("service")
    stack = _standing(aws, name)
    if stack is None or stack.status in stacks.FAILED_BIRTH | stacks.UNBORN | {"CREATE_IN_PROGRESS"}:
        run.first(name, stack)
    elif not stack.busy and stack.status not in stacks.USABLE:
        raise StackStuck(stack=name, status=stack.status)
    else:
        run.next(stack)


class _Deploy(Run):
    """One deploy in an environment whose load balancer is there."""

    def __init__(
        self, aws: Aws, order: Order, told: Report, ingress: Ingress, image: Image, saved: Callable[[], None]
    ) -> None:
        super().__init__(aws, order.names, told, ingress, order.criteria)
        self._order, self._image, self._saved = order, image, saved

    def first(self, name: str, stack: stacks.Stack | None) -> None:
        """Creates the service stack, or joins its creation, and shepherds the deployment that this starts."""
        joins = stack is not None and stack.busy
        if stack and joins:
            self.refuse_other(name, stack.status, stack.parameters, self._wanted)
        if self._order.dry_run:
            self._say(plan.first(self._order.strategy, name, joins))
            return
        if joins:
            self.aws.progress(f"{name}: take over its creation")
        else:
            template = self._order.templates / "service.yaml"
            stacks.begin_creation(self.aws, name, template, self._parameters(), stack)
        self.told.outcome = report.UNKNOWN
        ended, shepherd = self.follow(self._appeared(name), self._order.strategy.minutes, self._saved)
        self.aws.progress(f"{name}: wait for the stack")
        final = stacks.settled(self.aws, name)
        lines = stacks.tell_failures(self.aws, name) if final and final.status not in stacks.USABLE else ()
        # The reason ECS has for a first deployment is that there is nothing to go back to; the stack's event has more.
        more = lines[:1] if ended.reason and ended.reason.rstrip(".") in shepherd.why else ()
        self.conclude(ended, shepherd, self._image.digest, "; ".join((shepherd.why, *more)))
        if final is None or final.status not in stacks.USABLE:
            self.told.outcome = report.FAILED
            raise StackFailed(
                stack=name, status=final.status if final else "deleted", first="although its service runs"
            )

    def next(self, stack: stacks.Stack) -> None:
        """Updates the service, or joins a deployment of the same image, and shepherds it."""
        service = serving.service_of(self.aws, self.names)
        if service is None:
            raise ServiceMissing(service=self.names.service, stack=self.names.stack("service"))
        self.told.served_before = self.seen(service)
        deployment = self.joined(self._wanted)
        if deployment is None:
            if stack.busy:
                raise StackChanging(stack=stack.name, status=stack.status)
            if self._is_live():
                self.aws.progress("the live revision is the one that is asked for: nothing to deploy")
                self.prove(report.UNCHANGED, self._image.digest)
                return
            self.look(service)
        if self._order.dry_run:
            self._say(plan.next_(self._order.strategy, self.told.serves, self._order.version, deployment))
            return
        deployment = deployment or self._updated(service)
        self.told.outcome = report.UNKNOWN
        ended, shepherd = self.follow(deployment, self._order.strategy.minutes, self._saved)
        self.conclude(ended, shepherd, self._image.digest)

    def _say(self, lines: list[str]) -> None:
        self.told.outcome = report.DRY_RUN
        for line in lines:
            self.note(line)

    def _parameters(self) -> dict[str, str]:
        order, image = self._order, self._image
        return {
            "Prefix": self.names.prefix,
            "Environment": self.names.environment,
            "Image": image.reference,
            "ImageDigest": image.digest,
            "Version": order.version,
            "Commit": order.commit,
            "ContainerPort": str(order.port),
            "HealthCheckPath": order.health,
            **strategy.parameters(order.strategy),
        }

    @property
    def _wanted(self) -> tuple[str, str]:
        return self._image.digest, self._order.version

    def _is_live(self) -> bool:
        live = self.told.serves
        wanted = (self._image.digest, self._order.version, self._order.commit, 100)
        return live is not None and (live.digest, live.version, live.commit, live.percent) == wanted

    def _updated(self, service: Mapping[str, Any]) -> Deployment:
        """Registers the task definition and updates the service: the deployment this starts."""
        order, image, live = self._order, self._image, self.told.serves
        assert live is not None  # `look` has seen to it
        arn = task_definition.register(self.aws, self.names, live.task_definition, image, order.version, order.commit)
        # Between the first look and now another runner may have been quicker.
        if (other := self.joined(self._wanted)) is not None:
            return other
        self.aws.progress(f"update {self.names.service} from {live.version} to {order.version}")
        return self.update(service, arn, strategy.configuration(order.strategy))

    def _appeared(self, name: str) -> Deployment:
        """The new service's first deployment, once CloudFormation has got that far."""
        while stack := stacks.look(self.aws, name):
            if deployment := deployments.newest(self.aws, self.names, stack.created):
                return deployment
            if not stack.busy:
                break
            self.aws.pause()
        lines = stacks.tell_failures(self.aws, name) if stack else ()
        self.told.outcome = report.FAILED
        status = stack.status if stack else "deleted"
        raise StackFailed(stack=name, status=status, first=lines[0] if lines else "no deployment was seen")


def _standing(aws: Aws, name: str) -> stacks.Stack | None:
    """The service stack; what is only being cleared away is waited for."""
    stack = stacks.look(aws, name)
    if stack and stack.status.startswith(("ROLLBACK_", "DELETE_")):
        return stacks.settled(aws, name)
    return stack
