"""The next version, and why: which commits made it.

0.x is never left by itself: there a breaking change gives a minor, until somebody tags 1.0.0 or sets `stable`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ci.release.history import Commit, parse_log, since_release
from ci.release.reverts import standing
from ci.release.version import FIRST, LEVELS, STABLE, Version

SHORT = 10  # digits of a hash where people read it
LISTED = 50  # commits that are named one by one


@dataclass(frozen=True)
class Decision:
    """A version and what it came of: the last release, the commits since that stand, and those taken back."""

    version: Version
    last: Version | None
    head: Commit | None
    standing: tuple[Commit, ...]
    undone: tuple[Commit, ...]
    stable: bool = False

    @property
    def level(self) -> str:
        """The highest level that the commits ask for."""
        return max((commit.level for commit in self.standing), key=LEVELS.index, default="none")

    @property
    def reason(self) -> str:
        """Why it is this version, in one sentence."""
        if self.last is None:
            return f"nothing is tagged yet: the first version is {self.version}"
        if self.version == self.last:
            tagged = self.head is not None and self.head.released == self.last
            return f"this commit is tagged {self.last}" if tagged else f"nothing since {self.last} asks for a release"
        if self.last.major == 0 and self.version.major:
            return f"{self.last} is left for {self.version} because `stable` is set"
        eased = ", a minor as long as 0.x is not left" if self.level == "major" and self.version.major == 0 else ""
        count = sum(commit.level == self.level for commit in self.standing)
        return f"{count} {self.level} {'change' if count == 1 else 'changes'} since {self.last}{eased}"


def next_version(last: Version | None, commits: Sequence[Commit], stable: bool = False) -> Version:
    """The version that `commits`, the newest first, make after the release `last` (None: nothing was released yet).

    `stable` is the order to leave 0.x: the next version is then 1.0.0, whatever the commits ask for.
    """
    return _decided(last, commits, stable).version


def version_of(log: str, stable: bool = False) -> Version:
    """The version of the newest commit in what `GIT_LOG` printed."""
    return decide(log, stable).version


def decide(log: str, stable: bool = False) -> Decision:
    """The version of the newest commit in what `GIT_LOG` printed, with its reason."""
    return _of(parse_log(log), stable)


def decide_release(log: str, stable: bool = False) -> Decision:
    """As `decide`; of a commit that is tagged, with the commits that led to its tag."""
    commits = parse_log(log)
    decided = _of(commits, stable)
    if not commits or commits[0].released is None:
        return decided
    before = _of([commits[0]._replace(tags=()), *commits[1:]], stable)
    return replace(before, version=decided.version, head=commits[0])


def _of(commits: Sequence[Commit], stable: bool) -> Decision:
    last, since = since_release(commits)
    return replace(_decided(last, since, stable), head=commits[0] if commits else None)


def _decided(last: Version | None, commits: Sequence[Commit], stable: bool) -> Decision:
    stand = standing(commits)
    kept = {commit.sha for commit in stand}
    undone = tuple(commit for commit in commits if commit.sha not in kept)
    decided = Decision(last or FIRST, last, None, tuple(stand), undone, stable)
    if stable and (last is None or (last.major == 0 and commits)):
        return replace(decided, version=STABLE)
    return decided if last is None else replace(decided, version=last.bumped(decided.level))


def why(decision: Decision) -> str:
    """The reason and the commits behind it, a line each, as people read it."""
    lines = [f"{decision.version}: {decision.reason}"]
    counted = [commit for commit in decision.standing if commit.level != "none"]
    lines += [f"  {commit.level:5}  {commit.sha[:SHORT]}  {commit.title}" for commit in counted[:LISTED]]
    if len(counted) > LISTED:
        lines.append(f"  and {len(counted) - LISTED} more")
    lines += [f"  undone {commit.sha[:SHORT]}  {commit.title}" for commit in decision.undone[:LISTED]]
    if quiet := len(decision.standing) - len(counted):
        lines.append(f"  {quiet} {'commit asks' if quiet == 1 else 'commits ask'} for no release")
    return "\n".join(lines) + "\n"
