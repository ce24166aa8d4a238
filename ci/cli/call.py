"""`cutover call` and `cutover functions`: the module's functions with `dagger call`'s words, on the embedded engine."""

import base64
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from graphql import get_named_type, is_leaf_type, is_object_type

from ci.cli import help as texts
from ci.cli import words
from ci.cli.engine import Engine, engine
from ci.cli.errors import UsageError
from ci.cli.words import Chain, Link
from ci.engine.api import expected_type
from ci.engine.errors import EngineError
from ci.engine.progress import Progress
from ci.engine.typedefs import camel
from ci.errors import CutoverError

OPTIONS = """\
  -j, --json              Present result as JSON
  -m, --mod string        Module to load: a folder (default: here or above)
  -o, --output string     Save the result to a local file or folder
      --progress string   auto, plain or quiet (default "auto")
  -q, --quiet             The same as --progress quiet
  -s, --silent            The same as --progress quiet"""
SYNCED = ("Container", "Directory", "File")


class Words(click.Command):
    """A command whose words are the module's own: all but its options are left to it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Options stand before the first word that is none; the rest is the chain."""
        options, rest = _split(args)
        ctx.params = {**options, "chain": rest}
        return []


def _split(args: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    options: dict[str, Any] = {"mod": ".", "json": False, "output": None, "progress": "auto"}
    flags = {"-j": "json", "--json": "json", "-q": "quiet", "--quiet": "quiet", "-s": "quiet", "--silent": "quiet"}
    valued = {"-m": "mod", "--mod": "mod", "-o": "output", "--output": "output", "--progress": "progress"}
    rest: list[str] = []
    pending = list(args)
    while pending:
        word = pending.pop(0)
        name, equals, value = word.partition("=")
        if name in flags:
            options |= {"progress": "quiet"} if flags[name] == "quiet" else {flags[name]: True}
        elif name in valued:
            if not equals and not pending:
                raise click.UsageError(f"flag needs an argument: {name}")
            options[valued[name]] = value if equals else pending.pop(0)
        else:
            rest.append(word)
    if options["progress"] not in ("auto", "plain", "quiet"):
        raise click.UsageError(f'invalid argument "{options["progress"]}" for "--progress": use auto, plain or quiet')
    return options, rest


@click.command(cls=Words, add_help_option=False)
def call(chain: list[str], mod: str, json: bool, output: str | None, progress: str) -> None:
    """Call one or more functions, interconnected into a pipeline."""
    with _told(), engine(mod, Progress(quiet=progress == "quiet")) as running:
        parsed = words.parse(running.server.schema, camel(running.module.name), chain)
        if parsed.help_at is not None or len(parsed.links) == 1:
            click.echo(texts.text(parsed.links, parsed.help_at or parsed.links[0], running.module, OPTIONS))
            return
        result, exported = _run(running, parsed, output)
        if exported:
            click.echo(f'Saved output to "{result}".', err=True)
            return
        text = _shown(result, json, parsed.links[-1])
        click.echo(text, nl=False)
        if output:
            _save(text, output)


@click.command(cls=Words, add_help_option=False)
def functions(chain: list[str], mod: str, json: bool, output: str | None, progress: str) -> None:
    """List the functions of the module, or of what a function gives."""
    if {"-h", "--help"} & set(chain):
        click.echo(
            "List the functions of the module, or of what a function gives\n\n"
            f"USAGE\n  cutover functions [function]...\n\n{OPTIONS}"
        )
        return
    with _told(), engine(mod, Progress(quiet=progress == "quiet")) as running:
        links = words.parse(running.server.schema, camel(running.module.name), [*chain, "--help"]).links
        click.echo(texts.functions_table(links[-1]))


class _told:
    """Errors as one sentence on stderr, and the exit code that goes with them."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, UsageError):
            click.echo(f"Error: {error}\nRun '{error.command} --help' for usage.", err=True)
            sys.exit(error.exit_code)
        if isinstance(error, EngineError | CutoverError):
            click.echo(f"Error: {error}", err=True)
            sys.exit(error.exit_code)


def _run(running: Engine, chain: Chain, output: str | None) -> tuple[Any, bool]:
    """The chain's result; an object is evaluated, or exported where `output` names a place: then it is that place,
    and True."""
    links = list(chain.links)
    kind = links[-1].result
    leaf = None
    exported = False
    if is_object_type(kind):
        if output and "export" in kind.fields:
            export = Link("export", kind.fields["export"], kind.name, {"path": [output]})
            links.append(export)
            exported = True
        else:
            leaf = "sync" if kind.name in SYNCED else "id"
    values = [_values(running, link) for link in links]
    text, variables = words.query(links, values, leaf)
    return _value(_answered(running.server.query(text, variables)), links, leaf), exported


def _values(running: Engine, link: Link) -> dict[str, Any]:
    """The given arguments of one function as the query's variables; paths, secrets and services become objects."""
    values = {}
    for name, given in link.given.items():
        argument = link.field.args[name]
        kind = expected_type(argument)
        if kind is None:
            values[name] = words.scalar(argument, given)
        else:
            ids = [_object(running, link, name, kind, text) for text in given]
            values[name] = ids if words.is_list(argument) else ids[-1]
    return values


def _object(running: Engine, link: Link, name: str, kind: str, text: str) -> str:
    """The id of the object that an argument's text names."""
    ask: dict[str, Callable[[], tuple[str, dict[str, Any]]]] = {
        "Directory": lambda: (
            "host{directory(path:$a,exclude:$b){id}}",
            {"a": text, "b": _ignored(running, link, name)},
        ),
        "File": lambda: ("host{file(path:$a){id}}", {"a": text}),
        "Secret": lambda: ("secret(uri:$a){id}", {"a": text}),
        "Service": lambda: ("host{service(host:$a,ports:$c){id}}", _address(text, name)),
        "Container": lambda: ("container{from(address:$a){id}}", {"a": text}),
        "CacheVolume": lambda: ("cacheVolume(key:$a){id}", {"a": text}),
    }
    if kind not in ask:
        raise UsageError(
            f"--{words.kebab(name)} takes a {kind}, which cannot be given on the command line", "cutover call"
        )
    query, variables = ask[kind]()
    declared = {"a": "$a: String!", "b": "$b: [String!]", "c": "$c: [PortForward!]!"}
    head = ", ".join(declared[key] for key in variables)
    answer = _answered(running.server.query(f"query ({head}) {{ {query} }}", variables))
    while isinstance(answer, Mapping):
        answer = next(iter(answer.values()))
    return str(answer)


def _address(text: str, name: str) -> dict[str, Any]:
    host, _, port = text.removeprefix("tcp://").rpartition(":")
    if not text.startswith("tcp://") or not port.isdigit() or not host:
        raise UsageError(
            f'invalid argument "{text}" for "--{words.kebab(name)}" flag: use tcp://HOST:PORT', "cutover call"
        )
    return {"a": host, "c": [{"frontend": int(port), "backend": int(port)}]}


def _ignored(running: Engine, link: Link, name: str) -> list[str]:
    found = running.module.function(link.parent, link.name)
    if found is None or found[0] != "function":
        return []
    return [pattern for arg in found[1].args if camel(arg.name) == name for pattern in arg.ignore]


def _answered(response: Mapping[str, Any]) -> Any:
    """The data of a response.

    Raises:
        CallError: it carries an error.
    """
    if response.get("errors"):
        raise CallError(response["errors"][0])
    return response["data"]


class CallError(CutoverError):
    """What a function answered instead of a result; a failed exec's exit code is the command's."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        extensions = error.get("extensions") or {}
        message = str(error["message"])
        if extensions.get("_type") == "EXEC_ERROR":
            self.exit_code = int(extensions["exitCode"]) or 1
            for name in ("stdout", "stderr"):
                if extensions.get(name):
                    message += f"\n{name.capitalize()}:\n{extensions[name]}"
        super().__init__(message)


def _value(data: Any, links: Sequence[Link], leaf: str | None) -> Any:
    for link in links:
        data = data[link.name]
    return data[leaf] if leaf and data is not None else data


def _shown(result: Any, as_json: bool, last: Link) -> str:
    """The result as it is printed: a text as it is, a list one item a line, an object by its type."""
    kind = get_named_type(last.field.type)
    if as_json:
        return json.dumps(result, indent=2) + "\n"
    if isinstance(result, list):
        return "".join(f"{item}\n" for item in result)
    if is_object_type(kind):
        return f"{kind.name}@sha256:{_digest(result)}\n"
    if result is None or not is_leaf_type(kind):
        return ""
    return str(result).lower() if isinstance(result, bool) else str(result)


def _digest(identity: str) -> str:
    return base64.b64decode(identity).decode().partition("@")[2]


def _save(text: str, output: str) -> None:
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CutoverError(f"{output} cannot be written: {error.strerror}") from error
    click.echo(f'Saved output to "{Path(output).absolute()}".', err=True)
