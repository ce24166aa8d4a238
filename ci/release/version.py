"""The next version from the commits since the last release (https://semver.org, https://www.conventionalcommits.org/en/v1.0.0/).

0.x is never left by itself: there a breaking change gives a minor, until somebody tags 1.0.0. A commit whose revert is
in the same release counts for nothing, nor does the revert.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ci.release.errors import NotAVersionError, UnreadableLogError

# Hash, parents, tags and whole message of each commit, the newest first; NUL between fields and between commits.
# The parents: by date alone, a branch merged after a release but begun before it would be taken for a part of it.
GIT_LOG = [
    "git", "log", "-z", "--no-show-signature", "--decorate=full", "--decorate-refs=refs/tags/*",
    "--format=%H%x00%P%x00%D%x00%B",
]  # fmt: skip
FIELDS = 4
NUMBER = r"(0|[1-9][0-9]{0,8})"
VERSION = re.compile(rf"v?{NUMBER}\.{NUMBER}\.{NUMBER}")
TAG = re.compile(r"tag: refs/tags/([^,\s]+)")
HEADER = re.compile(r"(?P<type>[A-Za-z]+)(?:\([^()\r\n]*\))?(?P<breaking>!)?: \S")
FOOTER = re.compile(r"^BREAKING[ -]CHANGE: \S", re.MULTILINE)
REVERT = re.compile(r"Revert \"")
REVERTED = re.compile(r"^This reverts commit ([0-9a-f]{7,64})\b", re.MULTILINE)
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

    @property
    def is_major(self) -> bool:
        """Whether it begins a major version, which may break whoever calls the service; 0.x is none."""
        return self.major > 0 and self.minor == self.patch == 0

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
    """One commit: its hash, the tags that point at it, its whole message, the hashes of its parents."""

    sha: str
    tags: tuple[str, ...]
    message: str
    parents: tuple[str, ...] = ()

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
    """The commits in what `GIT_LOG` printed, every one before its parents or beside them, the newest first.

    Raises:
        UnreadableLogError: it was printed by something else.
    """
    parts = text.split("\0")
    if parts and not parts[-1].strip():
        parts.pop()
    if len(parts) % FIELDS:
        raise UnreadableLogError(parts[-1] if parts else text)
    rows = [parts[at : at + FIELDS] for at in range(0, len(parts), FIELDS)]
    return [
        Commit(sha.strip(), tuple(TAG.findall(refs)), message.strip(), tuple(parents.split()))
        for sha, parents, refs, message in rows
    ]


def since_release(commits: Sequence[Commit]) -> tuple[Version | None, list[Commit]]:
    """The last release in the whole history of a commit, and the commits that are not in it (`RELEASE..HEAD`).

    The last release is the one that no other release contains; of several, on branches merged since, the highest.
    """
    known = {commit.sha: commit for commit in commits}
    releases = {commit.sha: version for commit in commits if (version := commit.released) is not None}
    contained = _reachable((parent for sha in releases for parent in known[sha].parents), known)
    last = max((sha for sha in releases if sha not in contained), key=releases.__getitem__, default=None)
    if last is None:
        return None, list(commits)
    inside = _reachable([last], known)
    return releases[last], [commit for commit in commits if commit.sha not in inside]


def _reachable(start: Iterable[str], known: Mapping[str, Commit]) -> set[str]:
    """The commits of `start` and all before them."""
    seen: set[str] = set()
    ahead = list(start)
    while ahead:
        sha = ahead.pop()
        if sha not in seen and sha in known:
            seen.add(sha)
            ahead.extend(known[sha].parents)
    return seen


def _standing(commits: Sequence[Commit]) -> list[Commit]:
    """`commits`, the newest first, without those that were reverted among them and without their reverts."""
    standing: list[Commit] = []
    undone: set[str] = set()
    for commit in commits:
        if any(commit.sha.startswith(sha) for sha in undone):
            continue
        target = REVERTED.search(commit.message)
        if target and any(other.sha.startswith(target[1]) for other in commits):
            undone.add(target[1])
        else:
            standing.append(commit)
    return standing


def next_version(last: Version | None, commits: Sequence[Commit]) -> Version:
    """The version that `commits`, the newest first, make after the release `last` (None: nothing was released yet)."""
    if last is None:
        return FIRST
    return last.bumped(max((commit.level for commit in _standing(commits)), key=LEVELS.index, default="none"))


def version_of(log: str) -> Version:
    """The version of the newest commit in what `GIT_LOG` printed."""
    return next_version(*since_release(parse_log(log)))
