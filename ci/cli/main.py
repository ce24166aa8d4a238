"""The `cutover` command."""

import gc
import importlib
import os
import sys
from collections.abc import Callable

from ci.cli.errors import FlagError, UsageError
from ci.cli.options import CALL, ENGINE, Options, defaults, leading, scanned
from ci.errors import CutoverError

INTERRUPTED = 130  # as a shell reports SIGINT
# The commands that run the engine read their words themselves: a call whose answer is known must not wait for click.
WORDS = {
    "call": "ci.cli.call:call",
    "check": "ci.cli.check:check",
    "functions": "ci.cli.call:functions",
    "run": "ci.cli.run:run",
}
COMPLETING = "_CUTOVER_COMPLETE"


def main() -> None:
    """Run the command with the process's words, and end the process with its exit code."""
    words = sys.argv[1:]
    debug = "--debug" in words or "-d" in words
    try:
        status = _run(words)
        sys.stdout.flush()
    except BrokenPipeError:
        status = _closed()
    except (CutoverError, KeyboardInterrupt) as error:
        status = _told(error)
    except Exception as error:  # noqa: BLE001  the last resort: nobody is to see a traceback who has not asked for it
        known = _known(error)
        status = _unexpected(error, debug) if known is None else known
    gc.freeze()  # the process ends: the interpreter need not look for what could be freed, which takes it 0.1 s
    sys.exit(status)


def _run(words: list[str]) -> int:
    if os.environ.get(COMPLETING):
        return _clicked(words)
    try:
        options, rest = leading(words, defaults(), CALL + ENGINE)
    except FlagError as error:
        raise UsageError(str(error), "cutover") from error
    if not rest or rest[0] not in WORDS:
        return _clicked(rest if rest else words)
    from ci.cli.dagger import handed_over
    from ci.cli.interrupt import interruptible

    command, rest = rest[0], rest[1:]
    options = options if command == "run" else scanned(rest, options)
    handed_over(words, options)
    try:
        with interruptible():
            return _command(command)(rest, options) or 0
    except FlagError as error:
        raise UsageError(str(error), f"cutover {command}") from error


def _command(name: str) -> Callable[[list[str], Options], int | None]:
    module, _, function = WORDS[name].partition(":")
    found: Callable[[list[str], Options], int | None] = getattr(importlib.import_module(module), function)
    return found


def _clicked(words: list[str]) -> int:
    from ci.cli.group import run

    return run(words)


def _closed() -> int:
    """The reader of stdout has gone (`| head`): there is nobody to tell, and nothing more to flush at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _told(error: BaseException) -> int:
    """An error as one sentence on stderr; gives the exit code that goes with it."""
    if isinstance(error, KeyboardInterrupt):
        print("Error: interrupted; what this call started has been removed", file=sys.stderr)
        return INTERRUPTED
    print(f"Error: {error}", file=sys.stderr)
    if isinstance(error, UsageError):
        print(f"Run '{error.command} --help' for usage.", file=sys.stderr)
    return getattr(error, "exit_code", 1)


def _known(error: Exception) -> int | None:
    """The exit code of an error of the engine's, or of a package that is not installed, which is told; None for any
    other."""
    if isinstance(error, ModuleNotFoundError):
        from ci.cli.own import not_installed

        told = not_installed(error)
        return None if told is None else _told(told)
    from ci.engine.errors import EngineError

    return _told(error) if isinstance(error, EngineError) else None


def _unexpected(error: Exception, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exc()
    text = " ".join(str(error).split()) or "no message"
    hint = "" if debug else " (a mistake of cutover's own: --debug shows where)"
    print(f"Error: {type(error).__name__}: {text}{hint}", file=sys.stderr)
    return 1
