"""The clean checkout of a commit."""

import subprocess
from pathlib import Path

import pytest

from ci.codebuild.checkout import buildspec, clean
from ci.codebuild.errors import CheckoutError, NoBuildspecError


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=Test", "-c", "user.email=test@localhost"]
    return subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    place = tmp_path / "shop"
    place.mkdir()
    git(place, "init", "--quiet")
    for text in ("one", "two"):
        (place / "buildspec.yml").write_text(text, encoding="utf-8")
        git(place, "add", "--all")
        git(place, "commit", "--quiet", "-m", f"feat: {text}")
        git(place, "tag", f"v-{text}")
    return place


def test_it_is_the_commit_with_its_history_and_tags_and_nothing_uncommitted(repository: Path, tmp_path: Path) -> None:
    (repository / "buildspec.yml").write_text("changed", encoding="utf-8")
    taken = clean(repository, "v-one", tmp_path / "src")
    assert taken.commit == git(repository, "rev-parse", "v-one")
    assert buildspec(taken, "buildspec.yml") == "one"
    assert git(taken.folder, "tag").split() == ["v-one", "v-two"]
    assert git(taken.folder, "rev-list", "--count", "v-two") == "2"
    assert git(taken.folder, "status", "--porcelain") == ""


def test_a_worktrees_own_commit_is_found_and_a_folder_inside_of_the_repository_will_do(
    repository: Path, tmp_path: Path
) -> None:
    git(repository, "worktree", "add", "--quiet", str(tmp_path / "tree"), "v-one")
    (tmp_path / "tree/inside").mkdir()
    (tmp_path / "tree/inside/file").touch()
    git(tmp_path / "tree", "add", "--all")
    git(tmp_path / "tree", "commit", "--quiet", "-m", "fix: inside")
    taken = clean(tmp_path / "tree/inside", "HEAD", tmp_path / "src")
    assert (taken.folder / "inside/file").exists()


@pytest.mark.parametrize("commit", ["nothing", "--all", ""])
def test_what_is_no_commit_is_refused_in_one_sentence(repository: Path, tmp_path: Path, commit: str) -> None:
    with pytest.raises(CheckoutError) as caught:
        clean(repository, commit, tmp_path / "src")
    assert "\n" not in str(caught.value)


def test_a_history_that_is_not_whole_is_refused(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth", "1", repository.as_uri(), "shallow")
    with pytest.raises(CheckoutError, match="its history is not whole; `git fetch --unshallow` gets the rest"):
        clean(tmp_path / "shallow", "HEAD", tmp_path / "src")


def test_a_commit_without_the_buildspec_is_refused(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(NoBuildspecError, match=r"has no infra/no\.yml; commit one, or name another with --buildspec"):
        buildspec(clean(repository, "HEAD", tmp_path / "src"), "infra/no.yml")
