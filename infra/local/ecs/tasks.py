"""Keeps every revision at its desired count: starts tasks, watches them, replaces dead ones, stops them in ECS's order.

Order of a stop (developer guide, "task-lifecycle-explanation"): DEACTIVATING, the target is deregistered; once it is
`unused`, STOPPING, the container gets SIGTERM and after its stop timeout SIGKILL; STOPPED.
"""

from __future__ import annotations

from collections.abc import Mapping

from infra.local.clock import Clock
from infra.local.ecs.containers import container_spec
from infra.local.ecs.interfaces import Background, ContainerState, LoadBalancing, Runtime
from infra.local.ecs.model import Revision, Service, Task
from infra.local.ecs.store import Store
from infra.local.ecs.traffic import TargetGroupPair

RESTART_PAUSES = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)  # seconds before the next start, by failures in a row
STOPPED_TASK_SECONDS = 3600.0  # how long DescribeTasks knows a stopped task
DEFAULT_STOP_TIMEOUT = 30.0


class TaskScheduler:
    """One turn of it is `tick`, under the store's lock; whatever blocks is handed to the background."""

    def __init__(
        self, store: Store, runtime: Runtime, balancing: LoadBalancing, background: Background, clock: Clock
    ) -> None:
        self._store = store
        self._runtime = runtime
        self._balancing = balancing
        self._background = background
        self._clock = clock

    def tick(self, service: Service, states: Mapping[str, ContainerState]) -> None:
        """Take the service's tasks one step further, given what the containers do now."""
        for task in service.tasks:
            self._advance(service, task, states)
        for revision in service.revisions.values():
            self._fill(service, revision)
        horizon = self._clock.now() - STOPPED_TASK_SECONDS
        service.tasks = [task for task in service.tasks if task.stopped_at is None or task.stopped_at > horizon]

    def healthy(self, task: Task) -> bool:
        """RUNNING, its container check passes (if it has one), and so does the load balancer's (if there is one)."""
        if task.last_status != "RUNNING" or not task.active or not task.seen_running:
            return False
        if task.revision.definition.container().get("healthCheck") and task.health != "HEALTHY":
            return False
        return self._target_state(task) in (None, "healthy")

    def _advance(self, service: Service, task: Task, states: Mapping[str, ContainerState]) -> None:
        match task.last_status:
            case "PROVISIONING" | "PENDING":
                self._starting(service, task)
            case "RUNNING":
                self._running(service, task, states)
            case "DEACTIVATING":
                if self._target_state(task) in (None, "unused"):
                    self._terminate(task)
            case "STOPPING":
                self._stopping(task)

    def _fill(self, service: Service, revision: Revision) -> None:
        active = [task for task in service.tasks if task.revision is revision and task.active]
        missing = revision.desired - len(active)
        if missing > 0 and self._clock.now() >= revision.start_not_before:
            service.tasks.extend(self._start(service, revision) for _ in range(missing))
            service.note(self._clock.now(), f"has started {missing} tasks.")
        elif missing < 0:
            ready_last = sorted(active, key=lambda task: (self.healthy(task), -task.created_at))
            for task in ready_last[:-missing]:
                self._retire(task, "ServiceSchedulerInitiated", f"Scaling activity initiated by ecs-svc/{revision.id}")
            service.note(self._clock.now(), f"has stopped {-missing} running tasks.")

    def _start(self, service: Service, revision: Revision) -> Task:
        task_id = self._store.hex_id()
        arn = self._store.arn(f"task/{service.cluster.name}/{task_id}")
        task = Task(task_id, arn, revision, self._clock.now(), last_status="PENDING")
        task.starting = self._background.submit(self._runtime.start, container_spec(task, service))
        return task

    def _starting(self, service: Service, task: Task) -> None:
        if task.starting is None or not task.starting.done():
            return
        if (error := task.starting.exception()) is not None:
            self._ended(task, "TaskFailedToStart", str(error))
            self._failed(service, task)
            return
        task.container, task.started_at, task.last_status = task.starting.result(), self._clock.now(), "RUNNING"
        if not task.active:
            self._terminate(task)
        elif (pair := self._pair(task)) is not None and task.revision.target_group is not None:
            self._balancing.register(task.revision.target_group, task.container.ip, pair.port)
            service.note(self._clock.now(), f"registered 1 targets in (target-group {task.revision.target_group})")

    def _running(self, service: Service, task: Task, states: Mapping[str, ContainerState]) -> None:
        assert task.container is not None
        state = states.get(task.container.runtime_id, ContainerState(running=False))
        task.health, task.seen_running = state.health, state.running
        if not state.running:
            self._exited(service, task, state.exit_code)
        elif self.healthy(task):
            self._succeeded(service, task)
        elif self._clock.now() - (task.started_at or 0.0) > service.settings.get("healthCheckGracePeriodSeconds", 0):
            self._replace_unhealthy(service, task)

    def _exited(self, service: Service, task: Task, exit_code: int | None) -> None:
        assert task.container is not None
        self._deregister(task)
        task.desired_status, task.exit_code = "STOPPED", exit_code
        task.stop_code, task.stopped_reason = "EssentialContainerExited", "Essential container in task exited"
        self._terminate(task)
        self._failed(service, task)

    def _replace_unhealthy(self, service: Service, task: Task) -> None:
        if task.health == "UNHEALTHY":
            reason = "Task failed container health checks"
        elif self._target_state(task) == "unhealthy":
            reason = f"Task failed ELB health checks in (target-group {task.revision.target_group})"
        else:
            return
        service.note(self._clock.now(), f"(task {task.id}) is unhealthy: {reason}.")
        self._retire(task, "ServiceSchedulerInitiated", reason)
        self._failed(service, task)

    def _failed(self, service: Service, task: Task) -> None:
        """Count the failure for the circuit breaker, and pause before the next start."""
        revision = task.revision
        revision.failures += 1
        revision.start_not_before = self._clock.now() + RESTART_PAUSES[min(revision.failures, len(RESTART_PAUSES)) - 1]
        service.note(self._clock.now(), f"(task {task.id}) failed: {task.stopped_reason}")
        deployment = service.deployment
        if deployment is not None and not deployment.finished and deployment.target is revision:
            deployment.failures += 1

    def _succeeded(self, service: Service, task: Task) -> None:
        """The first time a task is healthy, the failures before it are forgiven (resetOnHealthyTask)."""
        if task.was_healthy:
            return
        task.was_healthy = True
        task.revision.failures = 0
        deployment = service.deployment
        if deployment is None or deployment.target is not task.revision:
            return
        if deployment.breaker.get("resetOnHealthyTask", True):
            deployment.failures = 0

    def _retire(self, task: Task, code: str, reason: str) -> None:
        """Begin to stop a task whose container may still be serving."""
        task.desired_status, task.stop_code, task.stopped_reason = "STOPPED", code, reason
        task.stopping_at = self._clock.now()
        if task.last_status == "RUNNING":
            self._deregister(task)
            task.last_status = "DEACTIVATING"

    def _deregister(self, task: Task) -> None:
        pair = self._pair(task)
        if pair is not None and task.container is not None and task.revision.target_group is not None:
            self._balancing.deregister(task.revision.target_group, task.container.ip, pair.port)

    def _terminate(self, task: Task) -> None:
        assert task.container is not None
        task.last_status, task.stopping_at = "STOPPING", task.stopping_at or self._clock.now()
        timeout = float(task.revision.definition.container().get("stopTimeout") or DEFAULT_STOP_TIMEOUT)
        task.stopping = self._background.submit(self._runtime.stop, task.container.runtime_id, timeout)

    def _stopping(self, task: Task) -> None:
        if task.stopping is None or not task.stopping.done():
            return
        if task.stopping.exception() is None and task.exit_code is None:
            task.exit_code = task.stopping.result()
        self._ended(task, task.stop_code or "", task.stopped_reason or "")

    def _ended(self, task: Task, code: str, reason: str) -> None:
        task.last_status = task.desired_status = "STOPPED"
        task.stop_code, task.stopped_reason, task.stopped_at = code, reason, self._clock.now()

    def _target_state(self, task: Task) -> str | None:
        pair = self._pair(task)
        if pair is None or task.container is None or task.revision.target_group is None:
            return None
        return self._balancing.target_state(task.revision.target_group, task.container.ip, pair.port)

    @staticmethod
    def _pair(task: Task) -> TargetGroupPair | None:
        return TargetGroupPair.of(task.revision.settings)
