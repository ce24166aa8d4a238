"""Flags on the command line, by the rules of pflag, which Dagger's command line uses.

`--name value`, `--name=value`, `-n value`, `-nvalue`, `-n=value`; a boolean one stands alone or takes `=false`; short
ones may be joined (`-qv`).
"""

from collections.abc import Callable
from dataclasses import dataclass

from ci.cli.errors import FlagError


@dataclass(frozen=True)
class Flag:
    """A flag: its name, its letter if it has one, and whether it stands alone (a boolean, or a counted one)."""

    name: str
    short: str = ""
    alone: bool = False


Lookup = Callable[[str], Flag | None]


def taken(word: str, rest: list[str], long: Lookup, short: Lookup) -> list[tuple[Flag, str]]:
    """The flags that a word gives, with their values; a value that is the next word is taken off `rest`.

    Args:
        long: finds a flag by its name.
        short: finds a flag by its letter.

    Raises:
        FlagError: unknown flag or no value.
    """
    if word.startswith("--"):
        return [_long(word[2:], rest, long)]
    found: list[tuple[Flag, str]] = []
    letters = word[1:]
    while letters:
        letter, letters = letters[0], letters[1:]
        flag = short(letter)
        if flag is None:
            raise FlagError(f"unknown shorthand flag: {letter!r} in {word}")
        if letters.startswith("="):
            return [*found, (flag, letters[1:])]
        if flag.alone:
            found.append((flag, "true"))
        elif letters or rest:
            return [*found, (flag, letters or rest.pop(0))]
        else:
            raise FlagError(f"flag needs an argument: {letter!r} in {word}")
    return found


def _long(text: str, rest: list[str], long: Lookup) -> tuple[Flag, str]:
    name, equals, value = text.partition("=")
    flag = long(name)
    if flag is None:
        raise FlagError(f"unknown flag: --{name}")
    if equals:
        return flag, value
    if flag.alone:
        return flag, "true"
    if not rest:
        raise FlagError(f"flag needs an argument: --{name}")
    return flag, rest.pop(0)
