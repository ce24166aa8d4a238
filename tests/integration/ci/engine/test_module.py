"""A module of its own, loaded by the SDK's entry point and called through `cutover call` as a process."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.docker

CUTOVER = [sys.executable, "-P", "-c", "from ci.cli.main import main; main()"]
SOURCE = '''
"""A module for the tests."""

import enum
import time
from typing import Annotated

import dagger
from dagger import DefaultPath, Doc, Ignore, dag, function, object_type


@dagger.enum_type
class Colour(enum.Enum):
    """A colour."""

    BLUE = "BLUE"
    GREEN = "GREEN"


@object_type
class Sample:
    """A sample."""

    source: Annotated[dagger.Directory, DefaultPath("/"), Ignore(["*.toml"]), Doc("The source")]

    @function
    def hello(self, name: str = "world") -> str:
        """Return a greeting."""
        return f"hello {name}"

    @function
    def doubled(self, number: int = 21) -> int:
        """Twice the number."""
        return number * 2

    @function
    def tags(self, words: list[str]) -> list[str]:
        """The words in capitals."""
        return [word.upper() for word in words]

    @function
    def paint(self, colour: Colour = Colour.BLUE) -> str:
        """The colour's name."""
        return colour.value

    @function
    def notes(self) -> dagger.Directory:
        """A folder."""
        return dag.directory().with_new_file("notes.txt", "noted")

    @function
    async def entries(self) -> list[str]:
        """What is in the source."""
        return await self.source.entries()

    @function
    async def fail(self, code: int = 3) -> str:
        """A step that fails."""
        script = f"echo out-text; echo err-text >&2; exit {code}"
        return await dag.container().from_("python:3.13-slim").with_exec(["sh", "-c", script]).stdout()

    @function
    def boom(self) -> str:
        """A function that raises."""
        raise ValueError("boom")

    @function(cache="never")
    def now(self) -> str:
        """The time."""
        return str(time.time_ns())

    @function
    def kept(self) -> str:
        """The time when it was first asked."""
        return str(time.time_ns())

    @function
    async def token(self, value: dagger.Secret) -> str:
        """The secret as a step sees it."""
        base = dag.container().from_("python:3.13-slim").with_secret_variable("T", value)
        return await base.with_exec(["sh", "-c", "echo ${#T} $T"]).stdout()
'''
Call = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sample")
    (root / "dagger.json").write_text(
        json.dumps({"name": "sample", "engineVersion": "v0.21.8", "sdk": {"source": "python"}}), encoding="utf-8"
    )
    (root / "pyproject.toml").write_text('[project]\nname = "sample"\nversion = "0"\n', encoding="utf-8")
    (root / "sample").mkdir()
    (root / "sample" / "__init__.py").write_text(SOURCE, encoding="utf-8")
    return root


@pytest.fixture
def call(module: Path, store: object, tmp_path: Path) -> Call:
    """`cutover call -m MODULE words`, over the tests' own store."""
    cache = store.root.parent  # type: ignore[attr-defined]

    def run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "XDG_CACHE_HOME": str(cache), **environ}
        command = [*CUTOVER, "call", "-m", str(module), *words]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize(
    ("words", "stdout"),
    [
        (["hello"], "hello world"),
        (["hello", "--name=bob"], "hello bob"),
        (["--json", "hello"], '"hello world"\n'),
        (["doubled"], "42"),
        (["doubled", "--number", "4"], "8"),
        (["tags", "--words=a,b", "--words=c"], "A\nB\nC\n"),
        (["paint"], "BLUE"),
        (["paint", "--colour=GREEN"], "GREEN"),
        (["notes", "file", "--path=notes.txt", "contents"], "noted"),
        (["notes", "entries"], "notes.txt\n"),
        (["entries"], "dagger.json\nsample/\n"),
    ],
)
def test_a_functions_result_is_all_of_stdout(call: Call, words: list[str], stdout: str) -> None:
    done = call(*words)
    assert (done.returncode, done.stdout) == (0, stdout), done.stderr


def test_a_folder_is_saved_where_output_says(call: Call, tmp_path: Path) -> None:
    done = call("-o", "out", "notes")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "notes.txt").read_text(encoding="utf-8") == "noted"
    assert done.stdout == ""
    assert done.stderr.endswith(f'Saved to "{tmp_path}/out".\n')


def test_a_text_is_printed_and_saved_where_output_says(call: Call, tmp_path: Path) -> None:
    done = call("-o", "words.txt", "tags", "--words=a,b")
    assert (done.returncode, done.stdout) == (0, "A\nB\n")
    assert (tmp_path / "words.txt").read_text(encoding="utf-8") == "A\nB\n"


def test_a_failed_step_ends_with_its_exit_code_and_all_it_said(call: Call) -> None:
    done = call("--progress", "quiet", "fail")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "Error: exit code: 3\nStdout:\nout-text\nStderr:\nerr-text\n"
    assert call("fail", "--code=42").returncode == 42


def test_a_function_that_raises_ends_with_1_and_its_message(call: Call) -> None:
    done = call("--progress", "quiet", "boom")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: ")
    assert "boom" in done.stderr.splitlines()[0]


@pytest.mark.parametrize(
    ("words", "stderr"),
    [
        (["nosuch"], 'Error: unknown command "nosuch" for "cutover call"\nRun \'cutover call --help\' for usage.\n'),
        (["hello", "--nosuch=1"], "Error: unknown flag: --nosuch\nRun 'cutover call hello --help' for usage.\n"),
        (["tags"], "Error: required flag(s) \"words\" not set\nRun 'cutover call tags --help' for usage.\n"),
    ],
)
def test_wrong_words_end_with_1_and_the_command_that_helps(call: Call, words: list[str], stderr: str) -> None:
    done = call("--progress", "quiet", *words)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", stderr)


def test_a_result_is_kept_for_the_next_call_unless_the_function_says_never(call: Call) -> None:
    assert call("kept").stdout == call("kept").stdout
    assert call("now").stdout != call("now").stdout


def test_a_known_result_needs_no_docker(call: Call) -> None:
    first = call("kept")
    again = call("kept", DOCKER_HOST="unix:///nothing/there")
    assert (again.returncode, again.stdout) == (0, first.stdout), again.stderr


def test_a_secret_is_given_and_never_shown(call: Call) -> None:
    done = call("token", "--value=env:SAMPLE_TOKEN", SAMPLE_TOKEN="hush-hush")
    assert (done.returncode, done.stdout) == (0, "9 ***\n"), done.stderr
    assert "hush-hush" not in done.stderr


def test_help_lists_the_modules_functions(call: Call) -> None:
    done = call("--help")
    assert done.returncode == 0
    assert re.search(r"^  hello +Return a greeting\.$", done.stdout, re.MULTILINE)
