"""The thread that probes targets and does for the data plane what time alone brings about."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable

from infra.local.alb.dataplane import DataPlane
from infra.local.alb.probe import Failure, probe
from infra.local.alb.records import HealthSettings
from infra.local.alb.targets import Target
from infra.local.clock import Clock

TURN_SECONDS, TROUBLE_SECONDS = 0.1, 1.0

log = logging.getLogger(__name__)
Probe = Callable[[str, int, HealthSettings], Awaitable[Failure | None]]


class HealthChecks:
    """`turn` tends the data plane and starts the checks that are due; their results come in by themselves."""

    def __init__(self, plane: DataPlane, clock: Clock, check: Probe = probe) -> None:
        self._plane = plane
        self._clock = clock
        self._check = check
        self._running: set[asyncio.Task[None]] = set()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def turn(self) -> None:
        """One turn; to be called from a running event loop."""
        self._plane.tend()
        with self._plane.lock:
            due = self._plane.book.due(self._clock.now())
        for target in due:
            task = asyncio.get_running_loop().create_task(self._probe(target))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def settle(self) -> None:
        """Wait for the checks under way."""
        await asyncio.gather(*self._running)

    def start(self) -> None:
        """Turn in a daemon thread until `stop`."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="health", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread and the checks under way."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    async def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self.turn()
                await asyncio.sleep(TURN_SECONDS)
            except Exception:  # a thread's boundary: the next turn tries again
                log.exception("the load balancer's turn failed")
                await asyncio.sleep(TROUBLE_SECONDS)

    async def _probe(self, target: Target) -> None:
        _, address, port = target.key
        failure = await self._check(address, port, target.group.health)
        with self._plane.lock:
            before = self._plane.book.state(target.key)[0]
            self._plane.book.result(target.key, failure, self._clock.now())
            after = self._plane.book.state(target.key)[0]
        if before != after:
            log.info("target %s:%s of %s is %s", address, port, target.key[0], after)
            self._plane.sync()
