"""`cutover run COMMAND …`: any program with a session of the engine, as `dagger run` gives it."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType

from ci.cli import help as texts
from ci.cli import options as opts
from ci.cli import output
from ci.cli.engine import engine
from ci.cli.errors import UsageError
from ci.cli.options import Options
from ci.cli.words import HELP
from ci.errors import CutoverError

TITLE = """\
Run a command in a session of the engine.

DAGGER_SESSION_PORT and DAGGER_SESSION_TOKEN are set for it: a script that calls dagger.connection() works as it is.
The exit code is the command's."""
USAGE = "cutover run [options] <command>..."
SIGNALLED = 128  # a program ended by signal N has exit code 128 + N, as in a shell
PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class ProgramError(CutoverError):
    """The program cannot be started."""

    def __init__(self, program: str, error: OSError) -> None:
        missing = isinstance(error, FileNotFoundError)
        reason = "executable file not found in $PATH" if missing else str(error.strerror).lower()
        super().__init__(f'exec: "{program}": {reason}')


def run(given: list[str], options: Options) -> int:
    """Run a program with a session; gives its exit code.

    Raises:
        UsageError: no program is named.
        ProgramError: it cannot be started.
    """
    if given[:1] and given[0] in HELP:
        output.show(texts.command(USAGE, TITLE, opts.ENGINE))
        return 0
    options, command = opts.leading(given, options, opts.ENGINE)
    if not command:
        raise UsageError("requires at least 1 arg(s), only received 0", "cutover run")
    with engine(options, needs_module=False) as running, running.server.client() as (port, token):
        session = {"DAGGER_SESSION_PORT": str(port), "DAGGER_SESSION_TOKEN": token}
        return started(command, {**os.environ, **session})


def started(command: Sequence[str], environment: dict[str, str]) -> int:
    """Run a program to its end, this process's signals passed on to it; gives its exit code.

    Raises:
        ProgramError: it cannot be started.
    """
    sys.stdout.flush()
    try:
        process = subprocess.Popen(command, env=environment)
    except OSError as error:
        raise ProgramError(command[0], error) from error

    def pass_on(number: int, _: FrameType | None) -> None:
        # A terminal sends Ctrl-C to every process of its foreground group: the program has it already.
        if number != signal.SIGINT or not _foreground():
            process.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in PASSED_ON}
    try:
        status = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return status if status >= 0 else SIGNALLED - status


def _foreground() -> bool:
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False
