"""What ECS tells EventBridge (developer guide, "ecs_service_deployment_events", "ecs_hook_state_change_events" and
"ecs_task_events")."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from infra.local.clock import Clock
from infra.local.ecs.interfaces import Notices
from infra.local.ecs.model import Deployment, Hook, Service, Task
from infra.local.ecs.render_tasks import task as render_task

DEPLOYMENT, HOOK, TASK, ACTION = (
    "ECS Deployment State Change", "ECS Hook State Change", "ECS Task State Change", "ECS Service Action",
)  # fmt: skip


class Announcer:
    """Puts each kind of event into EventBridge's shape."""

    def __init__(self, notices: Notices, clock: Clock) -> None:
        self._notices = notices
        self._clock = clock

    def deployment(self, record: Deployment, name: str, reason: str) -> None:
        """`name` is IN_PROGRESS, COMPLETED or FAILED."""
        detail = {
            "eventType": "ERROR" if name == "FAILED" else "INFO",
            "eventName": f"SERVICE_DEPLOYMENT_{name}",
            "clusterArn": record.service.cluster.arn,
            "deploymentId": f"ecs-svc/{record.target.id}",
            "updatedAt": self._now(),
            "reason": reason,
        }
        self._notices.put(DEPLOYMENT, [record.service.arn], detail)

    def hook(self, record: Deployment, hook: Hook) -> None:
        """The hook's status as it is now."""
        detail = {
            "eventType": "ERROR" if hook.status == "FAILED" else "INFO",
            "eventName": f"HOOK_{hook.status}",
            "hookId": hook.id,
            "hookType": "PAUSE",
            "lifecycleStage": hook.stage,
            "expiresAt": iso(hook.expires_at),
            "timeoutAction": hook.timeout_action,
            "clusterArn": record.service.cluster.arn,
            "serviceArn": record.service.arn,
            "serviceDeploymentArn": record.arn,
            "updatedAt": self._now(),
        }
        self._notices.put(HOOK, [record.arn], detail)

    def task(self, record: Task) -> None:
        """The task as DescribeTasks shows it now."""
        detail = {**_times(render_task(record)), "updatedAt": self._now(), "eventId": str(uuid.uuid4())}
        self._notices.put(TASK, [record.arn], detail)

    def steady(self, service: Service) -> None:
        """The service has reached a steady state."""
        detail = {
            "eventType": "INFO",
            "eventName": "SERVICE_STEADY_STATE",
            "clusterArn": service.cluster.arn,
            "createdAt": self._now(),
        }
        self._notices.put(ACTION, [service.arn], detail)

    def _now(self) -> str:
        return iso(self._clock.now())


def iso(at: float) -> str:
    """A time as events carry it."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _times(shown: dict[str, Any]) -> dict[str, Any]:
    return {name: iso(value) if name.endswith("At") else value for name, value in shown.items()}
