"""What a demo of a stranger's service says when it cannot go on."""

import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ci.cli.demo import demo
from tests.shapes import SHAPES

LOCK = "gunicorn==27.0.0 --hash=sha256:00\n"


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def _ran(source: Path, port: int = 4669) -> Result:
    return CliRunner().invoke(demo, ["--source", str(source), "--port", str(port)])


def test_a_repository_without_an_application_is_one_sentence(tmp_path: Path) -> None:
    """`init`'s own; nothing was started that would have to be ended."""
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "tool.py").write_text("print()\n", encoding="utf-8")
    done = _ran(tmp_path / "service")
    assert done.exit_code == 1
    assert "Error: `cutover init` ended with exit code 1: no WSGI application in " in done.stderr
    assert "local down" not in done.stderr


def test_dependencies_that_need_another_tool_first_are_told_before_anything_runs(tmp_path: Path) -> None:
    """Not a lock of the server alone, and then an image that does not start."""
    service = SHAPES["plain WSGI"].write(tmp_path / "service")
    (service / "Pipfile").write_text('[packages]\nflask = "*"\n', encoding="utf-8")
    done = _ran(service)
    assert done.exit_code == 1
    assert done.stderr.endswith("Error: Pipfile has no Pipfile.lock, which says the versions; make it: pipenv lock\n")


@pytest.mark.docker
def test_a_demo_that_fails_later_says_how_to_end_what_runs(tmp_path: Path) -> None:
    """Here the port is taken."""
    service = SHAPES["plain WSGI"].write(tmp_path / "service")
    (service / "requirements.lock").write_text(LOCK, encoding="utf-8")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = _ran(service, port)
    assert done.exit_code == 1
    assert done.stderr.endswith(f"end it: cutover local down --port {port}\n")
