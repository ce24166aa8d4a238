"""How a call's progress is shown."""

import io
import re
from collections.abc import Iterator

import pytest

from ci.cli.live import Live
from ci.cli.options import Options
from ci.cli.progress import Shown
from ci.cli.steps import Steps, clean, seconds
from ci.engine.progress import Line, Progress, Started


def called(progress: Progress, fails: bool = False) -> None:
    """A call of a function that runs a step, which runs another, beside one whose result is known."""
    with progress.step("test"):
        progress.hit("withExec pip install")
        with progress.step("withExec pytest -q") as step:
            step.why = ("file app/views.py",)
            step.line("collected 5 items")
            step.line("\x1b[31mE\x1b[0m   assert\r 50%\r100%")
            with progress.step("from python"):
                pass
            if fails:
                raise ValueError("exit code: 1")


def run(fails: bool = False, error: BaseException | None = None, **options: object) -> list[str]:
    out = io.StringIO()
    showing = Shown(Options(**options), out, {})  # type: ignore[arg-type]
    try:
        called(showing.progress, fails)
    except ValueError as raised:
        showing.close(error or raised)
    else:
        showing.close(None)
    return [re.sub(r"\d+\.\ds", "0.0s", line) for line in out.getvalue().splitlines()]


def test_plain_lines_show_two_levels_with_times_and_what_was_cached() -> None:
    assert run() == [
        "  1 ▶ test",
        "  2 ✔   withExec pip install CACHED",
        "  3 ▶   withExec pytest -q",
        "  3 │   collected 5 items",
        "  3 │   100%",
        "  3 ✔   withExec pytest -q 0.0s (steps in it: 1 ran)",
        "  1 ✔ test 0.0s",
    ]


def test_verbose_shows_one_level_more() -> None:
    assert "  4 ✔     from python 0.0s" in run(verbose=1)


def test_a_failed_steps_last_lines_come_last() -> None:
    lines = run(fails=True)
    assert lines[-4:] == [
        "  3 ✘   withExec pytest -q 0.0s ERROR (steps in it: 1 ran)",
        "  1 ✘ test 0.0s ERROR",
        "collected 5 items",
        "100%",
    ]


def test_last_lines_that_the_error_tells_are_not_told_twice() -> None:
    assert run(fails=True, error=ValueError("exit code: 1\nStdout:\n100%"))[-1] == "  1 ✘ test 0.0s ERROR"


def test_quiet_shows_only_a_failed_steps_last_lines() -> None:
    assert run(progress="quiet") == []
    assert run(progress="quiet", fails=True) == ["collected 5 items", "100%"]


def test_why_tells_what_made_each_step_run() -> None:
    assert run(why=True, progress="quiet") == [
        "Why steps ran:", "  withExec pytest -q: file app/views.py", "  from python: nothing like it ran before",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("plain ünïcode\ttab", "plain ünïcode\ttab"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("10%\r20%\r", "20%"),
        ("bell\x07 back\x08", "bell back"),
    ],
)
def test_lines_carry_no_control_characters(text: str, wanted: str) -> None:
    assert clean(text) == wanted


@pytest.mark.parametrize(("count", "wanted"), [(0.04, "0.0s"), (3.25, "3.2s"), (59.9, "59.9s"), (62, "1m02s")])
def test_durations_are_short(count: float, wanted: str) -> None:
    assert seconds(count) == wanted


class Terminal(io.StringIO):
    """A terminal of which everything written is kept."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    yield Terminal()


def test_on_a_terminal_the_tree_is_left_as_it_was_last(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    showing = Shown(Options(), terminal, {"TERM": "xterm"})
    assert isinstance(showing.view, Live)
    with showing.view.paused():
        showing.progress.say("pull python")
    called(showing.progress)
    showing.close(None)
    written = clean(terminal.getvalue().replace("\r", "").replace("\n", "⏎"))
    assert "pull python⏎" in written
    final = re.sub(r"\d+\.\ds", "0.0s", written[written.rindex("✔ test") :])
    assert final == "✔ test 0.0s⏎  ✔ withExec pip install CACHED⏎  ✔ withExec pytest -q 0.0s (steps in it: 1 ran)⏎"


def test_no_color_is_heeded(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    for value, coloured in (("1", False), ("", True)):
        monkeypatch.setenv("NO_COLOR", value)
        monkeypatch.setenv("TERM", "xterm-256color")
        screen = Terminal()
        live = Live(Steps(), screen)
        live._steps.take(Started(1, "test", None, 0.0))
        live.close()
        assert ("\x1b[33m" in screen.getvalue()) == coloured


def test_a_dumb_terminal_and_plain_get_plain_lines(terminal: Terminal) -> None:
    for options, environ in ((Options(), {"TERM": "dumb"}), (Options(progress="plain"), {"TERM": "xterm"})):
        showing = Shown(options, terminal, environ)
        assert not isinstance(showing.view, Live)


def test_a_running_step_shows_its_last_line(terminal: Terminal) -> None:
    steps = Steps()
    for event in (Started(1, "test", None, 0.0), Line(1, "collected")):
        steps.take(event)
    live = Live(steps, terminal, lambda: 3.0)
    live.close()
    assert "test 3.0s  collected" in clean(terminal.getvalue().replace("\r", "").splitlines()[-1])
