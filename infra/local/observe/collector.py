"""What goes on beside the API: the access log comes in, and a call is made at the end of each local minute."""

from __future__ import annotations

import logging
import math
import socket
import threading
from collections.abc import Callable

from infra.local.clock import Clock
from infra.local.observe.accesslog import AccessLog

LINE_BYTES, BUFFER_BYTES = 2048, 4 * 1024 * 1024
WAKE_SECONDS = 0.5  # how long `stop` may take

log = logging.getLogger(__name__)


class LogSocket:
    """HAProxy's access log comes in here, by UDP on 127.0.0.1."""

    def __init__(self, access_log: AccessLog) -> None:
        self._log = access_log
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(WAKE_SECONDS)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="access-log", daemon=True)

    @property
    def port(self) -> int:
        """Where to send lines."""
        port: int = self._socket.getsockname()[1]
        return port

    def start(self) -> None:
        """Receive in a daemon thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                line = self._socket.recv(LINE_BYTES)
            except TimeoutError:
                continue
            self._log.add(line.decode(errors="replace"))


class Minutes:
    """Calls `tick` at the end of every local minute, with the minute's beginning in seconds since the epoch."""

    def __init__(self, clock: Clock, tick: Callable[[float], None]) -> None:
        self._clock = clock
        self._tick = tick
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="minutes", daemon=True)

    def start(self) -> None:
        """Tick in a daemon thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        minute = self._clock.minutes(1)
        current = math.floor(self._clock.now() / minute)
        while not self._stopped.wait(max(0.0, (current + 1) * minute - self._clock.now())):
            try:
                self._tick(current * minute)
            except Exception:  # a thread's boundary: the next minute is told of again
                log.exception("the minute's metrics or alarms failed")
            current = max(current + 1, math.floor(self._clock.now() / minute))
