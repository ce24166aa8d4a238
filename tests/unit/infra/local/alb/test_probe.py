"""A health check against a real socket of this process."""

import asyncio
import http.server
import socket
import threading
from collections.abc import Iterator

import pytest

from infra.local.alb.probe import probe as probe_async
from infra.local.alb.records import HealthSettings


def probe(address: str, port: int, settings: HealthSettings) -> tuple[str, str] | None:
    """One check, in an event loop of its own."""
    return asyncio.run(probe_async(address, port, settings))


SEEN: list[tuple[str, str, str]] = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        SEEN.append((self.path, self.headers["User-Agent"], self.headers["Host"]))
        self.send_response(200 if self.path == "/health" else 500)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def port() -> Iterator[int]:
    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_a_matching_status_passes_and_the_request_is_albs(port: int) -> None:
    assert probe("127.0.0.1", port, HealthSettings(path="/health")) is None

    assert SEEN[-1] == ("/health", "ELB-HealthChecker/2.0", f"127.0.0.1:{port}")


def test_another_status_is_a_mismatch_that_names_it(port: int) -> None:
    assert probe("127.0.0.1", port, HealthSettings(path="/other")) == (
        "Target.ResponseCodeMismatch",
        "Health checks failed with these codes: [500]",
    )


def test_the_check_goes_to_a_port_of_its_own_where_one_is_set(port: int) -> None:
    assert probe("127.0.0.1", 1, HealthSettings(path="/health", port=str(port))) is None


def test_a_closed_port_is_a_failure() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = unused.getsockname()[1]

    failure = probe("127.0.0.1", closed, HealthSettings())

    assert failure == ("Target.FailedHealthChecks", "Health checks failed")


def _greet(listening: socket.socket) -> None:
    accepted, _ = listening.accept()
    with accepted:
        accepted.sendall(b"220 mail ready\r\n")


def test_an_answer_that_is_no_http_is_a_failure() -> None:
    with socket.socket() as babbling:
        babbling.bind(("127.0.0.1", 0))
        babbling.listen()
        answering = threading.Thread(target=_greet, args=(babbling,))
        answering.start()

        failure = probe("127.0.0.1", babbling.getsockname()[1], HealthSettings())
        answering.join()

    assert failure == ("Target.FailedHealthChecks", "Health checks failed")


def test_no_answer_in_time_is_a_timeout() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()

        failure = probe("127.0.0.1", silent.getsockname()[1], HealthSettings(timeout=0.1))

    assert failure == ("Target.Timeout", "Request timed out")
