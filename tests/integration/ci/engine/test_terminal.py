"""Shells in containers: of `terminal`, and of a failed step as it stood."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ci.engine.progress import Progress
from ci.engine.recipes import RecipeBook
from ci.engine.session import opened
from ci.engine.store import Store
from ci.engine.terminal import Shells
from tests.integration.ci.engine.conftest import Counting, Engine

pytestmark = pytest.mark.docker


class Typist:
    """A user who types one line and reads what comes."""

    def __init__(self, line: str) -> None:
        self._line = line
        self.titles: list[str] = []
        self.read = ""

    def show(self, title: str, connection: socket.socket, resize: Callable[[int, int], None]) -> None:
        self.titles.append(title)
        resize(40, 100)
        connection.sendall(f"{self._line}; exit\n".encode())
        while data := connection.recv(65536):
            self.read += data.decode()


Opens = Callable[..., "contextlib.AbstractContextManager[Engine]"]


@pytest.fixture
def with_shells(store: Store, tmp_path: Path) -> Opens:
    @contextlib.contextmanager
    def opens(typist: Typist, *on_failure: str) -> Iterator[Engine]:
        with (
            (tmp_path / "progress").open("a", encoding="utf-8") as out,
            opened(
                store, Progress(out), RecipeBook(), tmp_path, Counting, shells=Shells(typist, on_failure)
            ) as session,
        ):
            yield Engine(session)

    return opens


def test_a_failed_step_is_shown_as_it_stood_and_still_fails(with_shells: Opens) -> None:
    typist = Typist("cat /left /mounted/left")
    source = "query{directory{id}}"
    query = (
        'query($d:ID!){container{from(address:"python:3.13-slim"){withMountedDirectory(path:"/mounted",source:$d)'
        '{withExec(args:["sh","-c","echo in the root >/left; echo in the mount >/mounted/left; exit 7"]){sync}}}}}'
    )
    with with_shells(typist, "/bin/sh") as engine:
        (error,) = engine.answer(query, d=engine.get(source))["errors"]

    assert error["extensions"]["exitCode"] == 7
    assert "in the root" in typist.read
    assert "in the mount" in typist.read
    assert len(typist.titles) == 1
    assert typist.titles[0].startswith("failed: withExec sh -c")


def test_a_container_without_a_shell_is_lent_one(with_shells: Opens) -> None:
    typist = Typist("cat /only/file; echo $((6 * 7))")
    query = '{container{withNewFile(path:"/only/file",contents:"all there is"){terminal{sync}}}}'
    with with_shells(typist) as engine:
        engine.get(query)

    assert "all there is" in typist.read
    assert "42" in typist.read


def test_a_directory_is_shown_in_an_empty_container_and_keeps_its_contents(with_shells: Opens) -> None:
    typist = Typist("pwd; cat there; rm there")
    query = '{directory{withNewFile(path:"there",contents:"here it is"){terminal{entries}}}}'
    with with_shells(typist) as engine:
        assert engine.get(query) == ["there"]

    assert "/src" in typist.read
    assert "here it is" in typist.read


def test_a_services_shell_is_in_the_container_that_serves(with_shells: Opens) -> None:
    typist = Typist("cat /proc/1/cmdline /mark")
    query = (
        '{container{from(address:"python:3.13-slim"){withExposedPort(port:8000)'
        '{asService(args:["sh","-c","echo served here >/mark; exec python -m http.server"]){terminal{hostname}}}}}}'
    )
    with with_shells(typist) as engine:
        engine.get(query)

    assert "http.server" in typist.read
    assert "served here" in typist.read


def test_where_there_is_no_terminal_it_is_one_sentence(engine: Any) -> None:
    (error,) = engine.answer('{container{withNewFile(path:"/f",contents:""){terminal{sync}}}}')["errors"]

    assert error["message"] == "a shell needs a terminal: stdin and stdout of this command are none"
