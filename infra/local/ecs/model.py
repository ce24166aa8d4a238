"""ECS's records. Plain mutable dataclasses; the control loop and the API change them under the store's lock only.

Everything in here can be written as JSON and read back (see `snapshot`): what is under way is told by fields, never by
a thread or a future.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

ACTIVE, DRAINING, INACTIVE, DELETE_IN_PROGRESS = "ACTIVE", "DRAINING", "INACTIVE", "DELETE_IN_PROGRESS"
UNFINISHED = frozenset({"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
STARTING = frozenset({"PROVISIONING", "PENDING", "ACTIVATING"})
MAX_EVENTS = 100

Tags = list[dict[str, str]]


@dataclass
class Cluster:
    """A cluster. `settings` are CreateCluster's members `settings` and `configuration` as they stand now."""

    name: str
    arn: str
    status: str = ACTIVE
    settings: dict[str, Any] = field(default_factory=dict)
    tags: Tags = field(default_factory=list)


@dataclass
class TaskDefinition:
    """A registered revision of a family; `body` is RegisterTaskDefinition's input without the tags."""

    family: str
    revision: int
    arn: str
    body: dict[str, Any]
    registered_at: float
    registered_by: str
    tags: Tags = field(default_factory=list)
    status: str = ACTIVE
    deregistered_at: float | None = None

    @property
    def containers(self) -> list[dict[str, Any]]:
        """The container definitions."""
        found: list[dict[str, Any]] = self.body["containerDefinitions"]
        return found

    def container(self, name: str) -> dict[str, Any]:
        """The container definition of that name."""
        return next(each for each in self.containers if each["name"] == name)


@dataclass
class Revision:
    """A service revision: what a deployment brings about. `desired` is how many tasks of it should run now.

    `target_groups` are those its tasks register in, one for each entry of loadBalancers, once they are chosen.
    `images` maps a container's name to the digest its image had when the first task of the revision started.
    """

    id: str
    arn: str
    definition: TaskDefinition
    created_at: float
    settings: dict[str, Any]
    target_groups: list[str] = field(default_factory=list)
    images: dict[str, str] = field(default_factory=dict)
    desired: int = 0
    failures: int = 0
    start_not_before: float = 0.0


@dataclass
class Container:
    """A container of a task. `key` is the secret part of its metadata address."""

    name: str
    key: str
    runtime_id: str | None = None
    last_status: str = "PENDING"
    health: str = "UNKNOWN"
    exit_code: int | None = None
    reason: str | None = None
    image_digest: str | None = None
    started_at: float | None = None
    stopped_at: float | None = None
    stop_sent: bool = False

    @property
    def ended(self) -> bool:
        """Whether it ran and ended, or never will run."""
        return self.last_status == "STOPPED"


@dataclass
class Task:
    """A task. Statuses as in the developer guide's task lifecycle; `network` is the container that owns its network."""

    id: str
    arn: str
    cluster: Cluster
    definition: TaskDefinition
    created_at: float
    group: str
    containers: list[Container]
    credentials_key: str
    revision: Revision | None = None
    started_by: str | None = None
    launch: dict[str, Any] = field(default_factory=dict)
    overrides: dict[str, Any] = field(default_factory=dict)
    tags: Tags = field(default_factory=list)
    last_status: str = "PROVISIONING"
    desired_status: str = "RUNNING"
    network: str | None = None
    ip: str | None = None
    registered: bool = False
    was_healthy: bool = False
    version: int = 1
    pull_started_at: float | None = None
    pull_stopped_at: float | None = None
    started_at: float | None = None
    stopping_at: float | None = None
    execution_stopped_at: float | None = None
    stopped_at: float | None = None
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

    @property
    def health(self) -> str:
        """HEALTHY once every essential container with a check is, UNHEALTHY when one of them is."""
        checked = [each.health for each in self.containers if self._checked(each.name)]
        if "UNHEALTHY" in checked:
            return "UNHEALTHY"
        return "HEALTHY" if checked and set(checked) == {"HEALTHY"} else "UNKNOWN"

    @property
    def has_check(self) -> bool:
        """Whether an essential container has a health check."""
        return any(self._checked(each.name) for each in self.containers)

    def status(self, status: str) -> None:
        """Go to another status, which is a new version of the task."""
        if status != self.last_status:
            self.last_status, self.version = status, self.version + 1

    def _checked(self, name: str) -> bool:
        definition = self.definition.container(name)
        return bool(definition.get("healthCheck")) and definition.get("essential", True)


@dataclass
class Hook:
    """A PAUSE that was reached. `expires_at` in seconds since the epoch; `timeout_action` is CONTINUE or ROLLBACK."""

    id: str
    stage: str
    expires_at: float
    timeout_action: str
    position: int = 0
    status: str = "AWAITING_ACTION"


@dataclass
class Deployment:
    """A service deployment. `configuration` is a copy of the service's deploymentConfiguration at its creation.

    `position` is the step of its plan (see `strategy.plan`) that it is at, `entered_at` when that step's work began
    (None while it has not), `live` the target groups that served production when the deployment began.
    """

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
    position: int = 0
    entered_at: float | None = None
    live: list[str] = field(default_factory=list)
    hooks: list[Hook] = field(default_factory=list)
    failures: int = 0
    superseded: bool = False
    stop_requested: bool = False
    alarms_ignored: list[str] = field(default_factory=list)
    alarms_triggered: list[str] = field(default_factory=list)
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
    def scaled_up(self) -> bool:
        """Whether the target is meant to run at the service's desired count from now on."""
        before = self.stage in (None, "RECONCILE_SERVICE", "PRE_SCALE_UP")
        return not self.finished and not before and self.rollback_started_at is None

    @property
    def cleaning_up(self) -> bool:
        """Whether all revisions but the target are meant to end."""
        return not self.finished and self.stage == "CLEAN_UP"

    @property
    def strategy(self) -> str:
        """ROLLING, BLUE_GREEN, CANARY or LINEAR."""
        return str(self.configuration.get("strategy", "ROLLING"))

    @property
    def breaker(self) -> Mapping[str, Any]:
        """The circuit breaker's settings; empty when there are none."""
        return self.configuration.get("deploymentCircuitBreaker") or {}

    @property
    def alarms(self) -> Mapping[str, Any]:
        """The alarms' settings; empty where they are not enabled."""
        settings = self.configuration.get("alarms") or {}
        return settings if settings.get("enable") else {}


@dataclass
class Service:
    """A service. `settings` are CreateService's members as they stand now; `current` is the completed revision."""

    name: str
    arn: str
    cluster: Cluster
    settings: dict[str, Any]
    desired: int
    created_at: float
    created_by: str
    token: str | None = None
    status: str = ACTIVE
    current: Revision | None = None
    revisions: dict[str, Revision] = field(default_factory=dict)
    deployments: list[Deployment] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    tags: Tags = field(default_factory=list)

    @property
    def deployment(self) -> Deployment | None:
        """The newest deployment."""
        return self.deployments[-1] if self.deployments else None

    @property
    def under_way(self) -> Deployment | None:
        """The oldest deployment that has not ended: the one that is carried out now."""
        return next((each for each in self.deployments if not each.finished), None)

    def tasks_of(self, revision: Revision) -> list[Task]:
        """The revision's tasks that are not STOPPED."""
        return [task for task in self.tasks if task.revision is revision and not task.gone]

    def others(self, *wanted: Revision | None) -> Iterator[Revision]:
        """Revisions beside those that have tasks, or should have."""
        for revision in self.revisions.values():
            if revision not in wanted and (revision.desired > 0 or self.tasks_of(revision)):
                yield revision

    def note(self, at: float, text: str) -> None:
        """Add a service event, newest first; ECS keeps a hundred."""
        self.events.insert(0, {"id": str(uuid.uuid4()), "createdAt": at, "message": f"(service {self.name}) {text}"})
        del self.events[MAX_EVENTS:]
