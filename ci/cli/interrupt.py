"""Ctrl-C and SIGTERM: what a call started is removed also then."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM as SIGINT, and SIGINT as KeyboardInterrupt, until the block ends.

    A shell starts what runs in the background with SIGINT ignored; a call must be ended by it all the same.
    """
    before = {number: signal.signal(number, _interrupted) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupted(number: int, _: FrameType | None) -> None:
    raise KeyboardInterrupt
