"""ECS's records. Plain mutable dataclasses; the control loop and the API change them under the store's lock only."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from infra.local.ecs.interfaces import StartedContainer

ACTIVE, DRAINING, INACTIVE = "ACTIVE", "DRAINING", "INACTIVE"
UNFINISHED = frozenset({"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
MAX_EVENTS = 100


@dataclass
class Cluster:
    """A cluster."""

    name: str
    arn: str
    status: str = ACTIVE
    tags: list[dict[str, str]] = field(default_factory=list)


@dataclass
class TaskDefinition:
    """A registered revision of a family; `body` is RegisterTaskDefinition's input without the tags."""

    family: str
    revision: int
    arn: str
    body: dict[str, Any]
    registered_at: float
    tags: list[dict[str, str]] = field(default_factory=list)
    status: str = ACTIVE
    deregistered_at: float | None = None

    def container(self, name: str | None = None) -> dict[str, Any]:
        """The container definition of that name, or the first one."""
        definitions: list[dict[str, Any]] = self.body["containerDefinitions"]
        return next((each for each in definitions if each["name"] == name), definitions[0])


@dataclass
class Revision:
    """A service revision: what a deployment brings about. `desired` is how many tasks of it should run now."""

    id: str
    arn: str
    definition: TaskDefinition
    created_at: float
    settings: Mapping[str, Any]
    target_group: str | None = None
    desired: int = 0
    failures: int = 0
    start_not_before: float = 0.0


@dataclass
class Task:
    """A task, one container. Statuses as in the developer guide's task lifecycle."""

    id: str
    arn: str
    revision: Revision
    created_at: float
    last_status: str = "PROVISIONING"
    desired_status: str = "RUNNING"
    container: StartedContainer | None = None
    health: str = "UNKNOWN"
    seen_running: bool = False
    was_healthy: bool = False
    starting: Future[StartedContainer] | None = None
    stopping: Future[int | None] | None = None
    started_at: float | None = None
    stopping_at: float | None = None
    stopped_at: float | None = None
    exit_code: int | None = None
    stop_code: str | None = None
    stopped_reason: str | None = None

    @property
    def active(self) -> bool:
        """Whether it counts towards what is desired."""
        return self.desired_status == "RUNNING"

    @property
    def gone(self) -> bool:
        """Whether nothing of it runs any more."""
        return self.last_status == "STOPPED"


@dataclass
class Hook:
    """A PAUSE that was reached. `expires_at` in seconds since the epoch; `timeout_action` is CONTINUE or ROLLBACK."""

    id: str
    stage: str
    expires_at: float
    timeout_action: str
    status: str = "AWAITING_ACTION"


@dataclass
class Deployment:
    """A service deployment. `configuration` is a copy of the service's deploymentConfiguration at its creation."""

    id: str
    arn: str
    service: Service
    target: Revision
    source: Revision | None
    configuration: dict[str, Any]
    created_at: float
    status: str = "PENDING"
    reason: str | None = None
    stage: str | None = None
    hooks: list[Hook] = field(default_factory=list)
    failures: int = 0
    superseded: bool = False
    stop_requested: bool = False
    rollback_reason: str | None = None
    rollback_started_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    stopped_at: float | None = None
    updated_at: float = 0.0
    production_weights: dict[str, float] = field(default_factory=dict)
    test_weights: dict[str, float] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """Whether the status is a terminal one."""
        return self.status not in UNFINISHED

    @property
    def breaker(self) -> Mapping[str, Any]:
        """The circuit breaker's settings; empty when there are none."""
        settings: Mapping[str, Any] = self.configuration.get("deploymentCircuitBreaker") or {}
        return settings


@dataclass
class Service:
    """A service. `settings` are CreateService's members as they stand now; `current` is the completed revision."""

    name: str
    arn: str
    cluster: Cluster
    settings: dict[str, Any]
    desired: int
    created_at: float
    status: str = ACTIVE
    current: Revision | None = None
    revisions: dict[str, Revision] = field(default_factory=dict)
    deployments: list[Deployment] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    tags: list[dict[str, str]] = field(default_factory=list)

    @property
    def deployment(self) -> Deployment | None:
        """The newest deployment."""
        return self.deployments[-1] if self.deployments else None

    def tasks_of(self, revision: Revision) -> list[Task]:
        """The revision's tasks that are not STOPPED."""
        return [task for task in self.tasks if task.revision is revision and not task.gone]

    def note(self, at: float, text: str) -> None:
        """Add a service event, newest first; ECS keeps a hundred."""
        self.events.insert(0, {"id": str(uuid.uuid4()), "createdAt": at, "message": f"(service {self.name}) {text}"})
        del self.events[MAX_EVENTS:]
