"""Ctrl-C and SIGTERM: the commands that run get time to end, and what a call started is removed in any case."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from types import FrameType

STDERR = 2
GRACE = "interrupted: what runs has 30 s to end; once more ends it at once\n"
CLOSING = "interrupted: removing what the call started; once more leaves that to the next call\n"


class Interruptions:
    """What the signals of one command do.

    The first one reaches the running commands, where there are any, and the command goes on until they have ended; a
    second one, or a first where nothing runs, ends it at once (KeyboardInterrupt). While what was started is being
    removed, one is passed over.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._reach: Callable[[], None] | None = None
        self._runs: Callable[[], bool] = lambda: False
        self._closing = False
        self.seen = False

    def handle(self, number: int, _: FrameType | None) -> None:
        """Handle a signal."""
        first, self.seen = not self.seen, True
        if self._closing:
            self._closing = False
            if self._reach is not None:
                self._reach()
            self._say(CLOSING)
            return
        if self._reach is not None:
            graceful = first and self._runs()
            self._reach()
            if graceful:
                self._say(GRACE)
                return
        raise KeyboardInterrupt

    @contextlib.contextmanager
    def reaching(self, reach: Callable[[], None], runs: Callable[[], bool]) -> Iterator[None]:
        """Let signals reach a session until the block ends; then they must not cut short its end, but kill what
        still runs.

        Args:
            reach: interrupts what runs; called a second time, kills it.
            runs: whether any command runs that could end by itself.
        """
        self._reach, self._runs = reach, runs
        try:
            yield
        finally:
            self._closing = True


def _write(text: str) -> None:
    # A signal handler may interrupt a write to the buffered stderr, which must not be entered twice.
    with contextlib.suppress(OSError):
        os.write(STDERR, text.encode())


current = Interruptions(_write)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Handle SIGINT and SIGTERM until the block ends.

    A shell starts what runs in the background with SIGINT ignored; a call must be ended by it all the same.

    Raises:
        KeyboardInterrupt: there was one, whatever else the block ended with.
    """
    global current
    current = Interruptions(_write)
    before = {number: signal.signal(number, current.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except Exception as error:
        if current.seen:
            raise KeyboardInterrupt from error
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if current.seen:
        raise KeyboardInterrupt
