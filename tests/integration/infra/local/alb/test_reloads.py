"""A real HAProxy: exact shares, weight 0, and connections that outlive a reload."""

import itertools
import os
import signal
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

import pytest

from infra.local.alb.dataplane import DataPlane
from infra.local.alb.haproxy import Haproxy
from infra.local.alb.targets import TargetBook
from infra.local.errors import HaproxyRefused

BLUE, GREEN = "arn:tg/blue", "arn:tg/green"
BACK_SECONDS = 10.0


def ask(connection: HTTPConnection, path: str = "/") -> tuple[int, str]:
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def test_of_a_thousand_requests_a_group_gets_exactly_its_share(front: Any) -> None:
    front.shift(90, 10)
    connection = front.connect()

    seen = [ask(connection)[1] for _ in range(1000)]

    connection.close()
    assert seen.count("green") == 100


def test_a_weight_of_0_gets_no_request_from_the_moment_it_is_written(front: Any, connection: HTTPConnection) -> None:
    for blue, green in itertools.islice(itertools.cycle([(0, 100), (100, 0)]), 20):
        front.shift(blue, green)
        expected = "green" if green else "blue"
        assert {ask(connection)[1] for _ in range(10)} == {expected}


def test_an_idle_connection_from_before_a_reload_goes_by_the_weights_of_today(
    front: Any, connection: HTTPConnection
) -> None:
    front.reload()
    assert len(front.proxy.workers()) == 2, "the old worker keeps the idle connection"

    front.shift(0, 100)

    assert ask(connection) == (200, "green")


def test_an_idle_connection_from_before_a_reload_reaches_targets_that_came_after_it(
    front: Any, connection: HTTPConnection, colour: Callable[[str], Any]
) -> None:
    gold = colour("gold")
    front.reload()
    front.targets[GREEN] = [gold.target]
    front.shift(0, 100)

    assert ask(connection) == (200, "gold")


def test_reloads_under_load_lose_no_request(front: Any) -> None:
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


def test_a_target_is_gone_from_haproxy_after_its_drain(front: Any, wait_for: Callable[..., object]) -> None:
    front.targets[BLUE] = []
    front.plane.sync()

    def gone() -> bool:
        front.plane.sync()
        return f"127.0.0.1-{front.blue.server_port}".replace(".", "-") not in front.proxy._ask("@1 show servers state")

    wait_for(gone, "the end of the drain")


def test_the_one_port_leads_to_a_listener_by_its_name(front: Any) -> None:
    connection = HTTPConnection("127.0.0.1", front.gateway, timeout=10)
    for host in ("lb.elb:80", "LB:80", "lb.elb"):
        connection.request("GET", "/", headers={"Host": host})
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (200, b"blue")
    connection.close()


def test_a_configuration_that_haproxy_does_not_take_is_told_and_changes_nothing(front: Any) -> None:
    with pytest.raises(HaproxyRefused, match="refused the configuration"):
        front.proxy.apply("nonsense\n")

    connection = front.connect()
    assert ask(connection) == (200, "blue")
    connection.close()


@pytest.mark.parametrize("whom", ["master", "worker"])
def test_a_haproxy_that_is_killed_is_back_with_the_weights_of_the_moment(
    front: Any, whom: str, wait_for: Callable[..., Any]
) -> None:
    front.reload()
    front.shift(0, 100)
    killed = front.proxy._process.pid if whom == "master" else front.proxy.workers()[0]

    os.kill(killed, signal.SIGKILL)
    began = time.monotonic()
    wait_for(lambda: not front.proxy.running, "the end of HAProxy")
    front.plane.tend()

    assert [front.ask().body for _ in range(5)] == ["green"] * 5
    assert time.monotonic() - began < BACK_SECONDS


def test_a_haproxy_that_outlived_its_server_is_taken_over_with_its_connections(
    front: Any, connection: HTTPConnection
) -> None:
    """The next server finds it in the ledger, and knows the ports that it holds."""
    directory, before = front.directory, front.proxy._process
    front.proxy = Haproxy(directory / "haproxy.cfg", directory / "haproxy.sock", front.ledger, directory / "log")
    front.plane = DataPlane(front.proxy, front.records, front.endpoints, TargetBook(), front.clock)

    assert front.proxy.ports == {front.gateway, front.port}
    front.shift(0, 100)

    assert ask(connection) == (200, "green")
    assert front.proxy._process == before
