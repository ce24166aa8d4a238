"""Host, Secret, Address and Error, as the SDK's client gets them."""

import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import dagger
import pytest
from dagger import dag

pytestmark = pytest.mark.anyio
Asked = Callable[[], Awaitable[Any]]


@pytest.fixture(scope="module", autouse=True)
def _files(workdir: Path) -> None:
    """A folder of the client's host, with a link out of it."""
    place = workdir / "host"
    (place / "sub").mkdir(parents=True)
    (place / "sub/a.py").write_text("1", encoding="utf-8")
    (place / "run.sh").write_text("2", encoding="utf-8")
    (place / "run.sh").chmod(0o775)
    (place / ".gitignore").write_text("*.log\n", encoding="utf-8")
    (place / "x.log").write_text("", encoding="utf-8")
    (place / "out").symlink_to(workdir)


@pytest.mark.parametrize(
    ("ask", "value"),
    [
        (lambda: dag.host().directory("host").entries(), [".gitignore", "out", "run.sh", "sub/", "x.log"]),
        (lambda: dag.host().directory("host", include=["*.sh", "sub"]).glob("**"), ["run.sh", "sub/", "sub/a.py"]),
        (lambda: dag.host().directory("host", exclude=["**/*.py", "out"]).glob("s*/**"), []),
        (lambda: dag.host().directory("host", gitignore=True, exclude=["out"]).glob("*.*"), [".gitignore", "run.sh"]),
        (lambda: dag.host().directory("host").stat("run.sh").permissions(), 0o755),
        (lambda: dag.host().directory("host").exists("out/host"), False),
        (lambda: dag.host().directory("host/sub").file("a.py").contents(), "1"),
        (lambda: dag.host().file("host/run.sh").name(), "run.sh"),
        (lambda: dag.host().file("host/run.sh").contents(), "2"),
        (lambda: dag.address("host/sub").directory().entries(), ["a.py"]),
        (lambda: dag.address("file://host/sub/a.py").file().contents(), "1"),
        (lambda: dag.address("env:HUSH").secret().plaintext(), "hush hush"),
        (lambda: dag.address("x").value(), "x"),
        (lambda: dag.secret("env://HUSH").plaintext(), "hush hush"),
        (lambda: dag.secret("env:HUSH").uri(), "env:HUSH"),
        (lambda: dag.secret("cmd:echo -n made").plaintext(), "made"),
        (lambda: dag.set_secret("n", "plain").name(), "n"),
        (lambda: dag.set_secret("n", "plain").plaintext(), "plain"),
        (lambda: dag.error("broken").message(), "broken"),
    ],
)
async def test_values(ask: Asked, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUSH", "hush hush")
    assert await ask() == value


def holding() -> dagger.Container:
    """A container that has a socket of the host."""
    return dag.container().with_unix_socket("$RUN/x.sock", dag.host().unix_socket("host/x.sock"), expand=True)


@pytest.mark.parametrize(
    ("ask", "value"),
    [
        (lambda: holding().mounts(), []),
        (lambda: holding().without_unix_socket("/x.sock").without_mount("/x.sock").directory("/").entries(), []),
        (lambda: holding().with_unix_socket("/y", dag.address("unix://host/x.sock").socket()).user(), ""),
    ],
)
async def test_a_socket_of_the_host(ask: Asked, value: Any, workdir: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(workdir / "host/x.sock"))
        try:
            assert await ask() == value
        finally:
            (workdir / "host/x.sock").unlink()


async def test_an_errors_values() -> None:
    made = dag.error("broken").with_value("code", dagger.JSON("3")).with_value("who", dagger.JSON('"me"'))
    assert [(await v.name(), await v.value()) for v in await made.values()] == [("code", "3"), ("who", '"me"')]


async def test_find_up(workdir: Path) -> None:
    assert await dag.host().find_up("host") == str(workdir / "host")
    assert await dag.host().find_up("no such file") is None


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: dag.host().directory("no").entries(), r"^lstat .*/no: no such file or directory$"),
        (lambda: dag.host().file("no").contents(), r"^stat .*/no: no such file or directory$"),
        (lambda: dag.host().unix_socket("host/no").id(), "/host/no cannot be used: No such file or directory$"),
        (lambda: dag.host().unix_socket("host/run.sh").id(), "cannot be used: it is no socket$"),
        (lambda: dag.secret("env:NOSUCHVAR").plaintext(), r'^secret env var not found: "NOS\.\.\."$'),
        (lambda: dag.address("nowhere").service().hostname(), "^'nowhere' is no service: give tcp://HOST:PORT"),
    ],
)
async def test_errors(ask: Asked, message: str) -> None:
    with pytest.raises(dagger.QueryError, match=message):
        await ask()


async def test_a_secret_is_scrubbed_out_of_errors() -> None:
    assert await dag.set_secret("s", "scrub-me").id()
    with pytest.raises(dagger.QueryError, match=r"^stat \*\*\*: no such file or directory$"):
        await dag.directory().file("scrub-me").contents()
