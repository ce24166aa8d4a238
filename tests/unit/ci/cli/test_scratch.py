"""The demo's scratch clone."""

import subprocess
from pathlib import Path

import pytest

from ci.cli.changes import AnyChanges, NotInFileError
from ci.cli.scratch import Scratch, ScratchError
from ci.settings import Settings


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
    assert git(remote, "rev-parse", "cutover-demo") == git(scratch.work, "rev-parse", "v1.2.3^{commit}") != head
    assert git(remote, "tag") == "v1.2.3"
    assert git(origin, "rev-parse", "HEAD") == head
    assert git(origin, "tag") == ""


def test_it_is_made_anew_each_time(origin: Path, tmp_path: Path) -> None:
    Scratch(origin, tmp_path / "scratch").write("left", "over")
    assert not (Scratch(origin, tmp_path / "scratch").work / "left").exists()


def test_a_change_that_does_not_fit_is_one_clear_error(origin: Path, tmp_path: Path) -> None:
    with pytest.raises(ScratchError, match=r"the demo's change does not fit: views.py has no 'nothing'"):
        Scratch(origin, tmp_path / "scratch").replace("views.py", "nothing", "x")


def test_what_is_not_committed_comes_along(origin: Path, tmp_path: Path) -> None:
    """Changed, new and deleted files, also staged ones; what .gitignore names stays behind."""
    for name in ("gone.txt", "staged.txt"):
        (origin / name).write_text("", encoding="utf-8")
    (origin / ".gitignore").write_text("secret\n", encoding="utf-8")
    git(origin, "add", "--all")
    git(origin, "commit", "--quiet", "-m", "feat: more")
    (origin / "views.py").write_text("changed", encoding="utf-8")
    (origin / "new.txt").write_text("new", encoding="utf-8")
    (origin / "secret").write_text("", encoding="utf-8")
    (origin / "gone.txt").unlink()
    git(origin, "rm", "--quiet", "staged.txt")
    scratch = Scratch(origin, tmp_path / "scratch")
    names = {path.name for path in scratch.work.iterdir()} - {".git"}
    assert names == {".gitignore", "views.py", "new.txt"}
    assert (scratch.work / "views.py").read_text(encoding="utf-8") == "changed"
    assert git(scratch.work, "status", "--porcelain") == ""
    assert git(origin, "status", "--porcelain") != ""


def test_tags_come_along(origin: Path, tmp_path: Path) -> None:
    """The demo's versions go on from the repository's own."""
    git(origin, "tag", "-a", "v3.1.0", "-m", "3.1.0")
    assert git(Scratch(origin, tmp_path / "scratch").work, "describe") == "v3.1.0"


def test_a_folder_without_git_gets_a_first_commit(tmp_path: Path) -> None:
    """An environment in it stays behind."""
    for path in ("shop/app.py", "shop/.venv/lib.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("", encoding="utf-8")
    scratch = Scratch(tmp_path / "shop", tmp_path / "scratch")
    assert (scratch.work / "app.py").is_file() and not (scratch.work / ".venv").exists()
    assert git(scratch.work, "log", "--format=%s") == "feat: the first commit"
    assert not (tmp_path / "shop" / ".git").exists()


def test_a_repository_without_a_commit_is_taken_as_a_folder(tmp_path: Path) -> None:
    """What is there is there, committed or not."""
    (tmp_path / "shop").mkdir()
    git(tmp_path / "shop", "init", "--quiet")
    (tmp_path / "shop" / "app.py").write_text("", encoding="utf-8")
    assert (Scratch(tmp_path / "shop", tmp_path / "scratch").work / "app.py").is_file()


def test_a_service_in_a_folder_of_a_repository_keeps_the_history(origin: Path, tmp_path: Path) -> None:
    """Its place in the clone is where the demo works."""
    (origin / "services/web").mkdir(parents=True)
    (origin / "services/web/app.py").write_text("", encoding="utf-8")
    scratch = Scratch(origin / "services/web", tmp_path / "scratch")
    assert scratch.work == scratch.root / "services/web" and (scratch.work / "app.py").is_file()
    assert "feat: hello" in git(scratch.work, "log", "--format=%s")


def test_a_worktree_and_a_detached_head_work(origin: Path, tmp_path: Path) -> None:
    """A worktree's own HEAD is cloned, on a branch of the demo's."""
    git(origin, "worktree", "add", "--quiet", "--detach", str(tmp_path / "tree"))
    scratch = Scratch(tmp_path / "tree", tmp_path / "scratch")
    assert git(scratch.work, "branch", "--show-current") == "cutover-demo"
    assert (scratch.work / "views.py").is_file()


def test_a_submodule_works_by_itself(origin: Path, tmp_path: Path) -> None:
    """Its `.git` is a file that names the folder in the outer repository."""
    outer = tmp_path / "outer"
    outer.mkdir()
    git(outer, "init", "--quiet")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(origin), "inner")
    assert (Scratch(outer / "inner", tmp_path / "scratch").work / "views.py").is_file()


@pytest.mark.parametrize(
    ("wsgi", "source"),
    [
        ("views:app", "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [b'fine']\n"),
        (
            "views:create_app()",
            "def create_app():\n    def app(environ, start_response):\n        start_response('200 OK', [])\n"
            "        return [b'fine']\n    return app\n",
        ),
    ],
)
def test_the_mistake_is_only_where_the_image_runs(
    origin: Path, tmp_path: Path, wsgi: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unit tests see the service as it was; in the image health checks are answered and users get a 500."""
    (origin / "views.py").write_text(source, encoding="utf-8")
    scratch = Scratch(origin, tmp_path / "scratch")
    AnyChanges(Settings("shop", wsgi)).broken(scratch)
    assert _answers(scratch.work / "views.py", wsgi, "") == ["200 OK"]
    monkeypatch.setenv("HEALTH_PATH", "/")
    assert _answers(scratch.work / "views.py", wsgi, "ELB-HealthChecker/2.0") == ["200 OK"]
    assert _answers(scratch.work / "views.py", wsgi, "curl/8") == ["500 Internal Server Error"]


def _answers(path: Path, wsgi: str, agent: str) -> list[str]:
    names: dict[str, object] = {}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), names)
    statuses: list[str] = []
    application = eval(wsgi.partition(":")[2], names)
    application({"HTTP_USER_AGENT": agent}, lambda status, headers: statuses.append(status))
    return statuses


def test_a_module_that_is_not_there_is_one_clear_error(origin: Path, tmp_path: Path) -> None:
    """The settings name what nobody wrote."""
    with pytest.raises(NotInFileError, match="see python-path"):
        AnyChanges(Settings("shop", "none:app")).broken(Scratch(origin, tmp_path / "scratch"))


def test_a_folder_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ScratchError, match=r"nothing is no folder$"):
        Scratch(tmp_path / "nothing", tmp_path / "scratch")


def test_a_shallow_clone_begins_a_history_of_its_own(origin: Path, tmp_path: Path) -> None:
    """Its version could not be known; its files are all there."""
    git(origin, "commit", "--quiet", "--allow-empty", "-m", "feat: more")
    git(tmp_path, "clone", "--quiet", "--depth=1", origin.as_uri(), "shallow")
    work = Scratch(tmp_path / "shallow", tmp_path / "scratch").work
    assert git(work, "log", "--format=%s") == "feat: the first commit"
    assert (work / "views.py").is_file() and git(work, "rev-parse", "--is-shallow-repository") == "false"
