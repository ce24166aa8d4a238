"""Release arithmetic: pure functions from commits to versions."""

from ci.release.changelog import changelog
from ci.release.decision import Decision, decide, decide_release, next_version, version_of, why
from ci.release.errors import NotAVersionError, ReleaseError, UnreadableLogError
from ci.release.history import GIT_LOG, Commit, parse_log, since_release
from ci.release.narrow import narrow
from ci.release.version import Version

__all__ = [
    "GIT_LOG", "Commit", "Decision", "NotAVersionError", "ReleaseError", "UnreadableLogError", "Version", "changelog",
    "decide", "decide_release", "narrow", "next_version", "parse_log", "since_release", "version_of", "why",
]  # fmt: skip
