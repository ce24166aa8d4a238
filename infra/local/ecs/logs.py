"""The log driver `awslogs`: one thread a container sends each line it writes to CloudWatch Logs, live."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from infra.local.ecs.interfaces import LogTarget, TaskFailedToStart

FINISH_SECONDS = 5.0
INVALID = ("ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: "
           "failed to create Cloudwatch log stream: ")  # fmt: skip

log = logging.getLogger(__name__)
Lines = Callable[[str, float], Iterator[tuple[float, str]]]


class LogRefused(Exception):
    """CloudWatch Logs did not take it; `str()` is its own sentence, with the error's code before it."""


class LogService(Protocol):
    """CloudWatch Logs."""

    def create(self, target: LogTarget) -> None:
        """Make the stream, and its group if the target says so; those that exist are no error. Raises LogRefused."""
        ...

    def last(self, target: LogTarget) -> float:
        """When the stream's last event was, in seconds since the epoch; 0 for an empty one."""
        ...

    def put(self, target: LogTarget, events: Sequence[tuple[float, str]]) -> None:
        """Append events; raises LogRefused."""
        ...


class AwsLogs:
    """The `LogDriver`. `lines` follows a container's output until it ends."""

    def __init__(self, service: LogService, lines: Lines) -> None:
        self._service = service
        self._lines = lines
        self._threads: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()

    def open(self, target: LogTarget) -> None:
        """Make the stream; raises TaskFailedToStart where its group does not exist."""
        try:
            self._service.create(target)
        except LogRefused as error:
            raise TaskFailedToStart(f"{INVALID}{error}") from error

    def follow(self, runtime_id: str, target: LogTarget) -> None:
        """Begin to send what the container writes, from where an earlier follower left off."""
        with self._lock:
            if runtime_id not in self._threads:
                thread = threading.Thread(target=self._run, args=(runtime_id, target), name="awslogs", daemon=True)
                self._threads[runtime_id] = thread
                thread.start()

    def finish(self, runtime_id: str) -> None:
        """Wait, within a bound, until all that an ended container wrote is sent."""
        with self._lock:
            thread = self._threads.pop(runtime_id, None)
        if thread is not None:
            thread.join(FINISH_SECONDS)

    def _run(self, runtime_id: str, target: LogTarget) -> None:
        try:
            since = self._service.last(target)
            for at, line in self._lines(runtime_id, since):
                if at > since and line:
                    self._service.put(target, [(at, line)])
        except Exception:  # a thread's boundary: the container goes on without a log
            log.exception("the log of %s is not sent any more", runtime_id)
