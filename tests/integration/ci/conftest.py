"""Registries of the tests' own: Debian's docker-registry on loopback."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# `sesame`, by bcrypt, the one way that docker-registry takes.
PASSWORDS = "me:$2b$04$c/l3HDMoYVKudQNGP4K2w.a/E1.5lOv0joh8nqor3bzlKNpZXnFTm\n"
PATIENCE, POLL = 30.0, 0.05
Start = Callable[..., str]


@pytest.fixture
def start_registry(tmp_path: Path) -> Iterator[Start]:
    """`start_registry(login=False)`: the address of a registry of the test's own."""
    with contextlib.ExitStack() as ends:
        yield lambda login=False: ends.enter_context(_registry(tmp_path / os.urandom(4).hex(), login))


@contextlib.contextmanager
def _registry(root: Path, login: bool) -> Iterator[str]:
    root.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    config: dict[str, Any] = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(root / "data")}},
        "http": {"addr": address},
    }
    if login:
        (root / "passwords").write_text(PASSWORDS, encoding="utf-8")
        config["auth"] = {"htpasswd": {"realm": "test", "path": str(root / "passwords")}}
    (root / "config.json").write_text(json.dumps(config), encoding="utf-8")
    program = shutil.which("docker-registry")
    assert program is not None, "docker-registry is missing; .ci/host.sh installs it"
    command = [program, "serve", str(root / "config.json")]
    with (root / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _await(address)
            yield address
        finally:
            process.kill()


def _await(address: str) -> None:
    host, port = address.split(":")
    until = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 1):
            return
        assert time.monotonic() < until, "the registry did not start"
        time.sleep(POLL)
