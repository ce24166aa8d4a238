"""The data plane in a real HAProxy: exact shares, weight 0, and connections that outlive a reload. No Docker needed."""

import http.server
import itertools
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from infra.local.alb.config import Endpoints
from infra.local.alb.dataplane import DataPlane
from infra.local.alb.haproxy import Haproxy
from infra.local.alb.records import (
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
from infra.local.errors import HaproxyRefused
from infra.local.processes import Ledger, end

pytestmark = pytest.mark.skipif(shutil.which("haproxy", path="/usr/sbin:/usr/bin") is None, reason="needs haproxy")
BLUE, GREEN = "arn:tg/blue", "arn:tg/green"
DRAIN_SECONDS = 1.0


class Colour(http.server.ThreadingHTTPServer):
    """A server that answers with its name. `/slow` waits until `gate` is set."""

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.name, self.gate = name, threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def target(self) -> tuple[str, int]:
        return "127.0.0.1", self.server_port


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert isinstance(self.server, Colour)
        if self.path == "/slow":
            self.server.gate.wait(10)
        body = self.server.name.encode()
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


class Front:
    """HAProxy before a blue and a green server, following records that the tests change."""

    def __init__(self, directory: Path, free_port: Callable[[], int]) -> None:
        self.blue, self.green = Colour("blue"), Colour("green")
        self.gateway, self.port = free_port(), free_port()
        self.weights = (100, 0)
        self.targets = {BLUE: [self.blue.target], GREEN: [self.green.target]}
        self.extra: tuple[Rule, ...] = ()
        self.ledger = Ledger(directory / "processes.json")
        self.proxy = Haproxy(directory / "haproxy.cfg", directory / "haproxy.sock", self.ledger, directory / "log")
        endpoints = Endpoints(self.gateway, directory / "api", directory / "registry", {"arn:l": self.port})
        self.plane = DataPlane(self.proxy, self.records, lambda records: endpoints, TargetBook(), SystemClock())

    def records(self) -> Records:
        rule = Rule("arn:rule", (), Forward(((BLUE, self.weights[0]), (GREEN, self.weights[1]))))
        groups = (TargetGroup(arn, HealthSettings(), DRAIN_SECONDS, frozenset(t)) for arn, t in self.targets.items())
        listener = Listener("arn:l", "lb", "lb.elb", 80, (*self.extra, rule))
        return Records((listener,), tuple(groups))

    def shift(self, blue: int, green: int) -> None:
        self.weights = (blue, green)
        self.plane.sync()

    def reload(self) -> None:
        """Any change of structure does."""
        number = len(self.extra)
        self.extra += (Rule(f"arn:extra/{number}", (), FixedResponse(404, "text/plain", "")),)
        self.extra = tuple(Rule(each.arn, (_never(),), each.action) for each in self.extra)
        self.plane.sync()

    def connect(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=10)

    def stop(self) -> None:
        for record in self.ledger.read().values():
            end(record)
        self.ledger.reap()
        for server in (self.blue, self.green):
            server.gate.set()
            server.shutdown()
            server.server_close()


def _never() -> Condition:
    return Condition("path-pattern", ("^/never$",))


def ask(connection: HTTPConnection, path: str = "/") -> tuple[int, str]:
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


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
    assert ask(made)[0] == 200
    yield made
    made.close()


def test_of_a_thousand_requests_a_group_gets_exactly_its_share(front: Front) -> None:
    front.shift(90, 10)
    connection = front.connect()

    seen = [ask(connection)[1] for _ in range(1000)]

    connection.close()
    assert seen.count("green") == 100


def test_a_weight_of_0_gets_no_request_from_the_moment_it_is_written(front: Front, connection: HTTPConnection) -> None:
    for blue, green in itertools.islice(itertools.cycle([(0, 100), (100, 0)]), 20):
        front.shift(blue, green)
        expected = "green" if green else "blue"
        assert {ask(connection)[1] for _ in range(10)} == {expected}


def test_an_idle_connection_from_before_a_reload_goes_by_the_weights_of_today(
    front: Front, connection: HTTPConnection
) -> None:
    front.reload()
    assert len(front.proxy.workers()) == 2, "the old worker keeps the idle connection"

    front.shift(0, 100)

    assert ask(connection) == (200, "green")


def test_an_idle_connection_from_before_a_reload_reaches_targets_that_came_after_it(
    front: Front, connection: HTTPConnection
) -> None:
    gold = Colour("gold")
    front.reload()
    front.targets[GREEN] = [gold.target]
    front.shift(0, 100)

    assert ask(connection) == (200, "gold")
    gold.shutdown()
    gold.server_close()


def test_reloads_under_load_lose_no_request(front: Front) -> None:
    statuses: list[int] = []
    stop = threading.Event()

    def load() -> None:
        connection = front.connect()
        while not stop.is_set():
            statuses.append(ask(connection)[0])
        connection.close()

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        front.reload()
    stop.set()
    for thread in threads:
        thread.join()

    assert len(statuses) > 100
    assert set(statuses) == {200}


def test_37_a_request_in_flight_on_a_draining_target_is_finished(front: Front, wait_for: Callable[..., object]) -> None:
    answers: list[tuple[int, str]] = []
    connection = front.connect()
    slow = threading.Thread(target=lambda: answers.append(ask(connection, "/slow")))
    slow.start()
    wait_for(lambda: "scur" in front.proxy._ask("@1 show stat") and _sessions(front) > 0, "the request at its target")

    front.shift(0, 100)
    front.targets[BLUE] = []
    front.plane.sync()
    front.blue.gate.set()
    slow.join()

    connection.close()
    assert answers == [(200, "blue")]


def test_a_target_is_gone_from_haproxy_after_its_drain(front: Front, wait_for: Callable[..., object]) -> None:
    front.targets[BLUE] = []
    front.plane.sync()

    def gone() -> bool:
        front.plane.sync()
        return f"127.0.0.1-{front.blue.server_port}".replace(".", "-") not in front.proxy._ask("@1 show servers state")

    wait_for(gone, "the end of the drain")


def test_the_one_port_leads_to_a_listener_by_its_name(front: Front) -> None:
    connection = HTTPConnection("127.0.0.1", front.gateway, timeout=10)
    for host in ("lb.elb:80", "LB:80", "lb.elb"):
        connection.request("GET", "/", headers={"Host": host})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"blue")
    connection.close()


def test_a_configuration_that_haproxy_does_not_take_is_told_and_changes_nothing(front: Front) -> None:
    with pytest.raises(HaproxyRefused, match="refused the configuration"):
        front.proxy.apply("nonsense\n")

    connection = front.connect()
    assert ask(connection) == (200, "blue")
    connection.close()


def _sessions(front: Front) -> int:
    """Requests that blue's server holds now."""
    rows = [line.split(",") for line in front.proxy._ask("@1 show stat").splitlines()]
    column = rows[0].index("scur")
    return sum(int(row[column]) for row in rows if len(row) > 1 and str(front.blue.server_port) in row[1])
