"""ECS as a whole: a store and a control loop a region, made when the region is first used."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from infra.local.clock import Clock
from infra.local.ecs.api import call
from infra.local.ecs.api.context import Context
from infra.local.ecs.containers import TASK_LABEL, Place
from infra.local.ecs.control import ControlLoop
from infra.local.ecs.deployment import Surroundings
from infra.local.ecs.errors import InvalidParameter
from infra.local.ecs.hooks import Hooks
from infra.local.ecs.interfaces import Alarms, Background, LoadBalancing, LogDriver, Notices, Runtime, SecretValues
from infra.local.ecs.launcher import Launcher
from infra.local.ecs.notices import Announcer
from infra.local.ecs.rolling import Rolling
from infra.local.ecs.runner import TaskRunner
from infra.local.ecs.scheduler import ServiceScheduler
from infra.local.ecs.store import Store
from infra.local.ecs.validation import without_nulls

TARGET_PREFIX = "AmazonEC2ContainerServiceV20141113."
POLL_SECONDS = 0.5


class Neighbours(Protocol):
    """The services that ECS uses, by region."""

    def balancing(self, region: str) -> LoadBalancing:
        """ELBv2."""
        ...

    def alarms(self, region: str) -> Alarms:
        """CloudWatch's alarms."""
        ...

    def notices(self, region: str) -> Notices:
        """EventBridge."""
        ...

    def secrets(self, region: str) -> SecretValues:
        """Secrets Manager and the Parameter Store."""
        ...

    def logs(self) -> LogDriver:
        """CloudWatch Logs, of all regions."""
        ...

    def joined(self, region: str, store: Store) -> None:
        """Called once for every region, with its records: others may want to look services up."""
        ...


@dataclass(frozen=True)
class Region:
    """One region's ECS."""

    context: Context
    loop: ControlLoop


class Ecs:
    """Thread-safe. `metadata_url` is where containers reach this machine, None where there is no such address.

    Without `threads`, somebody else turns the regions' control loops.
    """

    def __init__(
        self,
        account: str,
        runtime: Runtime,
        neighbours: Neighbours,
        background: Background,
        clock: Clock,
        *,
        partition: Callable[[str], str] = lambda region: "aws",
        metadata_url: str | None = None,
        threads: bool = True,
    ) -> None:
        self._account = account
        self._runtime = runtime
        self._neighbours = neighbours
        self._background = background
        self._clock = clock
        self._partition = partition
        self._metadata_url = metadata_url
        self._threads = threads
        self._regions: dict[str, Region] = {}
        self._lock = threading.Lock()

    def call(self, region: str, operation: str, given: dict[str, Any], caller: str | None = None) -> dict[str, Any]:
        """Carry out an operation as the API would, for `caller` (an ARN, default the root user); raises EcsError."""
        return call(self.region(region).context, operation, given, caller)

    def answer(self, region: str, operation: str, body: bytes, caller: str | None = None) -> dict[str, Any]:
        """The same for a request's JSON body."""
        try:
            given = json.loads(body or b"{}")
        except ValueError as error:
            raise InvalidParameter("The request's body is not JSON.") from error
        if not isinstance(given, dict):
            raise InvalidParameter("The request's body is not a JSON object.")
        return self.call(region, operation, without_nulls(given), caller)

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
                region = self._make(name)
                self._regions[name] = region
                self._start(region)
            return self._regions[name]

    def regions(self) -> list[str]:
        """The regions in use."""
        with self._lock:
            return list(self._regions)

    def wake(self) -> None:
        """Something happened to a container: look at once."""
        for region in list(self._regions.values()):
            region.context.store.wake()

    def stores(self) -> Iterable[Store]:
        """The records of every region used so far."""
        return [region.context.store for region in list(self._regions.values())]

    @property
    def changes(self) -> int:
        """A number that grows whenever records may have changed: time for another `snapshot`."""
        return sum(store.changes for store in self.stores())

    def snapshot(self) -> dict[str, Any]:
        """All records by region, as JSON takes them."""
        return {name: region.context.store.snapshot() for name, region in list(self._regions.items())}

    def restore(self, document: Mapping[str, Any]) -> None:
        """Go on from a snapshot, before the first call: deployments from their step, tasks with the containers that are
        still there. Containers of tasks that nobody knows any more are removed."""
        states = self._runtime.states()
        known: set[str] = set()
        with self._lock:
            for name, records in document.items():
                region = self._regions[name] = self._make(name)
                region.context.store.restore(records)
                known |= region.loop.adopt(states)
        orphans = [name for name, state in states.items() if TASK_LABEL in state.labels and name not in known]
        self._runtime.discard(orphans, [])
        for region in list(self._regions.values()):
            self._start(region)

    def stop(self) -> None:
        """End the control loops; containers stay as they are."""
        for region in list(self._regions.values()):
            region.loop.stop()

    def _start(self, region: Region) -> None:
        if self._threads:
            region.loop.start()

    def _make(self, name: str) -> Region:
        store, around = Store(self._account, name, self._partition(name)), self._neighbours
        balancing, announcer = around.balancing(name), Announcer(around.notices(name), self._clock)
        launcher = Launcher(self._runtime, around.secrets(name), around.logs())
        place = Place(name, self._account, self._metadata_url)
        runner = TaskRunner(place, self._runtime, launcher, balancing, self._background, self._clock, store.wake)
        scheduler = ServiceScheduler(store, runner, self._clock, announcer)
        hooks = Hooks(store, self._clock, announcer)
        surroundings = Surroundings(
            self._clock, balancing, around.alarms(name), hooks, announcer, scheduler.healthy,
            Rolling(scheduler.counted, self._clock),
        )  # fmt: skip
        loop = ControlLoop(store, scheduler, runner, self._runtime, surroundings)
        around.joined(name, store)
        return Region(Context(store, self._clock, balancing, hooks, scheduler), loop)
