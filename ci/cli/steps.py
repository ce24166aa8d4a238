"""The steps of a call as a tree, kept up to date by the engine's events; what a line of one says."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from ci.engine.progress import Ended, Event, Line, Started, shortened

FOLDED = 2  # levels of the tree that are shown, one more for each -v
MINUTE = 60
CONTROL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])|[\x00-\x08\x0b-\x1f\x7f]")
NEW = "nothing like it ran before"


@dataclass
class Step:
    """One step: `outcome` is empty while it runs; `last` is the last line of its output."""

    number: int
    name: str
    parent: int | None
    depth: int
    at: float
    outcome: str = ""
    seconds: float = 0.0
    last: str = ""
    why: tuple[str, ...] = ()
    tail: tuple[str, ...] = ()
    parts: list[int] = field(default_factory=list)


class Steps:
    """The steps of one call so far.

    Args:
        verbose: how many levels more than `FOLDED` are shown.
    """

    def __init__(self, verbose: int = 0) -> None:
        self.all: dict[int, Step] = {}
        self._levels = FOLDED + verbose

    def take(self, event: Event) -> None:
        """Take in what happened."""
        if isinstance(event, Started):
            above = self.all.get(event.parent or 0)
            self.all[event.number] = Step(
                event.number, event.name, event.parent, above.depth + 1 if above else 1, event.at
            )
            if above:
                above.parts.append(event.number)
        elif isinstance(event, Line):
            self.all[event.number].last = clean(event.text)
        elif isinstance(event, Ended):
            step = self.all[event.number]
            step.outcome, step.seconds, step.why, step.tail = event.outcome, event.seconds, event.why, event.tail

    def shows(self, number: int) -> bool:
        """Whether a step is shown: it lies no deeper than the fold."""
        return self.all[number].depth <= self._levels

    def ordered(self) -> Iterator[Step]:
        """The steps that are shown, each before its parts."""
        pending = [step.number for step in list(self.all.values()) if step.depth == 1][::-1]
        while pending:
            step = self.all[pending.pop()]
            yield step
            pending += [part for part in step.parts[::-1] if self.shows(part)]

    def said(self, step: Step, now: float | None = None) -> str:
        """A step's line: its name, how long it took or that it was cached, and what is folded away below it."""
        name = shortened(clean(step.name))
        if step.outcome == "cached":
            return f"{name} CACHED"
        took = seconds(step.seconds if step.outcome or now is None else now - step.at)
        return f"{name} {took}{' ERROR' if step.outcome == 'failed' else ''}{self._folded(step)}"

    def _folded(self, step: Step) -> str:
        if step.depth < self._levels:
            return ""
        hidden = Counter(self.all[number].outcome or "running" for number in self._below(step))
        parts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(hidden.items()))
        return f" (steps in it: {parts})" if parts else ""

    def _below(self, step: Step) -> Iterator[int]:
        for number in list(step.parts):
            yield number
            yield from self._below(self.all[number])

    def failed(self) -> Step | None:
        """The step whose failure is the cause of the others': the deepest, of these the last."""
        found = [step for step in self.all.values() if step.outcome == "failed"]
        return max(found, key=lambda step: (step.depth, step.number), default=None)

    def can_end(self) -> bool:
        """Whether a command runs, which gets time to end when the call is interrupted."""
        return any(not step.outcome and step.name.startswith("withExec") for step in list(self.all.values()))

    def reasons(self) -> Iterator[str]:
        """For each step that ran, and is not only made of others that did, what made it run."""
        for step in self.all.values():
            of_others = any(self.all[part].outcome != "cached" for part in step.parts)
            if step.outcome in ("ran", "failed") and (step.why or not of_others):
                yield f"{shortened(clean(step.name))}: {', '.join(step.why) or NEW}"


def seconds(count: float) -> str:
    """A duration as `3.2s`, or `1m02s` from a minute on."""
    if count < MINUTE:
        return f"{count:.1f}s"
    return f"{int(count) // MINUTE}m{int(count) % MINUTE:02}s"


def clean(text: str) -> str:
    """A line of output without control characters: of one that was written over itself, what was last to be seen."""
    return CONTROL.sub("", text.rstrip("\r").rpartition("\r")[2])
