"""What a call does, as events: each step with its outcome, time, cause and parent, and the lines of what runs.

The engine reports to one `Progress`; whoever shows it (a tree, plain lines, nothing) listens to its events. Listeners
are called one event at a time, in order, from the thread in which it happened, and must not block.
"""

import contextlib
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, TextIO

SHOWN = 100  # characters of a step's name
TAIL_LINES = 40  # of a step's output, kept for its end

Outcome = Literal["ran", "cached", "failed"]
_current: ContextVar[int | None] = ContextVar("step", default=None)
_path: ContextVar[tuple[str, ...]] = ContextVar("path", default=())


@dataclass(frozen=True)
class Started:
    """A step began: its number (from 1, in order of start), name, the number of the step it is part of, and when
    (seconds of the progress's clock). One whose result is known (`cached`) ends at once."""

    number: int
    name: str
    parent: int | None
    at: float
    cached: bool = False


@dataclass(frozen=True)
class Line:
    """A whole line of a step's output, already scrubbed of secrets."""

    number: int
    text: str
    stream: Literal["stdout", "stderr"] = "stdout"


@dataclass(frozen=True)
class Ended:
    """A step ended.

    Attributes:
        seconds: how long it took.
        why: the inputs that made it run, each a short phrase (`args`, `environment variable A`, `file src/app.py`);
            empty where it was cached or nothing like it ran before.
        tail: the last lines of its output.
    """

    number: int
    name: str
    parent: int | None
    outcome: Outcome
    at: float
    seconds: float
    why: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()


@dataclass(frozen=True)
class Said:
    """A line about the call as a whole."""

    text: str


Event = Started | Line | Ended | Said
Listener = Callable[[Event], None]


class Step:
    """One running step; its user may say `why` it runs, and that it `failed` without an exception."""

    def __init__(self, progress: "Progress", number: int, name: str, parent: int | None, at: float) -> None:
        self._progress = progress
        self.number, self.name, self.parent, self.at = number, name, parent, at
        self.why: tuple[str, ...] = ()
        self.failed = False
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)

    def line(self, text: str, stream: Literal["stdout", "stderr"] = "stdout") -> None:
        """A line of the step's output."""
        self.tail.append(text)
        self._progress.emit(Line(self.number, text, stream))


class Progress:
    """Numbers steps, knows which is part of which, and hands events to its listeners.

    Args:
        out: where plain lines go (default: stderr); none are written where `quiet`.
        listeners: who else gets every event.
        clock: seconds, only ever forwards.
        tracebacks: whether what a module's function raises is told with its traceback.

    Attributes:
        ran: steps that ran to their end.
        cached: steps whose result was known.
    """

    def __init__(
        self,
        out: TextIO | None = None,
        quiet: bool = False,
        listeners: tuple[Listener, ...] = (),
        clock: Callable[[], float] = time.monotonic,
        tracebacks: bool = False,
    ) -> None:
        plain: tuple[Listener, ...] = () if quiet else (Plain(out or sys.stderr),)
        self._listeners = (*plain, *listeners)
        self._clock = clock
        self.tracebacks = tracebacks
        self._lock = threading.RLock()
        self._numbers = 0
        self.ran = 0
        self.cached = 0

    def emit(self, event: Event) -> None:
        """Hand an event to every listener."""
        with self._lock:
            for listener in self._listeners:
                listener(event)

    def say(self, text: str) -> None:
        """A line about the call as a whole."""
        self.emit(Said(text))

    def hit(self, name: str) -> None:
        """A step whose result was known."""
        step = self._begun(name, cached=True)
        self.cached += 1
        self._ended(step, "cached")

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """A step that runs. Steps that begin in the block, in its thread or under its number, are part of it."""
        step = self._begun(name)
        token, path = _current.set(step.number), _path.set((*_path.get(), name))
        try:
            yield step
        except BaseException:
            self._ended(step, "failed")
            raise
        finally:
            _current.reset(token)
            _path.reset(path)
        self.ran += 1
        self._ended(step, "failed" if step.failed else "ran")

    @contextlib.contextmanager
    def under(self, number: int | None) -> Iterator[None]:
        """Make steps that begin in the block part of the step `number`, which runs in another thread or process."""
        token = _current.set(number)
        try:
            yield
        finally:
            _current.reset(token)

    @staticmethod
    def current() -> int | None:
        """The number of the step that runs in this thread."""
        return _current.get()

    @staticmethod
    def path() -> tuple[str, ...]:
        """The names of the steps that run in this thread, the outermost first."""
        return _path.get()

    def _begun(self, name: str, cached: bool = False) -> Step:
        with self._lock:
            self._numbers += 1
            step = Step(self, self._numbers, name, _current.get(), self._clock())
            self.emit(Started(step.number, name, step.parent, step.at, cached))
        return step

    def _ended(self, step: Step, outcome: Outcome) -> None:
        at = self._clock()
        told = (step.why, tuple(step.tail))
        self.emit(Ended(step.number, step.name, step.parent, outcome, at, at - step.at, *told))


class Plain:
    """A listener that writes lines which read well in a CI log."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __call__(self, event: Event) -> None:
        """Write the event's line; a cached step has one, at its end."""
        if (text := _plain(event)) is not None:
            print(text, file=self._out, flush=True)


def _plain(event: Event) -> str | None:
    if isinstance(event, Said):
        return event.text
    if isinstance(event, Line):
        return f"{event.number:>3} │ {event.text}"
    name = shortened(event.name)
    if isinstance(event, Started):
        return None if event.cached else f"{event.number:>3} ▶ {name}"
    if event.outcome == "cached":
        return f"{event.number:>3} ✔ {name} CACHED"
    took = f"{name} {event.seconds:.1f}s"
    return f"{event.number:>3} ✘ {took} ERROR" if event.outcome == "failed" else f"{event.number:>3} ✔ {took}"


def shortened(name: str) -> str:
    """A step's name on one line, cut where it is long."""
    line = " ".join(name.split())
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"
