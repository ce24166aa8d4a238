"""`cutover run`: any program in a session of the engine."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ci.cli.run import ProgramError, started

CUTOVER = [sys.executable, "-P", "-c", "from ci.cli.main import main; main()"]
ASKS = """
import base64, json, os, urllib.request
token = base64.b64encode((os.environ["DAGGER_SESSION_TOKEN"] + ":").encode()).decode()
request = urllib.request.Request(
    f"http://127.0.0.1:{os.environ['DAGGER_SESSION_PORT']}/query",
    json.dumps({"query": "{version}"}).encode(),
    {"Authorization": f"Basic {token}", "Content-Type": "application/json"},
)
print(urllib.request.urlopen(request).read().decode())
"""
WAITS = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print("up", flush=True)
signal.pause()
"""


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "DOCKER_HOST": "unix:///nothing/there"}


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [*CUTOVER, "run", *words]
    return subprocess.run(
        command, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False, timeout=60
    )


def test_a_program_asks_the_engine_with_the_sessions_port_and_token(tmp_path: Path) -> None:
    done = run(tmp_path, sys.executable, "-c", ASKS)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["data"]["version"].startswith("v0.")


def test_flags_behind_the_program_are_the_programs() -> None:
    assert started([sys.executable, "-c", "import sys; sys.exit(sys.argv[1:] != ['--debug'])", "--debug"], {}) == 0


@pytest.mark.parametrize(("code", "wanted"), [("exit 7", 7), ("kill -TERM $$", 143)])
def test_the_exit_code_is_the_programs(code: str, wanted: int) -> None:
    assert started(["/bin/sh", "-c", code], {}) == wanted


def test_a_program_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    done = run(tmp_path, "nosuch-program")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == 'Error: exec: "nosuch-program": executable file not found in $PATH\n'
    with pytest.raises(ProgramError, match="permission denied"):
        started([str(tmp_path)], {})


def test_no_program_is_a_usage_error(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 1
    assert done.stderr == "Error: requires at least 1 arg(s), only received 0\nRun 'cutover run --help' for usage.\n"


def test_signals_are_passed_on(tmp_path: Path) -> None:
    command = [*CUTOVER, "run", sys.executable, "-c", WAITS]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(tmp_path), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 7
