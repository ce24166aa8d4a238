"""The service in process, and the service under real gunicorn as a process of its own."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import Settings, create_app

ROOT = Path(__file__).parents[3]
DIGEST = "sha256:" + "0123456789abcdef" * 4
PATIENCE = 20.0

# The service with one more route, which answers when the test allows it.
HELD = """
import time
from pathlib import Path

import app

HERE = Path(__file__).parent


def create_app():
    made = app.create_app()

    @made.get("/held")
    def held():
        (HERE / "began").touch()
        end = time.monotonic() + 15
        while not (HERE / "go-on").exists() and time.monotonic() < end:
            time.sleep(0.01)
        return "x" * 100_000

    return made
"""


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Return once `condition` holds; fails the test after `PATIENCE` seconds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited {PATIENCE} s in vain for: {what}"
        time.sleep(0.01)


@dataclass
class Server:
    """A gunicorn process, its port and its files."""

    process: subprocess.Popen[bytes]
    port: int
    folder: Path

    @property
    def stdout(self) -> str:
        """What it wrote to stdout until now."""
        return (self.folder / "stdout").read_text()

    @property
    def stderr(self) -> str:
        """What it wrote to stderr until now."""
        return (self.folder / "stderr").read_text()

    def connect(self) -> http.client.HTTPConnection:
        """A connection of its own; the caller closes it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.connect()
        return connection

    def get(self, path: str) -> tuple[int, bytes]:
        """Status and body of one request on a connection of its own."""
        connection = self.connect()
        try:
            return ask(connection, path)
        finally:
            connection.close()

    def answers(self) -> bool:
        """Whether a connection is taken and `/health` is 200; false also when the process has ended."""
        assert self.process.poll() is None, self.stderr
        try:
            return self.get("/health")[0] == 200
        except OSError:
            return False

    def stop(self) -> None:
        """Send SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def ended(self, within: float = PATIENCE) -> int:
        """The exit code."""
        return self.process.wait(timeout=within)


def ask(connection: http.client.HTTPConnection, path: str) -> tuple[int, bytes]:
    """Status and body of one request on `connection`."""
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read()


def reserved_port() -> socket.socket:
    """A socket that keeps a port from all but those who reuse addresses, as gunicorn does: it is bound and does not
    listen."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held


Start = Callable[..., Server]


@pytest.fixture
def until() -> Callable[[Callable[[], bool], str], None]:
    """`until(condition, "what")`: go on once it holds."""
    return wait_until


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start gunicorn with these environment variables; ended with the test."""
    started: list[subprocess.Popen[bytes]] = []
    ports: list[socket.socket] = []
    (tmp_path / "held.py").write_text(HELD)

    def run(*arguments: str, **environ: str) -> Server:
        ports.append(reserved_port())
        port = ports[-1].getsockname()[1]
        command = arguments or ("-c", "app/gunicorn.conf.py", "--pythonpath", str(tmp_path), "held:create_app()")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("APP_", "GUNICORN_"))}
        with (tmp_path / "stdout").open("wb") as out, (tmp_path / "stderr").open("wb") as err:
            process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", *command],
                env=inherited | {"PORT": str(port)} | environ,
                cwd=ROOT,
                stdout=out,
                stderr=err,
            )
        started.append(process)
        return Server(process, port, tmp_path)

    yield run
    for process in started:
        process.kill()
        process.wait()
    for held in ports:
        held.close()


@pytest.fixture
def server(start: Start) -> Server:
    """A gunicorn that answers."""
    server = start(APP_VERSION="1.2.3", APP_COMMIT="abc1234", APP_IMAGE_DIGEST=DIGEST)
    wait_until(server.answers, "the first answer")
    return server


@pytest.fixture
def app() -> Flask:
    """The application in process."""
    return create_app(Settings(version="1.2.3", commit="abc1234", image_digest=DIGEST))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of the application in process."""
    return app.test_client()
