"""Errors of the release arithmetic."""

from ci.errors import CutoverError


class ReleaseError(CutoverError):
    """Root of this package's errors."""


class NotAVersionError(ReleaseError):
    """A text that is no version."""

    def __init__(self, text: str) -> None:
        super().__init__(f"{text!r} is not a version: use MAJOR.MINOR.PATCH, such as 1.4.2")


class UnreadableLogError(ReleaseError):
    """A log that was not written with `GIT_LOG`."""

    def __init__(self, record: str) -> None:
        super().__init__(f"git's log has a record that cannot be read: {record[:80]!r}")
