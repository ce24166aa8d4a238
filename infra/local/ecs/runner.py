"""One task's life: its network, its containers in the order of their dependencies, its targets, and its end.

Order of a start and a stop: developer guide, "task-lifecycle-explanation". DEACTIVATING: the targets are deregistered;
once they are `unused`, STOPPING: containers get SIGTERM, those first on which no other depends, and after their stop
timeout SIGKILL; DEPROVISIONING: what is left is removed; STOPPED.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from infra.local.clock import Clock
from infra.local.ecs import dependencies
from infra.local.ecs.containers import (
    CONTAINER_LABEL,
    NETWORK,
    TASK_LABEL,
    Place,
    container_name,
    labels,
    launch,
    log_target,
    stop_timeout,
    volumes,
)
from infra.local.ecs.interfaces import Background, ContainerState, LoadBalancing, Runtime
from infra.local.ecs.launcher import Launcher
from infra.local.ecs.model import STARTING, Container, Task
from infra.local.ecs.traffic import targets

OUT_OF_MEMORY = "OutOfMemoryError: Container killed due to memory usage"
ESSENTIAL_EXITED = ("EssentialContainerExited", "Essential container in task exited")


class TaskRunner:
    """`advance` takes a task one step further, under the store's lock; whatever blocks is handed to the background."""

    def __init__(
        self,
        place: Place,
        runtime: Runtime,
        launcher: Launcher,
        balancing: LoadBalancing,
        background: Background,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self._place = place
        self._runtime = runtime
        self._launcher = launcher
        self._balancing = balancing
        self._background = background
        self._clock = clock
        self._wake = wake
        self._calls: dict[tuple[str, str], Future[Any]] = {}

    def advance(self, task: Task, states: Mapping[str, ContainerState]) -> None:
        """Given what the containers do now. A task that ends by itself wants to be STOPPED from then on."""
        for container in task.containers:
            self._observe(container, states)
        match task.last_status:
            case "PROVISIONING":
                self._provision(task)
            case "PENDING":
                self._start(task)
            case "ACTIVATING":
                self._activated(task)
            case "RUNNING":
                self._check_essentials(task)
            case "DEACTIVATING":
                if set(self.target_states(task)) <= {"unused"}:
                    self._stop_containers(task)
            case "STOPPING":
                self._stop_containers(task)
            case "DEPROVISIONING":
                self._remove(task)

    def retire(self, task: Task, code: str, reason: str) -> None:
        """Begin to stop a task whose containers may still be serving."""
        if not task.active:
            return
        self._give_up(task, code, reason)
        if task.last_status not in STARTING:
            self._deregister(task)
            task.status("DEACTIVATING")

    def target_states(self, task: Task) -> list[str]:
        """The state of each of its targets; empty for a task without a load balancer."""
        return [self._balancing.target_state(*target) for target in targets(task)]

    def adopt(self, task: Task, states: Mapping[str, ContainerState]) -> set[str]:
        """Find a task's containers again, after a start of the server; gives their runtime ids.

        What the task still answered when the server was killed, it may still be answering.
        """
        found = {s.labels.get(CONTAINER_LABEL): i for i, s in states.items() if s.labels.get(TASK_LABEL) == task.arn}
        if task.network is None and NETWORK in found:
            task.network = found[NETWORK]
            task.ip = self._runtime.address(task.network)
        for container in task.containers:
            container.stop_sent = False
            if container.runtime_id is None and container.name in found and not container.ended:
                container.runtime_id, container.last_status = found[container.name], "RUNNING"
                container.started_at = self._clock.now()
                task.ip = task.ip or self._runtime.address(container.runtime_id)
            if container.runtime_id is not None and container.runtime_id in states and not container.ended:
                self._launcher.resume(container.runtime_id, log_target(task, container.name, self._place.region))
        if task.last_status == "DEACTIVATING":
            for target in targets(task):
                self._balancing.drain(*target)
        return set(found.values())

    def _observe(self, container: Container, states: Mapping[str, ContainerState]) -> None:
        if container.runtime_id is None or container.last_status != "RUNNING":
            return
        state = states.get(container.runtime_id, ContainerState(running=False))
        container.health = state.health
        if not state.running:
            container.last_status, container.stopped_at = "STOPPED", self._clock.now()
            container.exit_code = state.exit_code
            if state.out_of_memory:
                container.reason = OUT_OF_MEMORY

    def _provision(self, task: Task) -> None:
        """Several containers share one network, which none of them owns: any may end before the others."""
        if not task.active:
            self._stop_containers(task)
        elif len(task.containers) == 1 or task.network is not None:
            task.status("PENDING")
            self._start(task)
        elif (held := self._call(task, NETWORK, self._runtime.hold, *self._network(task))) is not None:
            if (error := held.exception()) is not None:
                self._fail(task, str(error))
            else:
                task.network, task.ip = held.result().runtime_id, held.result().ip
                task.status("PENDING")
                self._start(task)

    def _network(self, task: Task) -> tuple[str, dict[str, str]]:
        return container_name(task, NETWORK), labels(task, NETWORK)

    def _start(self, task: Task) -> None:
        for container in task.containers:
            if container.runtime_id is None and not container.ended:
                self._start_container(task, container)
        self._check_essentials(task)
        if not task.active:
            self._stop_containers(task)
        elif all(each.last_status != "PENDING" for each in task.containers):
            self._activate(task)

    def _start_container(self, task: Task, container: Container) -> None:
        if (task.id, container.name) not in self._calls:
            try:
                ready = task.active and dependencies.satisfied(task, container, self._clock.now())
            except dependencies.NeverSatisfied as error:
                container.last_status, container.reason = "STOPPED", str(error)
                self._fail(task, str(error))
                return
            if not ready:
                return
            task.pull_started_at = task.pull_started_at or self._clock.now()
        wanted = launch(task, container, self._place)
        if (started := self._call(task, container.name, self._launcher.launch, wanted)) is not None:
            self._take(task, container, started)

    def _take(self, task: Task, container: Container, started: Future[Any]) -> None:
        if (error := started.exception()) is not None:
            container.last_status, container.reason = "STOPPED", str(error)
            self._fail(task, str(error))
            return
        result = started.result()
        container.runtime_id, container.image_digest = result.runtime_id, result.image_digest
        container.last_status, container.started_at = "RUNNING", self._clock.now()
        task.ip = task.ip or result.ip
        task.pull_stopped_at = self._clock.now()
        if task.revision is not None and result.image_digest:
            task.revision.images.setdefault(container.name, result.image_digest)

    def _activate(self, task: Task) -> None:
        task.status("ACTIVATING")
        for target in targets(task):
            self._balancing.register(*target)
        task.registered = True

    def _activated(self, task: Task) -> None:
        self._check_essentials(task)
        if task.active:
            task.started_at = self._clock.now()
            task.status("RUNNING")
        elif task.last_status == "ACTIVATING":  # it was told to stop meanwhile
            self._deregister(task)
            task.status("DEACTIVATING")

    def _check_essentials(self, task: Task) -> None:
        ended = [each for each in task.containers if each.ended and each.runtime_id]
        if task.active and any(self._essential(task, each) for each in ended):
            self._deregister(task)
            self._give_up(task, *ESSENTIAL_EXITED)
            self._stop_containers(task)

    @staticmethod
    def _essential(task: Task, container: Container) -> bool:
        return bool(task.definition.container(container.name).get("essential", True))

    def _fail(self, task: Task, reason: str) -> None:
        if task.active:
            self._give_up(task, "TaskFailedToStart", reason)

    def _give_up(self, task: Task, code: str, reason: str) -> None:
        task.desired_status, task.stop_code, task.stopped_reason = "STOPPED", code, reason
        task.stopping_at = self._clock.now()
        task.version += 1

    def _deregister(self, task: Task) -> None:
        if task.registered:
            for target in targets(task):
                self._balancing.deregister(*target)
            task.registered = False

    def _stop_containers(self, task: Task) -> None:
        """Starts that are under way are waited for; then every container is stopped that no running one depends on."""
        if any(key[0] == task.id for key in self._calls) and task.last_status in STARTING:
            self._collect(task)
            return
        task.status("STOPPING")
        for container in task.containers:
            if container.runtime_id is None:
                container.last_status = "STOPPED"
            elif not container.ended and not container.stop_sent and dependencies.may_stop(task, container):
                container.stop_sent = True
                timeout = stop_timeout(task, container.name)
                self._call(task, f"stop {container.name}", self._runtime.stop, container.runtime_id, timeout)
        self._stopped(task)
        if all(each.ended for each in task.containers):
            task.execution_stopped_at = self._clock.now()
            task.status("DEPROVISIONING")
            self._remove(task)

    def _collect(self, task: Task) -> None:
        """Take in what was being started when the task was no longer wanted."""
        for container in task.containers:
            if (started := self._finished((task.id, container.name))) is not None:
                self._take(task, container, started)
        if (held := self._finished((task.id, NETWORK))) is not None and held.exception() is None:
            task.network = held.result().runtime_id
        if not any(key[0] == task.id for key in self._calls):
            self._stop_containers(task)

    def _stopped(self, task: Task) -> None:
        """Forget the stops that have been carried out; one that failed is tried again."""
        for container in task.containers:
            done = self._finished((task.id, f"stop {container.name}"))
            if done is not None and done.exception() is not None:
                container.stop_sent = False

    def _remove(self, task: Task) -> None:
        runtime_ids = [each.runtime_id for each in task.containers if each.runtime_id] + [task.network or ""]
        ids = [each for each in runtime_ids if each]
        removed = self._call(task, "remove", self._launcher.discard, ids, volumes(task))
        if removed is not None and removed.exception() is None:
            task.stopped_at = self._clock.now()
            task.status("STOPPED")

    def _call(self, task: Task, name: str, call: Callable[..., Any], *arguments: object) -> Future[Any] | None:
        """Begin a slow call once; gives its future as soon as it is done, and forgets it then."""
        key = (task.id, name)
        if key not in self._calls:
            self._calls[key] = self._background.submit(call, *arguments)
            self._calls[key].add_done_callback(lambda _: self._wake())
        return self._finished(key)

    def _finished(self, key: tuple[str, str]) -> Future[Any] | None:
        future = self._calls.get(key)
        return self._calls.pop(key) if future is not None and future.done() else None
