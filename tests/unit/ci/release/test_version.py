"""The next version: from messages to levels, from a history to the last release, from both to a number."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.errors import CutoverError
from ci.release import (
    GIT_LOG,
    Commit,
    NotAVersionError,
    UnreadableLogError,
    Version,
    next_version,
    parse_log,
    since_release,
    version_of,
)

NUMBERS = st.integers(0, 999_999_999)
VERSIONS = st.builds(Version, NUMBERS, NUMBERS, NUMBERS)
QUIET = ["docs: x", "chore: x", "ci: x", "test: x", "style: x", "build: x", "refactor: x", "whatever", ""]
MESSAGES = st.sampled_from([*QUIET, "fix: x", "perf(api): x", "feat: x", "feat!: x", "fix: x\n\nBREAKING CHANGE: y"])


def commit(message: str, sha: str = "0" * 40) -> Commit:
    return Commit(sha, (), message)


def chain(*rows: tuple[str, tuple[str, ...]]) -> list[Commit]:
    """A history in one line, the newest first, of messages and tags."""
    names = [f"{number:040x}" for number in range(len(rows), 0, -1)]
    return [Commit(names[at], tags, message, tuple(names[at + 1 : at + 2])) for at, (message, tags) in enumerate(rows)]


# Versions.
@given(VERSIONS)
def test_a_version_reads_back_as_it_is_written(version: Version) -> None:
    """With and without the v."""
    assert Version.parse(str(version)) == version == Version.parse(f"v{version}")


@given(VERSIONS, VERSIONS)
def test_versions_are_ordered_as_semver_orders_them(one: Version, other: Version) -> None:
    """Section 11: by number, from left to right; never as texts."""
    numbers = [[int(part) for part in str(version).split(".")] for version in (one, other)]
    assert (one < other) == (numbers[0] < numbers[1])
    assert (one == other) == (numbers[0] == numbers[1])


@pytest.mark.parametrize(
    "text",
    [
        *("", "1", "1.2", "1.2.3.4", "1.2.3-rc.1", "1.2.3+a", "01.2.3", "V1.2.3", "v 1.2.3", "1.2.3\n", "-1.2.3"),
        *("1.2.٣", "1.1٢.3", "release-1.2.3", "1.2." + "9" * 5000),
    ],
)
def test_what_is_no_version_is_refused_in_one_line(text: str) -> None:
    """Pre-releases and build metadata too: nothing here makes them."""
    with pytest.raises(NotAVersionError) as caught:
        Version.parse(text)
    assert str(caught.value).startswith(f"{text!r} is not a version: use MAJOR.MINOR.PATCH")
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, CutoverError)


@given(VERSIONS, st.sampled_from(["patch", "minor", "major"]))
def test_a_bump_gives_a_higher_version_and_leaves_0_x_alone(version: Version, level: str) -> None:
    """1.0.0 is somebody's decision, not a commit's."""
    after = version.bumped(level)
    assert after > version
    assert (after.major == 0) == (version.major == 0)
    assert version.bumped("none") == version


# Commits.
@pytest.mark.parametrize(
    ("message", "level"),
    [
        ("feat: x", "minor"),
        ("feat(api): x", "minor"),
        ("FEAT: x", "minor"),
        ("feat: x (#12)", "minor"),
        ("feat(api/v2, web): x\n\nbody", "minor"),
        ("fix: x", "patch"),
        ("perf: x", "patch"),
        ("revert: feat: x", "patch"),
        ('Revert "feat: x"\n\nThis reverts commit 0123456789.', "patch"),
        ("feat!: x", "major"),
        ("chore!: x", "major"),
        ("refactor(api)!: x", "major"),
        ("docs: x\n\nBREAKING CHANGE: y", "major"),
        ("fix: x\n\nbody\n\nReviewed-by: z\nBREAKING-CHANGE: y", "major"),
        ("whatever\n\nBREAKING CHANGE: y", "major"),
        ("fix: x\n\nno BREAKING CHANGE: here", "patch"),
        ("fix: x\n\nbreaking change: y", "patch"),
        ("fix: mind the BREAKING CHANGE: y", "patch"),
        *((message, "none") for message in QUIET),
        ("feature: x", "none"),
        ("feat x", "none"),
        ("feat:x", "none"),
        ("feat: ", "none"),
        (" feat: x", "none"),
        ("Merge branch 'feat: x'", "none"),
        ("Merge pull request #1 from a/b\n\nfeat: x", "none"),
    ],
)
def test_the_level_of_a_message(message: str, level: str) -> None:
    """Conventional Commits 1.0.0; what changes nothing that is shipped releases nothing."""
    assert commit(message).level == level


def test_the_highest_of_several_tags_counts() -> None:
    """Tags that are no versions are passed over."""
    assert Commit("a", ("v1.9.0", "1.10.0", "latest", "v2.0.0-rc.1"), "x").released == Version(1, 10, 0)
    assert Commit("a", ("latest",), "x").released is None


# The next version.
@pytest.mark.parametrize(
    ("last", "messages", "expected"),
    [
        (None, [], "0.1.0"),
        (None, ["feat!: x", "fix: x"], "0.1.0"),
        ("1.2.3", [], "1.2.3"),
        ("1.2.3", QUIET, "1.2.3"),
        ("1.2.3", ["fix: x", "docs: x"], "1.2.4"),
        ("1.2.3", ["fix: x", "feat: x", "fix: y"], "1.3.0"),
        ("1.2.3", ["feat: x", "fix!: x"], "2.0.0"),
        ("0.2.3", ["fix: x"], "0.2.4"),
        ("0.2.3", ["feat: x"], "0.3.0"),
        ("0.2.3", ["feat!: x"], "0.3.0"),
    ],
)
def test_the_next_version(last: str | None, messages: list[str], expected: str) -> None:
    """One bump for all commits together, by the highest level among them."""
    before = Version.parse(last) if last else None
    assert str(next_version(before, [commit(message) for message in messages])) == expected


@given(VERSIONS, st.lists(MESSAGES), st.lists(MESSAGES))
def test_more_commits_never_make_a_lower_version(last: Version, some: list[str], more: list[str]) -> None:
    """Nor does their order matter."""
    one = next_version(last, [commit(message) for message in some])
    both = next_version(last, [commit(message) for message in more + some])
    assert last <= one <= both
    assert both == next_version(last, [commit(message) for message in sorted(some + more)])


def test_a_commit_and_its_revert_make_no_release() -> None:
    """What was taken back before anybody got it was never there."""
    feature = commit("feat: x", "a" * 40)
    back = commit(f'Revert "feat: x"\n\nThis reverts commit {"a" * 40}.', "b" * 40)
    again = commit(f'Revert "Revert "feat: x""\n\nThis reverts commit {"b" * 12}.', "c" * 40)
    assert next_version(Version(1, 0, 0), [back, feature]) == Version(1, 0, 0)
    assert next_version(Version(1, 0, 0), [again, back, feature]) == Version(1, 1, 0)


def test_the_revert_of_something_released_is_a_patch() -> None:
    """It changes what is out there."""
    back = commit(f'Revert "feat: x"\n\nThis reverts commit {"a" * 40}.')
    assert next_version(Version(1, 1, 0), [back]) == Version(1, 1, 1)


# Histories.
def test_the_last_release_is_the_nearest_one_going_back() -> None:
    """Even where an older one is higher."""
    history = chain(("fix: c", ()), ("feat: b", ("v1.9.9",)), ("feat: a", ("v2.0.0",)))
    assert since_release(history) == (Version(1, 9, 9), history[:1])


def test_a_history_without_a_release_is_all_new() -> None:
    """0.1.0 comes of it."""
    history = chain(("feat: b", ("nightly",)), ("feat: a", ()))
    assert since_release(history) == (None, history)


def test_a_tagged_commit_is_its_own_release() -> None:
    """Building a tag again gives the tag's version."""
    assert since_release(chain(("feat: b", ("v1.1.0",)), ("feat: a", ("v1.0.0",)))) == (Version(1, 1, 0), [])


@given(st.lists(st.tuples(MESSAGES, st.sampled_from([(), ("v1.0.0",), ("1.2.0", "x")])), min_size=1, max_size=12))
def test_in_one_line_the_commits_since_are_those_before_the_first_tag(rows: list[tuple[str, tuple[str, ...]]]) -> None:
    """Reachability and order say the same there."""
    history = chain(*rows)
    _, later = since_release(history)
    first = next((at for at, (_, tags) in enumerate(rows) if tags), len(rows))
    assert later == history[:first]


def test_the_log_is_read_record_by_record() -> None:
    """Bodies keep their lines; an empty message is a message."""
    text = "aa\0bb cc\0tag: refs/tags/v1.0.0, tag: refs/tags/a/b\0fix: x\n\nbody\n\0bb\0\0\0\0"
    assert parse_log(text) == [
        Commit("aa", ("v1.0.0", "a/b"), "fix: x\n\nbody", ("bb", "cc")),
        Commit("bb", (), "", ()),
    ]
    assert parse_log("") == []


def test_another_command_s_output_is_refused() -> None:
    """Not guessed at."""
    with pytest.raises(UnreadableLogError, match="git's log has a record that cannot be read: 'commit abc'"):
        parse_log("commit abc")


# Git itself.
Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """Git in an empty repository of its own; `day=N` dates what it writes."""
    identity = {f"GIT_{who}_{what}": "t@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    away = {"HOME": str(tmp_path), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}

    def run(*words: str, day: int = 1) -> str:
        dates = {f"GIT_{who}_DATE": f"2026-01-{day:02}T12:00:00Z" for who in ("AUTHOR", "COMMITTER")}
        environ = {"PATH": os.environ["PATH"], **identity, **away, **dates}
        return subprocess.run(
            ["git", *words], cwd=tmp_path, env=environ, check=True, capture_output=True, text=True
        ).stdout

    run("init", "--quiet", "--initial-branch", "main")
    return run


def test_git_s_own_output_is_read(git: Git) -> None:
    """Annotated and light tags, other refs, and lines of a body that look like a log."""
    git("commit", "--allow-empty", "-m", "feat: a")
    git("tag", "--annotate", "v0.3.0", "-m", "a note")
    git("tag", "0.2.0")
    git("commit", "--allow-empty", "-m", "fix: é\n\ncommit 1\ntag: refs/tags/v9.9.9\n", day=2)
    git("branch", "v8.0.0")
    newest, oldest = parse_log(git(*GIT_LOG[1:]))
    assert newest.message == "fix: é\n\ncommit 1\ntag: refs/tags/v9.9.9"
    assert (newest.tags, newest.parents) == ((), (oldest.sha,))
    assert set(oldest.tags) == {"v0.3.0", "0.2.0"}
    assert version_of(git(*GIT_LOG[1:])) == Version(0, 3, 1)


def test_a_branch_begun_before_the_release_and_merged_after_it_counts(git: Git) -> None:
    """By date its commits lie before the tag."""
    git("commit", "--allow-empty", "-m", "feat: a", day=1)
    git("switch", "--quiet", "-c", "topic")
    git("commit", "--allow-empty", "-m", "feat: b", day=2)
    git("switch", "--quiet", "main")
    git("commit", "--allow-empty", "-m", "fix: c", day=3)
    git("tag", "v1.0.1")
    git("merge", "--quiet", "--no-ff", "-m", "Merge topic", "topic", day=4)
    assert version_of(git(*GIT_LOG[1:])) == Version(1, 1, 0)


def test_a_hotfix_branch_merged_back_does_not_lower_the_version(git: Git) -> None:
    """Its fix is new to the higher release, whatever its own tag says."""
    git("commit", "--allow-empty", "-m", "feat: a", day=1)
    git("tag", "v1.0.0")
    git("switch", "--quiet", "-c", "hotfix")
    git("switch", "--quiet", "main")
    git("commit", "--allow-empty", "-m", "feat: b", day=2)
    git("tag", "v1.1.0")
    git("switch", "--quiet", "hotfix")
    git("commit", "--allow-empty", "-m", "fix: c", day=3)
    git("tag", "v1.0.1")
    git("switch", "--quiet", "main")
    git("merge", "--quiet", "--no-ff", "-m", "Merge hotfix", "hotfix", day=4)
    assert version_of(git(*GIT_LOG[1:])) == Version(1, 1, 1)


def test_tags_of_other_branches_are_not_seen(git: Git) -> None:
    """Only what the commit itself stands on."""
    git("commit", "--allow-empty", "-m", "feat: a", day=1)
    git("tag", "v1.0.0")
    git("switch", "--quiet", "-c", "next")
    git("commit", "--allow-empty", "-m", "feat!: b", day=2)
    git("tag", "v2.0.0")
    git("switch", "--quiet", "main")
    git("commit", "--allow-empty", "-m", "fix: c", day=3)
    assert version_of(git(*GIT_LOG[1:])) == Version(1, 0, 1)


@pytest.mark.parametrize(
    ("text", "major"), [("1.0.0", True), ("2.0.0", True), ("2.0.1", False), ("2.1.0", False), ("0.0.0", False)]
)
def test_a_major_version_is_the_first_of_its_number(text: str, major: bool) -> None:
    """What breaks callers comes with X.0.0; 0.x promises nothing."""
    assert Version.parse(text).is_major is major
