"""File: every field's value, error and laziness, as the SDK's client gets them."""

import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import dagger
import pytest
from dagger import dag

pytestmark = pytest.mark.anyio
Asked = Callable[[dagger.File], Awaitable[Any]]
TEXT = "one\ntwo two\nthree"


def text() -> dagger.File:
    return dag.file("f.txt", TEXT)


async def lines(results: Awaitable[list[dagger.SearchResult]]) -> list[int]:
    return [await result.line_number() for result in await results]


@pytest.mark.parametrize(
    ("ask", "value"),
    [
        (lambda f: f.contents(), TEXT),
        (lambda f: f.contents(offset_lines=1), "two two\nthree"),
        (lambda f: f.contents(limit_lines=1), "one\n"),
        (lambda f: f.contents(offset_lines=1, limit_lines=1), "two two\n"),
        (lambda f: f.contents(offset_lines=9), ""),
        (lambda f: f.contents(limit_lines=0), ""),
        (lambda f: f.size(), len(TEXT)),
        (lambda f: f.name(), "f.txt"),
        (lambda f: f.with_name("g").name(), "g"),
        (lambda f: f.with_name("g").contents(), TEXT),
        (lambda f: f.stat().size(), len(TEXT)),
        (lambda f: f.stat().name(), "f.txt"),
        (lambda f: f.stat().permissions(), 0o644),
        (lambda f: f.stat().file_type(), dagger.FileType.REGULAR),
        (lambda f: dag.file("x", "", permissions=0o700).stat().permissions(), 0o700),
        (lambda f: dag.file("x", "").contents(), ""),
        (lambda f: dag.file("x", "ä\u2028\U0001f600").size(), 9),
        (lambda f: f.with_replaced("one", "1").contents(), "1\ntwo two\nthree"),
        (lambda f: f.with_replaced("two", "2", all=True).contents(), "one\n2 2\nthree"),
        (lambda f: f.with_replaced("two", "2", first_from=2).contents(), "one\n2 two\nthree"),
        (lambda f: f.with_replaced("o", "0", all=True, first_from=2).contents(), "one\ntw0 tw0\nthree"),
        (lambda f: f.with_replaced("no", "x", all=True).contents(), TEXT),
        (lambda f: f.with_replaced("one\ntwo", "x").contents(), "x two\nthree"),
        (lambda f: dag.file("x", "a", permissions=0o755).with_replaced("a", "b").stat().permissions(), 0o755),
        (lambda f: lines(f.search("t.o")), [2]),
        (lambda f: f.with_timestamps(5).contents(), TEXT),
        (lambda f: f.chown("1:2").contents(), TEXT),
    ],
)
async def test_values(ask: Asked, value: Any) -> None:
    assert await ask(text()) == value


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda f: f.with_replaced("no", "x").contents(), "search string not found"),
        (lambda f: f.with_replaced("", "x").contents(), "search string not found"),
        (
            lambda f: f.with_replaced("two", "2").contents(),
            r"search string found multiple times: line 2 \(0-3\), line 2 \(4-7\)",
        ),
        (lambda f: f.with_name("a/b").name(), 'file name "a/b" must not contain a directory'),
        (lambda f: dag.file("a/b", "x").name(), 'file name "a/b" must not contain a directory'),
        (lambda f: f.chown("me").size(), "failed to parse ownership me: open /etc/passwd: no such file or directory"),
        (lambda f: f.contents(limit_lines=-1), "offsetLines and limitLines cannot be negative"),
    ],
)
async def test_errors(ask: Asked, message: str) -> None:
    with pytest.raises(dagger.QueryError, match=f"^{message}$"):
        await ask(text())


async def test_what_would_fail_does_not_before_it_is_asked_for() -> None:
    made = text().with_replaced("no", "x").with_name("y")
    assert await made.id()
    assert await dag.directory().with_file("z", made).id()
    with pytest.raises(dagger.QueryError, match=r"^search string not found$"):
        await made.sync()


async def test_digests() -> None:
    assert await text().digest() != await text().with_name("g").chown("1").digest()
    content = hashlib.sha256(hashlib.sha256(TEXT.encode()).digest()).hexdigest()
    for one in (text(), text().with_name("g"), text().chown("1")):
        assert await one.digest(exclude_metadata=True) == f"sha256:{content}"


async def test_bytes_that_are_no_text_stay_as_they_are_but_for_contents(workdir: Path) -> None:
    data = bytes(range(256)) * 5000
    (workdir / "data").write_bytes(data)
    taken = dag.host().file("data")
    assert await taken.size() == len(data)
    assert (await taken.contents()).startswith("\0\1\2")
    await dag.directory().with_file("d", taken).file("d").export("copy")
    assert (workdir / "copy").read_bytes() == data


async def test_export(workdir: Path) -> None:
    assert await text().export("new/f") == str(workdir / "new/f")
    assert (workdir / "new/f").read_text(encoding="utf-8") == TEXT
    assert await text().export("new", allow_parent_dir_path=True) == str(workdir / "new/f.txt")
    with pytest.raises(
        dagger.QueryError, match=r"is a directory; must be a file path unless allowParentDirPath is set$"
    ):
        await text().export("new")
    with pytest.raises(dagger.QueryError, match=r"^/proc/nosuch cannot be written: "):
        await text().export("/proc/nosuch/x")
