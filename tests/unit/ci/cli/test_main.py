"""The `cutover` command itself, as a process: exit codes, and one sentence for a mistake."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ci.cli.group import COMMANDS

WRONG_PROGRESS = 'invalid argument "loud" for "--progress" flag: use auto, plain, quiet'
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
    ("words", "message", "command"),
    [
        (["nosuch"], 'unknown command "nosuch" for "cutover"', "cutover"),
        (["functoins"], 'unknown command "functoins" for "cutover"; did you mean "functions"?', "cutover"),
        (["--nosuch"], "unknown flag: --nosuch", "cutover"),
        (["--progress", "loud", "call"], WRONG_PROGRESS, "cutover"),
        (["call", "--progress", "loud"], WRONG_PROGRESS, "cutover call"),
        (["call", "-m"], "flag needs an argument: 'm' in -m", "cutover call"),
        (["functions", "--nosuch"], "unknown flag: --nosuch", "cutover functions"),
        (["local", "up", "--port", "x"], "Invalid value for '--port': 'x' is not a valid integer range.",
         "cutover local up"),
        (["call", "hello"],
         'unknown command "hello" for "cutover call"; no dagger.json and no [tool.cutover] here or above; '
         "name a module with -m PATH, or run `cutover init`",
         "cutover call"),
    ],
)  # fmt: skip
def test_unknown_words_are_told_with_the_command_that_helps(
    tmp_path: Path, words: list[str], message: str, command: str
) -> None:
    done = cutover(tmp_path, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error: {message}\nRun '{command} --help' for usage.\n"


def test_the_version_is_told(tmp_path: Path) -> None:
    for words in (["--version"], ["version"]):
        done = cutover(tmp_path, *words)
        assert (done.returncode, done.stdout.split()[0], done.stderr) == (0, "cutover", "")


def test_without_a_module_there_are_no_functions(tmp_path: Path) -> None:
    done = cutover(tmp_path, "functions")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("No functions found.")
    assert cutover(tmp_path, "call").stdout == "Query\n"


@pytest.mark.parametrize(
    ("mod", "message"),
    [
        ("nosuch", "module nosuch: no such folder"),
        ("https://example.org/r", "module https://example.org/r: the embedded engine loads modules from folders"),
        (".", "no module: {} and the folders above it have no dagger.json"),
    ],
)
def test_a_module_that_is_not_there_is_one_clear_error(tmp_path: Path, mod: str, message: str) -> None:
    place = str(tmp_path) if mod == "." else mod
    done = cutover(tmp_path, "functions", "-m", place)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: " + message.format(tmp_path))


def test_a_reader_of_stdout_that_has_gone_is_no_error(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*CUTOVER, "--help"], stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert done.stderr == ""


def test_a_mistake_of_our_own_is_one_line_unless_asked_for(tmp_path: Path) -> None:
    """Any exception that nobody foresaw; here one that the settings of the process bring about."""
    program = "import sys; from ci.cli import main; main.WORDS['call'] = 'ci.cli.names:KINDS'; main.main()"
    for words, traced in ((["call"], False), (["call", "--debug"], True)):
        done = subprocess.run(
            [sys.executable, "-P", "-c", program, *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1
        assert ("Traceback" in done.stderr) == traced
        assert done.stderr.splitlines()[-1].startswith("Error: TypeError: 'dict' object is not callable")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not a module's configuration"),
        ("[]", "is not a module's configuration"),
        ('{"sdk":"python"}', "is not a module's configuration"),
        ('{"name":"x","sdk":"go"}', "module x in {} has the SDK 'go'"),
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
