"""The commands that read their words themselves, as click sees them: for completion of functions and flags in a shell.

`eval "$(_CUTOVER_COMPLETE=bash_source cutover)"` turns it on, as with every command that click reads (also zsh, fish).
"""

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

from ci.cli import options as opts
from ci.cli.names import kebab
from ci.cli.options import Options, scanned
from ci.errors import CutoverError

if TYPE_CHECKING:
    from ci.cli.types import Types
    from ci.engine.typedefs import Function

TABLES = {
    "call": opts.CALL + opts.ENGINE, "check": opts.CALL[1:2] + opts.ENGINE,
    "functions": opts.CALL[1:2] + opts.ENGINE, "run": opts.ENGINE,
}  # fmt: skip


class Words(click.Command):
    """A command whose words are not click's."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """All words are left as they are."""
        ctx.args = list(args)
        return []

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The functions that can stand next, or the flags."""
        from ci.cli.engine import engine
        from ci.engine.errors import EngineError

        name = self.name or ""
        options = scanned(ctx.args, Options(progress="quiet"))
        with contextlib.suppress(CutoverError, EngineError), engine(options, name != "run") as running:
            found = list(candidates(running.types, name, ctx.args, incomplete.startswith("-")))
            return [CompletionItem(word, help=text) for word, text in found if word.startswith(incomplete)]
        return []


def candidates(types: "Types", command: str, words: list[str], flags: bool) -> Iterator[tuple[str, str]]:
    """What can stand next, with what it does: flags, or functions of what the chain so far gives."""
    at = reached(types, words)
    if flags:
        yield from ((f"--{kebab(arg.name)}", arg.description) for arg in at.args)
        yield from ((f"--{option.name}", option.usage) for option in TABLES[command])
    elif command != "run":
        for word, function in sorted(types.functions(at.result).items()):
            if function.check or command != "check":
                yield word, function.description.strip().partition("\n")[0]


def reached(types: "Types", words: list[str]) -> "Function":
    """The last function that the words name; flags and their values are passed over."""
    at = types.root
    for word in words:
        at = types.functions(at.result).get(word, at)
    return at


call, check, functions, run = (Words(name, add_help_option=False) for name in ("call", "check", "functions", "run"))
