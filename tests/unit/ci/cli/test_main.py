"""The `cutover` command itself, as a process: exit codes, and one sentence for a mistake."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ci.cli.main import COMMANDS

CUTOVER = [sys.executable, "-P", "-c", "from ci.cli.main import main; main()"]


def cutover(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "DOCKER_HOST": "unix:///nothing/there"}
    return subprocess.run([*CUTOVER, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_help_lists_every_command_and_exits_0(tmp_path: Path) -> None:
    for flag in ("--help", "-h"):
        done = cutover(tmp_path, flag)
        assert done.returncode == 0
        assert all(f"  {name} " in done.stdout for name in COMMANDS)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nosuch"], "Error: No such command 'nosuch'."),
        (["--nosuch"], "Try 'cutover --help' for help."),
        (["call", "--progress", "loud"], 'Error: invalid argument "loud" for "--progress": use auto, plain or quiet'),
        (["call", "-m"], "Error: flag needs an argument: -m"),
    ],
)
def test_unknown_words_are_told_without_a_traceback(tmp_path: Path, words: list[str], message: str) -> None:
    done = cutover(tmp_path, *words)
    assert done.returncode not in (0, None)
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_the_version_is_told(tmp_path: Path) -> None:
    done = cutover(tmp_path, "--version")
    assert (done.returncode, done.stdout.split()[0]) == (0, "cutover,")


def test_a_folder_without_a_module_is_one_clear_error(tmp_path: Path) -> None:
    done = cutover(tmp_path, "call", "hello")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "Error: no module: . and the folders above it have no dagger.json; name one with -m PATH\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not a module's configuration"),
        ("[]", "is not a module's configuration"),
        ('{"sdk":"python"}', "is not a module's configuration"),
        ('{"name":"x","sdk":"go"}', "module x in {} is not a Python module; Dagger's engine serves it"),
        ('{"name":"x","sdk":"python","dependencies":[{"name":"y"}]}', "module x depends on other modules"),
    ],
)
def test_a_module_that_cannot_be_loaded_is_one_clear_error(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "dagger.json").write_text(text, encoding="utf-8")
    done = cutover(tmp_path, "call", "hello")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert message.format(tmp_path) in done.stderr
    assert "Traceback" not in done.stderr
