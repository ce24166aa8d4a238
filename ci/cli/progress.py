"""How a call's progress is shown: a live tree on a terminal, else plain lines; on stderr, as all but the result."""

import contextlib
import os
import sys
from collections.abc import Iterator, Mapping
from typing import Protocol, TextIO

from ci.cli.options import Options
from ci.cli.steps import Steps, clean
from ci.engine.progress import Event, Line, Progress, Said, Started

TAIL = 20  # lines of a failed step, shown last
MARKS = {"": "▶", "ran": "✔", "cached": "✔", "failed": "✘"}


class View(Protocol):
    """What shows the steps."""

    def __call__(self, event: Event) -> None:
        """Show what happened; the steps have taken it in."""

    def close(self) -> None:
        """Show no more."""

    def paused(self) -> contextlib.AbstractContextManager[None]:
        """Leave the terminal alone while the block runs."""


class Quiet:
    """Shows nothing but what is said of the call as a whole at -v."""

    def __call__(self, event: Event) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing to end."""

    def paused(self) -> contextlib.AbstractContextManager[None]:
        """Nothing to pause."""
        return contextlib.nullcontext()


class Plain(Quiet):
    """Lines that read well in a CI log: each carries its step's number, for steps that run at once."""

    def __init__(self, steps: Steps, out: TextIO) -> None:
        self._steps = steps
        self._out = out

    def __call__(self, event: Event) -> None:
        """Write the event's line; a cached step has one, at its end."""
        if isinstance(event, Said):
            self._write(clean(event.text))
        elif self._steps.shows(event.number) and not (isinstance(event, Started) and event.cached):
            step = self._steps.all[event.number]
            indent = "  " * (step.depth - 1)
            if isinstance(event, Line):
                self._write(f"{event.number:>3} │ {indent}{clean(event.text)}")
            else:
                said = self._steps.said(step) if step.outcome else clean(step.name)
                self._write(f"{event.number:>3} {MARKS[step.outcome]} {indent}{said}")

    def _write(self, text: str) -> None:
        # Nobody reads it any more (`2>&1 | head`): the call goes on all the same.
        with contextlib.suppress(BrokenPipeError):
            print(text, file=self._out, flush=True)


class Shown:
    """A call's progress and what shows it."""

    def __init__(self, options: Options, out: TextIO, environ: Mapping[str, str] = os.environ) -> None:
        self.steps = Steps(options.verbose + (100 if options.debug else 0))
        self.view = _view(options, self.steps, out, environ)
        self.progress = Progress(quiet=True, listeners=(self.steps.take, self.view), tracebacks=options.debug)
        self._why = options.why
        self._out = out

    def close(self, error: BaseException | None) -> None:
        """Show no more; a failed step's last lines come last, unless the error tells them."""
        self.view.close()
        if self._why:
            print("Why steps ran:", file=self._out)
            print("\n".join(f"  {line}" for line in self.steps.reasons()) or "  none ran", file=self._out)
        step = self.steps.failed()
        tail = [clean(line) for line in step.tail[-TAIL:]] if step else []
        if error is not None and tail and tail[-1].strip() not in str(error):
            print("\n".join(tail), file=self._out)


def _view(options: Options, steps: Steps, out: TextIO, environ: Mapping[str, str]) -> View:
    if options.progress == "quiet":
        return Quiet()
    if options.progress == "auto" and out.isatty() and environ.get("TERM") != "dumb":
        from ci.cli.live import Live

        return Live(steps, out)
    return Plain(steps, out)


@contextlib.contextmanager
def shown(options: Options) -> Iterator[Shown]:
    """A call's progress, shown as the options say until the block ends."""
    showing = Shown(options, sys.stderr)
    try:
        yield showing
    except BaseException as error:
        showing.close(error)
        raise
    showing.close(None)
