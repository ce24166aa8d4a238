"""A steady load on a URL, every answer counted."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from ci.cli.load import CONNECTIONS, Load

WANTED = 20  # answers to wait for
SECONDS = 20


class Site(ThreadingHTTPServer):
    """Answers with the status that its path names; tells when enough have come."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.answered = 0
        self.connections = 0
        self.lock = threading.Lock()
        self.enough = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Site

    def setup(self) -> None:
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def do_GET(self) -> None:
        with self.server.lock:
            self.server.answered += 1
            if self.server.answered >= WANTED:
                self.server.enough.set()
        if self.path == "/hangup":
            self.close_connection = True
            return
        self.send_response(int(self.path.removeprefix("/")))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_every_request_is_counted_over_few_connections(site: Site) -> None:
    with Load(site.url + "/200") as load:
        assert site.enough.wait(SECONDS)
    assert load.tally.sent == site.answered >= WANTED
    assert load.tally.failed == 0
    assert site.connections == CONNECTIONS
    assert 0 < load.tally.slowest < SECONDS


def test_an_answer_that_is_no_200_is_a_failure_with_its_status(site: Site) -> None:
    with Load(site.url + "/503") as load:
        assert site.enough.wait(SECONDS)
    assert load.tally.failed == load.tally.sent
    assert load.tally.reasons == {"status 503": load.tally.sent}


def test_a_connection_that_ends_is_a_failure_and_is_not_tried_again(site: Site) -> None:
    with Load(site.url + "/hangup") as load:
        assert site.enough.wait(SECONDS)
    assert load.tally.sent == load.tally.failed == site.answered
    assert set(load.tally.reasons) == {"RemoteDisconnected"}
