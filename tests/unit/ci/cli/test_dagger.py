"""`--engine`: Dagger's own engine where it is asked for, or there and answering."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ci.cli.dagger import answers, translated
from ci.cli.options import Options

CUTOVER = [sys.executable, "-P", "-c", "from ci.cli.main import main; main()"]
FAKE = """#!/bin/sh
case "$*" in
  *query*) echo "$*" >>"$0.asked"; test -e "$0.up" && echo '{"version": "v0.21.8"}'; exit $?;;
esac
echo "dagger got: $*"
exit 42
"""


@pytest.fixture
def dagger(tmp_path: Path) -> Path:
    """A `dagger` whose engine answers where a file `dagger.up` stands beside it."""
    place = tmp_path / "bin" / "dagger"
    place.parent.mkdir()
    place.write_text(FAKE, encoding="utf-8")
    place.chmod(0o755)
    return place


def cutover(folder: Path, *words: str, path: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
    paths = f"{path}:/usr/bin:/bin" if path else "/nowhere"
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), "PATH": paths, **more}
    return subprocess.run([*CUTOVER, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_dagger_gets_the_same_words_and_its_exit_code_is_ours(tmp_path: Path, dagger: Path) -> None:
    done = cutover(
        tmp_path, "--engine", "dagger", "-m", "x", "call", "--why", "hello", "--name=bob", path=dagger.parent
    )
    assert (done.returncode, done.stdout) == (42, "dagger got: -m x call hello --name=bob\n")
    done = cutover(tmp_path, "call", "hello", path=dagger.parent, CUTOVER_ENGINE="dagger")
    assert (done.returncode, done.stdout) == (42, "dagger got: call hello\n")


def test_without_dagger_it_is_one_clear_line(tmp_path: Path) -> None:
    done = cutover(tmp_path, "call", "--engine=dagger", "hello")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: --engine dagger needs Dagger's command line, and no `dagger` is on the PATH")
    assert done.stderr.count("\n") == 1


def test_auto_takes_dagger_where_its_engine_answers(tmp_path: Path, dagger: Path) -> None:
    dagger.with_name("dagger.up").touch()
    assert cutover(tmp_path, "call", "hello", path=dagger.parent).stdout == "dagger got: call hello\n"


def test_auto_runs_here_where_dagger_does_not_answer_and_asks_once(tmp_path: Path, dagger: Path) -> None:
    for told in (True, False):
        done = cutover(tmp_path, "functions", path=dagger.parent)
        assert (done.returncode, done.stdout) == (0, "")
        assert ("its engine did not answer" in done.stderr) == told
    assert len(dagger.with_name("dagger.asked").read_text(encoding="utf-8").splitlines()) == 1


def test_an_answer_is_believed_for_a_while(tmp_path: Path, dagger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    up, asked = dagger.with_name("dagger.up"), dagger.with_name("dagger.asked")
    up.touch()
    assert answers(str(dagger), {}, 1000.0)
    up.unlink()
    assert answers(str(dagger), {}, 4000.0)
    assert not answers(str(dagger), {}, 5000.0)
    assert not answers(str(dagger), {"DOCKER_HOST": "tcp://other"}, 5001.0)
    assert len(asked.read_text(encoding="utf-8").splitlines()) == 3


@pytest.mark.parametrize(
    ("words", "options", "wanted"),
    [
        (["call", "--engine", "dagger", "test"], Options(), ["call", "test"]),
        (["call", "--engine=dagger", "--why", "test"], Options(), ["call", "test"]),
        (["call", "--progress", "quiet", "test"], Options(progress="quiet"), ["--silent", "call", "test"]),
        (["call", "--progress=plain", "test"], Options(), ["call", "--progress=plain", "test"]),
        (["check", "--fail-fast"], Options(), ["check", "--failfast"]),
        (["run", "-s", "prog", "--why", "--engine", "x"], Options(), ["run", "-s", "prog", "--why", "--engine", "x"]),
    ],
)
def test_words_that_dagger_does_not_know_are_left_out_or_said_its_way(
    words: list[str], options: Options, wanted: list[str]
) -> None:
    assert translated(words, options) == wanted
