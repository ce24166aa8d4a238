"""The commits in git's log, and which of them came after the last release.

What a message asks for is https://www.conventionalcommits.org/en/v1.0.0/.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ci.release.errors import UnreadableLogError
from ci.release.version import VERSION, Version

# Hash, parents, tags and whole message of each commit, the newest first; NUL between fields and between commits.
# The parents: by date alone, a branch merged after a release but begun before it would be taken for a part of it.
GIT_LOG = [
    "git", "log", "-z", "--no-show-signature", "--decorate=full", "--decorate-refs=refs/tags/*",
    "--format=%H%x00%P%x00%D%x00%B",
]  # fmt: skip
FIELDS = 4
TAG = re.compile(r"tag: refs/tags/([^,\s]+)")
HEADER = re.compile(r"(?P<type>[A-Za-z]+)(?:\((?P<scope>[^()\r\n]*)\))?(?P<breaking>!)?: (?P<description>\S[^\r\n]*)")
FOOTER = re.compile(r"^BREAKING[ -]CHANGE: (\S[^\r\n]*)", re.MULTILINE)
REVERT = 'Revert "'
REVERTS = (REVERT, 'Reapply "')
REAPPLIED = re.compile(r'^(?:Reapply "|Revert "Revert ")+(?!Revert ")')  # git's words since 2.43, and before
PATCHES = frozenset({"fix", "perf", "revert"})


class Commit(NamedTuple):
    """One commit: its hash, the tags that point at it, its whole message, the hashes of its parents.

    A tuple, as there may be a hundred thousand: they take a third of the time of a dataclass's.
    """

    sha: str
    tags: tuple[str, ...]
    message: str
    parents: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The message's first line."""
        return self.message.partition("\n")[0].rstrip()

    @property
    def header(self) -> re.Match[str] | None:
        """The title read as Conventional Commits; of a title that was reverted and reapplied, what it says itself."""
        if not self.message.startswith(REVERTS):
            return HEADER.match(self.message)
        inner = REAPPLIED.sub("", self.title)
        return HEADER.match(self.title if inner == self.title else inner.replace('"', ""))

    @property
    def breaking(self) -> bool:
        """Whether it says so, by `!` or in a footer."""
        return self.level == "major"

    @property
    def level(self) -> str:
        """What the commit asks for: `major`, `minor`, `patch`, or `none` where nothing is released for it."""
        header = self.header
        if (header and header["breaking"]) or ("BREAKING" in self.message and FOOTER.search(self.message)):
            return "major"
        if header is None:
            return "patch" if self.message.startswith(REVERT) else "none"
        kind = header["type"].lower()
        return "minor" if kind == "feat" else "patch" if kind in PATCHES else "none"

    @property
    def released(self) -> Version | None:
        """The highest version that a tag gives this commit, None where it has none."""
        if not self.tags:
            return None
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
    fields = (parts[at::FIELDS] for at in range(FIELDS))
    return [
        Commit(sha.strip(), tuple(TAG.findall(refs)) if refs else (), message.strip(), tuple(parents.split()))
        for sha, parents, refs, message in zip(*fields, strict=True)
    ]


def since_release(commits: Sequence[Commit]) -> tuple[Version | None, list[Commit]]:
    """The last release in the whole history of a commit, and the commits that are not in it (`RELEASE..HEAD`).

    The last release is the one that no other release contains; of several, on branches merged since, the highest.
    """
    known = {commit.sha: commit for commit in commits}
    releases = {commit.sha: version for commit in commits if (version := commit.released) is not None}
    contained = reachable((parent for sha in releases for parent in known[sha].parents), known)
    last = max((sha for sha in releases if sha not in contained), key=releases.__getitem__, default=None)
    if last is None:
        return None, list(commits)
    inside = reachable([last], known)
    return releases[last], [commit for commit in commits if commit.sha not in inside]


def reachable(start: Iterable[str], known: Mapping[str, Commit]) -> set[str]:
    """The commits of `start` and all before them."""
    seen: set[str] = set()
    ahead = list(start)
    while ahead:
        sha = ahead.pop()
        if sha not in seen and sha in known:
            seen.add(sha)
            ahead.extend(known[sha].parents)
    return seen
