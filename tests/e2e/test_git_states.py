"""A service in every state of git that people have it in: it works, or one line says what to do."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.test_strangers import IDENTITY, _cutover, _ran
from tests.shapes import SHAPES

pytestmark = pytest.mark.docker


def _git(folder: Path, *words: str) -> None:
    done = _ran(folder, "git", *IDENTITY, "-c", "protocol.file.allow=always", *words)
    assert done.returncode == 0, done.stderr


def _committed(root: Path) -> Path:
    """A repository with two commits and a tag; gives its folder."""
    root.mkdir(exist_ok=True)
    SHAPES["plain WSGI"].write(root)
    assert _cutover(root, "init").returncode == 0
    _git(root, "init", "--quiet")
    _git(root, "add", "--all")
    _git(root, "commit", "--quiet", "-m", "feat: first")
    _git(root, "tag", "v1.4.0")
    _git(root, "commit", "--quiet", "--allow-empty", "-m", "feat: second")
    return root


def _changed(root: Path) -> Path:
    service = _committed(root / "changed")
    (service / "wsgi.py").write_text((service / "wsgi.py").read_text() + "\n# changed\n")
    return service


def _fork(root: Path) -> Path:
    _git(_committed(root / "from").parent, "clone", "--quiet", "--no-tags", "from", "fork")
    return root / "fork"


def _worktree(root: Path) -> Path:
    _git(_committed(root / "main"), "worktree", "add", "--quiet", str(root / "tree"), "-b", "other")
    return root / "tree"


def _submodule(root: Path) -> Path:
    service, outer = _committed(root / "from"), root / "outer"
    outer.mkdir()
    _git(outer, "init", "--quiet")
    _git(outer, "submodule", "--quiet", "add", str(service), "inner")
    _git(outer, "commit", "--quiet", "-m", "feat: outer")
    return outer / "inner"


def _shallow(root: Path) -> Path:
    _git(_committed(root / "from").parent, "clone", "--quiet", "--depth=1", (root / "from").as_uri(), "shallow")
    return root / "shallow"


def _without(root: Path) -> Path:
    SHAPES["plain WSGI"].write(root / "bare")
    assert _cutover(root / "bare", "init").returncode == 0
    return root / "bare"


def _empty(root: Path) -> Path:
    _git(_without(root), "init", "--quiet")
    return root / "bare"


def _detached(root: Path) -> Path:
    service = _committed(root / "detached")
    _git(service, "checkout", "--quiet", "v1.4.0")
    return service


WORKS = {
    "uncommitted changes": (_changed, "1.5.0"),
    "a fork without tags": (_fork, "0.1.0"),
    "a worktree": (_worktree, "1.5.0"),
    "a submodule": (_submodule, "1.5.0"),
    "a detached HEAD at a release": (_detached, "1.4.0"),
}
TOLD = {
    "no git": (_without, "git init && git add --all && git commit"),
    "no commit": (_empty, "git add --all && git commit"),
    "a shallow clone": (_shallow, "git fetch --unshallow --tags"),
}
Made = Callable[[Path], Path]


@pytest.mark.parametrize(("made", "version"), WORKS.values(), ids=WORKS)
def test_a_version_is_known(made: Made, version: str, tmp_path: Path) -> None:
    """Of the commit that is checked out, by the tags that are there."""
    done = _cutover(made(tmp_path), "call", "version")
    assert (done.returncode, done.stdout) == (0, version), done.stderr


@pytest.mark.parametrize(("made", "advice"), TOLD.values(), ids=TOLD)
def test_where_no_version_can_be_known_the_last_line_says_what_to_do(made: Made, advice: str, tmp_path: Path) -> None:
    """One sentence, with the command."""
    done = _cutover(made(tmp_path), "call", "version")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Error: ") and advice in last


@pytest.mark.prove
@pytest.mark.parametrize("name", [*WORKS, *TOLD])
def test_an_image_is_built_or_one_line_says_what_to_do(name: str, tmp_path: Path) -> None:
    """Locked where it is, and built with what is not committed."""
    made, expected = (WORKS | TOLD)[name]
    service = made(tmp_path)
    assert _cutover(service, "call", "relock", "export", "--path", ".").returncode == 0
    done = _cutover(service, "call", "build", "as-tarball", "export", "--path", str(tmp_path / "image.tar"))
    if name in WORKS:
        assert done.returncode == 0 and (tmp_path / "image.tar").is_file(), done.stderr[-2000:]
    else:
        assert done.returncode == 1 and expected in done.stderr.splitlines()[-1]


def test_a_submodule_that_was_not_fetched_is_told(tmp_path: Path) -> None:
    """`init` finds an empty folder and says so."""
    _submodule(tmp_path)
    _git(tmp_path, "clone", "--quiet", "outer", "clone")
    done = _cutover(tmp_path / "clone" / "inner", "init")
    assert done.returncode == 1 and done.stderr.startswith("Error: no WSGI application in ")
