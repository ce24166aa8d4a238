"""Which commits stand: one that is reverted in the same release counts for nothing, nor does its revert."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property

from ci.release.history import Commit, reachable

MARK = "everts "  # in every message that the next three read
REVERTED = re.compile(r"^This reverts commit ([0-9a-f]{7,64})\b", re.MULTILINE)
MERGED = re.compile(r"\breversing\s+changes made to ([0-9a-f]{7,64})\b")
# How GitHub words the revert of a pull request, and how it ends the title of a squashed one.
REVERTED_PULL = re.compile(r"^Reverts (?:[\w.-]+/[\w.-]+)?#([0-9]+)\b", re.MULTILINE)
PULL = re.compile(r" \(#([0-9]+)\)$")


def standing(commits: Sequence[Commit]) -> list[Commit]:
    """`commits`, the newest first, without those that were reverted among them and without their reverts."""
    inside = _Inside(commits)
    stand: list[Commit] = []
    undone: set[str] = set()
    for commit in commits:
        if commit.sha in undone:
            continue
        back = set(inside.taken_back(commit)) if MARK in commit.message else ()
        if back:
            undone.update(back)
        else:
            stand.append(commit)
    return stand


class _Inside:
    """The commits of one release, found by the ways in which reverts name them."""

    def __init__(self, commits: Sequence[Commit]) -> None:
        self._known: Mapping[str, Commit] = {commit.sha: commit for commit in commits}

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self._known)

    @cached_property
    def _pulls(self) -> dict[str, str]:
        known = self._known.values()
        return {found[1]: commit.sha for commit in known if (found := PULL.search(commit.title))}

    def taken_back(self, commit: Commit) -> Iterator[str]:
        """The commits that this one reverts; of a reverted merge, all that it brought."""
        if found := REVERTED.search(commit.message):
            sha = self._full(found[1])
            if sha is not None:
                yield from self._brought(sha, commit) or [sha]
        elif (pull := REVERTED_PULL.search(commit.message)) and pull[1] in self._pulls:
            yield self._pulls[pull[1]]

    def _brought(self, merge: str, revert: Commit) -> set[str]:
        found = MERGED.search(revert.message)
        base = self._full(found[1]) if found else None
        parents = self._known[merge].parents
        if not found or len(parents) < 2:
            return set()
        # The side that stays may lie before this release: then none of its commits is here.
        kept = reachable([base] if base else [], self._known)
        return reachable([merge], self._known) - kept

    def _full(self, sha: str) -> str | None:
        at = bisect_left(self._sorted, sha)
        return self._sorted[at] if at < len(self._sorted) and self._sorted[at].startswith(sha) else None
