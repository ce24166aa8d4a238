"""What a call says while it runs: each step with its outcome and time, and the lines of the commands that run."""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from typing import TextIO

SHOWN = 100  # characters of a step's name


class Progress:
    """Plain progress on stderr; quiet shows nothing but keeps count.

    Attributes:
        ran: steps that ran.
        cached: steps whose result was known.
    """

    def __init__(self, out: TextIO | None = None, quiet: bool = False) -> None:
        self._out = out or sys.stderr
        self._quiet = quiet
        self._lock = threading.Lock()
        self._numbers = 0
        self.ran = 0
        self.cached = 0

    def say(self, text: str) -> None:
        """One line."""
        if not self._quiet:
            with self._lock:
                print(text, file=self._out, flush=True)

    def hit(self, name: str) -> None:
        """A step whose result was known."""
        self.cached += 1
        self.say(f"  ✔ {shortened(name)} CACHED")

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator["Step"]:
        """A step that runs; its outcome and time are shown at its end."""
        with self._lock:
            self._numbers += 1
        step = Step(self, self._numbers)
        self.say(f"{step.number:>3} ▶ {shortened(name)}")
        start = time.monotonic()
        try:
            yield step
        except BaseException:
            self.say(f"{step.number:>3} ✘ {shortened(name)} {time.monotonic() - start:.1f}s ERROR")
            raise
        self.ran += 1
        self.say(f"{step.number:>3} ✔ {shortened(name)} {time.monotonic() - start:.1f}s")


class Step:
    """One running step, whose output lines carry its number."""

    def __init__(self, progress: Progress, number: int) -> None:
        self._progress = progress
        self.number = number

    def line(self, text: str) -> None:
        """A line of the step's output."""
        self._progress.say(f"{self.number:>3} │ {text}")


def shortened(name: str) -> str:
    """A step's name on one line, cut where it is long."""
    line = " ".join(name.split())
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"
