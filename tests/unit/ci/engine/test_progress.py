"""What a call says while it runs."""

import io
import re

import pytest

from ci.engine.progress import SHOWN, Progress, shortened


def test_a_step_is_shown_with_its_lines_outcome_and_time() -> None:
    out = io.StringIO()
    progress = Progress(out)
    with progress.step("withExec make") as step:
        step.line("building")
    progress.hit("withExec true")
    lines = re.sub(r"\d+\.\ds", "TIME", out.getvalue()).splitlines()
    assert lines == ["  1 ▶ withExec make", "  1 │ building", "  1 ✔ withExec make TIME", "  ✔ withExec true CACHED"]
    assert (progress.ran, progress.cached) == (1, 1)


def test_a_step_that_fails_is_shown_as_such_and_not_counted() -> None:
    out = io.StringIO()
    progress = Progress(out)
    with pytest.raises(ValueError, match="no"), progress.step("a"):
        raise ValueError("no")
    assert re.search(r"^ {2}1 ✘ a \d\.\ds ERROR$", out.getvalue(), re.MULTILINE)
    assert progress.ran == 0


def test_quiet_progress_shows_nothing_and_keeps_count() -> None:
    out = io.StringIO()
    progress = Progress(out, quiet=True)
    with progress.step("a"):
        progress.say("x")
    progress.hit("b")
    assert out.getvalue() == ""
    assert (progress.ran, progress.cached) == (1, 1)


def test_a_long_name_is_cut_and_put_on_one_line() -> None:
    assert shortened("a\n  b") == "a b"
    assert len(shortened("x" * 500)) == SHOWN
    assert shortened("x" * 500).endswith("…")
