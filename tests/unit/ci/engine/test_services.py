"""How services that do not come up end: within a bound, with what they printed, and removed."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from ci.engine.errors import InterruptedCallError, ServiceError
from ci.engine.nodes import Node
from ci.engine.progress import Progress
from ci.engine.services import Services
from ci.engine.state import Config, Container, Exec, Port

SERVICE = Node("Service", "asService", Node("Container", "container"))


class FakeDocker:
    """One container that prints something and never listens; `ended` is its exit code, None while it runs."""

    def __init__(self, ended: int | None = None) -> None:
        self.ended = ended
        self.removed: list[str] = []

    def exit_code(self, container: str) -> int | None:
        return self.ended

    def logs(self, container: str, lines: int) -> str:
        return "what it printed"

    def remove(self, container: str) -> None:
        self.removed.append(container)


class FakeEvaluator:
    """Starts nothing: the service is at a port of this machine."""

    def __init__(self, port: int) -> None:
        self.port = port

    def container(self, node: Node) -> Container:
        return Container(config=Config(ports=(Port(self.port),)))

    def service_exec(self, service: Node) -> Exec:
        return Exec(("serve",), Config())

    def start_service(self, service: Node) -> tuple[str, str]:
        return "container", "127.0.0.1"


@pytest.fixture
def silent() -> Iterator[int]:
    """A port that nobody listens on."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def services(docker: FakeDocker, seconds: float) -> Services:
    runner: Any = None
    return Services(lambda: docker, runner, Progress(quiet=True), seconds)  # type: ignore[arg-type, return-value]


def test_a_service_that_never_listens_is_given_up_after_a_bound(silent: int) -> None:
    docker, evaluator = FakeDocker(), FakeEvaluator(silent)
    with pytest.raises(ServiceError, match=f"port {silent} took no connection within 0.2 s\noutput: what it printed"):
        services(docker, 0.2).start(SERVICE, evaluator)  # type: ignore[arg-type]
    assert docker.removed == ["container"]


def test_a_service_that_ended_is_not_waited_for(silent: int) -> None:
    docker, evaluator = FakeDocker(ended=3), FakeEvaluator(silent)
    with pytest.raises(ServiceError, match="exited: exit code: 3\noutput: what it printed"):
        services(docker, 60).start(SERVICE, evaluator)  # type: ignore[arg-type]
    assert docker.removed == ["container"]


def test_an_interruption_ends_the_wait_at_once(silent: int) -> None:
    docker, evaluator = FakeDocker(), FakeEvaluator(silent)
    waiting = services(docker, 3600)
    threading.Timer(0.05, waiting.closing.set).start()
    with pytest.raises(InterruptedCallError):
        waiting.start(SERVICE, evaluator)  # type: ignore[arg-type]
    assert docker.removed == ["container"]
