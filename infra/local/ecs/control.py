"""The control loop of one region: a turn takes every task and every deployment one step further."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping

from infra.local.clock import Clock
from infra.local.ecs.deployment import DeploymentRun, Surroundings
from infra.local.ecs.interfaces import ContainerState, Runtime
from infra.local.ecs.model import DRAINING, INACTIVE, Deployment, Service, Task
from infra.local.ecs.runner import TaskRunner
from infra.local.ecs.scheduler import STOPPED_TASK_SECONDS, ServiceScheduler
from infra.local.ecs.store import Store

BUSY_SECONDS, WATCH_SECONDS = 0.2, 1.0  # while tasks come, go or are unhealthy; and while all is still
SHORTEST_SECONDS = 0.02

log = logging.getLogger(__name__)


class ControlLoop:
    """`turn` is the whole of it; `run` repeats that in a thread until `stop`."""

    def __init__(
        self, store: Store, scheduler: ServiceScheduler, runner: TaskRunner, runtime: Runtime, around: Surroundings
    ) -> None:
        self._store = store
        self._scheduler = scheduler
        self._runner = runner
        self._runtime = runtime
        self._around = around
        self._clock: Clock = around.clock
        self._runs: dict[str, DeploymentRun] = {}
        self._stopped = False

    def turn(self) -> float:
        """One step for everything; gives the seconds after which, if nothing happens before, there is more to do."""
        states = self._runtime.states() if self._has_tasks() else {}
        with self._store.lock:
            for service in self._store.live_services():
                self._turn_service(service, states)
            self._turn_tasks(states)
            seconds = self._until_next()
        if seconds < WATCH_SECONDS:
            self._store.touch()
        return seconds

    def adopt(self, states: Mapping[str, ContainerState]) -> set[str]:
        """After a restart: find the containers of the tasks again; gives their runtime ids."""
        with self._store.lock:
            return {found for task in self._live_tasks() for found in self._runner.adopt(task, states)}

    def run(self) -> None:
        """Turn until stopped. A turn that fails is logged, and the next one tries again."""
        while not self._stopped:
            seconds = WATCH_SECONDS
            self._store.woken.clear()
            try:
                seconds = self.turn()
            except Exception:  # a thread's boundary: the loop has to survive a hiccup of Docker
                log.exception("the control loop's turn failed")
            self._store.woken.wait(seconds)

    def start(self) -> threading.Thread:
        """Run in a daemon thread."""
        thread = threading.Thread(target=self.run, name=f"ecs-{self._store.region}", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """End the loop after its turn; tasks stay as they are."""
        self._stopped = True
        self._store.wake()

    def _live_tasks(self) -> Iterator[Task]:
        return (task for task in self._store.all_tasks() if not task.gone)

    def _has_tasks(self) -> bool:
        with self._store.lock:
            return any(True for _ in self._live_tasks())

    def _turn_service(self, service: Service, states: Mapping[str, ContainerState]) -> None:
        self._scheduler.tick(service, states)
        if (deployment := service.under_way) is not None:
            self._step(deployment)
        elif service.status == DRAINING and all(task.gone for task in service.tasks):
            service.status = INACTIVE
            self._store.touch()

    def _turn_tasks(self, states: Mapping[str, ContainerState]) -> None:
        for task in self._store.tasks:
            before = task.last_status
            self._runner.advance(task, states)
            if before != task.last_status:
                self._around.announcer.task(task)
        horizon = self._clock.now() - STOPPED_TASK_SECONDS
        self._store.tasks = [each for each in self._store.tasks if each.stopped_at is None or each.stopped_at > horizon]

    def _step(self, deployment: Deployment) -> None:
        run = self._runs.get(deployment.arn)
        if run is None:
            run = self._runs[deployment.arn] = DeploymentRun(deployment, self._around)
        try:
            run.advance()
        except Exception as error:  # a thread's boundary: other services go on
            log.exception("the deployment %s failed", deployment.arn)
            deployment.status, deployment.reason = "ROLLBACK_FAILED", f"AWS on this machine failed: {error}"
            deployment.finished_at = self._clock.now()
        if deployment.finished:
            del self._runs[deployment.arn]
            self._store.touch()

    def _until_next(self) -> float:
        now = self._clock.now()
        waits = [WATCH_SECONDS]
        for service in self._store.live_services():
            waits += [at - now for at in self._deadlines(service)]
            if any(not task.gone and not self._scheduler.healthy(task) for task in service.tasks):
                waits.append(BUSY_SECONDS)
        if any(task.last_status not in ("RUNNING", "STOPPED") for task in self._store.tasks):
            waits.append(BUSY_SECONDS)
        return max(SHORTEST_SECONDS, min(waits))

    def _deadlines(self, service: Service) -> Iterator[float]:
        for revision in service.revisions.values():
            if revision.start_not_before > self._clock.now():
                yield revision.start_not_before
        run = self._runs.get(service.under_way.arn) if service.under_way else None
        if run is not None and (at := run.deadline()) is not None:
            yield at
        elif service.under_way is not None and service.under_way.status == "PENDING":
            yield self._clock.now()
