"""The options of the commands that run the engine; they may stand anywhere, also before the command, as Dagger's."""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ci.cli.errors import FlagError
from ci.cli.flags import Flag, taken
from ci.cli.values import boolean

ENGINES = ("auto", "dagger", "embedded")
PROGRESS = ("auto", "plain", "quiet")
SHELL = "/bin/sh"  # of --interactive


@dataclass(frozen=True)
class Options:
    """What the options say.

    Attributes:
        mod: the module's folder.
        output: where the result is saved, None for nowhere.
        verbose: how many levels more of the steps' tree are shown.
        interactive_command: what a failed step's shell is.
    """

    mod: str = "."
    json: bool = False
    output: str | None = None
    engine: str = "auto"
    progress: str = "auto"
    verbose: int = 0
    debug: bool = False
    interactive: bool = False
    interactive_command: str = SHELL
    why: bool = False


@dataclass(frozen=True)
class Option(Flag):
    """One option: what follows its name in the help text, what it does, its choices, and the value it stands for."""

    kind: str = ""
    usage: str = ""
    choices: tuple[str, ...] = ()
    sets: tuple[str, Any] | None = None


CALL = (
    Option("json", "j", True, usage="Present result as JSON"),
    Option("mod", "m", kind="string", usage="Module to load: a folder (defaults to the nearest here or above)"),
    Option("output", "o", kind="string", usage="Save the result to a local file or directory"),
)
ENGINE = (
    Option("debug", "d", True, usage="Show full verbosity, and a traceback where the command itself fails"),
    Option(
        "engine",
        kind="string",
        usage='Engine to run on (auto, dagger, embedded); also CUTOVER_ENGINE (default "auto")',
        choices=ENGINES,
    ),
    Option("interactive", "i", True, usage="Spawn a terminal on container exec failure"),
    Option(
        "interactive-command",
        kind="string",
        usage=f'Change the default command for interactive mode (default "{SHELL}")',
    ),
    Option(
        "progress",
        kind="string",
        usage='Progress output format (auto, plain, quiet); also CUTOVER_PROGRESS (default "auto")',
        choices=PROGRESS,
    ),
    Option("quiet", "q", True, usage="The same as --progress quiet", sets=("progress", "quiet")),
    Option("silent", "s", True, usage="The same as --progress quiet", sets=("progress", "quiet")),
    Option("verbose", "v", True, kind="count", usage="Increase verbosity (use -vv or -vvv for more)"),
    Option("why", "", True, usage="Say for each step that ran which of its inputs made it run"),
)


def defaults(environ: Mapping[str, str] = os.environ) -> Options:
    """The options that the user's environment sets: CUTOVER_ENGINE and CUTOVER_PROGRESS.

    Raises:
        FlagError: one of them is none of the choices.
    """
    options = Options()
    for option in ENGINE:
        name = f"CUTOVER_{option.name.upper()}"
        if option.choices and environ.get(name):
            options = applied(options, option, environ[name], name)
    return options


def applied(options: Options, option: Option, text: str, shown: str = "") -> Options:
    """The options with one more of them given.

    Raises:
        FlagError: the value is wrong.
    """
    if option.sets:
        name, given = option.sets
        return replace(options, **{name: given}) if boolean(option.name, text) else options
    if option.kind == "count":
        return replace(options, verbose=options.verbose + 1)
    if option.choices and text not in option.choices:
        where = shown or f'"--{option.name}" flag'
        raise FlagError(f'invalid argument "{text}" for {where}: use {", ".join(option.choices)}')
    value: Any = boolean(option.name, text) if option.alone else text
    return replace(options, **{option.name.replace("-", "_"): value})


def named(flag: str, table: tuple[Option, ...]) -> Option | None:
    """The option of a name, or of a letter."""
    return next((option for option in table if flag in (option.name, option.short)), None)


def leading(words: list[str], options: Options, table: tuple[Option, ...]) -> tuple[Options, list[str]]:
    """The options that stand before the first word that is none, and the words from there on.

    Raises:
        FlagError: an option that is not known, or has a wrong value.
    """
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] not in ("-", "-h", "--help", "--version"):
        if (word := rest.pop(0)) == "--":
            break
        for flag, text in taken(word, rest, lambda name: named(name, table), lambda letter: named(letter, table)):
            assert isinstance(flag, Option)
            options = applied(options, flag, text)
    return options, rest


def spread(words: list[str], options: Options, table: tuple[Option, ...]) -> tuple[Options, list[str]]:
    """The options wherever they stand among the words, and the other words.

    Raises:
        FlagError: an option that is not known, or has a wrong value.
    """
    rest, others = list(words), []
    while rest:
        options, rest = leading(rest, options, table)
        if rest:
            others.append(rest.pop(0))
    return options, others


def scanned(words: list[str], options: Options) -> Options:
    """The options that are needed before the module's types are known, wherever they stand.

    What cannot be read yet is passed over: it may be a flag of a function's, and the whole is read again then.
    """
    rest = list(words)
    while rest:
        if not (word := rest.pop(0)).startswith("-"):
            continue
        with contextlib.suppress(FlagError):
            for flag, text in taken(word, rest, _engines, _engines):
                assert isinstance(flag, Option)
                options = applied(options, flag, text)
    return options


def _engines(flag: str) -> Option | None:
    return named(flag, CALL + ENGINE)
