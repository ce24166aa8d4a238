"""What a call says while it runs."""

import io
import re
import threading

import pytest

from ci.engine.progress import SHOWN, TAIL_LINES, Ended, Event, Line, Progress, Said, Started, shortened


def ticking() -> "tuple[list[Event], Progress]":
    """A progress whose clock goes one second further each time it is asked, and its events."""
    events: list[Event] = []
    times = iter(range(1000))
    return events, Progress(quiet=True, listeners=(events.append,), clock=lambda: float(next(times)))


def test_a_step_is_shown_with_its_lines_outcome_and_time() -> None:
    out = io.StringIO()
    progress = Progress(out)
    with progress.step("withExec make") as step:
        step.line("building")
    progress.hit("withExec true")
    lines = re.sub(r"\d+\.\ds", "TIME", out.getvalue()).splitlines()
    assert lines == ["  1 ▶ withExec make", "  1 │ building", "  1 ✔ withExec make TIME", "  2 ✔ withExec true CACHED"]
    assert (progress.ran, progress.cached) == (1, 1)


def test_a_step_that_fails_is_shown_as_such_and_not_counted() -> None:
    out = io.StringIO()
    progress = Progress(out)
    with pytest.raises(ValueError, match="no"), progress.step("a"):
        raise ValueError("no")
    assert re.search(r"^ {2}1 ✘ a \d\.\ds ERROR$", out.getvalue(), re.MULTILINE)
    assert progress.ran == 0


def test_quiet_progress_writes_nothing_and_keeps_count() -> None:
    out = io.StringIO()
    progress = Progress(out, quiet=True)
    with progress.step("a"):
        progress.say("x")
    progress.hit("b")
    assert out.getvalue() == ""
    assert (progress.ran, progress.cached) == (1, 1)


def test_events_carry_start_end_outcome_cause_and_the_last_lines() -> None:
    events, progress = ticking()
    with progress.step("make") as step:
        step.line("out")
        step.line("err", "stderr")
        step.why = ("args",)
    progress.hit("true")
    progress.say("done")
    assert events == [
        Started(1, "make", None, 0.0),
        Line(1, "out"),
        Line(1, "err", "stderr"),
        Ended(1, "make", None, "ran", 1.0, 1.0, ("args",), ("out", "err")),
        Started(2, "true", None, 2.0, cached=True),
        Ended(2, "true", None, "cached", 3.0, 1.0),
        Said("done"),
    ]


def test_only_the_last_lines_are_kept_for_a_steps_end() -> None:
    events, progress = ticking()
    with progress.step("loud") as step:
        for number in range(TAIL_LINES * 3):
            step.line(str(number))
    (end,) = [event for event in events if isinstance(event, Ended)]
    assert (len(end.tail), end.tail[-1]) == (TAIL_LINES, str(TAIL_LINES * 3 - 1))


def test_a_step_within_another_is_part_of_it_also_from_another_thread() -> None:
    events, progress = ticking()

    def elsewhere(number: int) -> None:
        with progress.under(number):
            progress.hit("in a thread")

    with progress.step("call") as outer:
        with progress.step("inner"):
            progress.hit("innermost")
        thread = threading.Thread(target=elsewhere, args=(outer.number,))
        thread.start()
        thread.join()
    progress.hit("after")
    parents = {event.name: event.parent for event in events if isinstance(event, Started)}
    assert parents == {"call": None, "inner": 1, "innermost": 2, "in a thread": 1, "after": None}


def test_a_long_name_is_cut_and_put_on_one_line() -> None:
    assert shortened("a\n  b") == "a b"
    assert len(shortened("x" * 500)) == SHOWN
    assert shortened("x" * 500).endswith("…")
