"""Release arithmetic: pure functions from commits to versions."""

from ci.release.errors import NotAVersionError, ReleaseError, UnreadableLogError
from ci.release.version import GIT_LOG, Commit, Version, next_version, parse_log, since_release, version_of

__all__ = [
    "GIT_LOG", "Commit", "NotAVersionError", "ReleaseError", "UnreadableLogError", "Version", "next_version",
    "parse_log", "since_release", "version_of",
]  # fmt: skip
