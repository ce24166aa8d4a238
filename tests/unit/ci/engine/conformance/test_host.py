"""Host, Address and Error, as the SDK's client gets them."""

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
        (lambda: dag.address("x").value(), "x"),
        (lambda: dag.error("broken").message(), "broken"),
    ],
)
async def test_values(ask: Asked, value: Any) -> None:
    assert await ask() == value


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
        (lambda: dag.address("nowhere").service().hostname(), "^'nowhere' is no service: give tcp://HOST:PORT"),
    ],
)
async def test_errors(ask: Asked, message: str) -> None:
    with pytest.raises(dagger.QueryError, match=message):
        await ask()
