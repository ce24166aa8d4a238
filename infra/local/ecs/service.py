"""ECS as a whole: a store and a control loop a region, made when the region is first used."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infra.local.clock import Clock
from infra.local.ecs.api import call
from infra.local.ecs.api.context import Context
from infra.local.ecs.control import ControlLoop
from infra.local.ecs.errors import InvalidParameter
from infra.local.ecs.interfaces import Background, LoadBalancing, Runtime
from infra.local.ecs.store import Store
from infra.local.ecs.tasks import TaskScheduler

TARGET_PREFIX = "AmazonEC2ContainerServiceV20141113."
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Region:
    """One region's ECS."""

    context: Context
    loop: ControlLoop


class Ecs:
    """`balancing` gives the load balancer of a region. Thread-safe."""

    def __init__(
        self,
        account: str,
        runtime: Runtime,
        balancing: Callable[[str], LoadBalancing],
        background: Background,
        clock: Clock,
        partition: Callable[[str], str] = lambda region: "aws",
    ) -> None:
        self._account = account
        self._runtime = runtime
        self._balancing = balancing
        self._background = background
        self._clock = clock
        self._partition = partition
        self._regions: dict[str, Region] = {}
        self._lock = threading.Lock()

    def call(self, region: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        """Carry out an operation as the API would; raises EcsError."""
        return call(self.region(region).context, operation, given)

    def answer(self, region: str, operation: str, body: bytes) -> dict[str, Any]:
        """The same for a request's JSON body."""
        try:
            given = json.loads(body or b"{}")
        except ValueError as error:
            raise InvalidParameter("The request's body is not JSON.") from error
        return self.call(region, operation, given)

    def wait(self, region: str, done: Callable[[], bool]) -> None:
        """Block until `done` holds (it is called under the store's lock)."""
        store = self.region(region).context.store
        with store.changed:
            while not done():
                store.changed.wait(POLL_SECONDS)

    def region(self, name: str) -> Region:
        """The region's store and running control loop."""
        with self._lock:
            if name not in self._regions:
                self._regions[name] = self._make(name)
            return self._regions[name]

    def regions(self) -> list[str]:
        """The regions in use."""
        with self._lock:
            return list(self._regions)

    def stop(self) -> None:
        """End the control loops; containers stay as they are."""
        for region in self._regions.values():
            region.loop.stop()

    def _make(self, name: str) -> Region:
        store, balancing = Store(self._account, name, self._partition(name)), self._balancing(name)
        scheduler = TaskScheduler(store, self._runtime, balancing, self._background, self._clock)
        loop = ControlLoop(store, scheduler, self._runtime, balancing, self._clock)
        loop.start()
        return Region(Context(store, self._clock, balancing), loop)
