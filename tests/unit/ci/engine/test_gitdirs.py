"""Worktrees and submodules: their `.git`, a file, is taken as the folder that it is in a clone."""

import os
import subprocess
from pathlib import Path

import pytest

from ci.engine import gitdirs, hostfs
from ci.engine.errors import HostPathError
from ci.engine.store import Store

IDENTITY = {
    "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b",
    "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "protocol.file.allow", "GIT_CONFIG_VALUE_0": "always",
}  # fmt: skip


def git(folder: Path, *words: str) -> str:
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), **IDENTITY}
    return subprocess.run(["git", *words], cwd=folder, env=env, check=True, capture_output=True, text=True).stdout


def commit(folder: Path, message: str) -> None:
    (folder / "a.txt").write_text(message, encoding="utf-8")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", message)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One commit, `one`, on `main`."""
    place = tmp_path / "repository"
    place.mkdir()
    git(place, "init", "-q", "-b", "main")
    commit(place, "one")
    return place


@pytest.fixture
def worktree(repository: Path, tmp_path: Path) -> Path:
    """A linked worktree on `side`, a commit further."""
    git(repository, "worktree", "add", "-q", "-b", "side", str(tmp_path / "worktree"))
    commit(tmp_path / "worktree", "two")
    return tmp_path / "worktree"


@pytest.fixture
def submodule(repository: Path, tmp_path: Path) -> Path:
    """The repository as a submodule of another one."""
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "-q", "-b", "main")
    git(outer, "submodule", "--quiet", "add", str(repository), "sub")
    return outer / "sub"


def elsewhere(store: Store, place: Path, root: Path, exclude: tuple[str, ...] = ()) -> Path:
    """What is taken of `root`, written out at another place."""
    hostfs.write_tree(store, hostfs.snapshot(store, root, exclude=exclude), place)
    return place


def log(folder: Path) -> list[str]:
    return git(folder, "log", "--format=%s").split()


def test_a_worktree_is_taken_with_its_own_head_and_the_whole_history(
    store: Store, worktree: Path, tmp_path: Path
) -> None:
    taken = elsewhere(store, tmp_path / "taken", worktree)
    assert log(taken) == ["two", "one"]
    assert git(taken, "branch", "--show-current").strip() == "side"
    assert git(taken, "status", "--porcelain") == ""
    assert not (taken / ".git" / "worktrees").exists()


def test_its_git_file_alone_is_the_folder_that_it_stands_for(store: Store, worktree: Path, tmp_path: Path) -> None:
    (tmp_path / "alone").mkdir()
    elsewhere(store, tmp_path / "alone" / ".git", worktree / ".git")
    assert log(tmp_path / "alone") == ["two", "one"]


def test_a_submodule_is_taken_without_where_its_files_lay(store: Store, submodule: Path, tmp_path: Path) -> None:
    taken = elsewhere(store, tmp_path / "taken", submodule)
    assert log(taken) == ["one"]
    assert git(taken, "status", "--porcelain") == ""


def test_a_worktree_of_a_bare_repository_is_no_bare_one(store: Store, repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repository), "bare")
    git(tmp_path / "bare", "worktree", "add", "-q", str(tmp_path / "linked"), "main")
    taken = elsewhere(store, tmp_path / "taken", tmp_path / "linked")
    assert git(taken, "status", "--porcelain") == ""


def test_the_digest_is_that_of_the_tree_and_follows_the_history(store: Store, worktree: Path) -> None:
    first = hostfs.digest(store, worktree)
    assert first == hostfs.snapshot(store, worktree).digest == hostfs.digest(store, worktree)
    git(worktree, "tag", "v1")
    assert hostfs.digest(store, worktree) != first


def test_what_is_excluded_is_not_looked_at(store: Store, worktree: Path) -> None:
    (worktree / ".git").write_text("gitdir: .\n", encoding="utf-8")
    assert [entry.path for entry in hostfs.snapshot(store, worktree, exclude=[".git"]).entries] == ["a.txt"]


def test_a_git_file_that_names_nothing_is_told_with_what_to_do(store: Store, worktree: Path, repository: Path) -> None:
    repository.rename(repository.with_name("moved"))
    with pytest.raises(HostPathError, match=r"/worktree/\.git names the git directory .*run `git worktree repair`"):
        hostfs.snapshot(store, worktree)


@pytest.mark.parametrize("text", ["", "no pointer", "x" * 5000])
def test_another_file_of_that_name_is_a_file(store: Store, tmp_path: Path, text: str) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w" / ".git").write_text(text, encoding="utf-8")
    assert gitdirs.linked(tmp_path / "w" / ".git") is None
    assert [entry.kind for entry in hostfs.snapshot(store, tmp_path / "w").entries] == ["f"]


def test_only_what_holds_at_one_place_leaves_a_configuration() -> None:
    text = "[core]\n\tbare = true\n\tworktree = ../../sub\n\tfilemode = true\n[other]\n\tbare = 1\n"
    assert gitdirs.portable(text) == "[core]\n\tfilemode = true\n[other]\n\tbare = 1\n"
