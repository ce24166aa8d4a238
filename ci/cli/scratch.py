"""A scratch clone of a repository with a remote of its own, for the demo: commits and tags in it touch nothing else."""

import shutil
import subprocess
from pathlib import Path

from ci.errors import CutoverError

IDENTITY = [
    "-c", "user.name=Cutover demo", "-c", "user.email=demo@localhost", "-c", "commit.gpgsign=false", "-c",
    "tag.gpgsign=false",
]  # fmt: skip
QUIET = ["-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false"]
BRANCH = "cutover-demo"
FIRST = "feat: the first commit"
# What a folder outside of git holds that is not its own.
NOT_OWN = (".git", ".venv", "venv", "node_modules", "__pycache__", ".tox", ".mypy_cache", ".pytest_cache")


class ScratchError(CutoverError):
    """Git refused, or the file to change is not what the demo expects."""


class Scratch:
    """A copy of the service in `origin`, what is not committed included; made anew in `folder`.

    `origin` is a repository, a worktree, a submodule, a folder inside of one, or a folder without git.

    Attributes:
        work: the service in the copy.
    """

    def __init__(self, origin: Path, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.root, self._remote = folder / "work", folder / "remote.git"
        top = _toplevel(origin)
        if top is None:
            self._copied(origin)
        else:
            self._cloned(top)
        self.work = self.root / origin.resolve().relative_to(top or origin.resolve())
        _git(folder, "clone", "--quiet", "--bare", str(self.root), str(self._remote))
        _git(self.root, "remote", "add", "scratch", str(self._remote))
        _git(self.root, "push", "--quiet", "--set-upstream", "scratch", BRANCH)

    def _cloned(self, top: Path) -> None:
        """HEAD and the tags, and over them the files as they are now; what .gitignore names stays behind.

        A shallow clone has no history that a version could come from: its files begin one.
        """
        message = "fix: what is not committed yet"
        if _git(top, "rev-parse", "--is-shallow-repository").strip() == "true":
            message = FIRST
            self._begun()
        else:
            _git(top, "clone", "--quiet", "--no-hardlinks", "--origin", "from", str(top), str(self.root))
            _git(self.root, "checkout", "--quiet", "-B", BRANCH)
        listed = _git(top, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        names = set(filter(None, listed.split("\0")))
        gone = set(filter(None, _git(self.root, "ls-files", "-z").split("\0"))) - names
        for name in sorted(names | gone):
            _taken(top / name, self.root / name)
        if _git(self.root, "status", "--porcelain"):
            self.commit(message, push=False)

    def _begun(self) -> None:
        self.root.mkdir(exist_ok=True)
        _git(self.root, "init", "--quiet")
        _git(self.root, "checkout", "--quiet", "-b", BRANCH)

    def _copied(self, origin: Path) -> None:
        shutil.copytree(origin, self.root, ignore=shutil.ignore_patterns(*NOT_OWN), symlinks=True)
        self._begun()
        self.commit(FIRST, push=False)

    def replace(self, path: str, before: str, after: str) -> None:
        """Replace a text in a file of the clone, once.

        Raises:
            ScratchError: the text is not there.
        """
        place = self.work / path
        text = place.read_text(encoding="utf-8")
        if before not in text:
            raise ScratchError(f"the demo's change does not fit: {path} has no {before!r}")
        place.write_text(text.replace(before, after, 1), encoding="utf-8")

    def write(self, path: str, text: str) -> None:
        """Write a file of the clone."""
        (self.work / path).write_text(text, encoding="utf-8")

    def append(self, path: str, text: str) -> None:
        """Write more at the end of a file of the clone."""
        with (self.work / path).open("a", encoding="utf-8") as file:
            file.write(text)

    def commit(self, message: str, push: bool = True) -> str:
        """Commit all changes, push them, and give the message back."""
        _git(self.root, "add", "--all")
        _git(self.root, *IDENTITY, "commit", "--quiet", "--allow-empty", "-m", message)
        if push:
            _git(self.root, "push", "--quiet")
        return message

    def tag(self, version: str, prefix: str = "") -> None:
        """Tag HEAD as a release and push the tag; `prefix` stands before v1.2.3."""
        _git(self.root, *IDENTITY, "tag", "-a", f"{prefix}v{version}", "-m", f"Release {version}")
        _git(self.root, "push", "--quiet", "--tags")


def _toplevel(origin: Path) -> Path | None:
    """The root of the repository that the folder lies in; None without one, where nothing is committed, and where the
    folder is none of its own (ignored)."""
    if not origin.is_dir():
        raise ScratchError(f"{origin} is no folder")
    try:
        top = Path(_git(origin, "rev-parse", "--show-toplevel").strip())
        _git(origin, "rev-parse", "--verify", "--quiet", "HEAD")
        own = _git(origin, "ls-files", "--cached", "--others", "--exclude-standard", ".")
    except ScratchError as error:
        if "dubious ownership" in str(error):
            raise
        return None
    return top.resolve() if own else None


def _taken(before: Path, after: Path) -> None:
    """A file as it is now, or no longer is; a submodule with its files."""
    if before.is_dir() and not before.is_symlink():
        shutil.copytree(before, after, ignore=shutil.ignore_patterns(".git"), symlinks=True, dirs_exist_ok=True)
        return
    after.unlink(missing_ok=True)
    if before.is_symlink() or before.is_file():
        after.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(before, after, follow_symlinks=False)


def _git(folder: Path, *words: str) -> str:
    try:
        done = subprocess.run(["git", *QUIET, *words], cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        missing = folder if not folder.is_dir() else "git"
        raise ScratchError(f"git {' '.join(words)} failed: fatal: {missing} does not exist") from error
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise ScratchError(f"git {' '.join(words)} failed: {reason}")
    return done.stdout
