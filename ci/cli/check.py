"""`cutover check`: the module's checks (functions marked `@check`), all at once, and a table of their outcomes."""

import fnmatch
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ci.cli import help as texts
from ci.cli import options as opts
from ci.cli import output
from ci.cli.call import answer
from ci.cli.engine import Engine, engine, workers
from ci.cli.errors import NO_MODULE, UsageError, nearest
from ci.cli.options import Option, Options
from ci.cli.steps import seconds
from ci.cli.words import HELP, Chain, Link
from ci.engine.errors import EngineError
from ci.errors import CutoverError

if TYPE_CHECKING:
    from ci.engine.typedefs import Function

LIST = Option("list", "l", True, usage="List available checks")
TABLE = (LIST, *opts.CALL[1:2], *opts.ENGINE)
TITLE = """\
Check the state of your project by running tests, linters, etc.

Without a pattern all checks run, at once; `lint` names one, `test-*` several."""
GAP = 3


@dataclass(frozen=True)
class Checked:
    """How one check went; `error` is None where it passed."""

    name: str
    seconds: float
    error: CutoverError | EngineError | None


class ChecksFailedError(CutoverError):
    """Some of the checks failed."""

    def __init__(self, failed: Sequence[str], count: int) -> None:
        super().__init__(f"{len(failed)} of {count} checks failed: {', '.join(failed)}")


def check(given: list[str], options: Options) -> None:
    """Run the checks that the patterns name, or list them.

    Raises:
        UsageError: a pattern names none.
        ChecksFailedError: one failed.
    """
    if set(HELP) & set(given):
        output.show(texts.command("cutover check [options] [pattern...]", TITLE, TABLE))
        return
    listing = any(word in ("-l", "--list") for word in given)
    options, patterns = opts.spread([word for word in given if word not in ("-l", "--list")], options, TABLE)
    with engine(replace(options, output=None)) as running:
        found = named(running, patterns)
        rows = [] if listing else _run(running, found, options)
    if not found:
        reason = "the module has no function marked @check" if running.types.module else NO_MODULE
        print(f"No checks found. ({reason})", file=sys.stderr)
        return
    output.show(texts.functions_table(found) if listing else table(rows))
    if failed := [row.name for row in rows if row.error]:
        raise ChecksFailedError(failed, len(rows))


def named(running: Engine, patterns: Sequence[str]) -> "dict[str, Function]":
    """The checks whose name is one of the patterns or fits it; all where there are none.

    Raises:
        UsageError: a pattern fits no check.
    """
    checks = {word: item for word, item in running.types.functions(running.types.root.result).items() if item.check}
    for pattern in patterns:
        if not fnmatch.filter(checks, pattern):
            raise UsageError(f'no check "{pattern}"{nearest(pattern, list(checks))}', "cutover check")
    return {
        word: item for word, item in checks.items()
        if not patterns or any(fnmatch.fnmatchcase(word, pattern) for pattern in patterns)
    }  # fmt: skip


def _run(running: Engine, checks: "dict[str, Function]", options: Options) -> list[Checked]:
    with ThreadPoolExecutor(workers()) as pool:
        return list(pool.map(lambda row: _checked(running, row[0], row[1], options), checks.items()))


def _checked(running: Engine, name: str, function: "Function", options: Options) -> Checked:
    start = time.monotonic()
    error: CutoverError | EngineError | None = None
    try:
        answer(running, Chain([Link(running.types.root), Link(function)], options))
    except (CutoverError, EngineError) as caught:
        error = caught
    return Checked(name, time.monotonic() - start, error)


def table(rows: Sequence[Checked]) -> str:
    """The outcomes, one a line, and then what the failed ones said."""
    width = max(len("Name"), *(len(row.name) for row in rows)) + GAP
    lines = [f"{'Name':<{width}}{'Outcome':<{10}}Time"]
    lines += [f"{row.name:<{width}}{'failed' if row.error else 'passed':<{10}}{seconds(row.seconds)}" for row in rows]
    told = [f"\n{row.name}: {row.error}" for row in rows if row.error]
    return "\n".join([*lines, *told]) + "\n"
