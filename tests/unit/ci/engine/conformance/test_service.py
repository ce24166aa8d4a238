"""Service: where one is, as the SDK's client gets it without anything being started; what needs Docker to start."""

from collections.abc import Awaitable, Callable
from typing import Any

import dagger
import pytest
from dagger import dag

pytestmark = pytest.mark.anyio
Asked = Callable[[], Awaitable[Any]]


def web() -> dagger.Service:
    """A container's service with two ports."""
    udp = dagger.NetworkProtocol.UDP
    ports = dag.container().with_exposed_port(80, description="web").with_exposed_port(53, protocol=udp)
    return ports.as_service(args=["serve"])


def bare() -> dagger.Service:
    return dag.container().as_service(args=["serve"])


def of_host() -> dagger.Service:
    """Ports of the client's host, the first under another number."""
    forwards = [dagger.PortForward(backend=5432, frontend=15432), dagger.PortForward(backend=80)]
    return dag.host().service(forwards)


async def ports(service: dagger.Service) -> list[tuple[int, str]]:
    return [(await port.port(), (await port.protocol()).value) for port in await service.ports()]


@pytest.mark.parametrize(
    ("ask", "value"),
    [
        (lambda: web().with_hostname("shop").hostname(), "shop"),
        (lambda: web().with_hostname("a").with_hostname("b").hostname(), "b"),
        (lambda: web().with_hostname("shop").endpoint(), "shop:80"),
        (lambda: web().with_hostname("shop").endpoint(port=53), "shop:53"),
        (lambda: web().with_hostname("shop").endpoint(scheme="http"), "http://shop:80"),
        (lambda: bare().with_hostname("shop").endpoint(port=1, scheme="tcp"), "tcp://shop:1"),
        (lambda: ports(web()), [(80, "TCP"), (53, "UDP")]),
        (lambda: ports(bare()), []),
        (lambda: ports(of_host()), [(15432, "TCP"), (80, "TCP")]),
        (lambda: of_host().with_hostname("db").endpoint(), "db:15432"),
        (lambda: ports(dag.address("tcp://127.0.0.1:4566").service()), [(4566, "TCP")]),
    ],
)
async def test_values(ask: Asked, value: Any) -> None:
    assert await ask() == value


async def test_a_service_has_a_hostname_of_its_own_that_goes_by_what_it_is() -> None:
    assert await web().hostname() == await web().hostname() != await bare().hostname()
    assert await web().endpoint() == f"{await web().hostname()}:80"


async def test_stopping_what_does_not_run_is_fine() -> None:
    await web().stop()
    await web().stop(kill=True)


@pytest.mark.parametrize(
    "lazy",
    [
        lambda: web().id(),
        lambda: dag.host().tunnel(web()).id(),
        lambda: dag.container().with_service_binding("web", web()).with_exec(["curl", "web"]).id(),
        lambda: dag.container().with_service_binding("web", web()).mounts(),
    ],
)
async def test_nothing_is_started_by_naming_it(lazy: Asked) -> None:
    await lazy()  # the session's Docker cannot be reached


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: bare().endpoint(), "^no ports exposed$"),
        (lambda: dag.host().tunnel(web()).ports(), "^the tunnel is not running: start it first"),
        (lambda: dag.host().tunnel(web()).endpoint(), "^the tunnel is not running: start it first"),
        (lambda: dag.container().with_exposed_port(1).up(), "^no service command has been set$"),
        (lambda: web().start(), "^no Docker engine answers"),
        (lambda: dag.host().tunnel(bare()).start(), "^no ports to forward: the service exposes none"),
        (lambda: web().up(), "^no Docker engine answers"),
        (lambda: dag.container().with_exposed_port(1).up(args=["serve"]), "^no Docker engine answers"),
    ],
)
async def test_errors(ask: Asked, message: str) -> None:
    with pytest.raises(dagger.QueryError, match=message):
        await ask()
