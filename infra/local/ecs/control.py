"""The control loop of one region: a turn takes every task and every deployment one step further."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping

from infra.local.clock import Clock
from infra.local.ecs.deployment import DeploymentRun
from infra.local.ecs.interfaces import ContainerState, LoadBalancing, Runtime
from infra.local.ecs.model import DRAINING, INACTIVE, Deployment, Service
from infra.local.ecs.store import Store
from infra.local.ecs.tasks import TaskScheduler

BUSY_SECONDS, IDLE_SECONDS = 0.1, 1.0

log = logging.getLogger(__name__)


class ControlLoop:
    """`turn` is the whole of it; `run` repeats that in a thread until `stop`."""

    def __init__(
        self, store: Store, scheduler: TaskScheduler, runtime: Runtime, balancing: LoadBalancing, clock: Clock
    ) -> None:
        self._store = store
        self._scheduler = scheduler
        self._runtime = runtime
        self._balancing = balancing
        self._clock = clock
        self._runs: dict[str, Iterator[None]] = {}
        self._stopped = False

    def turn(self) -> bool:
        """One step for everything; says whether anything is under way."""
        states = self._runtime.states() if self._has_tasks() else {}
        with self._store.lock:
            busy = [self._turn_service(service, states) for service in self._store.live_services()]
            return any(busy)

    def run(self) -> None:
        """Turn until stopped. A turn that fails is logged, and the next one tries again."""
        while not self._stopped:
            busy = True
            try:
                busy = self.turn()
            except Exception:  # a thread's boundary: the loop has to survive a hiccup of Docker
                log.exception("the control loop's turn failed")
            with self._store.changed:
                self._store.changed.wait(BUSY_SECONDS if busy else IDLE_SECONDS)

    def start(self) -> threading.Thread:
        """Run in a daemon thread."""
        thread = threading.Thread(target=self.run, name=f"ecs-{self._store.region}", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """End the loop after its turn; tasks stay as they are."""
        self._stopped = True
        self._store.wake()

    def _has_tasks(self) -> bool:
        with self._store.lock:
            return any(not task.gone for service in self._store.live_services() for task in service.tasks)

    def _turn_service(self, service: Service, states: Mapping[str, ContainerState]) -> bool:
        self._scheduler.tick(service, states)
        deployment = next((each for each in service.deployments if not each.finished), None)
        if deployment is not None:
            self._step(deployment)
        moving = any(not task.gone and not self._scheduler.healthy(task) for task in service.tasks)
        if service.status == DRAINING and deployment is None and all(task.gone for task in service.tasks):
            service.status = INACTIVE
            self._store.wake()
        return deployment is not None or moving or service.status == DRAINING

    def _step(self, deployment: Deployment) -> None:
        run = self._runs.get(deployment.arn)
        if run is None:
            carried_out = DeploymentRun(deployment, self._store, self._balancing, self._clock, self._scheduler.healthy)
            run = self._runs[deployment.arn] = carried_out.steps()
        try:
            next(run, None)
        except Exception as error:  # a thread's boundary: other services go on
            log.exception("the deployment %s failed", deployment.arn)
            deployment.status, deployment.reason = "ROLLBACK_FAILED", f"AWS on this machine failed: {error}"
            deployment.finished_at = self._clock.now()
        if deployment.finished:
            del self._runs[deployment.arn]
