"""gunicorn's threaded worker, with an end that loses nothing.

gunicorn 27 already finishes requests in flight at SIGTERM and answers what comes on kept-alive connections meanwhile.
Its listening socket, however, stays open in the worker, unread, until the process is gone: a client that connects in
that time hangs, then is reset. Here those connections are accepted and answered, so `/health` can say 503, until
nothing is held any more; then the socket is closed, and the next client is refused at once.
"""

from __future__ import annotations

import time
from types import FrameType
from typing import Any

from flask import Flask
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker  # type: ignore[import-untyped]

from app.state import State

# How long after SIGTERM new connections are taken while others are held: a steady stream must not put off the end.
STOP_ACCEPT_SECONDS = 10.0


class Worker(ThreadWorker):  # type: ignore[misc]
    """Serves a `create_app()` application."""

    accept_until: float | None = None
    sockets: list[Any]  # gunicorn's wrappers of the listening sockets

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM: tell the application, then begin the end."""
        application = getattr(self, "wsgi", None)
        if isinstance(application, Flask):
            State.of(application).stopping = True
        super().handle_exit(sig, frame)

    def set_accept_enabled(self, enabled: bool) -> None:
        """As gunicorn's, but the call that begins the end leaves the listening sockets open."""
        if self.alive:
            super().set_accept_enabled(enabled)
            return
        now = time.monotonic()
        self.accept_until = now + STOP_ACCEPT_SECONDS
        # Connections that never said a word would otherwise be waited for until the graceful timeout.
        for connection in self.pending_conns:
            connection.timeout = min(connection.timeout, now + STOP_KEEPALIVE_LINGER)
        self._accept_waiting()

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """As gunicorn's; during the end also takes what waits in the backlog, or closes the sockets when time is up."""
        super().wait_for_and_dispatch_events(timeout)
        if self.accept_until is None:
            return
        if time.monotonic() > self.accept_until:
            super().set_accept_enabled(False)
            self._close_listeners()
        elif self.nr_conns == 0:
            self._accept_waiting()

    def _accept_waiting(self) -> None:
        """Accept all that is connected already; with nothing held after that, close the sockets."""
        # Unregistered first: between the empty backlog and the close, every microsecond may reset a client.
        super().set_accept_enabled(False)
        for listener in self.sockets:
            held = -1
            while held < self.nr_conns < self.worker_connections:
                held = self.nr_conns
                self.accept(listener)
        if self.nr_conns == 0:
            self._close_listeners()
        else:
            super().set_accept_enabled(True)

    def _close_listeners(self) -> None:
        for listener in self.sockets:
            listener.close()
        self.sockets = []
