"""The next version from the commits since the last release (https://semver.org, https://www.conventionalcommits.org/en/v1.0.0/).

0.x is never left by itself: there a breaking change gives a minor.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ci.release.errors import NotAVersionError, UnreadableLogError

# Hash, the refs that point at it, and the whole message of each commit, the newest first; NUL between fields and commits.
GIT_LOG = ["git", "log", "-z", "--decorate=full", "--decorate-refs=refs/tags/*", "--format=%H%x00%D%x00%B"]
FIELDS = 3
NUMBER = r"(0|[1-9]\d*)"
VERSION = re.compile(rf"v?{NUMBER}\.{NUMBER}\.{NUMBER}")
TAG = re.compile(r"tag: refs/tags/([^,\s]+)")
HEADER = re.compile(r"(?P<type>[A-Za-z]+)(?:\([^()\r\n]*\))?(?P<breaking>!)?: \S")
FOOTER = re.compile(r"^BREAKING[ -]CHANGE: \S", re.MULTILINE)
REVERT = re.compile(r"^Revert \"")
PATCHES = frozenset({"fix", "perf", "revert"})


@dataclass(frozen=True, order=True)
class Version:
    """A released version; compares as semver does. Pre-releases are not made here."""

    major: int
    minor: int
    patch: int

    @classmethod
    def parse(cls, text: str) -> "Version":
        """The version in `X.Y.Z` or `vX.Y.Z`.

        Raises:
            NotAVersionError: it is none.
        """
        match = VERSION.fullmatch(text)
        if match is None:
            raise NotAVersionError(text)
        return cls(*(int(part) for part in match.groups()))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"

    def bumped(self, level: str) -> "Version":
        """The version after a change of this level: `major`, `minor`, `patch` or `none`."""
        if level == "major" and self.major == 0:
            level = "minor"
        return {
            "major": Version(self.major + 1, 0, 0),
            "minor": Version(self.major, self.minor + 1, 0),
            "patch": Version(self.major, self.minor, self.patch + 1),
            "none": self,
        }[level]


FIRST = Version(0, 1, 0)
LEVELS = ("none", "patch", "minor", "major")


@dataclass(frozen=True)
class Commit:
    """One commit: its hash, the tags that point at it, its whole message."""

    sha: str
    tags: tuple[str, ...]
    message: str

    @property
    def level(self) -> str:
        """What the commit asks for: `major`, `minor`, `patch`, or `none` where nothing is released for it."""
        header = HEADER.match(self.message)
        if (header and header["breaking"]) or FOOTER.search(self.message):
            return "major"
        if header is None:
            return "patch" if REVERT.match(self.message) else "none"
        kind = header["type"].lower()
        return "minor" if kind == "feat" else "patch" if kind in PATCHES else "none"

    @property
    def released(self) -> Version | None:
        """The highest version that a tag gives this commit, None where it has none."""
        versions = [Version.parse(tag) for tag in self.tags if VERSION.fullmatch(tag)]
        return max(versions, default=None)


def parse_log(text: str) -> list[Commit]:
    """The commits in what `GIT_LOG` printed, the newest first.

    Raises:
        UnreadableLogError: it was printed by something else.
    """
    parts = text.split("\0")
    if parts and not parts[-1].strip():
        parts.pop()
    if len(parts) % FIELDS:
        raise UnreadableLogError(parts[-1] if parts else text)
    rows = [parts[at : at + FIELDS] for at in range(0, len(parts), FIELDS)]
    return [Commit(sha.strip(), tuple(TAG.findall(refs)), message.strip()) for sha, refs, message in rows]


def since_release(commits: Iterable[Commit]) -> tuple[Version | None, list[Commit]]:
    """The nearest release going back from the newest commit, and the commits after it."""
    later: list[Commit] = []
    for commit in commits:
        if (version := commit.released) is not None:
            return version, later
        later.append(commit)
    return None, later


def next_version(last: Version | None, commits: Sequence[Commit]) -> Version:
    """The version that `commits` make after the release `last` (None: nothing was released yet)."""
    if last is None:
        return FIRST
    return last.bumped(max((commit.level for commit in commits), key=LEVELS.index, default="none"))


def version_of(log: str) -> Version:
    """The version of the newest commit in what `GIT_LOG` printed."""
    return next_version(*since_release(parse_log(log)))
