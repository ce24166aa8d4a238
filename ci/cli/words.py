"""The words of `cutover call` as a GraphQL query: flags from the functions' types, functions chained into core
types."""

import dataclasses
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_enum_type,
    is_object_type,
    is_required_argument,
)

from ci.cli.errors import UsageError
from ci.engine.api import served

HIDDEN = {"id"}
CORE = {"Container", "Directory", "File", "Service", "Secret", "CacheVolume", "Host", "Socket"}
TRUE, FALSE = ("true", "1", "t", "yes"), ("false", "0", "f", "no")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass
class Link:
    """One function of the chain with the arguments given to it, by their names in the schema, as text."""

    name: str
    field: GraphQLField
    parent: str
    given: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    @property
    def result(self) -> Any:
        """The named type that the function gives."""
        return get_named_type(self.field.type)


def kebab(name: str) -> str:
    """`testReport` as `test-report`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"-\1", name).lower()


def fields(kind: GraphQLObjectType) -> dict[str, tuple[str, GraphQLField]]:
    """A type's functions by the word that calls them: the field's name and definition. Those not served are left
    out."""
    found = {}
    for name, definition in kind.fields.items():
        if name not in HIDDEN and (kind.name not in CORE or served(f"{kind.name}.{name}")):
            found[kebab(name)] = (name, definition)
    return found


@dataclass
class Chain:
    """A parsed call: the constructor and the functions called on it; `help_at` is where --help stood."""

    links: list[Link]
    help_at: Link | None = None


def parse(schema: GraphQLSchema, module: str, words: Sequence[str]) -> Chain:
    """The chain that the words of a call stand for.

    Raises:
        UsageError: an unknown function or flag, a missing or wrong argument.
    """
    query: Any = schema.query_type
    links = [Link(module, query.fields[module], "Query")]
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word in ("-h", "--help"):
            return Chain(links, links[-1])
        if word.startswith("-"):
            _flag(links, word, rest)
        else:
            links.append(_next(links, word))
    for link in links:
        _complete(links, link)
    return Chain(links)


def _command(links: Sequence[Link]) -> str:
    return " ".join(["cutover call", *(kebab(link.name) for link in links[1:])])


def _next(links: Sequence[Link], word: str) -> Link:
    kind = links[-1].result
    found = fields(kind).get(word) if is_object_type(kind) else None
    if found is None:
        raise UsageError(f'unknown command "{word}" for "{_command(links)}"', _command(links))
    return Link(found[0], found[1], kind.name)


def _flag(links: Sequence[Link], word: str, rest: list[str]) -> None:
    link = links[-1]
    name, equals, value = word.lstrip("-").partition("=")
    argument = next((a for a in link.field.args if kebab(a) == name), None)
    if argument is None or not word.startswith("--"):
        raise UsageError(f"unknown flag: {word.partition('=')[0]}", _command(links))
    if not equals:
        if _is_boolean(link.field.args[argument]):
            value = "true"
        elif not rest:
            raise UsageError(f"flag needs an argument: --{name}", _command(links))
        else:
            value = rest.pop(0)
    _checked(link.field.args[argument], name, value, _command(links))
    link.given.setdefault(argument, []).append(value)


def _is_boolean(argument: GraphQLArgument) -> bool:
    return get_named_type(argument.type).name == "Boolean"


def _checked(argument: GraphQLArgument, name: str, value: str, command: str) -> None:
    kind = get_named_type(argument.type)
    parts = value.split(",") if is_list(argument) else [value]
    if wrong := next(filter(None, (_wrong(kind, part) for part in parts)), None):
        raise UsageError(f'invalid argument "{value}" for "--{name}" flag: {wrong}', command)


def _wrong(kind: Any, text: str) -> str | None:
    """What is wrong with a text as a value of a type, None where nothing is."""
    if kind.name == "Int" and not re.fullmatch(r"[+-]?\d+", text):
        return "not a whole number"
    if kind.name == "Float" and not NUMBER.fullmatch(text):
        return "not a number"
    if kind.name == "Boolean" and text.lower() not in TRUE + FALSE:
        return "not true or false"
    if kind.name == "JSON" and not _is_json(text):
        return "not JSON"
    if is_enum_type(kind) and text not in kind.values:
        return f"use one of {', '.join(kind.values)}"
    return None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _complete(links: Sequence[Link], link: Link) -> None:
    missing = [
        f'"{kebab(name)}"' for name, argument in link.field.args.items()
        if is_required_argument(argument) and name not in link.given
    ]  # fmt: skip
    if missing:
        raise UsageError(f"required flag(s) {', '.join(missing)} not set", _command(links[: links.index(link) + 1]))


def is_list(argument: GraphQLArgument) -> bool:
    """Whether an argument takes several values."""
    return isinstance(get_nullable_type(argument.type), GraphQLList)


def scalar(argument: GraphQLArgument, values: Sequence[str]) -> Any:
    """The value of an argument that is no object: text by its type; lists also separated by commas."""
    kind = get_named_type(argument.type).name
    if is_list(argument):
        parts = values if kind == "PortForward" else [part for value in values for part in value.split(",")]
        return [_one(kind, part) for part in parts]
    return _one(kind, values[-1])


def _one(kind: str, text: str) -> Any:
    if kind == "Int":
        return int(text)
    if kind == "Float":
        return float(text)
    if kind == "Boolean":
        return text.lower() in TRUE
    if kind == "PortForward":
        frontend, _, backend = text.rpartition(":")
        if not backend.isdigit() or (frontend and not frontend.isdigit()):
            raise UsageError(f'invalid argument "{text}" for "--ports" flag: use FRONTEND:BACKEND', "cutover call")
        return {"frontend": int(frontend or backend), "backend": int(backend)}
    if kind == "JSON":
        return json.dumps(json.loads(text))
    return text


def query(links: Sequence[Link], values: Sequence[dict[str, Any]], leaf: str | None) -> tuple[str, dict[str, Any]]:
    """The query of a chain, and its variables. `leaf` is a field to ask of the last object."""
    variables: dict[str, Any] = {}
    declared: list[str] = []
    text = leaf or ""
    for link, given in reversed(list(zip(links, values, strict=True))):
        args = []
        for name, value in given.items():
            variable = f"v{len(variables)}"
            variables[variable] = value
            declared.append(f"${variable}: {link.field.args[name].type}")
            args.append(f"{name}: ${variable}")
        call = f"{link.name}({', '.join(args)})" if args else link.name
        text = f"{call} {{ {text} }}" if text else call
    head = f"query ({', '.join(declared)}) " if declared else ""
    return f"{head}{{ {text} }}", variables
