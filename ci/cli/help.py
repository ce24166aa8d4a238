"""Help texts of the module's functions, in the form of Dagger's."""

import textwrap
from collections.abc import Iterable

from graphql import GraphQLArgument, get_named_type, is_object_type

from ci.cli.words import Link, fields, is_list, kebab
from ci.engine.api import expected_type
from ci.engine.functions import LoadedModule
from ci.engine.typedefs import camel

WIDTH = 72


def functions_table(link: Link) -> str:
    """The functions that can be called on what `link` gives, one a line."""
    rows = [(word, _first_line(field.description)) for word, (_, field) in sorted(fields(link.result).items())]
    return _table([("Name", "Description"), *rows])


def text(links: list[Link], link: Link, module: LoadedModule, options: str) -> str:
    """The help of one function of a chain: what it does, its arguments, what can be called on its result."""
    parts = []
    words = [kebab(item.name) for item in links[1:]]
    is_root = link is links[0]
    title = "Call one or more functions, interconnected into a pipeline" if is_root else link.field.description
    parts.append(title or "(no description)")
    arguments = " [arguments]" if link.field.args else ""
    chained = is_object_type(link.result)
    follow = " <function>" if is_root or chained else ""
    parts.append(
        f"USAGE\n  cutover call{' [options]' if is_root else ''}{''.join(' ' + w for w in words)}{arguments}{follow}"
    )
    if chained:
        parts.append("FUNCTIONS\n" + textwrap.indent(_table(_function_rows(link)), "  "))
    if link.field.args:
        lines = [_argument(name, argument, link, module) for name, argument in link.field.args.items()]
        parts.append("ARGUMENTS\n" + "\n".join(lines))
    if is_root:
        parts.append("OPTIONS\n" + options)
    command = " ".join(["cutover call", *words])
    parts.append(f'Use "{command} [command] --help" for more information about a command.' if chained else "")
    return "\n\n".join(part for part in parts if part)


def _function_rows(link: Link) -> list[tuple[str, str]]:
    return [(word, _first_line(field.description)) for word, (_, field) in sorted(fields(link.result).items())]


def _argument(name: str, argument: GraphQLArgument, link: Link, module: LoadedModule) -> str:
    kind = expected_type(argument) or get_named_type(argument.type).name
    shown = {"String": "string", "Int": "int", "Boolean": "bool", "Float": "float"}.get(kind, kind)
    line = f"      --{kebab(name)} {shown}{'s' if is_list(argument) else ''}"
    notes = list(textwrap.wrap(argument.description or "", WIDTH))
    notes += _default(name, argument, link, module)
    return "\n".join([line, *(f"            {note}" for note in notes)])


def _default(name: str, argument: GraphQLArgument, link: Link, module: LoadedModule) -> Iterable[str]:
    found = module.function(link.parent, link.name)
    given = (
        next((a for a in found[1].args if camel(a.name) == name), None) if found and found[0] == "function" else None
    )
    if given is not None and given.default_path:
        return [f"(default path {given.default_path})"]
    if given is not None and given.default not in (None, "null"):
        return [f"(default {given.default})"]
    return ["[required]"] if given is not None and given.required else []


def _table(rows: list[tuple[str, str]]) -> str:
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}   {description}".rstrip() for name, description in rows)


def _first_line(description: str | None) -> str:
    return (description or "").strip().partition("\n")[0]
