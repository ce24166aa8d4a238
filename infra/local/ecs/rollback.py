"""The way back of a deployment: production first, then the test rule, then the new tasks go.

How ECS orders these is not documented; there is no way out of a rollback before its end. Sources: developer guide,
"service-deployment" (statuses), "action-logs-troubleshooting" (a first deployment has nothing to go back to).
"""

from __future__ import annotations

from infra.local.clock import Clock
from infra.local.ecs.hooks import Hooks
from infra.local.ecs.interfaces import LoadBalancing
from infra.local.ecs.model import Deployment
from infra.local.ecs.notices import Announcer
from infra.local.ecs.rolling import Rolling
from infra.local.ecs.strategy import WHOLE
from infra.local.ecs.traffic import attachments

NO_CANDIDATE = "No rollback candidate was found to run the rollback."


class RollBack(Exception):
    """The deployment has failed; `str()` is the status reason, `short` what the service's event says of it.

    Where `wanted` is false, nobody asked for a rollback: the deployment just stops.
    """

    def __init__(self, reason: str, short: str | None = None, *, wanted: bool = True) -> None:
        super().__init__(reason)
        self.short = short or reason
        self.wanted = wanted


class Superseded(Exception):
    """A newer deployment was started, or the service is being deleted."""


class Rollback:
    """Takes one deployment back."""

    def __init__(
        self,
        deployment: Deployment,
        balancing: LoadBalancing,
        hooks: Hooks,
        announcer: Announcer,
        rolling: Rolling,
        clock: Clock,
    ) -> None:
        self._deployment = deployment
        self._service = deployment.service
        self._balancing = balancing
        self._hooks = hooks
        self._announcer = announcer
        self._rolling = rolling
        self._clock = clock

    def begin(self, cause: str) -> None:
        """Give production back; from here on the deployment is ROLLBACK_IN_PROGRESS."""
        deployment = self._deployment
        deployment.status, deployment.reason = "ROLLBACK_IN_PROGRESS", cause
        deployment.rollback_reason = cause
        deployment.rollback_started_at = deployment.updated_at = self._clock.now()
        self._hooks.abandon(deployment)
        if deployment.source is not None:
            self._service.note(self._clock.now(), f"rolling back to deployment ecs-svc/{deployment.source.id}.")
        for entry, live in zip(attachments(deployment.target.settings), deployment.live, strict=False):
            entry.shift_production(self._balancing, live)
            entry.shift_test(self._balancing, live)
        set_weights(deployment, 0, 0)
        if deployment.strategy != "ROLLING" or deployment.source is None:
            deployment.target.desired = 0

    def advance(self) -> None:
        """Wait until the old revision is whole and nothing of the new one runs."""
        deployment = self._deployment
        if deployment.strategy == "ROLLING" and deployment.source is not None:
            if not self._rolling.replace(deployment, deployment.source):
                return
        elif self._service.tasks_of(deployment.target):
            return
        if deployment.source is None:
            self._finish("ROLLBACK_FAILED", NO_CANDIDATE)
        else:
            if self._service.deployment is deployment:  # a newer one has set what it wants already
                self._service.settings["taskDefinition"] = deployment.source.definition.arn
            self._finish("ROLLBACK_SUCCESSFUL", deployment.rollback_reason)
            self._service.note(self._clock.now(), "has reached a steady state.")
            self._announcer.steady(self._service)

    def _finish(self, status: str, reason: str | None) -> None:
        deployment = self._deployment
        deployment.status, deployment.reason = status, reason
        deployment.finished_at = deployment.updated_at = self._clock.now()


def set_weights(deployment: Deployment, production: float, test: float) -> None:
    """Note the target's shares in percent, and the source's, as ServiceRevisionSummary shows them."""
    deployment.production_weights = {deployment.target.id: production}
    deployment.test_weights = {deployment.target.id: test}
    if deployment.source is not None:
        deployment.production_weights[deployment.source.id] = WHOLE - production
        deployment.test_weights[deployment.source.id] = WHOLE - test
