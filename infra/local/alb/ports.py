"""A port on 127.0.0.1 for each listener: the same one while it lives, and next time if free."""

from __future__ import annotations

import socket
import zlib
from collections.abc import Callable

from infra.local.alb.records import Listener

FIRST_PORT, PORTS = 20000, 10000


def port_is_free(port: int) -> bool:
    """Whether 127.0.0.1 has the port to give."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class ListenerPorts:
    """Gives out ports; the place to begin looking follows from the instance, the load balancer and the listener."""

    def __init__(self, instance_port: int, free: Callable[[int], bool] = port_is_free) -> None:
        self._instance_port = instance_port
        self._free = free
        self._given: dict[str, int] = {}

    def of(self, listener: Listener) -> int:
        """The listener's port."""
        if listener.arn not in self._given:
            self._given[listener.arn] = self._choose(listener)
        return self._given[listener.arn]

    def _choose(self, listener: Listener) -> int:
        name = f"{self._instance_port}/{listener.load_balancer}:{listener.port}"
        start = zlib.crc32(name.encode()) % PORTS
        candidates = (FIRST_PORT + (start + step) % PORTS for step in range(PORTS))
        return next(port for port in candidates if port not in self._given.values() and self._free(port))
