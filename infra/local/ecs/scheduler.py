"""The service scheduler: keeps every revision at its desired count, and replaces tasks that die or fail checks."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from infra.local.clock import Clock
from infra.local.ecs.interfaces import ContainerState
from infra.local.ecs.model import Container, Revision, Service, Task, TaskDefinition
from infra.local.ecs.notices import Announcer
from infra.local.ecs.runner import TaskRunner
from infra.local.ecs.store import Store
from infra.local.ecs.traffic import attachments

RESTART_PAUSES = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)  # seconds before the next start, by failures in a row
FAILURES_WORTH_A_NOTE = 4
LAUNCH: tuple[str, ...] = (
    "launchType", "platformVersion", "networkConfiguration", "capacityProviderStrategy", "enableExecuteCommand",
)  # fmt: skip
STOPPED_TASK_SECONDS = 3600.0  # how long DescribeTasks knows a stopped task
UNCHECKED_SECONDS = 40.0  # how long a task that nothing checks has to run to count (API: minimumHealthyPercent)


class ServiceScheduler:
    """One turn of it is `tick`, under the store's lock."""

    def __init__(self, store: Store, runner: TaskRunner, clock: Clock, announcer: Announcer) -> None:
        self._store = store
        self._runner = runner
        self._clock = clock
        self._announcer = announcer

    def tick(self, service: Service, states: Mapping[str, ContainerState]) -> None:
        """Take the service's tasks one step further, given what the containers do now."""
        for task in service.tasks:
            self._advance(service, task, states)
        for revision in service.revisions.values():
            self._fill(service, revision)
        horizon = self._clock.now() - STOPPED_TASK_SECONDS
        service.tasks = [task for task in service.tasks if task.stopped_at is None or task.stopped_at > horizon]

    def healthy(self, task: Task) -> bool:
        """RUNNING, its containers' checks pass (if there are any), and so do the load balancer's (if there is one)."""
        if task.last_status != "RUNNING" or not task.active:
            return False
        if task.has_check and task.health != "HEALTHY":
            return False
        return all(state == "healthy" for state in self._runner.target_states(task))

    def counted(self, task: Task) -> bool:
        """Whether a rolling update counts it as healthy: what nothing checks has to have run for a while."""
        unchecked = not task.has_check and (task.revision is None or not task.revision.target_groups)
        young = unchecked and self._clock.now() < (task.started_at or 0.0) + UNCHECKED_SECONDS
        return self.healthy(task) and not young

    def _advance(self, service: Service, task: Task, states: Mapping[str, ContainerState]) -> None:
        before, was_active = task.last_status, task.active
        self._runner.advance(task, states)
        if before != "RUNNING" and task.last_status == "RUNNING":
            self._note_targets(service, "registered", task)
        if was_active and not task.active:
            self._failed(service, task)
        elif task.last_status == "RUNNING" and task.active:
            self._judge(service, task)
        if before != task.last_status:
            self._announcer.task(task)

    def _judge(self, service: Service, task: Task) -> None:
        if self.healthy(task):
            if self.counted(task):
                self._succeeded(service, task)
        elif self._clock.now() - (task.started_at or 0.0) > service.settings.get("healthCheckGracePeriodSeconds", 0):
            self._replace_unhealthy(service, task)

    def _fill(self, service: Service, revision: Revision) -> None:
        active = [task for task in service.tasks if task.revision is revision and task.active]
        missing = revision.desired - len(active)
        if missing > 0 and self._clock.now() >= revision.start_not_before:
            started = [self._start(service, revision) for _ in range(missing)]
            service.tasks.extend(started)
            self._note(service, f"has started {missing} tasks: {_names(started)}.")
        elif missing < 0:
            ready_last = sorted(active, key=lambda task: (self.healthy(task), -task.created_at))
            self._scale_in(service, revision, ready_last[:-missing])

    def _scale_in(self, service: Service, revision: Revision, surplus: list[Task]) -> None:
        for task in surplus:
            registered = task.registered
            reason = f"Scaling activity initiated by (deployment ecs-svc/{revision.id})"
            self.retire(task, "ServiceSchedulerInitiated", reason)
            if registered:
                self._note_targets(service, "deregistered", task)
        if any(task.registered or task.last_status == "DEACTIVATING" for task in surplus):
            self._note(service, f"has begun draining connections on {len(surplus)} tasks.")
        self._note(service, f"has stopped {len(surplus)} running tasks: {_names(surplus)}.")

    def retire(self, task: Task, code: str, reason: str) -> None:
        """Stop a task in ECS's order."""
        before = task.last_status
        self._runner.retire(task, code, reason)
        if before != task.last_status:
            self._announcer.task(task)

    def _start(self, service: Service, revision: Revision) -> Task:
        launch = {name: revision.settings[name] for name in LAUNCH if name in revision.settings}
        task = new_task(self._store, service.cluster.name, revision.definition, self._clock.now())
        task.revision, task.launch = revision, launch
        task.group, task.started_by = f"service:{service.name}", f"ecs-svc/{revision.id}"
        task.tags = _propagated(service, revision)
        return task

    def _replace_unhealthy(self, service: Service, task: Task) -> None:
        if task.health == "UNHEALTHY":
            reason = "Task failed container health checks"
            self._note(service, f"(task {task.id}) failed container health checks.")
        elif "unhealthy" in (states := self._runner.target_states(task)):
            index = states.index("unhealthy")
            group = f"(target-group {task.revision.target_groups[index] if task.revision else ''})"
            reason = f"Task failed ELB health checks in {group}"
            port = attachments(service.settings)[index].port
            self._note(service, f"(port {port}) is unhealthy in {group} due to (reason Health checks failed).")
        else:
            return
        self.retire(task, "ServiceSchedulerInitiated", reason)
        self._failed(service, task)

    def _failed(self, service: Service, task: Task) -> None:
        """Count the failure for the circuit breaker, and pause before the next start."""
        revision = task.revision
        if revision is None or task.stop_code == "UserInitiated":
            return
        revision.failures += 1
        revision.start_not_before = self._clock.now() + RESTART_PAUSES[min(revision.failures, len(RESTART_PAUSES)) - 1]
        self._note(service, f"(task {task.id}) failed: {task.stopped_reason}")
        if revision.failures == FAILURES_WORTH_A_NOTE:
            self._note(service, "is unable to consistently start tasks successfully. "
                                "For more information, see the Troubleshooting section.")  # fmt: skip
        deployment = service.under_way
        if deployment is not None and deployment.target is revision and deployment.rollback_started_at is None:
            deployment.failures += 1

    def _succeeded(self, service: Service, task: Task) -> None:
        """The first time a task is healthy, the failures before it are forgiven (resetOnHealthyTask)."""
        if task.was_healthy or task.revision is None:
            return
        task.was_healthy = True
        task.revision.failures = 0
        deployment = service.under_way
        own = deployment is not None and deployment.target is task.revision
        if deployment is not None and own and deployment.breaker.get("resetOnHealthyTask", True):
            deployment.failures = 0

    def _note_targets(self, service: Service, done: str, task: Task) -> None:
        for group in task.revision.target_groups if task.revision else ():
            self._note(service, f"{done} 1 targets in (target-group {group})")

    def _note(self, service: Service, text: str) -> None:
        service.note(self._clock.now(), text)


def new_task(store: Store, cluster: str, definition: TaskDefinition, now: float) -> Task:
    """A task that is to be started."""
    task_id = store.hex_id()
    containers = [Container(each["name"], secrets.token_hex(16)) for each in definition.containers]
    return Task(
        task_id, store.arn(f"task/{cluster}/{task_id}"), store.clusters[cluster], definition, now,
        f"family:{definition.family}", containers, secrets.token_hex(16),
    )  # fmt: skip


def _names(tasks: list[Task]) -> str:
    return " ".join(f"(task {task.id})" for task in tasks)


def _propagated(service: Service, revision: Revision) -> list[dict[str, str]]:
    tags = {"SERVICE": service.tags, "TASK_DEFINITION": revision.definition.tags}
    managed: list[dict[str, Any]] = []
    if service.settings.get("enableECSManagedTags"):
        managed = [
            {"key": "aws:ecs:clusterName", "value": service.cluster.name},
            {"key": "aws:ecs:serviceName", "value": service.name},
        ]
    return [*tags.get(service.settings.get("propagateTags", "NONE"), []), *managed]
