"""HAProxy before a blue and a green server of this process, following records that the tests change.

No Docker is needed.
"""

import base64
import contextlib
import hashlib
import http.server
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from infra.local.alb.certificates import Certificate, Certificates
from infra.local.alb.dataplane import DataPlane
from infra.local.alb.haproxy import Haproxy
from infra.local.alb.names import Endpoints
from infra.local.alb.records import (
    BalancerSettings,
    Condition,
    FixedResponse,
    Forward,
    HealthSettings,
    Listener,
    Records,
    Rule,
    TargetGroup,
)
from infra.local.alb.targets import TargetBook
from infra.local.clock import SystemClock
from infra.local.processes import Ledger, end

BLUE, GREEN = "arn:tg/blue", "arn:tg/green"
DRAIN_SECONDS = 1.0
WEBSOCKET = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """These tests need HAProxy, and nothing else."""
    if shutil.which("haproxy", path="/usr/sbin:/usr/bin") is None:
        for item in items:
            if "integration/infra/local/alb" in str(item.path):
                item.add_marker(pytest.mark.skip(reason="needs haproxy"))


@dataclass
class Answer:
    """What a client got."""

    status: int
    body: str
    headers: dict[str, str]


class Colour(http.server.ThreadingHTTPServer):
    """A server that answers with its name. `/slow` waits until `gate` is set."""

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.name, self.gate, self.seen = name, threading.Event(), list[Handler]()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections that HAProxy cuts are part of the tests."""

    @property
    def target(self) -> tuple[str, int]:
        return "127.0.0.1", self.server_port


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert isinstance(self.server, Colour)
        self.server.seen.append(self)
        if self.path == "/slow":
            self.server.gate.wait(10)
        if self.path == "/cut":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        elif self.path == "/socket":
            self._echo()
        else:
            self._answer(int(self.path.partition("/status/")[2] or 200))

    do_HEAD = do_POST = do_PUT = do_GET

    def _answer(self, status: int) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = sent or self.server.name.encode()  # type: ignore[attr-defined]
        head = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
        self.wfile.write(head + (b"" if self.command == "HEAD" else body))

    def _echo(self) -> None:
        """A WebSocket's handshake, then one line back."""
        proof = base64.b64encode(hashlib.sha1(self.headers["Sec-WebSocket-Key"].encode() + WEBSOCKET).digest())
        head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self.wfile.write(head + b"Sec-WebSocket-Accept: %s\r\n\r\n" % proof)
        self.wfile.write(self.rfile.readline())
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


class Front:
    """HAProxy before a blue and a green server, following records that the tests change."""

    def __init__(self, directory: Path, free_port: Callable[[], int]) -> None:
        self.blue, self.green = Colour("blue"), Colour("green")
        self.gateway, self.port, self.tls_port = free_port(), free_port(), free_port()
        self.weights = (100, 0)
        self.targets = {BLUE: [self.blue.target], GREEN: [self.green.target]}
        self.extra: tuple[Rule, ...] = ()
        self.settings, self.sticky = BalancerSettings(), None
        self.group: dict[str, Any] = {}
        self.issued: dict[str, Certificate] = {}
        self.tls = False
        self.ledger = Ledger(directory / "processes.json")
        self.proxy = Haproxy(directory / "haproxy.cfg", directory / "haproxy.sock", self.ledger, directory / "log")
        self.certificates = Certificates(directory / "certificates", self.issued.get)
        self.certificates.prepare()
        self.log = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.log.bind(("127.0.0.1", 0))
        self.directory, self.clock = directory, SystemClock()
        self.plane = DataPlane(self.proxy, self.records, self.endpoints, TargetBook(), self.clock)

    def endpoints(self, records: Records) -> Endpoints:
        directory, ports = self.directory, {"arn:l": self.port, "arn:tls": self.tls_port}
        lists = self.certificates.lists(records)
        log_port = self.log.getsockname()[1]
        return Endpoints(self.gateway, directory / "api", directory / "registry", ports, lists, log_port)

    def records(self) -> Records:
        rule = Rule("arn:rule", (), Forward(((BLUE, self.weights[0]), (GREEN, self.weights[1])), self.sticky))
        groups = tuple(
            TargetGroup(arn, HealthSettings(), DRAIN_SECONDS, frozenset(targets), **self.group)
            for arn, targets in self.targets.items()
        )
        listener = Listener("arn:l", "lb", "lb.elb", 80, (*self.extra, rule), settings=self.settings)
        tls = Listener(
            "arn:tls", "lb", "lb.elb", 443, (replace(rule, arn="arn:rule/tls"),), "HTTPS", tuple(self.issued)
        )
        return Records((listener, *([tls] if self.tls else [])), groups)

    def shift(self, blue: int, green: int) -> None:
        self.weights = (blue, green)
        self.plane.sync()

    def reload(self) -> None:
        """Any change of structure does."""
        number = len(self.extra)
        self.extra += (Rule(f"arn:extra/{number}", (), FixedResponse(404, "text/plain", "")),)
        self.extra = tuple(Rule(each.arn, (_never(),), each.action) for each in self.extra)
        self.plane.sync()

    def rule(self, action: Any, *conditions: Condition) -> None:
        """Put a rule before the default one."""
        self.extra = (*self.extra, Rule(f"arn:extra/{len(self.extra)}", conditions, action))
        self.plane.sync()

    def connect(self, **options: Any) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=10, **options)

    def ask(self, path: str = "/", method: str = "GET", **headers: str) -> Answer:
        """One request over a connection of its own."""
        with contextlib.closing(self.connect()) as connection:
            connection.request(method, path, headers={name.replace("_", "-"): each for name, each in headers.items()})
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode(), dict(answer.getheaders()))

    def sessions(self) -> int:
        """Requests that blue's server holds now."""
        rows = [line.split(",") for line in self.proxy._ask("@1 show stat").splitlines()]
        column = next((row.index("scur") for row in rows if "scur" in row), 0)
        return sum(int(row[column]) for row in rows if len(row) > 1 and str(self.blue.server_port) in row[1])

    def begin(self, path: str) -> "Pending":
        """Send a request to blue, and come back once blue holds it."""
        pending = Pending(self, path)
        pending.thread.start()
        deadline = time.monotonic() + 10
        while self.sessions() == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        return pending

    def stop(self) -> None:
        for record in self.ledger.read().values():
            end(record)
        self.ledger.reap()
        self.log.close()
        for server in (self.blue, self.green):
            server.gate.set()
            server.shutdown()
            server.server_close()


class Pending:
    """A request under way."""

    def __init__(self, front: Front, path: str) -> None:
        self.answers: list[Answer] = []
        self.thread = threading.Thread(target=lambda: self.answers.append(front.ask(path)))

    def answer(self) -> Answer:
        self.thread.join(20)
        return self.answers[0]


def _never() -> Condition:
    return Condition("path-pattern", ("^/never$",))


@pytest.fixture
def front(free_port: Callable[[], int]) -> Iterator[Front]:
    with tempfile.TemporaryDirectory(prefix="cutover-") as directory:
        made = Front(Path(directory), free_port)
        made.plane.sync()
        yield made
        made.stop()


@pytest.fixture
def connection(front: Front) -> Iterator[HTTPConnection]:
    """A keep-alive connection that has been used once."""
    made = front.connect()
    made.request("GET", "/")
    assert made.getresponse().read() == b"blue"
    yield made
    made.close()


@pytest.fixture
def colour() -> Iterator[Callable[[str], Colour]]:
    """Makes further servers."""
    made: list[Colour] = []

    def make(name: str) -> Colour:
        made.append(Colour(name))
        return made[-1]

    yield make
    for each in made:
        each.shutdown()
        each.server_close()
