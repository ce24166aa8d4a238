"""How calls end that do not end well: interrupted, killed, without Docker; and what they leave."""

import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from ci.engine import schema
from ci.engine.api import Context
from ci.engine.docker_api import Docker
from ci.engine.errors import DockerUnavailableError, InterruptedCallError, StoreFullError
from ci.engine.progress import Event, Line, Progress
from ci.engine.recipes import RecipeBook
from ci.engine.session import Session, opened
from ci.engine.store import Store

pytestmark = pytest.mark.docker

BOUND_SECONDS = 60.0
BASE = 'container{from(address:"python:3.13-slim"){%s}}'
CHILD = """
import sys
from pathlib import Path
from ci.engine import schema
from ci.engine.api import Context
from ci.engine.progress import Progress
from ci.engine.recipes import RecipeBook
from ci.engine.session import opened
from ci.engine.store import Store

with opened(Store(Path(sys.argv[1])), Progress(sys.stdout), RecipeBook(), Path.cwd()) as session:
    print(session.id, flush=True)
    print(schema.answer(schema.build(), Context(session), sys.argv[2], None), flush=True)
"""


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + BOUND_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


@pytest.fixture
def client() -> Iterator[docker.APIClient]:
    client = docker.APIClient(**docker.utils.kwargs_from_env())
    yield client
    client.close()


def left(client: docker.APIClient, call: str) -> list[Any]:
    """The containers, networks and volumes of a call."""
    wanted = {"label": f"cutover.call={call}"}
    volumes = client.volumes(filters=wanted)["Volumes"] or []
    return [*client.containers(all=True, filters=wanted), *client.networks(filters=wanted), *volumes]


class Watched:
    """A session whose commands say when they are ready, and a query that runs in a thread."""

    def __init__(self, store: Any, workdir: Path, connect: Callable[[str], Docker] = Docker) -> None:
        self.ready = threading.Event()
        self.lines: list[str] = []
        self.session = Session(store, Progress(quiet=True, listeners=(self._seen,)), RecipeBook(), workdir, connect)
        self.answer: Any = None

    def _seen(self, event: Event) -> None:
        if isinstance(event, Line):
            self.lines.append(event.text)
            if event.text == "ready":
                self.ready.set()

    def start(self, script: str) -> threading.Thread:
        query = "{%s}" % (BASE % f'withExec(args:["sh","-c","{script}"]){{stdout}}')

        def ask() -> None:
            self.answer = schema.answer(schema.build(), Context(self.session), query, None)

        thread = threading.Thread(target=ask)
        thread.start()
        return thread


def test_an_interruption_reaches_the_running_command_which_may_tidy_up(
    store: Any, tmp_path: Path, client: docker.APIClient, volume: str
) -> None:
    watched = Watched(store, tmp_path)
    trap = "trap 'echo tidied; exit 0' INT; echo ready; while :; do sleep 0.1; done"
    thread = watched.start(trap)
    assert watched.ready.wait(BOUND_SECONDS)
    watched.session.interrupt()
    thread.join(BOUND_SECONDS)
    watched.session.close()
    assert not thread.is_alive()
    assert watched.answer["errors"][0]["message"] == str(InterruptedCallError())
    assert left(client, watched.session.id) == []
    again = Watched(store, tmp_path)
    again.start("trap 'echo tidied; exit 0' INT; echo again").join(BOUND_SECONDS)
    again.session.close()
    assert "errors" not in again.answer


def test_a_second_interruption_ends_a_command_that_heeds_none(
    store: Any, tmp_path: Path, client: docker.APIClient
) -> None:
    watched = Watched(store, tmp_path)
    thread = watched.start("trap 'echo no' INT; echo ready; while :; do sleep 0.1; done")
    assert watched.ready.wait(BOUND_SECONDS)
    begun = time.monotonic()
    watched.session.interrupt()
    watched.session.interrupt()
    thread.join(BOUND_SECONDS)
    watched.session.close()
    assert not thread.is_alive()
    assert time.monotonic() - begun < 25
    assert left(client, watched.session.id) == []


def test_a_command_that_nobody_waits_for_any_more_may_tidy_up(
    store: Any, tmp_path: Path, client: docker.APIClient
) -> None:
    watched = Watched(store, tmp_path)
    thread = watched.start("trap 'echo tidied; exit 0' INT; echo ready; while :; do sleep 0.1; done")
    assert watched.ready.wait(BOUND_SECONDS)
    watched.session.close()
    thread.join(BOUND_SECONDS)
    assert "tidied" in watched.lines
    assert left(client, watched.session.id) == []


def started(store: Any, query: str) -> "tuple[subprocess.Popen[str], str]":
    """A process of its own that asks `query`, and the id of its call."""
    words = [sys.executable, "-c", CHILD, str(store.root), query]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_what_a_killed_call_left_is_removed_by_the_next_which_uses_the_store_as_it_is(
    store: Any, tmp_path: Path, client: docker.APIClient
) -> None:
    first = 'withMountedTemp(path:"/t"){withExec(args:["sh","-c","echo first"]){%s}}'
    process, call = started(store, "{%s}" % (BASE % (first % 'withExec(args:["sleep","3600"]){sync}')))
    mine = {"label": f"cutover.call={call}", "status": "running"}
    until(lambda: any(row["Command"].endswith("sleep 3600") for row in client.containers(filters=mine)))
    process.send_signal(signal.SIGKILL)
    process.wait(BOUND_SECONDS)
    assert process.stdout is not None
    process.stdout.close()
    assert left(client, call) != []
    with opened(store, Progress(quiet=True), RecipeBook(), tmp_path) as session:
        answer = schema.answer(schema.build(), Context(session), "{%s}" % (BASE % (first % "stdout")), None)
        assert "errors" not in answer
        assert session.progress.ran == 0
    assert left(client, call) == []


def test_two_processes_that_want_the_same_step_run_it_once(store: Any) -> None:
    token = os.urandom(4).hex()
    script = f"sleep 1; cat /proc/sys/kernel/random/uuid; : {token}"
    query = "{%s}" % (BASE % f'withExec(args:["sh","-c","{script}"]){{stdout}}')
    processes = [started(store, query)[0] for _ in range(2)]
    outputs = [process.communicate(timeout=BOUND_SECONDS)[0].splitlines() for process in processes]
    assert outputs[0][-1] == outputs[1][-1]
    shown = [line for lines in outputs for line in lines if "withExec" in line and "▶" in line]
    assert len(shown) == 1, outputs


class Door:
    """A socket through which Docker is reached, until it is closed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._open: list[socket.socket] = []
        self._behind = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            behind = socket.socket(socket.AF_UNIX)
            behind.connect(self._behind)
            self._open += [client, behind]
            for pair in ((client, behind), (behind, client)):
                threading.Thread(target=self._pass, args=pair, daemon=True).start()

    @staticmethod
    def _pass(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def close(self) -> None:
        """Nothing gets through any more, as where the daemon died."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.path.unlink()
        for side in self._open:
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
            finally:
                side.close()


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_where_docker_dies_the_call_ends_with_one_clear_error_and_the_next_one_tidies_up(
    store: Any, tmp_path: Path, client: docker.APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    door = Door(Path(f"/tmp/cutover-door-{os.getpid()}.sock"))

    def connect(call: str) -> Docker:
        with monkeypatch.context() as patched:
            patched.setenv("DOCKER_HOST", f"unix://{door.path}")
            return Docker(call)

    watched = Watched(store, tmp_path, connect)
    thread = watched.start("echo ready; sleep 3600")
    assert watched.ready.wait(BOUND_SECONDS)
    door.close()
    thread.join(BOUND_SECONDS)
    assert not thread.is_alive()
    watched.session.close()
    assert watched.answer["errors"][0]["message"].startswith("no Docker engine answers (")
    mine = Docker(watched.session.id)
    mine.remove_call()
    mine.close()
    assert left(client, watched.session.id) == []
    del watched
    gc.collect()  # docker-py leaves the socket of a connection that is refused to the garbage collector


def test_a_full_disk_is_one_clear_error_and_the_store_is_usable_as_it_is(
    small: Path, tmp_path: Path, client: docker.APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUTOVER_STORE_MAX", "1T")  # the bound of so small a disk would leave nothing to be found again
    store = Store(small / "store")
    flood = Watched(store, tmp_path)
    flood.start("head -c 8000000 /dev/zero").join(BOUND_SECONDS)
    flood.session.close()
    assert flood.answer["errors"][0]["message"] == str(StoreFullError(str(store.root)))
    assert left(client, flood.session.id) == []
    for _ in range(2):
        drop = Watched(store, tmp_path)
        drop.start("echo little").join(BOUND_SECONDS)
        drop.session.close()
        assert "errors" not in drop.answer
    assert drop.session.progress.ran == 0


def test_where_docker_is_not_there_it_is_said_at_once(
    store: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{closed.getsockname()[1]}")
        with (
            pytest.raises(DockerUnavailableError, match=r"^no Docker engine answers \(connection refused"),
            opened(store, Progress(quiet=True), RecipeBook(), tmp_path) as session,
        ):
            session.docker()
