"""The worker's end, in process: gunicorn's own loop in a thread, signals called by hand."""

import http.client
import os
import selectors
import signal
import socket
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from gunicorn.config import Config  # type: ignore[import-untyped]
from gunicorn.glogging import Logger  # type: ignore[import-untyped]
from gunicorn.sock import TCPSocket  # type: ignore[import-untyped]

from app.state import State
from app.worker import STOP_ACCEPT_SECONDS, Worker

PATIENCE = 20.0


@pytest.fixture
def worker(app: Flask) -> Iterator[Any]:
    """A worker of `app`, set up as `init_process` does it, short of the process-wide signal handlers."""
    config = Config()
    for name, value in {"bind": "127.0.0.1:0", "keepalive": 75, "threads": 4}.items():
        config.set(name, value)
    listener = TCPSocket(("127.0.0.1", 0), config, Logger(config))
    made: Any = Worker(1, os.getppid(), [listener], app, 15, config, Logger(config))
    made.wsgi = app
    made.tpool = made.get_thread_pool()
    made.poller = selectors.DefaultSelector()
    made.method_queue.init()
    made.port = listener.getsockname()[1]
    yield made
    made.tpool.shutdown()
    made.tmp.close()
    made.poller.close()
    listener.close()


@pytest.fixture
def running(worker: Any) -> Iterator[Any]:
    """The worker's loop in a thread; told to stop at the end if the test did not."""
    thread = threading.Thread(target=worker.run)
    thread.start()
    worker.thread = thread
    yield worker
    worker.handle_exit(signal.SIGTERM, None)
    thread.join(PATIENCE)
    assert not thread.is_alive()


def connect(worker: Any) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", worker.port, timeout=PATIENCE)
    connection.connect()
    return connection


def status(connection: http.client.HTTPConnection, path: str) -> int:
    connection.request("GET", path)
    response = connection.getresponse()
    response.read()
    return response.status


def test_an_idle_worker_ends_at_once_and_closes_its_socket(running: Any) -> None:
    """The next client is refused rather than left waiting."""
    connection = connect(running)
    assert status(connection, "/health") == 200
    connection.close()
    running.handle_exit(signal.SIGTERM, None)
    running.thread.join(PATIENCE)
    with pytest.raises(ConnectionRefusedError):
        connect(running)


def test_while_something_is_held_new_connections_are_answered(running: Any, app: Flask) -> None:
    """`/health` says 503 to them, and what is held is finished."""
    held = connect(running)
    held.putrequest("GET", "/")
    running.handle_exit(signal.SIGTERM, None)
    fresh = connect(running)
    assert State.of(app).stopping
    assert status(fresh, "/health") == 503
    fresh.close()
    held.endheaders()
    assert held.getresponse().read()
    held.close()
    running.thread.join(PATIENCE)
    assert not running.thread.is_alive()


def test_what_was_connected_when_the_signal_came_is_answered(worker: Any) -> None:
    """Connections the kernel completed but nobody accepted yet are held as well."""
    waiting = [connect(worker) for _ in range(3)]
    for connection in waiting:
        connection.request("GET", "/")
    worker.handle_exit(signal.SIGTERM, None)
    ending = threading.Thread(target=worker.run)
    ending.start()
    for connection in waiting:
        assert connection.getresponse().status == 200
        connection.close()
    ending.join(PATIENCE)
    assert not ending.is_alive()


def test_a_steady_stream_does_not_put_off_the_end(worker: Any) -> None:
    """After a while the socket is closed though requests are still in flight."""
    worker.set_accept_enabled(True)
    worker.nr_conns = 1
    worker.handle_exit(signal.SIGTERM, None)
    before = time.monotonic()
    worker.set_accept_enabled(False)
    assert before + STOP_ACCEPT_SECONDS <= worker.accept_until
    worker.wait_for_and_dispatch_events(0)
    assert worker.sockets
    worker.accept_until = before
    worker.wait_for_and_dispatch_events(0)
    assert not worker.sockets
    with pytest.raises(ConnectionRefusedError):
        connect(worker)


def test_connections_that_never_spoke_are_not_waited_for(worker: Any) -> None:
    """They get two more seconds, not the whole graceful timeout."""
    silent = SimpleNamespace(timeout=time.monotonic() + 75, sock=socket.socket())
    worker.pending_conns.append(silent)
    worker.handle_exit(signal.SIGTERM, None)
    worker.set_accept_enabled(False)
    assert silent.timeout <= time.monotonic() + 2
    silent.sock.close()


def test_a_signal_before_the_application_is_loaded_is_no_error(worker: Any) -> None:
    """There is nothing to tell then."""
    del worker.wsgi
    worker.handle_exit(signal.SIGTERM, None)
    assert not worker.alive
