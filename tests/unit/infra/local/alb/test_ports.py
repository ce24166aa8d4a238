"""Listener ports on 127.0.0.1."""

import socket

from infra.local.alb.ports import FIRST_PORT, PORTS, ListenerPorts, port_is_free
from infra.local.alb.records import Listener


def listener(arn: str, port: int = 80) -> Listener:
    return Listener(arn, "demo", "demo.elb", port, ())


def test_a_listener_keeps_its_port() -> None:
    ports = ListenerPorts(4566, lambda port: True)

    assert ports.of(listener("a")) == ports.of(listener("a"))
    assert FIRST_PORT <= ports.of(listener("a")) < FIRST_PORT + PORTS


def test_the_same_listener_of_another_run_gets_the_same_port() -> None:
    assert ListenerPorts(4566, lambda port: True).of(listener("a")) == ListenerPorts(4566, lambda port: True).of(
        listener("b")
    )


def test_two_listeners_never_share_a_port() -> None:
    ports = ListenerPorts(4566, lambda port: True)

    assert ports.of(listener("a")) != ports.of(listener("b"))


def test_a_port_that_is_taken_is_passed_over() -> None:
    wanted = ListenerPorts(4566, lambda port: True).of(listener("a"))

    assert ListenerPorts(4566, lambda port: port != wanted).of(listener("a")) != wanted


def test_a_port_somebody_listens_on_is_not_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        assert not port_is_free(taken.getsockname()[1])
