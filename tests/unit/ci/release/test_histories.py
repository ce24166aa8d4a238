"""Whole histories with the version and the reason they must give, most of them from complaints about other tools."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ci.release import Version, changelog, decide, decide_release, version_of, why

ROW = re.compile(r"(?P<key>\w+)(?:<(?P<parents>[\w,]*))?: (?P<message>.*?)(?P<tags>(?: @\S+)*)", re.DOTALL)


def log(*rows: str) -> str:
    """What git would print for commits given oldest first, as `KEY[<PARENT,PARENT]: MESSAGE [@TAG]`.

    The parent is the row before where none is given; `{KEY}` in a message is that commit's hash.
    """
    names: dict[str, str] = {}
    records: list[str] = []
    before = ""
    for row in rows:
        found = ROW.fullmatch(row)
        assert found, row
        key, parents = found["key"], found["parents"]
        names[key] = hashlib.sha1(key.encode()).hexdigest()
        above = [before] if parents is None else parents.split(",")
        tags = ", ".join(f"tag: refs/tags/{tag}" for tag in found["tags"].replace("@", "").split())
        message = found["message"].format(**names)
        records.append("\0".join([names[key], " ".join(names[name] for name in above if name), tags, message]) + "\0")
        before = key
    return "".join(reversed(records))


ONE = "a: feat: a @v1.0.0"
HISTORIES = {
    # Beginnings
    "nothing tagged yet": (["a: feat: a", "b: fix: b"], "0.1.0", "nothing is tagged yet: the first version is 0.1.0"),
    "nothing tagged, breaking": (["a: feat!: a"], "0.1.0", "nothing is tagged yet"),
    "tags that are no versions": (["a: feat: a @latest @v1 @1.0.0-rc.1"], "0.1.0", "nothing is tagged yet"),
    "no conventional commit ever": (["a: start", "b: more"], "0.1.0", "nothing is tagged yet"),
    "two roots joined": (["a<: feat: a @v1.0.0", "b<: feat: b", "c<a,b: Merge b"], "1.1.0", "1 minor change"),
    # One line
    "the tagged commit itself": ([ONE], "1.0.0", "this commit is tagged 1.0.0"),
    "docs only": ([ONE, "b: docs: b"], "1.0.0", "nothing since 1.0.0 asks for a release"),
    "a fix": ([ONE, "b: fix: b"], "1.0.1", "1 patch change since 1.0.0"),
    "a feature after fixes": ([ONE, "b: fix: b", "c: fix: c", "d: feat: d"], "1.1.0", "1 minor change since 1.0.0"),
    "two features": ([ONE, "b: feat: b", "c: feat: c"], "1.1.0", "2 minor changes since 1.0.0"),
    "breaking by mark": ([ONE, "b: feat!: b"], "2.0.0", "1 major change since 1.0.0"),
    "breaking by footer": ([ONE, "b: fix: b\n\nBREAKING CHANGE: gone"], "2.0.0", "1 major change since 1.0.0"),
    "breaking chore": ([ONE, "b: chore!: drop Python 3.8"], "2.0.0", "1 major change since 1.0.0"),
    "breaking in lower case": ([ONE, "b: fix: b\n\nbreaking change: no"], "1.0.1", "1 patch change since 1.0.0"),
    "types in capitals": ([ONE, "b: Feat: b"], "1.1.0", "1 minor change since 1.0.0"),
    "an unknown type": ([ONE, "b: deps: b"], "1.0.0", "nothing since 1.0.0 asks for a release"),
    "a fixup left over": ([ONE, "b: fixup! feat: b"], "1.0.0", "nothing since 1.0.0 asks for a release"),
    "an empty message": ([ONE, "b: "], "1.0.0", "nothing since 1.0.0 asks for a release"),
    "lines ended by CR LF": ([ONE, "b: fix: b\r\n\r\nBREAKING CHANGE: c\r\n"], "2.0.0", "1 major change since 1.0.0"),
    # 0.x
    "0.x, a fix": (["a: feat: a @v0.3.1", "b: fix: b"], "0.3.2", "1 patch change since 0.3.1"),
    "0.x, breaking": (
        ["a: feat: a @v0.3.1", "b: feat!: b"],
        "0.4.0",
        "1 major change since 0.3.1, a minor as long as 0.x is not left",
    ),
    "0.x is left by a tag": (["a: feat: a @v0.9.0", "b: docs: b @v1.0.0", "c: fix: c"], "1.0.1", "1 patch change"),
    # Tags
    "a tag without v": (["a: feat: a @1.2.3", "b: fix: b"], "1.2.4", "1 patch change since 1.2.3"),
    "numbers, not texts": (["a: feat: a @v1.9.0 @v1.10.0", "b: fix: b"], "1.10.1", "1 patch change since 1.10.0"),
    "a pre-release after the release": (
        [ONE, "b: feat: b @v1.1.0-rc.1", "c: fix: c"],
        "1.1.0",
        "1 minor change since 1.0.0",
    ),
    "a lower tag later": (["a: feat: a @v2.0.0", "b: fix: b @v1.9.9", "c: fix: c"], "1.9.10", "1 patch change"),
    "other projects' tags": ([ONE, "b: fix: b @web-v7.0.0 @api/v3.0.0"], "1.0.1", "1 patch change since 1.0.0"),
    # Squashes and merges
    "a squash's title decides": ([ONE, "b: fix: b (#7)\n\n* feat: inner\n* wip"], "1.0.1", "1 patch change"),
    "a squash's footer breaks": ([ONE, "b: feat: b (#7)\n\n* x\n\nBREAKING-CHANGE: y"], "2.0.0", "1 major change"),
    "a merge's title says nothing": ([ONE, "b: Merge pull request #1 from x/y\n\nfeat: b"], "1.0.0", "nothing since"),
    "a merged branch's commits count": ([ONE, "b<a: feat: b", "c<a: docs: c", "d<c,b: Merge b"], "1.1.0", "1 minor"),
    "a branch begun before the release": (
        ["a: feat: a", "b<a: feat: b", "c<a: fix: c @v1.0.0", "d<c,b: Merge b"],
        "1.1.0",
        "1 minor change since 1.0.0",
    ),
    "an octopus": ([ONE, "b<a: fix: b", "c<a: feat: c", "d<a: docs: d", "e<b,c,d: Merge"], "1.1.0", "1 minor change"),
    "a hotfix merged back": (
        [ONE, "b<a: fix: b @v1.0.1", "c<a: feat: c @v1.1.0", "d<c,b: Merge hotfix"],
        "1.1.1",
        "1 patch change since 1.1.0",
    ),
    "releases on both sides": (
        [ONE, "b<a: feat: b @v1.1.0", "c<a: feat!: c @v2.0.0", "d<c,b: Merge b"],
        "2.1.0",
        "1 minor change since 2.0.0",
    ),
    "a merge that is tagged": ([ONE, "b<a: feat: b", "c<a,b: Merge b @v1.1.0"], "1.1.0", "this commit is tagged 1.1.0"),
    # Reverts
    "a feature and its revert": (
        [ONE, "b: feat: b", 'c: Revert "feat: b"\n\nThis reverts commit {b}.'],
        "1.0.0",
        "nothing since 1.0.0 asks for a release",
    ),
    "the revert of a release's feature": (
        ["a: feat: a", "b: feat: b @v1.0.0", 'c: Revert "feat: b"\n\nThis reverts commit {b}.'],
        "1.0.1",
        "1 patch change since 1.0.0",
    ),
    "a revert reverted": (
        [
            ONE, "b: feat: b", 'c: Revert "feat: b"\n\nThis reverts commit {b}.',
            'd: Revert "Revert "feat: b""\n\nThis reverts commit {c}.',
        ],
        "1.1.0",
        "1 minor change since 1.0.0",
    ),
    "reapplied after the release": (
        [
            "a: feat: a", 'b: Revert "feat: a"\n\nThis reverts commit {a}. @v1.0.0',
            'c: Reapply "feat: a"\n\nThis reverts commit {b}.',
        ],
        "1.1.0",
        "1 minor change since 1.0.0",
    ),
    "a breaking change reverted": (
        [ONE, "b: feat!: b", "c: fix: c", 'd: Revert "feat!: b"\n\nThis reverts commit {b}.'],
        "1.0.1",
        "1 patch change since 1.0.0",
    ),
    "a merge reverted": (
        [
            ONE, "b<a: feat: b", "c<a: fix: c", "d<c,b: Merge b",
            'e: Revert "Merge b"\n\nThis reverts commit {d}, reversing\nchanges made to {c}.',
        ],
        "1.0.1",
        "1 patch change since 1.0.0",
    ),
    "a merge onto the release reverted": (
        [
            ONE, "b<a: feat: b", "c<a,b: Merge b",
            'd: Revert "Merge b"\n\nThis reverts commit {c}, reversing\nchanges made to {a}.',
        ],
        "1.0.0",
        "nothing since 1.0.0 asks for a release",
    ),
    "a squashed pull request reverted": (
        [ONE, "b: feat: b (#7)", 'c: Revert "feat: b" (#8)\n\nReverts owner/repo#7'],
        "1.0.0",
        "nothing since 1.0.0 asks for a release",
    ),
    "a pull request of the release reverted": (
        ["a: feat: a (#7) @v1.0.0", 'b: Revert "feat: a" (#8)\n\nReverts owner/repo#7'],
        "1.0.1",
        "1 patch change since 1.0.0",
    ),
    "a revert of what is not here": (
        [ONE, "b: revert: feat: x\n\nThis reverts commit 0123456789abcdef."],
        "1.0.1",
        "1 patch change since 1.0.0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HISTORIES)
def test_the_version_and_the_reason_of_a_history(name: str) -> None:
    """Both, for every history of the table."""
    rows, version, reason = HISTORIES[name]
    decision = decide(log(*rows))
    assert (str(decision.version), decision.reason[: len(reason)]) == (version, reason)


@pytest.mark.parametrize(
    ("rows", "version"),
    [
        (["a: feat: a @v0.9.0", "b: docs: b"], "1.0.0"),
        (["a: feat: a"], "1.0.0"),
        (["a: feat: a @v0.9.0"], "0.9.0"),
        (["a: feat: a @v1.2.0", "b: fix: b"], "1.2.1"),
    ],
)
def test_0_x_is_left_when_told_to(rows: list[str], version: str) -> None:
    """Once: a version that is out stays what it is, and after 1.0.0 the order says nothing more."""
    assert str(version_of(log(*rows), stable=True)) == version


@given(st.lists(st.sampled_from(["feat: x", "fix: x", "docs: x", "feat!: x"]), max_size=8), st.booleans())
def test_a_released_commit_keeps_its_version(messages: list[str], stable: bool) -> None:
    """Released twice it gives the same version: the tag of the first release is what decides."""
    rows = ["a: feat: a @v0.4.0", *(f"b{number}: {message}" for number, message in enumerate(messages))]
    first = version_of(log(*rows), stable)
    assert version_of(log(*rows[:-1], f"{rows[-1]} @v{first}"), stable) == first


@given(st.lists(st.sampled_from(["feat: x", "fix: x", "docs: x", "feat!: x"]), max_size=8))
def test_reverting_all_since_the_release_gives_the_release(messages: list[str]) -> None:
    """Whatever it was."""
    rows = [f"b{number}: {message}" for number, message in enumerate(messages)]
    back = [f'r{number}: Revert "x"\n\nThis reverts commit {{b{number}}}.' for number in range(len(rows))]
    assert version_of(log(ONE, *rows, *reversed(back))) == Version(1, 0, 0)


def test_why_names_the_commits() -> None:
    """What counts, what was taken back, and how many ask for nothing."""
    rows = [ONE, "b: feat: b", "c: docs: c", "d: fix: d", "e: Revert\n\nThis reverts commit {d}."]
    told = why(decide(log(*rows))).splitlines()
    assert told[0] == "1.1.0: 1 minor change since 1.0.0"
    assert [line.split()[0] for line in told[1:]] == ["minor", "undone", "undone", "1"]
    assert told[1].endswith("feat: b")


def test_the_changelog_is_grouped_and_says_what_breaks() -> None:
    """Breaking changes first; markup in titles is text; what releases nothing is left out."""
    rows = [ONE, "b: feat(api): <b> & `code`", "c: docs: c", "d: fix!: d\n\nBREAKING CHANGE: gone"]
    text = changelog(decide(log(*rows)))
    sha = {key: hashlib.sha1(key.encode()).hexdigest()[:10] for key in "bd"}
    assert text == (
        f"## 2.0.0\n\n### Breaking changes\n\n- d ({sha['d']}): gone\n\n"
        f"### Features\n\n- **api:** \\<b\\> & `code` ({sha['b']})\n"
    )


def test_the_changelog_of_a_tagged_commit_is_what_led_to_its_tag() -> None:
    """Not the nothing that came since."""
    text = changelog(decide_release(log(ONE, "b: fix: b", "c: docs: c @v1.0.1")))
    assert text.startswith("## 1.0.1\n\n### Fixes\n\n- b (")
    assert changelog(decide(log(ONE))) == "## 1.0.0\n\nNo change that users see.\n"
