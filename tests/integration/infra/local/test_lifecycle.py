"""`up`, `status` and `down` for real: twice, after a crash, interrupted, on a taken port."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from infra import local
from infra.local.errors import PortBusy
from infra.local.processes import Ledger
from infra.local.state import StateDirectory

pytestmark = pytest.mark.docker

# A caller in the background has its children ignore SIGINT; a person's shell does not.
UP = """
import signal, sys
from infra import local
signal.signal(signal.SIGINT, signal.default_int_handler)
print(local.up(int(sys.argv[1]), 1.0, lambda text: print(text, flush=True)).endpoint)
"""


@pytest.fixture
def port(state_home: Path, free_port: Callable[[], int]) -> Iterator[int]:
    """A port on which nothing is left afterwards."""
    chosen = free_port()
    yield chosen
    local.down(chosen)


def left(port: int, client: docker.DockerClient) -> list[Any]:
    """Everything that an instance could leave behind."""
    chosen: Any = {"label": f"cutover.local={port}"}
    state = StateDirectory.of(port)
    running = [record.name for record in Ledger(state.processes).read().values() if record.alive]
    files = [state.root] if state.root.exists() else []
    return [
        *client.containers.list(all=True, filters=chosen, ignore_removed=True),
        *client.networks.list(filters=chosen),
        *running,
        *files,
    ]


def test_it_is_up_within_ten_seconds_and_down_leaves_nothing(port: int, docker_client: docker.DockerClient) -> None:
    lines: list[str] = []
    begin = time.monotonic()

    started = local.up(port, 1.0, lines.append)

    assert time.monotonic() - begin < 10
    assert started.endpoint == f"http://127.0.0.1:{port}"
    assert lines[-1] == "starting HAProxy"
    records = Ledger(StateDirectory.of(port).processes).read()
    assert set(records) == {"server", "registry", "haproxy"}
    assert local.down(port)
    assert left(port, docker_client) == []
    assert not any(record.alive for record in records.values())
    assert not local.down(port), "there is nothing any more"


def test_a_second_up_says_that_it_is_up(port: int) -> None:
    local.up(port, 1.0, lambda text: None)
    before = Ledger(StateDirectory.of(port).processes).read()["server"].pid
    lines: list[str] = []

    again = local.up(port, 1.0, lines.append)

    assert lines == [f"AWS on this machine is up already: {again.endpoint}"]
    assert Ledger(StateDirectory.of(port).processes).read()["server"].pid == before


def test_after_a_kill_the_next_up_cleans_up_first(port: int, wait_for: Callable[..., Any]) -> None:
    local.up(port, 1.0, lambda text: None)
    record = Ledger(StateDirectory.of(port).processes).read()["server"]
    os.kill(record.pid, signal.SIGKILL)
    wait_for(lambda: not record.alive, "the end of the server")
    assert local.status(port) is None
    lines: list[str] = []

    local.up(port, 1.0, lines.append)

    assert any(line.startswith("ending haproxy") for line in lines)
    assert local.status(port) is not None


def test_a_taken_port_is_one_clear_sentence_and_nothing_is_made(
    state_home: Path, docker_client: docker.DockerClient
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        with pytest.raises(PortBusy, match=f"port {port} is taken by another program"):
            local.up(port, 1.0, lambda text: None)
        assert local.down(port) is False

    assert left(port, docker_client) == []


@pytest.mark.parametrize("line", ["making the tasks' network", "loading the AWS services", "starting HAProxy"])
def test_an_interrupted_up_leaves_nothing_but_its_log(port: int, docker_client: docker.DockerClient, line: str) -> None:
    starter = subprocess.Popen([sys.executable, "-c", UP, str(port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert starter.stdout is not None
    while (read := starter.stdout.readline()) and read.decode().strip() != line:
        pass

    starter.send_signal(signal.SIGINT)

    assert starter.wait(timeout=60) != 0
    starter.stdout.close()
    remains = left(port, docker_client)
    assert [each for each in remains if not isinstance(each, Path)] == []
    assert all(path.suffix == ".log" for each in remains for path in each.iterdir())


def test_the_server_survives_its_starter_and_does_not_hold_its_pipe(port: int) -> None:
    """`communicate` only returns when nobody has the pipe open any more."""
    done = subprocess.run([sys.executable, "-c", UP, str(port)], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.splitlines()[-1] == f"http://127.0.0.1:{port}"
    assert local.status(port) is not None
