"""The service under real gunicorn, a process of its own, with the settings it ships with."""

import json
import runpy
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Until = Callable[[Callable[[], bool], str], None]

ROOT = Path(__file__).parents[3]


def test_a_request_in_flight_is_finished_after_sigterm(server: Any, until: Until, tmp_path: Path) -> None:
    """The answer is whole, new connections are told 503 meanwhile, and the process ends 0."""
    answers: list[tuple[int, bytes]] = []
    asking = threading.Thread(target=lambda: answers.append(server.get("/held")))
    asking.start()
    until((tmp_path / "began").exists, "the request to begin")
    server.stop()
    until(lambda: server.get("/health")[0] == 503, "503")
    assert server.process.poll() is None
    (tmp_path / "go-on").touch()
    asking.join()
    assert answers == [(200, b"x" * 100_000)]
    assert server.ended() == 0


def test_a_half_sent_request_is_answered_after_sigterm(server: Any, until: Until) -> None:
    """A client in the middle of its own sending is not cut."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        server.stop()
        until(lambda: server.get("/health")[0] == 503, "503")
        client.sendall(b"\r\n")
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"connection: close" in answer.lower()
    assert server.ended() == 0


def test_an_idle_connection_does_not_delay_the_end(server: Any) -> None:
    """Kept alive for 75 seconds otherwise."""
    connection = server.connect()
    connection.request("GET", "/")
    response = connection.getresponse()
    response.read()
    assert not response.will_close
    server.stop()
    assert server.ended(within=5) == 0
    connection.close()


def test_a_request_on_a_kept_connection_is_answered_and_the_last(server: Any, until: Until) -> None:
    """Told to stop, the service says 503 for its health and that it closes."""
    connection = server.connect()

    def closing() -> bool:
        connection.request("GET", "/health")
        response = connection.getresponse()
        response.read()
        assert response.will_close == (response.status == 503)
        return bool(response.will_close)

    assert not closing()
    server.stop()
    until(closing, "the connection to be closed")
    connection.close()
    assert server.ended() == 0


@pytest.mark.parametrize(
    ("arguments", "environ", "line"),
    [
        (
            ("-c", "app/gunicorn.conf.py", "app:create_app()"),
            {"PORT": "http"},
            "error: PORT is 'http': it must be a whole number from 1 to 65535.",
        ),
        (
            ("-b", "127.0.0.1:0", "--no-control-socket", "--log-level", "critical", "app:create_app()"),
            {"APP_IMAGE_DIGEST": "latest"},
            "error: APP_IMAGE_DIGEST is 'latest': it must be 'sha256:' and 64 hexadecimal digits in lower case.",
        ),
    ],
    ids=["with its settings file", "without"],
)
def test_a_bad_setting_ends_it_with_one_line(
    start: Any, arguments: tuple[str, ...], environ: dict[str, str], line: str
) -> None:
    """The exit code is not 0, there is no traceback, and no worker is started again."""
    server = start(*arguments, **environ)
    assert server.ended() == 4
    assert server.stderr.splitlines() == [line]
    assert server.stdout == ""


def test_stdout_has_one_json_line_a_request_and_nothing_else(server: Any) -> None:
    """Also for requests at the same time."""
    threads = [threading.Thread(target=server.get, args=(f"/p{number}",)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.stop()
    assert server.ended() == 0
    lines = [json.loads(line) for line in server.stdout.splitlines()]
    assert sorted(line["path"] for line in lines if line["status"] == 404) == sorted(f"/p{n}" for n in range(20))
    assert all(len(line["request_id"]) == 32 for line in lines)


def test_it_tells_what_the_environment_told(server: Any) -> None:
    """Straight through gunicorn."""
    assert json.loads(server.get("/version")[1])["version"] == "1.2.3"


def test_it_leaves_no_file_behind(start: Any, until: Until, tmp_path: Path) -> None:
    """On a read-only root file system there is nowhere to write: no control socket, no pid file."""
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    server = start(HOME=str(home), TMPDIR=str(home), XDG_RUNTIME_DIR=str(home))
    until(server.answers, "the first answer")
    assert list(home.iterdir()) == []
    server.stop()
    assert server.ended() == 0
    assert "control" not in server.stderr


def test_the_timeouts_fit_the_load_balancer_and_ecs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kept alive longer than the ALB's 60 s; ended before ECS sends SIGKILL after 30 s; one process for /metrics."""
    monkeypatch.setenv("PORT", "9000")
    settings = runpy.run_path(str(ROOT / "app" / "gunicorn.conf.py"))
    assert settings["keepalive"] > 60
    assert settings["graceful_timeout"] < 30
    assert settings["workers"] == 1
    assert settings["bind"] == "0.0.0.0:9000"
