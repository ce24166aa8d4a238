"""A rollback, to the release before the one that serves, by a deployment of its own with the same gates.

It goes one release back, and once: run again it finds that done, so that a runner that was killed can be replaced by
any other. Further back, or forward again, is asked for by naming the image.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from . import deployments, promoted, report, serving, stacks, strategy, targets
from .clients import Aws
from .deployments import Deployment
from .errors import NothingDeployed, NothingToGoBackTo, NotPromoted, StackChanging, code_of
from .images import resolve
from .judge import Criteria, Verdict
from .names import Names
from .report import Report
from .run import Run
from .serving import Revision
from .shepherd import Shepherd
from .strategy import Strategy


@dataclass(frozen=True)
class Back:
    """Where to go back, and how: `now` without waiting or judging; `image` a release by its tag or digest."""

    names: Names
    criteria: Criteria
    strategy: Strategy
    now: bool = False
    image: str = ""
    dry_run: bool = False


def rollback(aws: Aws, back: Back, told: Report, saved: Callable[[], None] = lambda: None) -> None:
    """Goes back and fills in the report; returns only if that release serves, raises a CutoverDeployError otherwise.

    With `now`, a deployment under way to anything else is stopped first, which is the way back where it is the newest.
    """
    told.strategy = "at once" if back.now else back.strategy.kind
    run = _Rollback(aws, back.names, told, serving.ingress_of(aws, back.names), back.criteria)
    run.back, run.saved = back, saved
    told.served_before = run.seen(run.service())
    if back.now and run.stopped() and back.dry_run:
        told.outcome = report.DRY_RUN
        return
    goal, arrived = run.goal()
    run.tell(goal)
    deployment = run.joined((goal.digest, told.version))
    if deployment is None and arrived:
        run.prove(report.DEPLOYED if told.service_deployment else report.UNCHANGED, goal.digest)
        return
    run.go(goal, deployment)


class _Rollback(Run):
    """One rollback under way."""

    back: Back
    saved: Callable[[], None]

    def service(self) -> Mapping[str, Any]:
        """The service as it is now."""
        if (found := serving.service_of(self.aws, self.names)) is None:
            raise NothingDeployed(environment=self.names.environment)
        return found

    def goal(self) -> tuple[Revision, bool]:
        """The release to go back to, and whether that has been done: by the last deployment, or as it serves."""
        way = promoted.way(self.aws, self.names)
        if self.back.image:
            digest = resolve(self.aws, self.names.prefix, self.back.image).digest
            if (found := way.of(digest)) is None:
                raise NotPromoted(image=self.back.image, environment=self.names.environment)
            live = self.told.serves
            return found, live is not None and (live.digest, live.percent) == (digest, 100)
        if way.releases and way.went_back:
            self.note("the last deployment was a way back already; to go further back, name the image")
            return way.releases[-1], True
        if len(way.releases) < 2:
            raise NothingToGoBackTo(environment=self.names.environment, serving=self.in_words(self.told.serves))
        return way.releases[-2], False

    def tell(self, goal: Revision) -> None:
        """The report says where it goes."""
        variables = serving.environment_of(self.aws, goal.task_definition)
        self.told.version, self.told.commit = variables.get("APP_VERSION", ""), variables.get("APP_COMMIT", "")
        self.told.digest, self.told.image = goal.digest, goal.image

    def stopped(self) -> bool:
        """Ends a deployment under way that is no way back, and follows it to its end; whether there was one."""
        deployment = deployments.under_way(self.aws, self.names)
        if deployment is None or self._is_a_way_back(deployment):
            return False
        if self.back.dry_run:
            self.note(f"would stop the deployment {deployment.short}, {targets.age(self.aws, deployment)}")
            return True
        self.told.outcome, self.told.service_deployment = report.UNKNOWN, deployment.arn
        self.aws.progress(f"stop {deployment.short}, {targets.age(self.aws, deployment)}")
        self._stop(deployment)
        refuse = Verdict(False, "a rollback was asked for")
        Shepherd(self.aws, lambda *_: refuse, lambda _: "", 0, stages=self.told.stages).follow(deployment)
        self.seen(self.service())
        return True

    def go(self, goal: Revision, under_way: Deployment | None) -> None:
        """Deploys the release again, or joins that deployment, and shepherds it."""
        service = self.service()
        if under_way is None:
            stack = stacks.look(self.aws, self.names.stack("service"))
            if stack and stack.busy:
                raise StackChanging(stack=stack.name, status=stack.status)
            self.look(service)
        if self.back.dry_run:
            self.told.outcome = report.DRY_RUN
            begins = f"would take over {under_way.short} and go" if under_way else "would go"
            self.note(f"{begins} back to {self.told.version} ({goal.digest[:19]}), {self.told.strategy}")
            return
        self.aws.progress(f"back to {self.told.version} ({goal.digest[:19]})")
        block = strategy.at_once() if self.back.now else strategy.configuration(self.back.strategy)
        deployment = under_way or self.update(service, goal.task_definition, block)
        self.told.outcome = report.UNKNOWN
        ended, shepherd = self.follow(deployment, self.back.strategy.minutes, self.saved)
        self.conclude(ended, shepherd, goal.digest)

    def _is_a_way_back(self, deployment: Deployment) -> bool:
        """Whether a rollback began it: to a task definition older than that of the last release."""
        releases = promoted.way(self.aws, self.names).releases
        found = serving.revisions(self.aws, [deployment.target])
        return bool(releases and found) and promoted.is_older(found[0], releases[-1])

    def _stop(self, deployment: Deployment) -> None:
        try:
            self.aws.ecs.stop_service_deployment(serviceDeploymentArn=deployment.arn, stopType="ROLLBACK")
        except ClientError as error:
            # It may have ended in this moment, by itself: what came of it is read afterwards.
            if code_of(error) != "ConflictException":
                raise
