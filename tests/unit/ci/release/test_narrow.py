"""One service's part of the history of a repository with several."""

from ci.release import narrow, parse_log, version_of

LOG = "\0".join(
    [
        "c3", "c2", "", "feat: of the other service",
        "\nc2", "c1", "tag: refs/tags/other-v7.0.0", "fix: of the web service",
        "\nc1", "", "tag: refs/tags/web-v1.2.0, tag: refs/tags/v9.0.0", "feat: both", "",
    ]
)  # fmt: skip


def test_only_its_own_tags_are_releases() -> None:
    """Without their prefix; those of others and those without one are left out."""
    commits = parse_log(narrow(LOG, "web-", None))
    assert [commit.tags for commit in commits] == [(), (), ("v1.2.0",)]


def test_a_commit_elsewhere_asks_for_no_release() -> None:
    """The other service's feature is not this one's: the fix alone makes the version."""
    assert str(version_of(narrow(LOG, "web-", {"c1", "c2"}))) == "1.2.1"
    assert str(version_of(narrow(LOG, "web-", None))) == "1.3.0"


def test_without_a_prefix_and_paths_nothing_changes_in_the_version() -> None:
    """The whole repository is the service."""
    assert version_of(narrow(LOG, "", None)) == version_of(LOG)


def test_an_empty_history_stays_empty() -> None:
    """No commit, no field."""
    assert narrow("", "web-", set()) == ""
