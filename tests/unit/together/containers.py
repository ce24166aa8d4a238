"""Containers in memory: what each image's version does, by its digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from infra.local.clock import Clock
from infra.local.ecs.interfaces import ContainerSpec, ContainerState, StartedContainer

PAUSE = "pause"


@dataclass
class Version:
    """How a version behaves. `lives` is after how many seconds it ends, `ails` after how many its health check fails.

    `body` and `status` are its answer to any request; of production's requests `errors` is the share of 5xx, and
    `slower` multiplies their latency.
    """

    name: str
    body: str = "Hello"
    status: int = 200
    lives: float | None = None
    ails: float | None = None
    errors: float = 0.0
    slower: float = 1.0


@dataclass
class _Made:
    spec: ContainerSpec
    began: float
    address: str
    ended: int | None = None


@dataclass
class Containers:
    """The `Runtime` of our ECS. `versions` by digest; an image that is not there is one that cannot be pulled."""

    clock: Clock
    versions: dict[str, Version] = field(default_factory=dict)
    _made: dict[str, _Made] = field(default_factory=dict)
    _count: int = 0

    def start(self, spec: ContainerSpec) -> StartedContainer:
        self._count += 1
        name = f"container-{self._count}"
        address = "" if spec.joins else f"10.0.{self._count // 250}.{self._count % 250}"
        self._made[name] = _Made(spec, self.clock.now(), address)
        return StartedContainer(name, address, None)

    def hold(self, name: str, labels: Mapping[str, str]) -> StartedContainer:
        return self.start(ContainerSpec(name, PAUSE, labels))

    def stop(self, runtime_id: str, timeout: float) -> None:
        if runtime_id in self._made:
            self._made[runtime_id].ended = 0

    def discard(self, runtime_ids: Sequence[str], volumes: Sequence[str]) -> None:
        for runtime_id in runtime_ids:
            self._made.pop(runtime_id, None)

    def states(self) -> Mapping[str, ContainerState]:
        return {name: self._state(made) for name, made in self._made.items()}

    def address(self, runtime_id: str) -> str:
        return self._made[runtime_id].address if runtime_id in self._made else ""

    def lines(self, runtime_id: str, since: float) -> Iterator[tuple[float, str]]:
        return iter(())

    def stats(self, runtime_id: str) -> Mapping[str, Any]:
        return {}

    def running(self) -> list[str]:
        """The names of the versions that run, a task each."""
        return sorted(
            self._version(made).name
            for made in self._made.values()
            if made.spec.image != PAUSE and self._state(made).running
        )

    def at(self, address: str) -> Version | None:
        """The version that answers at an address; None where the connection is refused."""
        found = self._app(address)
        return self._version(found) if found and self._state(found).running else None

    def healthy(self, address: str) -> bool:
        """Whether a health check of the load balancer passes."""
        found = self._app(address)
        return found is not None and self._state(found).health == "HEALTHY"

    def _app(self, address: str) -> _Made | None:
        """The application's container at an address, which may be that of a container which it joins."""
        for made in self._made.values():
            holder = self._made.get(made.spec.joins or "", made)
            if made.spec.image != PAUSE and holder.address == address:
                return made
        return None

    def _version(self, made: _Made) -> Version:
        return self.versions[made.spec.image.partition("@")[2]]

    def _state(self, made: _Made) -> ContainerState:
        if made.spec.image == PAUSE:
            return ContainerState(made.ended is None, labels=dict(made.spec.labels))
        version, age = self._version(made), self.clock.now() - made.began
        if made.ended is None and version.lives is not None and age >= version.lives:
            made.ended = 1
        well = made.ended is None and (version.ails is None or age < version.ails)
        return ContainerState(
            made.ended is None, "HEALTHY" if well else "UNHEALTHY", made.ended, labels=dict(made.spec.labels)
        )
