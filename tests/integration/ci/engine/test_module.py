"""A module of its own, loaded by the SDK's entry point and called through `cutover call` as a process."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ci.engine.store import Store
from tests.integration.ci.engine.conftest import remove_images

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
    def made(self) -> dagger.Directory:
        """What a step made: files, a link, and one that may be run."""
        script = "mkdir -p /out/in && cd /out && seq 1000 > in/numbers && cp /bin/true run && ln -s in/numbers link"
        return dag.container().from_("python:3.13-slim").with_exec(["sh", "-c", script]).directory("/out")

    @function
    def image(self) -> dagger.Container:
        """An image with what the step made."""
        return dag.container().from_("python:3.13-slim").with_directory("/made", self.made())

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
def call(module: Path, store: Store, tmp_path: Path) -> Call:
    """`cutover call -m MODULE words`, over the tests' own store."""
    cache = store.root.parent

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
    shown = call("fail", "--code=42")
    assert shown.returncode == 42
    assert shown.stderr.endswith("Error: exit code: 42\nStdout:\nout-text\nStderr:\nerr-text\n")
    assert "Traceback" not in shown.stderr


def test_a_function_that_raises_ends_with_1_and_its_message_and_place(call: Call) -> None:
    done = call("boom")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("Error: FunctionError: boom\n")
    assert re.search(r"^ +ValueError: boom \(.*sample/__init__.py, line \d+, in boom\)$", done.stderr, re.MULTILINE)
    assert "Traceback" not in done.stderr
    assert "Traceback" in call("--debug", "boom").stderr


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


def results(call: Call, folder: Path, **environ: str) -> dict[str, bytes | str]:
    """What functions give: a value, the files of a folder by path (links by target), and an image as a tarball."""
    ends = [
        call("--json", "tags", "--words=a,b", **environ),
        call("made", "export", f"--path={folder}/made", **environ),
        call("image", "as-tarball", "export", f"--path={folder}/image.tar", **environ),
    ]
    assert [done.returncode for done in ends] == [0, 0, 0], [done.stderr for done in ends]
    places = {str(place.relative_to(folder)): place for place in folder.rglob("*") if not place.is_dir()}
    made = {path: str(place.readlink()) if place.is_symlink() else place.read_bytes() for path, place in places.items()}
    modes = {f"mode of {path}": oct(place.lstat().st_mode) for path, place in places.items()}
    return {"tags": ends[0].stdout, **made, **modes}


def test_results_are_byte_equal_from_a_cold_and_from_a_warm_store(call: Call, store: Store, tmp_path: Path) -> None:
    cold = results(call, tmp_path / "cold")
    assert len(cold["made/in/numbers"]) == 3893
    assert results(call, tmp_path / "warm") == cold
    shutil.rmtree(store.root / "records" / "function")
    assert results(call, tmp_path / "steps") == cold, "where the steps are known and the functions are called again"


def test_what_steps_made_is_byte_equal_from_another_store(call: Call, tmp_path: Path) -> None:
    other = tmp_path / "other"
    try:
        one, two = results(call, tmp_path / "one"), results(call, tmp_path / "two", XDG_CACHE_HOME=str(other))
    finally:
        remove_images(other / "cutover")
    # The image's own layers hold times, which are those of the steps that made them.
    assert {name: one[name] for name in one if "image.tar" not in name} == {
        name: two[name] for name in two if "image.tar" not in name
    }


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
