"""PAUSE lifecycle hooks: reached, answered, timed out (developer guide, "pause-lifecycle-hooks")."""

from __future__ import annotations

from typing import Any

from infra.local.clock import Clock
from infra.local.ecs.model import Deployment, Hook
from infra.local.ecs.notices import Announcer
from infra.local.ecs.store import Store

HOOK_TIMEOUT_MINUTES = 1440
WAITING, PASSED = "AWAITING_ACTION", frozenset({"SUCCEEDED", "TIMED_OUT"})


class Hooks:
    """The hooks of any deployment. Those of one stage are reached together, and all have to pass."""

    def __init__(self, store: Store, clock: Clock, announcer: Announcer) -> None:
        self._store = store
        self._clock = clock
        self._announcer = announcer

    def reach(self, deployment: Deployment, stage: str) -> None:
        """Make a hook for each PAUSE that is configured at the stage."""
        configured: list[dict[str, Any]] = deployment.configuration.get("lifecycleHooks") or []
        for each in configured:
            if stage in each["lifecycleStages"]:
                timeout = each.get("timeoutConfiguration") or {}
                seconds = self._clock.minutes(timeout.get("timeoutInMinutes", HOOK_TIMEOUT_MINUTES))
                hook = Hook(
                    self._store.hex_id(), stage, self._clock.now() + seconds, timeout.get("action", "ROLLBACK"),
                    deployment.position,
                )  # fmt: skip
                deployment.hooks.append(hook)
                self._announcer.hook(deployment, hook)

    def passed(self, deployment: Deployment) -> bool:
        """Whether every hook of the step the deployment is at was continued, or timed out with CONTINUE."""
        own = [hook for hook in deployment.hooks if hook.position == deployment.position]
        for hook in own:
            if hook.status == WAITING and self._clock.now() >= hook.expires_at:
                self.end(deployment, hook, "TIMED_OUT")
        return all(hook.status in PASSED for hook in own)

    def vote(self, deployment: Deployment) -> Hook | None:
        """A hook that wants the deployment rolled back: one is enough, whatever the others say."""
        return next((hook for hook in deployment.hooks if _against(hook)), None)

    def end(self, deployment: Deployment, hook: Hook, status: str) -> None:
        """Give a hook its last status."""
        hook.status = status
        self._announcer.hook(deployment, hook)

    def abandon(self, deployment: Deployment) -> None:
        """Nobody will be asked any more."""
        for hook in deployment.hooks:
            if hook.status == WAITING:
                self.end(deployment, hook, "FAILED")

    def deadline(self, deployment: Deployment) -> float | None:
        """When the next hook times out."""
        return min((hook.expires_at for hook in deployment.hooks if hook.status == WAITING), default=None)


def _against(hook: Hook) -> bool:
    return hook.status == "FAILED" or (hook.status == "TIMED_OUT" and hook.timeout_action == "ROLLBACK")
