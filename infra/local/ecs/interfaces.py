"""What ECS needs of the world: containers, a load balancer, secrets, logs, alarms, events, and background threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

Result = TypeVar("Result")


class TaskFailedToStart(Exception):
    """A container could not be made or started; `str()` is ECS's `stoppedReason`."""


@dataclass(frozen=True)
class HealthCheck:
    """A container's health check; times in seconds."""

    command: tuple[str, ...]
    interval: float = 30.0
    timeout: float = 5.0
    retries: int = 3
    start_period: float = 0.0


@dataclass(frozen=True)
class VolumeMount:
    """A volume that lives as long as its task. `name` is unique on this machine."""

    name: str
    path: str
    read_only: bool = False


@dataclass(frozen=True)
class ContainerSpec:
    """A container to run for a task. `cpu` in units of 1/1024 of a processor, `memory` in MiB, 0 for no limit.

    `joins` is the runtime id of the container whose network it shares; without it, it gets an address of its own.
    `options` are further ones by Docker's own names (see `containers.linux_options`).
    """

    name: str
    image: str
    labels: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)
    entry_point: tuple[str, ...] | None = None
    command: tuple[str, ...] | None = None
    user: str | None = None
    working_directory: str | None = None
    read_only: bool = False
    cpu: int = 0
    memory: int = 0
    memory_reservation: int = 0
    health_check: HealthCheck | None = None
    mounts: tuple[VolumeMount, ...] = ()
    joins: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class StartedContainer:
    """A container that was started; `ip` is empty for one that joins another's network."""

    runtime_id: str
    ip: str
    image_digest: str | None


@dataclass(frozen=True)
class ContainerState:
    """What a container is doing. `health` is HEALTHY, UNHEALTHY or UNKNOWN, as in `DescribeTasks`.

    `labels` are those it was made with, by which a server that was started again finds its containers.
    """

    running: bool
    health: str = "UNKNOWN"
    exit_code: int | None = None
    out_of_memory: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)


class Runtime(Protocol):
    """Runs containers. `start`, `hold`, `stop` and `discard` block; `states` is asked often."""

    def start(self, spec: ContainerSpec) -> StartedContainer:
        """Pull, create and start; raises TaskFailedToStart, leaving nothing behind."""
        ...

    def hold(self, name: str, labels: Mapping[str, str]) -> StartedContainer:
        """Start a container that does nothing but own the network of a task; raises TaskFailedToStart."""
        ...

    def stop(self, runtime_id: str, timeout: float) -> None:
        """SIGTERM, SIGKILL after `timeout` seconds. One that is gone is no error."""
        ...

    def discard(self, runtime_ids: Sequence[str], volumes: Sequence[str]) -> None:
        """Remove containers and volumes. Those that are gone are no error."""
        ...

    def states(self) -> Mapping[str, ContainerState]:
        """All containers of this instance by runtime id."""
        ...

    def address(self, runtime_id: str) -> str:
        """The container's address; empty where it has none."""
        ...

    def lines(self, runtime_id: str, since: float) -> Iterator[tuple[float, str]]:
        """What it wrote after `since`, as (seconds since the epoch, line), followed until it ends."""
        ...

    def stats(self, runtime_id: str) -> Mapping[str, Any]:
        """Docker's own statistics of the container; empty for one that is gone."""
        ...


@dataclass(frozen=True)
class RuleForward:
    """A listener rule's forward action: target group ARN to weight. `plain`: it has no other kind of action."""

    weights: Mapping[str, int]
    plain: bool = True


class LoadBalancing(Protocol):
    """The part of ELBv2 that ECS's infrastructure role uses."""

    def rule(self, arn: str) -> RuleForward | None:
        """A rule's weights, or None where there is no such rule."""
        ...

    def set_weights(self, arn: str, weights: Mapping[str, int]) -> None:
        """Rewrite a rule's forward action; once this returns, no new request goes by the old weights."""
        ...

    def target_group_exists(self, arn: str) -> bool:
        """Whether there is such a target group."""
        ...

    def register(self, target_group: str, ip: str, port: int) -> None:
        """Put a target into a group; it begins as `initial`."""
        ...

    def deregister(self, target_group: str, ip: str, port: int) -> None:
        """Take a target out; it is `draining` for the group's deregistration delay, then `unused`."""
        ...

    def drain(self, target_group: str, ip: str, port: int) -> None:
        """After a start of the server: have a target that was deregistered before drain (anew) before it is unused."""
        ...

    def target_state(self, target_group: str, ip: str, port: int) -> str:
        """The target's state by ALB's name: initial, healthy, unhealthy, draining or unused."""
        ...


class Alarms(Protocol):
    """CloudWatch's alarms of one region."""

    def in_alarm(self, names: Sequence[str]) -> list[str]:
        """Those of the alarms that are in the state ALARM, in the order given; unknown names are not."""
        ...


class Notices(Protocol):
    """EventBridge of one region."""

    def put(self, detail_type: str, resources: Sequence[str], detail: Mapping[str, Any]) -> None:
        """Put an event of the source `aws.ecs` on the default bus. Never blocks, never raises."""
        ...


class SecretValues(Protocol):
    """Secrets Manager and the Parameter Store of one region."""

    def value(self, reference: str) -> str:
        """What a `valueFrom` stands for; raises TaskFailedToStart in ECS's words."""
        ...


@dataclass(frozen=True)
class LogTarget:
    """Where the driver `awslogs` writes a container's output."""

    region: str
    group: str
    stream: str
    create_group: bool = False


class LogDriver(Protocol):
    """The driver `awslogs`."""

    def open(self, target: LogTarget) -> None:
        """Make the stream; raises TaskFailedToStart where its group does not exist."""
        ...

    def follow(self, runtime_id: str, target: LogTarget) -> None:
        """Begin to send what the container writes, from where an earlier follower left off."""
        ...

    def finish(self, runtime_id: str) -> None:
        """Wait, within a bound, until all that an ended container wrote is sent."""
        ...


@dataclass(frozen=True)
class Credentials:
    """Keys of a role's session; `expiration` in seconds since the epoch."""

    access_key: str
    secret_key: str
    token: str
    expiration: float


class Roles(Protocol):
    """STS."""

    def assume(self, role_arn: str, session_name: str) -> Credentials:
        """A new session of the role."""
        ...


class Background(Protocol):
    """Runs slow calls beside the control loop."""

    def submit(self, call: Callable[..., Result], /, *arguments: object) -> Future[Result]:
        """Begin a call, and give its future."""
        ...
