"""The main job, as `make demo` does it, on a port of its own."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import docker
import pytest

ROOT = Path(__file__).parents[2]
CUTOVER = [sys.executable, "-P", "-c", "from ci.cli.main import main; main()"]
DEMO_SECONDS = 580

pytestmark = pytest.mark.docker


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _cutover(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CUTOVER, *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=DEMO_SECONDS,
        check=False,
    )


def _left(port: int) -> list[str]:
    client = docker.from_env()
    try:
        label = {"label": f"cutover.local={port}"}
        containers = [str(row.name) for row in client.containers.list(all=True, filters=label, ignore_removed=True)]
        return containers + [str(row.name) for row in client.networks.list(filters=label)]
    finally:
        client.close()


def test_two_releases_are_cut_over_and_a_broken_one_is_rolled_back_with_no_failed_request(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Exit code 0, the table says what happened, 0.2.0 serves; afterwards `local down` leaves nothing."""
    port, tmp_path = _free_port(), tmp_path_factory.mktemp("d")  # a socket's path may have 107 bytes
    try:
        done = _cutover("demo", "--port", str(port), XDG_STATE_HOME=str(tmp_path))
        assert done.returncode == 0, done.stderr[-4000:]
        rows = [re.split(r"\s*│\s*", line)[1:-1] for line in done.stdout.splitlines() if line.startswith("│ f")]
        releases = {row[1]: row for row in rows if row[1]}
        assert [releases[v][3] for v in ("0.1.0", "0.2.0", "0.3.0")] == ["deployed", "deployed", "rolled-back"]
        for version in ("0.2.0", "0.3.0"):
            assert int(releases[version][5]) > 100
            assert releases[version][6] == "0"
        assert re.search(r"Serving now: 0\.2\.0 \([0-9a-f]{12}\) on http://127\.0\.0\.1:\d+", done.stdout)
        assert "expected 200" in done.stderr, "the broken release says which smoke check failed, and why"
    finally:
        down = _cutover("local", "down", "--port", str(port), XDG_STATE_HOME=str(tmp_path))
    assert down.returncode == 0, down.stderr
    assert _left(port) == []
