"""A stage's command, run as the script runs it: what it printed, how long it took, how it ended."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[4] / "ci/report/measure.py"
PATIENCE = 30


def _measured(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, SCRIPT, "lint", folder, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)


@pytest.mark.parametrize("code", [0, 3])
def test_it_prints_what_the_command_prints_and_ends_as_it_does(tmp_path: Path, code: int) -> None:
    program = f"import sys; print('one'); print('two', file=sys.stderr); sys.exit({code})"
    done = _measured(tmp_path / "report", sys.executable, "-c", program)
    assert (done.returncode, done.stdout, done.stderr) == (code, "one\n", "two\n")
    assert (tmp_path / "report/lint.txt").read_text() == "one\n"
    record = json.loads((tmp_path / "report/lint.jsonl").read_text())
    assert record.items() >= {"stage": "lint", "exit_code": code}.items()
    assert 0 < record["seconds"] < PATIENCE


def test_several_commands_of_a_stage_are_one_after_the_other(tmp_path: Path) -> None:
    for text in ("first", "second"):
        _measured(tmp_path, "echo", text)
    assert (tmp_path / "lint.txt").read_text() == "first\nsecond\n"
    assert len((tmp_path / "lint.jsonl").read_text().splitlines()) == 2


def test_a_program_that_is_not_there_ends_as_in_a_shell(tmp_path: Path) -> None:
    done = _measured(tmp_path, "no-such-program")
    assert (done.returncode, done.stderr) == (127, "no-such-program: No such file or directory\n")
    assert json.loads((tmp_path / "lint.jsonl").read_text())["exit_code"] == 127


def test_a_signal_reaches_the_command(tmp_path: Path) -> None:
    program = (  # it sets the handler itself: who was started in a shell's background ignores SIGINT
        "import signal, time\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "try:\n    print('up', flush=True); time.sleep(60)\nexcept KeyboardInterrupt:\n    print('down')"
    )
    command = [sys.executable, SCRIPT, "lint", tmp_path, sys.executable, "-c", program]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=PATIENCE)[0] == "down\n"
    assert process.returncode == 0
