"""The thread that probes targets and keeps the data plane following the records."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from infra.local.alb.dataplane import DataPlane
from infra.local.alb.probe import probe
from infra.local.alb.records import HealthSettings
from infra.local.alb.targets import Target
from infra.local.clock import Clock

TURN_SECONDS = 0.1
PROBES_AT_ONCE = 16

log = logging.getLogger(__name__)
Probe = Callable[[str, int, HealthSettings], tuple[str, str] | None]


class HealthChecks:
    """`turn` follows the records and starts the checks that are due; their results come in by themselves."""

    def __init__(self, plane: DataPlane, clock: Clock, check: Probe = probe) -> None:
        self._plane = plane
        self._clock = clock
        self._check = check
        self._pool = ThreadPoolExecutor(PROBES_AT_ONCE, thread_name_prefix="health")
        self._stopped = threading.Event()

    def turn(self) -> None:
        """One turn."""
        self._plane.sync()
        with self._plane.lock:
            due = self._plane.book.due(self._clock.now())
        for target in due:
            self._pool.submit(self._probe, target)

    def start(self) -> None:
        """Turn in a daemon thread until `stop`."""
        threading.Thread(target=self._run, name="health", daemon=True).start()

    def stop(self) -> None:
        """End the thread; checks under way are not waited for."""
        self._stopped.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _run(self) -> None:
        while not self._stopped.wait(TURN_SECONDS):
            try:
                self.turn()
            except Exception:  # a thread's boundary: the next turn tries again
                log.exception("the load balancer's turn failed")

    def _probe(self, target: Target) -> None:
        _, address, port = target.key
        failure = self._check(address, port, target.group.health)
        with self._plane.lock:
            before = self._plane.book.state(target.key)[0]
            self._plane.book.result(target.key, failure, self._clock.now())
            after = self._plane.book.state(target.key)[0]
        if before != after:
            log.info("target %s:%s of %s is %s", address, port, target.key[0], after)
            self._plane.sync()
