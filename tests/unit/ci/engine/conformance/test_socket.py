"""Socket: unix sockets of the client's host, and their places in containers."""

import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import dagger
import pytest
from dagger import dag

pytestmark = pytest.mark.anyio
Asked = Callable[[], Awaitable[Any]]


@pytest.fixture(scope="module", autouse=True)
def _listening(workdir: Path) -> Iterator[None]:
    """A socket of the client's host, and a file beside it."""
    (workdir / "no-socket").touch()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(workdir / "x.sock"))
        yield
    (workdir / "x.sock").unlink()


def holding() -> dagger.Container:
    """A container that has a socket of the host."""
    return dag.container().with_unix_socket("$RUN/x.sock", dag.host().unix_socket("x.sock"), expand=True)


@pytest.mark.parametrize(
    ("ask", "value"),
    [
        (lambda: holding().mounts(), []),
        (lambda: holding().without_unix_socket("/x.sock").without_mount("/x.sock").directory("/").entries(), []),
        (lambda: holding().with_unix_socket("/y", dag.address("unix://x.sock").socket()).user(), ""),
    ],
)
async def test_values(ask: Asked, value: Any) -> None:
    assert await ask() == value


async def test_one_is_loaded_by_its_id() -> None:
    made = dag.host().unix_socket("x.sock")
    assert await dag.load_socket_from_id(dagger.SocketID(await made.id())).id() == await made.id()


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: dag.host().unix_socket("none").id(), "/none cannot be used: No such file or directory$"),
        (lambda: dag.host().unix_socket("no-socket").id(), "/no-socket cannot be used: it is no socket$"),
        (lambda: dag.address("unix://none").socket().id(), "/none cannot be used: No such file or directory$"),
    ],
)
async def test_errors(ask: Asked, message: str) -> None:
    with pytest.raises(dagger.QueryError, match=message):
        await ask()
