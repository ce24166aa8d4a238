"""The words of `cutover call`: flags from the functions' types, functions chained into core types."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ci.cli import options as opts
from ci.cli import values
from ci.cli.errors import NO_MODULE, FlagError, UsageError, nearest
from ci.cli.flags import Flag, taken
from ci.cli.names import graphql_name, kebab
from ci.cli.options import Option, Options
from ci.engine.typedefs import camel

if TYPE_CHECKING:
    from ci.cli.types import Types
    from ci.engine.typedefs import Argument, Function, TypeRef

HELP = ("-h", "--help")


@dataclass
class Link:
    """One function of the chain with the arguments given to it, by their names in the module, as text."""

    function: "Function"
    given: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        """The function's field in the schema."""
        return camel(self.function.name)

    @property
    def result(self) -> "TypeRef":
        """The type that the function gives."""
        return self.function.result

    def argument(self, flag: str) -> "Argument | None":
        """The argument that a flag names; `--dockerConfig` names `docker_config` too."""
        wanted = kebab(flag)
        return next((arg for arg in self.function.args if kebab(arg.name) == wanted), None)

    def values(self, types: "Types") -> dict[str, Any]:
        """The given arguments that are no objects, as values; those that are as texts."""
        return {
            arg.name: _value(arg, self.given[arg.name], types) for arg in self.function.args if arg.name in self.given
        }


def _value(arg: "Argument", texts: Sequence[str], types: "Types") -> Any:
    name, inner = kebab(arg.name), arg.type.innermost
    kind = inner.name if inner.kind == "OBJECT_KIND" else graphql_name(inner)
    choices = types.choices(arg.type)
    if arg.type.element is not None:
        return values.many(name, kind, texts, choices)
    return [values.one(name, kind, text, choices) for text in texts][-1]


@dataclass
class Chain:
    """A parsed call: the constructor and the functions called on it, the options, and whether help is asked for."""

    links: list[Link]
    options: Options
    help: bool = False

    def command(self, until: int | None = None) -> str:
        """The words that call the chain, or its first functions."""
        return " ".join(["cutover call", *(kebab(link.function.name) for link in self.links[1:until])])


def parse(types: "Types", words: Sequence[str], options: Options | None = None) -> Chain:
    """The chain that the words of a call stand for.

    Raises:
        UsageError: an unknown function or flag, a missing or wrong argument.
    """
    chain = Chain([Link(types.root)], options or Options(), bool(set(HELP) & set(words)))
    rest = [word for word in words if word not in HELP]
    try:
        while rest:
            word = rest.pop(0)
            if word.startswith("-") and word not in ("-", "--"):
                _flag(chain, word, rest)
            elif word != "--":
                chain.links.append(_next(types, chain.links[-1], word, chain.command()))
        for link in () if chain.help else chain.links:
            link.values(types)
    except FlagError as error:
        raise UsageError(str(error), chain.command()) from error
    for number in range(0 if chain.help else len(chain.links)):
        _complete(chain, number)
    return chain


def _next(types: "Types", link: Link, word: str, command: str) -> Link:
    known = types.functions(link.result)
    if word not in known and (other := kebab(word)) in known:
        word = other
    if word not in known:
        hint = nearest(word, list(known)) if types.module else f"; {NO_MODULE}"
        raise UsageError(f'unknown command "{word}" for "{command}"{hint}', command)
    return Link(known[word])


def _flag(chain: Chain, word: str, rest: list[str]) -> None:
    """A flag of the last function, or one of the options, which may stand anywhere."""
    link = chain.links[-1]

    def long(name: str) -> Flag | None:
        if (arg := link.argument(name)) is not None:
            return Flag(arg.name, alone=arg.type.kind == "BOOLEAN_KIND")
        return opts.named(name, opts.CALL + opts.ENGINE) if len(name) > 1 else None

    try:
        found = taken(word, rest, long, lambda letter: opts.named(letter, opts.CALL + opts.ENGINE))
    except FlagError as error:
        if not str(error).startswith("unknown flag"):
            raise
        known = [kebab(arg.name) for arg in link.function.args] + [option.name for option in opts.CALL + opts.ENGINE]
        name = word.lstrip("-").partition("=")[0]
        raise FlagError(f"{error}{nearest(name, known, '--')}") from error
    for flag, text in found:
        if isinstance(flag, Option):
            chain.options = opts.applied(chain.options, flag, text)
        else:
            link.given.setdefault(flag.name, []).append(text)


def _complete(chain: Chain, number: int) -> None:
    link = chain.links[number]
    missing = sorted(kebab(arg.name) for arg in link.function.args if arg.required and arg.name not in link.given)
    if missing:
        names = ", ".join(f'"{name}"' for name in missing)
        raise UsageError(f"required flag(s) {names} not set", chain.command(number + 1))
