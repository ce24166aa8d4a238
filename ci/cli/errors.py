"""Errors of the command line."""

from ci.errors import CutoverError

NO_MODULE = "no dagger.json and no [tool.cutover] here or above; name a module with -m PATH, or run `cutover init`"


class UsageError(CutoverError):
    """Words that the command does not take; `command` is the one whose --help tells what it takes."""

    def __init__(self, message: str, command: str) -> None:
        super().__init__(message)
        self.command = command


class FlagError(CutoverError):
    """A flag that is not known, lacks its value, or has a wrong one: the sentence of Dagger's command line."""


def nearest(word: str, known: list[str], dashes: str = "") -> str:
    """`; did you mean "X"?` for the known word most like the given one, nothing where none is like it."""
    from difflib import get_close_matches

    found = get_close_matches(word, known, 1)
    return f'; did you mean "{dashes}{found[0]}"?' if found else ""
