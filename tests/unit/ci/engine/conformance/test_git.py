"""GitRepository and GitRef, as the SDK's client gets them of a repository of the host."""

import os
import subprocess
from collections.abc import Awaitable, Callable
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
    "lazy",
    [
        lambda: dag.git("https://nowhere.invalid/o/r").branch("main").id(),
        lambda: dag.git("https://nowhere.invalid/o/r").head().tree().id(),
        lambda: dag.git("https://nowhere.invalid/o/r").latest_version().id(),
        lambda: repo().branch("no").tree().file("a").id(),
        lambda: dag.directory().as_git().commit(FIRST).id(),
    ],
)
async def test_nothing_is_asked_of_a_remote_before_something_of_it_is(lazy: Asked) -> None:
    assert await lazy()


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: repo().branch("no").commit(), '^repository does not contain ref "refs/heads/no"$'),
        (lambda: repo().commit("12").tree().entries(), '^invalid commit SHA: "12"$'),
        (lambda: dag.git("./none").head().commit(), "^git error: git ls-remote .*/none"),
        (lambda: dag.directory().as_git().head().commit(), "^git error: git ls-remote"),
    ],
)
async def test_errors(ask: Asked, message: str) -> None:
    with pytest.raises(dagger.QueryError, match=message):
        await ask()
