"""Errors of the command line."""

from ci.errors import CutoverError


class UsageError(CutoverError):
    """Words that the command does not take; `command` is the one whose --help tells what it takes."""

    def __init__(self, message: str, command: str) -> None:
        super().__init__(message)
        self.command = command
