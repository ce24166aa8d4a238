"""`cutover call` and `cutover functions`: the module's functions with `dagger call`'s words."""

import sys
from typing import TYPE_CHECKING, Any

from ci.cli import options as opts
from ci.cli import output, words
from ci.cli.arguments import objects
from ci.cli.direct import can_follow, follow
from ci.cli.engine import Engine, engine
from ci.cli.errors import NO_MODULE, UsageError, nearest
from ci.cli.options import Options
from ci.cli.queries import query
from ci.cli.words import Chain

if TYPE_CHECKING:
    from ci.engine.typedefs import Function

FUNCTIONS = """\
List available functions in a module.

This is similar to `cutover call --help`, but only focused on showing the available functions."""


def call(given: list[str], options: Options) -> None:
    """Call one or more functions, interconnected into a pipeline: print the result, or save it where `--output` says.

    Raises:
        UsageError: words that name no function or flag, or a wrong value.
        CallError: what a function answered instead of a result.
    """
    result, saved = None, False
    with engine(options) as running:
        chain = words.parse(running.types, given, options)
        if not chain.help and len(chain.links) > 1:
            result, saved = answer(running, chain)
    # Nothing is printed before the progress has ended: on a terminal it draws over it.
    if chain.help:
        from ci.cli import help as texts

        output.show(texts.text(chain, running.types))
    elif len(chain.links) == 1:
        output.show("Query\n")
    else:
        finish(result, chain, saved, running)


def answer(running: Engine, chain: Chain) -> tuple[Any, bool]:
    """The chain's result, and whether it has been saved: an object that can be is exported where `--output` says."""
    arguments = [
        objects(link, running.types, chain.command(number + 1), running.ask, running.host)
        for number, link in enumerate(chain.links)
    ]  # fmt: skip
    if not chain.options.output and can_follow(running.types.module, chain.links):
        return follow(running, chain.links, arguments), False
    leaf, saved = output.leaf(running.types, chain.links[-1], chain.options.output)
    text, variables = query(chain.links, arguments, leaf)
    return output.value(running.ask(text, variables), chain.links), saved


def finish(result: Any, chain: Chain, saved: bool, running: Engine) -> None:
    """Print a result, and where it was saved."""
    if saved:
        print(f'Saved to "{result["export"]}".', file=sys.stderr)
        return
    last = chain.links[-1]
    text = output.text(result, last, running.types.object(last.result) is not None, chain.options.json)
    if chain.options.output and text and running.types.object(last.result) is None:
        print(f'Saved output to "{output.saved(text, chain.options.output)}".', file=sys.stderr)
    output.show(text)


def functions(given: list[str], options: Options) -> None:
    """List the functions of the module, or of what a chain of its functions gives.

    Raises:
        UsageError: a word names no function, or one that gives a value.
    """
    from ci.cli import help as texts

    if set(words.HELP) & set(given):
        output.show(texts.command("cutover functions [options] [function]...", FUNCTIONS, opts.CALL[1:2] + opts.ENGINE))
        return
    options, rest = opts.spread(given, options, opts.CALL + opts.ENGINE)
    with engine(options) as running:
        table = texts.functions_table(_listed(running, rest))
    output.show(table)
    if not table:
        print(f"No functions found.{'' if running.types.module else f' ({NO_MODULE})'}", file=sys.stderr)


def _listed(running: Engine, given: list[str]) -> "dict[str, Function]":
    at = running.types.root.result
    for word in given:
        known = running.types.functions(at)
        if word not in known:
            raise UsageError(
                f'no function "{word}" in type "{at.innermost.name}"{nearest(word, list(known))}', "cutover functions"
            )
        at = known[word].result
        if running.types.object(at) is None:
            raise UsageError(
                f'function "{word}" returns type "{at.kind}" with no further functions available', "cutover functions"
            )
    return running.types.functions(at)
