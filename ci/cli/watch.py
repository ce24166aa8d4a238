"""Watches a service's deployment from outside, through the ECS API: which stage it was in, and for how long."""

import threading
import time
from types import TracebackType
from typing import Any, Self

POLL_SECONDS = 0.1


class Watch:
    """The stages of the newest deployment of a service, from the block's start to its end.

    Attributes:
        stages: seconds by stage, in order.
        status: the deployment's status when last seen.
    """

    def __init__(self, ecs: Any, cluster: str, service: str) -> None:
        self.stages: dict[str, float] = {}
        self.status = ""
        self._ecs = ecs
        self._names = {"cluster": cluster, "service": service}
        self._before: set[str] = set()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._before = {row["serviceDeploymentArn"] for row in self._listed()}
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def _listed(self) -> list[dict[str, Any]]:
        try:
            return list(self._ecs.list_service_deployments(**self._names)["serviceDeployments"])
        except (self._ecs.exceptions.ClientError, OSError):
            return []  # before the first deployment there is no cluster and no service

    def _run(self) -> None:
        last = time.monotonic()
        while not self._stopped.wait(POLL_SECONDS):
            now = time.monotonic()
            if stage := self._stage():
                self.stages[stage] = self.stages.get(stage, 0.0) + now - last
            last = now
        self._stage()

    def _stage(self) -> str | None:
        """The stage now, None where the deployment has not begun or has ended."""
        new = [row["serviceDeploymentArn"] for row in self._listed() if row["serviceDeploymentArn"] not in self._before]
        if not new:
            return None
        found = self._ecs.describe_service_deployments(serviceDeploymentArns=new[:1])["serviceDeployments"]
        if not found:
            return None
        self.status = found[0]["status"]
        if self.status in ("PENDING", "IN_PROGRESS"):
            return str(found[0].get("lifecycleStage") or self.status)
        return (
            "ROLLBACK"
            if self.status.startswith("ROLLBACK") and not self.status.endswith(("SUCCESSFUL", "FAILED"))
            else None
        )
