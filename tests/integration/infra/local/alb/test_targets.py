"""Targets behind a real HAProxy: ALB's answers where they give none, draining, stickiness.

Numbers in names are those of the documented statements that a test holds us to.
"""

import asyncio
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from http.client import HTTPConnection
from typing import Any

from infra.local.alb.health import HealthChecks
from infra.local.alb.probe import Failure
from infra.local.alb.records import HealthSettings, TargetStickiness

BLUE, GREEN = "arn:tg/blue", "arn:tg/green"
FAILED = ("Target.FailedHealthChecks", "Health checks failed")
REQUESTS = 10_000


def test_18_of_10000_requests_without_cookies_a_canary_of_10_percent_gets_a_tenth(front: Any) -> None:
    front.shift(90, 10)
    connection = front.connect()
    seen = 0

    for _ in range(REQUESTS):
        connection.request("GET", "/")
        seen += connection.getresponse().read() == b"green"

    connection.close()
    assert abs(seen / REQUESTS - 0.10) <= 0.01


def test_33_an_empty_group_with_weight_answers_503_and_no_other_group_steps_in(front: Any) -> None:
    front.targets[BLUE] = []
    front.plane.sync()

    answer = front.ask()

    assert (answer.status, answer.headers["server"]) == (503, "awselb/2.0")
    assert "<h1>503 Service Temporarily Unavailable</h1>" in answer.body
    assert front.green.seen == []


def test_34_a_group_whose_targets_are_all_unhealthy_gets_requests_all_the_same(front: Any) -> None:
    with front.plane.lock:
        for _ in range(2):
            front.plane.book.result((BLUE, *front.blue.target), FAILED, 0.0)
        assert front.plane.book.state((BLUE, *front.blue.target))[0] == "unhealthy"
    front.plane.sync()

    assert front.ask().body == "blue"


def test_an_unhealthy_target_gets_nothing_while_another_is_healthy(front: Any, colour: Callable[[str], Any]) -> None:
    other = colour("other")
    front.targets[BLUE].append(other.target)
    front.plane.sync()
    front.plane.book.result((BLUE, *front.blue.target), FAILED, 0.0)
    front.plane.book.result((BLUE, *other.target), None, 0.0)
    front.plane.sync()

    assert {front.ask().body for _ in range(6)} == {"other"}


def test_35_a_new_target_is_healthy_after_its_first_check_and_gets_requests(front: Any) -> None:
    asked: list[HealthSettings] = []

    async def passing(address: str, port: int, settings: HealthSettings) -> Failure | None:
        asked.append(settings)
        return None

    async def one_turn() -> None:
        checks = HealthChecks(front.plane, front.clock, passing)
        checks.turn()
        await checks.settle()

    asyncio.run(one_turn())

    assert asked[0].healthy_threshold == 5
    assert front.plane.book.state((BLUE, *front.blue.target)) == ("healthy", None, None)
    assert front.ask().body == "blue"


def test_37_a_request_on_a_draining_target_that_ends_within_the_delay_is_answered(front: Any) -> None:
    pending = front.begin("/slow")
    front.targets[BLUE] = []
    front.plane.sync()
    assert front.plane.book.state((BLUE, *front.blue.target))[0] == "draining"

    front.blue.gate.set()

    assert (pending.answer().status, pending.answer().body) == (200, "blue")


def test_37_a_request_on_a_draining_target_that_outlasts_the_delay_gets_502(
    front: Any, wait_for: Callable[..., Any]
) -> None:
    pending = front.begin("/slow")
    front.targets[BLUE] = []
    front.plane.sync()

    wait_for(lambda: front.plane.tend() or not pending.thread.is_alive(), "the end of the drain")

    assert pending.answer().status == 502


def test_39_a_target_that_is_slower_than_the_idle_timeout_gets_504(front: Any) -> None:
    front.settings = replace(front.settings, idle_timeout=1)
    front.plane.sync()

    answer = front.ask("/slow")

    assert (answer.status, answer.headers["server"]) == (504, "awselb/2.0")
    assert "<h1>504 Gateway Time-out</h1>" in answer.body


def test_39_a_target_that_closes_in_the_middle_of_a_request_gets_502(front: Any) -> None:
    answer = front.ask("/cut")

    assert (answer.status, answer.headers["server"]) == (502, "awselb/2.0")
    assert "<h1>502 Bad Gateway</h1>" in answer.body


def test_39_so_it_is_on_a_connection_that_has_been_used_before(front: Any, connection: HTTPConnection) -> None:
    connection.request("GET", "/cut")
    answer = connection.getresponse()

    assert (answer.status, answer.headers["server"]) == (502, "awselb/2.0")
    assert "<h1>502 Bad Gateway</h1>" in answer.read().decode()
    connection.request("GET", "/")
    assert connection.getresponse().read() == b"blue", "the connection is still good"


def test_39_a_closed_port_gets_502(front: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        front.targets[BLUE] = [unused.getsockname()]
        front.plane.sync()

        answer = front.ask()

    assert answer.status == 502
    assert "<h1>502 Bad Gateway</h1>" in answer.body


def test_the_503_of_a_target_is_its_own(front: Any) -> None:
    answer = front.ask("/status/503")

    assert (answer.status, answer.body) == (503, "blue")


def test_40_a_target_of_a_group_in_no_rule_is_unused_and_not_checked(front: Any) -> None:
    front.targets["arn:tg/idle"] = [front.green.target]
    front.plane.sync()
    key = ("arn:tg/idle", *front.green.target)

    assert front.plane.book.state(key)[:2] == ("unused", "Target.NotInUse")
    assert key not in [target.key for target in front.plane.book.due(time.time())]


def test_a_clients_group_stays_by_the_cookie_even_at_weight_0_as_we_assume(front: Any) -> None:
    front.sticky = 60
    front.plane.sync()
    first = front.ask()
    cookie = first.headers["set-cookie"].partition(";")[0]
    front.shift(0, 100)

    assert cookie.startswith("AWSALBTG=")
    assert front.ask(cookie=cookie).body == "blue"
    assert front.ask().body == "green"


def test_a_clients_target_stays_by_the_cookie_until_it_drains(front: Any, colour: Callable[[str], Any]) -> None:
    other = colour("other")
    front.group = {"stickiness": TargetStickiness(60)}
    front.targets[BLUE].append(other.target)
    front.plane.sync()
    first = front.ask()
    cookie = first.headers["set-cookie"].partition(";")[0]

    assert {front.ask(cookie=cookie).body for _ in range(6)} == {first.body}

    front.targets[BLUE].remove(front.blue.target if first.body == "blue" else other.target)
    front.plane.sync()
    assert front.ask(cookie=cookie).body == ("other" if first.body == "blue" else "blue")


def test_a_change_of_weights_is_in_effect_at_once_with_200_targets(front: Any) -> None:
    for number in range(20):
        front.targets[f"arn:tg/{number}"] = [(f"127.1.{number}.{each}", 9) for each in range(10)]
    front.plane.sync()

    began = time.monotonic()
    front.shift(0, 100)
    seen = front.ask().body

    assert seen == "green"
    assert time.monotonic() - began < 0.5
