"""GitRepository, GitRef and files over HTTP, as the SDK's client gets them of a repository and a server of the host."""

import http.server
import os
import subprocess
import threading
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import dagger
import pytest
from dagger import dag

pytestmark = pytest.mark.anyio
Asked = Callable[[], Awaitable[Any]]
WHO = {
    f"GIT_{role}_{part}": value
    for role in ("AUTHOR", "COMMITTER")
    for part, value in (("NAME", "a"), ("EMAIL", "a@b"), ("DATE", "2026-01-01T00:00:00Z"))
}
# git names a commit by all that is in it, so these are the same everywhere.
FIRST, SECOND = "c0c70479938414b0aac142fb6fc5cd69df2c6050", "d8be3869abe8d2c0ac6e9dc8406df54d66939042"


def run(folder: Path, *words: str) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), **WHO}
    subprocess.run(["git", *words], cwd=folder, env=env, check=True, capture_output=True)


@pytest.fixture(scope="module", autouse=True)
def _repository(workdir: Path) -> None:
    """`repo`: two commits on `main`, the first of them also `side`, `v1.0.0` and `v1.1.0`."""
    place = workdir / "repo"
    place.mkdir()
    run(place, "init", "-q", "-b", "main")
    for text, names in (("one", ("branch side", "tag v1.0.0", "tag v1.1.0")), ("two", ())):
        (place / "a.txt").write_text(text, encoding="utf-8")
        run(place, "add", ".")
        run(place, "commit", "-qm", text)
        for name in names:
            run(place, *name.split())


def repo() -> dagger.GitRepository:
    return dag.git("./repo")


def of_directory() -> dagger.GitRepository:
    return dag.host().directory("repo").as_git()


@pytest.mark.parametrize(
    ("ask", "value"),
    [
        (lambda: repo().head().commit(), SECOND),
        (lambda: repo().head().ref(), "refs/heads/main"),
        (lambda: repo().branch("side").commit(), FIRST),
        (lambda: repo().tag("v1.0.0").ref(), "refs/tags/v1.0.0"),
        (lambda: repo().ref("v1.0.0").commit(), FIRST),
        (lambda: repo().commit(FIRST).ref(), FIRST),
        (lambda: repo().latest_version().ref(), "refs/tags/v1.1.0"),
        (lambda: repo().branches(), ["main", "side"]),
        (lambda: repo().tags(patterns=["v1.0.*"]), ["v1.0.0"]),
        (lambda: repo().head().common_ancestor(repo().branch("side")).commit(), FIRST),
        (lambda: repo().head().tree().entries(), [".git/", "a.txt"]),
        (lambda: repo().head().tree(discard_git_dir=True).entries(), ["a.txt"]),
        (lambda: repo().commit(FIRST).tree().file("a.txt").contents(), "one"),
        (lambda: repo().head().tree(depth=0).as_git().commit(FIRST).tree().file("a.txt").contents(), "one"),
        (lambda: of_directory().branch("side").tree().file("a.txt").contents(), "one"),
        (lambda: of_directory().url(), None),
        (lambda: dag.git("github.com/o/r").url(), "https://github.com/o/r"),
        (lambda: dag.address("./repo").git_repository().head().commit(), SECOND),
        (lambda: dag.address("./repo#side").git_ref().commit(), FIRST),
        (lambda: dag.address("./repo").git_ref().commit(), SECOND),
    ],
)
async def test_values(ask: Asked, value: Any) -> None:
    assert await ask() == value


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: repo().branch("no").commit(), '^repository does not contain ref "refs/heads/no"$'),
        (lambda: repo().commit("12").tree().entries(), '^invalid commit SHA: "12"$'),
        (lambda: dag.git("./none").head().commit(), "^git error: git ls-remote .*/none"),
        (lambda: dag.directory().as_git().head().commit(), "^git error: git ls-remote"),
        (lambda: dag.http("http://127.0.0.1:9/x").contents(), "^127.0.0.1:9 cannot be reached: connection refused"),
        (lambda: dag.http("nonsense").contents(), "^'nonsense' is no URL of a file"),
    ],
)
async def test_errors(ask: Asked, message: str) -> None:
    with pytest.raises(dagger.QueryError, match=message):
        await ask()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def site(workdir: Path) -> Iterator[str]:
    """The URL of a server of `repo`'s files."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(workdir / "repo")))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


async def test_a_file_over_http(site: str) -> None:
    file = dag.http(f"{site}/a.txt", name="b", permissions=0o755)
    assert (await file.contents(), await file.name(), await file.stat().permissions()) == ("two", "b", 0o755)
    with pytest.raises(dagger.QueryError, match=f"^invalid response status 404 File not found: {site}/no$"):
        await dag.http(f"{site}/no").sync()
