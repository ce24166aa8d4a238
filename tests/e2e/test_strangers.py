"""Repositories that know nothing of Cutover, each from a clone to a cut-over with `init` and `demo` alone."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.shapes import SHAPES, Shape

ROOT = Path(__file__).parents[2]
CUTOVER = [sys.executable, "-P", "-c", "from ci.cli.main import main; main()"]
DEMO_SECONDS = 900
MOST_SECONDS = 180  # to the first cut-over, where the demo has run once
IDENTITY = ["-c", "user.name=Test", "-c", "user.email=test@localhost"]

pytestmark = pytest.mark.docker


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ran(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=DEMO_SECONDS,
        check=False,
    )


def _cutover(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return _ran(folder, *CUTOVER, *words, **environment)


def _cloned(root: Path, shape: Shape) -> Path:
    """A clone of the shape's repository; gives the service's folder in it."""
    service = shape.write(root / "origin")
    if shape.uv:
        assert _ran(service, sys.executable, "-m", "uv", "lock").returncode == 0
    for words in (["init", "--quiet"], ["add", "--all"], [*IDENTITY, "commit", "--quiet", "-m", "feat: first"]):
        assert _ran(root / "origin", "git", *words).returncode == 0
    assert _ran(root, "git", "clone", "--quiet", "origin", "clone").returncode == 0
    return root / "clone" / shape.folder


@pytest.mark.prove
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_stranger_s_repository_is_cut_over(shape: Shape, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Two releases without a failed request, a broken one rolled back; the clone has what `init` wrote and no more."""
    port, root = _free_port(), tmp_path_factory.mktemp("s")
    service, state = _cloned(root, shape), str(root / "state")
    try:
        assert _cutover(service, "init").returncode == 0
        shape.add(service)
        done = _cutover(service, "demo", "--source", ".", "--port", str(port), XDG_STATE_HOME=state)
        assert done.returncode == 0, done.stderr[-4000:]
        rows = [re.split(r"\s*│\s*", line)[1:-1] for line in done.stdout.splitlines() if line.startswith("│ f")]
        assert [row[3] for row in rows if row[1]] == ["deployed", "deployed", "rolled-back"]
        assert re.search(r"Serving now: 0\.2\.0 ", done.stdout)
        seconds = re.search(r"to the first cut-over: (\d+) s", done.stdout)
        assert seconds is not None and int(seconds[1]) <= MOST_SECONDS
    finally:
        down = _cutover(service, "local", "down", "--port", str(port), XDG_STATE_HOME=state)
    assert down.returncode == 0, down.stderr
    changed = _ran(service, "git", "status", "--porcelain", ".").stdout.splitlines()
    assert [line[3:].rpartition("/")[2] for line in changed] == ["pyproject.toml"]


def test_a_folder_with_settings_is_locked_and_tested(tmp_path: Path) -> None:
    """`relock` exports both locks, of which the tests then run."""
    service = _cloned(tmp_path, SHAPES["pytest"])
    assert _cutover(service, "init").returncode == 0
    _tested(service)
    assert {"requirements.lock", "requirements-test.lock"} <= {path.name for path in service.iterdir()}


@pytest.mark.prove
def test_the_module_is_called_from_another_repository_in_daggers_words(tmp_path: Path) -> None:
    """`-m`, `--source` and `--history`, as `dagger call` takes them."""
    service = _cloned(tmp_path, SHAPES["pytest"])
    assert _cutover(service, "init").returncode == 0
    _tested(service, "-m", str(ROOT), "--source=.", "--history=.git")


def _tested(service: Path, *words: str) -> None:
    assert _cutover(service, "call", *words, "relock", "export", "--path", ".").returncode == 0
    done = _cutover(service, "call", *words, "test")
    assert done.returncode == 0, done.stderr[-2000:]
    assert "1 passed" in done.stdout
