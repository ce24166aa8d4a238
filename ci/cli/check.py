"""`cutover check`: the module's checks (functions marked `@check`), all at once, and a table of their outcomes."""

import hashlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, as_completed
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
from ci.engine import globs
from ci.engine.errors import EngineError
from ci.errors import CutoverError

if TYPE_CHECKING:
    from ci.cli.types import Types
    from ci.engine.typedefs import Function

_Chain = tuple["Function", ...]  # the functions that lead to a check, itself the last
Checks = dict[str, _Chain]

LIST = Option("list", "l", True, usage="List available checks")
FAIL_FAST = Option("fail-fast", alone=True, usage="Stop the other checks as soon as one fails (also --failfast)")
LISTING, STOPPING = ("-l", "--list"), ("--fail-fast", "--failfast")  # the second is Dagger's
TABLE = (FAIL_FAST, LIST, *opts.CALL[1:2], *opts.ENGINE)
TITLE = """\
Check the state of your project by running tests, linters, etc.

Without a pattern all checks run, at once, first those that took the least last time.
`lint` names one, `test-*` several, `web` also all of `web:...`."""
GAP = 3
RECORD = "check"
CACHED_SECONDS = 0.5  # what ends sooner came from the cache, and does not tell how long the check takes


@dataclass(frozen=True)
class Checked:
    """How one check went: `outcome` is passed, failed, stopped (by the failure of another) or not run."""

    name: str
    seconds: float
    error: CutoverError | EngineError | None
    stopped: bool = False

    @property
    def outcome(self) -> str:
        """The word for it."""
        if self.stopped:
            return "stopped" if self.seconds else "not run"
        return "failed" if self.error else "passed"


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
    listing, stopping = (any(word in words for word in given) for words in (LISTING, STOPPING))
    options, patterns = opts.spread([word for word in given if word not in LISTING + STOPPING], options, TABLE)
    with engine(replace(options, output=None)) as running:
        found = named(running, patterns)
        rows = [] if listing else _run(running, found, options, running.session.interrupt if stopping else None)
    if not found:
        reason = "the module has no function marked @check" if running.types.module else NO_MODULE
        print(f"No checks found. ({reason})", file=sys.stderr)
        return
    listed = {word: chain[-1] for word, chain in found.items()}
    output.show(texts.functions_table(listed) if listing else table(rows))
    if failed := [row.name for row in rows if row.outcome == "failed"]:
        raise ChecksFailedError(failed, len(rows))


def named(running: Engine, patterns: Sequence[str]) -> Checks:
    """The checks that one of the patterns names or fits, or that lie below one it names; all where there are none.

    Raises:
        UsageError: a pattern fits no check.
    """
    checks = dict(_below(running.types, (running.types.root,), ()))
    for pattern in patterns:
        if not any(_fits(word, pattern) for word in checks):
            raise UsageError(f'no check "{pattern}"{nearest(pattern, list(checks))}', "cutover check")
    return {
        word: chain for word, chain in checks.items()
        if not patterns or any(_fits(word, pattern) for pattern in patterns)
    }  # fmt: skip


def _below(types: "Types", chain: "tuple[Function, ...]", words: tuple[str, ...]) -> "Iterator[tuple[str, _Chain]]":
    """The checks of the object that a chain gives, then those of the module's objects that its functions give: what
    asks for an argument is passed over, as by Dagger."""
    found = {
        word: function for word, function in types.functions(chain[-1].result).items()
        if not any(arg.required for arg in function.args)
    }  # fmt: skip
    for word, function in found.items():
        if function.check:
            yield ":".join((*words, word)), (*chain, function)
    before = {step.result.name for step in chain}
    for word, function in found.items():
        own = types.module is not None and types.module.object(function.result.name) is not None
        if own and function.result.element is None and function.result.name not in before:
            yield from _below(types, (*chain, function), (*words, word))


def _fits(word: str, pattern: str) -> bool:
    """Whether a pattern (with `*` inside of a part, `**` over several) is a check's name, or what it lies below."""
    place, wanted = word.replace(":", "/"), pattern.replace(":", "/")
    return f"{place}/".startswith(f"{wanted}/") or globs.compiled(wanted).fullmatch(place) is not None


def cheapest_first(running: Engine, checks: Checks) -> list[str]:
    """The names of the checks, those first that took the least when they last ran; before them, what never ran here."""
    store = running.session.store
    return sorted(checks, key=lambda name: store.get_record(RECORD, _key(running, name)) or 0.0)


def _run(running: Engine, checks: Checks, options: Options, fail: Callable[[], None] | None = None) -> list[Checked]:
    """Run the checks at once; the first failure calls `fail`, which ends those that run, and no other begins."""
    stop = threading.Event()
    with ThreadPoolExecutor(workers()) as pool:
        order = cheapest_first(running, checks)
        runs = {name: pool.submit(_checked, running, name, checks[name], options, stop) for name in order}
        for done in as_completed(runs.values()):
            if fail and done.result().error:
                stop.set()
                pool.shutdown(wait=False, cancel_futures=True)
                fail()
                break
        return [_row(name, runs[name]) for name in checks]


def _row(name: str, run: "Future[Checked]") -> Checked:
    try:
        return run.result()
    except CancelledError:
        return Checked(name, 0.0, None, stopped=True)


def _key(running: Engine, name: str) -> str:
    module = running.types.module
    return hashlib.sha256(f"{module.name if module else ''}:{name}".encode()).hexdigest()


def _checked(running: Engine, name: str, chain: "_Chain", options: Options, stop: threading.Event) -> Checked:
    start = time.monotonic()
    error: CutoverError | EngineError | None = None
    try:
        answer(running, Chain([Link(function) for function in chain], options))
    except (CutoverError, EngineError) as caught:
        error = caught
    took = time.monotonic() - start
    stopped = error is not None and stop.is_set()
    if took > CACHED_SECONDS and not stopped:
        running.session.store.put_record(RECORD, _key(running, name), took)
    return Checked(name, took, error, stopped)


def table(rows: Sequence[Checked]) -> str:
    """The outcomes, one a line, and then what the failed ones said."""
    width = max(len("Name"), *(len(row.name) for row in rows)) + GAP
    lines = [f"{'Name':<{width}}{'Outcome':<{10}}Time"]
    lines += [f"{row.name:<{width}}{row.outcome:<{10}}{seconds(row.seconds)}" for row in rows]
    told = [f"\n{row.name}: {row.error}" for row in rows if row.error and not row.stopped]
    return "\n".join([*lines, *told]) + "\n"
