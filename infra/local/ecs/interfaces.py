"""What ECS needs of the world: containers, a load balancer, and somebody who does slow things in the background."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

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
class ContainerSpec:
    """A container to run for a task. `cpu` in units of 1/1024 of a processor, `memory` in MiB, 0 for no limit."""

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
    health_check: HealthCheck | None = None


@dataclass(frozen=True)
class StartedContainer:
    """A container that was started."""

    runtime_id: str
    ip: str
    image_digest: str | None


@dataclass(frozen=True)
class ContainerState:
    """What a container is doing. `health` is HEALTHY, UNHEALTHY or UNKNOWN, as in `DescribeTasks`."""

    running: bool
    health: str = "UNKNOWN"
    exit_code: int | None = None


class Runtime(Protocol):
    """Runs containers. `start` and `stop` block; `states` is asked often."""

    def start(self, spec: ContainerSpec) -> StartedContainer:
        """Pull, create and start; raises TaskFailedToStart, leaving nothing behind."""
        ...

    def stop(self, runtime_id: str, timeout: float) -> int | None:
        """SIGTERM, SIGKILL after `timeout` seconds, remove; gives the exit code. One that is gone is no error."""
        ...

    def states(self) -> Mapping[str, ContainerState]:
        """All containers of this instance by runtime id."""
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

    def target_state(self, target_group: str, ip: str, port: int) -> str:
        """The target's state by ALB's name: initial, healthy, unhealthy, draining or unused."""
        ...


class Background(Protocol):
    """Runs slow calls beside the control loop."""

    def submit(self, call: Callable[..., Result], /, *arguments: object) -> Future[Result]:
        """Begin a call, and give its future."""
        ...
