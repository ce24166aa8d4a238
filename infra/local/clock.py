"""Time, as one object that is passed in: AWS's minutes can be made shorter, seconds stay real."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Where everything in this package reads the time."""

    def now(self) -> float:
        """Seconds since the epoch."""
        ...

    def minutes(self, count: float) -> float:
        """Seconds that `count` of AWS's minutes (bake times, hook timeouts) last here."""
        ...


class SystemClock:
    """The machine's clock, with a minute of `minute` seconds."""

    def __init__(self, minute: float = 60.0) -> None:
        self._minute = minute

    def now(self) -> float:
        """The machine's time."""
        return time.time()

    def minutes(self, count: float) -> float:
        """As long as the minute was set to be."""
        return count * self._minute
