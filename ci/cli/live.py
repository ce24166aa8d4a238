"""The steps of a call as a tree that changes in place, on a terminal."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live as Screen
from rich.text import Text

from ci.cli.steps import Step, Steps, clean
from ci.engine.progress import Event, Said

REFRESHES = 8  # a second
STYLES = {"": "yellow", "ran": "green", "cached": "blue", "failed": "bold red"}
MARKS = {"": "●", "ran": "✔", "cached": "✔", "failed": "✘"}


class Live:
    """The tree, drawn anew in place while the call runs, and left as it was last when it ends."""

    def __init__(self, steps: Steps, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._steps = steps
        self._clock = clock
        self._console = Console(file=out)  # heeds NO_COLOR
        self._screen = self._started()

    def _started(self) -> Screen:
        screen = Screen(
            console=self._console,
            get_renderable=self._drawn,
            refresh_per_second=REFRESHES,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        screen.start()
        return screen

    def __call__(self, event: Event) -> None:
        """Lines about the call as a whole stand above the tree; the rest is drawn by the clock."""
        if isinstance(event, Said):
            self._console.print(clean(event.text), markup=False, highlight=False)

    def close(self) -> None:
        """Draw the tree for the last time."""
        self._screen.stop()
        if self._steps.all:
            self._console.print(self._tree(list(self._steps.ordered())))

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Leave the terminal alone while the block runs."""
        self._screen.stop()
        try:
            yield
        finally:
            self._screen = self._started()

    def _drawn(self) -> RenderableType:
        rows = list(self._steps.ordered())
        room = max(self._console.height - 2, 1)
        return self._tree(rows[-room:])

    def _tree(self, rows: list[Step]) -> RenderableType:
        return Group(*(self._line(step) for step in rows))

    def _line(self, step: Step) -> Text:
        text = Text("  " * (step.depth - 1), no_wrap=True, overflow="ellipsis")
        text.append(f"{MARKS[step.outcome]} ", STYLES[step.outcome])
        text.append(self._steps.said(step, self._clock()))
        if not step.outcome and step.last:
            text.append(f"  {step.last}", "dim")
        return text
