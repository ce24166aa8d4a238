"""The demo's scratch clone."""

import subprocess
from pathlib import Path

import pytest

from ci.cli.scratch import Scratch, ScratchError


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@localhost"]
    return subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    place = tmp_path / "origin"
    place.mkdir()
    git(place, "init", "--quiet")
    (place / "views.py").write_text("hello hello", encoding="utf-8")
    git(place, "add", "--all")
    git(place, "commit", "--quiet", "-m", "feat: hello")
    return place


def test_commits_and_tags_go_to_its_own_remote_and_nowhere_else(origin: Path, tmp_path: Path) -> None:
    head = git(origin, "rev-parse", "HEAD")
    scratch = Scratch(origin, tmp_path / "scratch")
    scratch.replace("views.py", "hello", "bye")
    scratch.write("new.txt", "new")
    scratch.commit("feat: bye")
    scratch.tag("1.2.3")
    assert (scratch.work / "views.py").read_text(encoding="utf-8") == "bye hello"
    remote = tmp_path / "scratch" / "remote.git"
    assert git(remote, "rev-parse", "HEAD") == git(scratch.work, "rev-parse", "v1.2.3^{commit}") != head
    assert git(remote, "tag") == "v1.2.3"
    assert git(origin, "rev-parse", "HEAD") == head
    assert git(origin, "tag") == ""


def test_it_is_made_anew_each_time(origin: Path, tmp_path: Path) -> None:
    Scratch(origin, tmp_path / "scratch").write("left", "over")
    assert not (Scratch(origin, tmp_path / "scratch").work / "left").exists()


def test_a_change_that_does_not_fit_is_one_clear_error(origin: Path, tmp_path: Path) -> None:
    with pytest.raises(ScratchError, match=r"the demo's change does not fit: views.py has no 'nothing'"):
        Scratch(origin, tmp_path / "scratch").replace("views.py", "nothing", "x")


def test_what_git_refuses_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ScratchError, match=r"^git clone .* failed: fatal: .*does not exist"):
        Scratch(tmp_path / "nothing", tmp_path / "scratch")
