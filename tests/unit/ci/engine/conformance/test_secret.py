"""Secret: where one comes from, what it is called, and that its value is seen nowhere else."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import dagger
import pytest
from dagger import dag

pytestmark = pytest.mark.anyio
Asked = Callable[[], Awaitable[Any]]


@pytest.fixture(autouse=True)
def _hush(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUSH", "hush hush")
    monkeypatch.setenv("TOLD", str(workdir / "told"))
    (workdir / "told").write_text("told you\n", encoding="utf-8")


def of_file(workdir: Path) -> dagger.Secret:
    return dag.secret(f"file://{workdir / 'told'}")


@pytest.mark.parametrize(
    ("ask", "value"),
    [
        (lambda: dag.set_secret("n", "plain").name(), "n"),
        (lambda: dag.set_secret("n", "plain").uri(), ""),
        (lambda: dag.set_secret("n", "plain").plaintext(), "plain"),
        (lambda: dag.set_secret("n", "").plaintext(), ""),
        (lambda: dag.secret("env://HUSH").plaintext(), "hush hush"),
        (lambda: dag.secret("env:HUSH").uri(), "env:HUSH"),
        (lambda: dag.secret("env:HUSH").name(), ""),
        (lambda: dag.secret("cmd:echo -n made").plaintext(), "made"),
        (lambda: dag.address("env:HUSH").secret().plaintext(), "hush hush"),
        (lambda: dag.container().with_secret_variable("A", dag.secret("env:HUSH")).env_variable("A"), None),
    ],
)
async def test_values(ask: Asked, value: Any) -> None:
    assert await ask() == value


async def test_a_file_is_taken_as_it_is(workdir: Path) -> None:
    assert await of_file(workdir).plaintext() == "told you\n"


async def test_one_is_loaded_by_its_id(workdir: Path) -> None:
    for secret in (dag.set_secret("n", "plain"), of_file(workdir)):
        again = dag.load_secret_from_id(dagger.SecretID(await secret.id()))
        assert await again.plaintext() == await secret.plaintext()


async def test_another_value_makes_another_secret_and_the_id_shows_nothing_of_it() -> None:
    one, other = await dag.set_secret("n", "first value").id(), await dag.set_secret("n", "other value").id()
    assert one == await dag.set_secret("n", "first value").id()
    assert one != other
    assert "first value" not in one


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: dag.secret("env:NOSUCHVAR").plaintext(), r'^secret env var not found: "NOS\.\.\."$'),
        (lambda: dag.secret("file:/no/such").plaintext(), "^secret file /no/such cannot be read: No such file"),
        (lambda: dag.secret("cmd:echo why >&2; exit 3").plaintext(), "ended with exit code 3: why$"),
        (lambda: dag.secret("vault://x").plaintext(), "names no secret: use env:NAME, file:PATH or cmd:COMMAND$"),
    ],
)
async def test_errors(ask: Asked, message: str) -> None:
    with pytest.raises(dagger.QueryError, match=message):
        await ask()


async def test_a_value_is_scrubbed_out_of_errors() -> None:
    assert await dag.set_secret("s", "scrub-me").id()
    with pytest.raises(dagger.QueryError, match=r"^stat \*\*\*: no such file or directory$"):
        await dag.directory().file("scrub-me").contents()
