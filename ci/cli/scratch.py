"""A scratch clone of a repository with a remote of its own, for the demo: commits and tags in it touch nothing else."""

import shutil
import subprocess
from pathlib import Path

from ci.errors import CutoverError

IDENTITY = ["-c", "user.name=Cutover demo", "-c", "user.email=demo@localhost"]


class ScratchError(CutoverError):
    """Git refused, or the file to change is not what the demo expects."""


class Scratch:
    """The clone in `folder/work`, its remote in `folder/remote.git`; both are made anew."""

    def __init__(self, origin: Path, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.work = folder / "work"
        _git(folder, "clone", "--quiet", "--bare", str(origin), "remote.git")
        _git(folder, "clone", "--quiet", "remote.git", "work")

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

    def commit(self, message: str) -> None:
        """Commit all changes and push them."""
        _git(self.work, "add", "--all")
        _git(self.work, *IDENTITY, "commit", "--quiet", "-m", message)
        _git(self.work, "push", "--quiet")

    def tag(self, version: str) -> None:
        """Tag HEAD as a release and push the tag."""
        _git(self.work, *IDENTITY, "tag", "-a", f"v{version}", "-m", f"Release {version}")
        _git(self.work, "push", "--quiet", "--tags")


def _git(folder: Path, *words: str) -> None:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise ScratchError(f"git {' '.join(words)} failed: {reason}")
