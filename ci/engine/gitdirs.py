"""The `.git` of a linked worktree or of a submodule: a file that names folders elsewhere on the host. It is taken as
the folder that it is in a clone, so that git works on what was taken wherever it is put.

Source: gitrepository-layout(5).
"""

import re
from dataclasses import dataclass
from pathlib import Path

from ci.engine.errors import HostPathError

NAME = ".git"
POINTER = "gitdir:"
LARGEST = 4096  # bytes of a file that may be a pointer
# What a worktree has of its own beside the repository's; what only tells the two of each other.
OWN = ("/HEAD", "/ORIG_HEAD", "/FETCH_HEAD", "/COMMIT_EDITMSG", "/index", "/logs/HEAD", "/config.worktree")
LINKS = ("/worktrees", "/commondir", "/gitdir", "/locked", "/modules")
SECTION = re.compile(r"\s*\[(\w+)")
PLACED = re.compile(r"\s*(worktree|bare)\s*=", re.IGNORECASE)


@dataclass(frozen=True)
class LinkedGit:
    """Where the parts of such a `.git` lie: what is its own, and the repository that it shares with others (the same
    folder where it shares none)."""

    own: Path
    common: Path

    @property
    def parts(self) -> list[tuple[Path, tuple[str, ...]]]:
        """The folders it is made of, later ones over earlier ones, each with what to leave out."""
        if self.own == self.common:
            return [(self.own, LINKS)]
        return [(self.common, (*OWN, *LINKS)), (self.own, LINKS)]


def linked(place: Path) -> LinkedGit | None:
    """What the file `place` stands for, None where it is no file that names a git directory.

    Raises:
        HostPathError: the directory that it names is not there.
    """
    target = _named(place)
    if target is None:
        return None
    own = (place.parent / target).resolve()
    try:
        shared = (own / "commondir").read_text(encoding="utf-8").strip()
        common = (own / shared).resolve()
    except OSError:
        common = own
    for folder in (own, common):
        if not folder.is_dir():
            raise HostPathError(
                f"{place} names the git directory {folder}, which is not there: run `git worktree repair` in the "
                "repository, or `git submodule update --init` above the submodule"
            )
    return LinkedGit(own, common)


def _named(place: Path) -> str | None:
    try:
        if place.name != NAME or not place.is_file() or place.stat().st_size > LARGEST:
            return None
        text = place.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.removeprefix(POINTER).strip() if text.startswith(POINTER) else None


def portable(config: str) -> str:
    """The text of a git configuration without the settings that hold only where it lay: `core.worktree` (a submodule's)
    and `core.bare` (of a repository that has only linked worktrees)."""
    section, kept = "", []
    for line in config.splitlines(keepends=True):
        if found := SECTION.match(line):
            section = found[1].lower()
        if section != "core" or not PLACED.match(line):
            kept.append(line)
    return "".join(kept)
