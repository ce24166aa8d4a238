"""Ctrl-C and SIGTERM."""

import signal

import pytest

from ci.cli import interrupt
from ci.cli.interrupt import CLOSING, GRACE, Interruptions, interruptible
from ci.cli.steps import Steps
from ci.engine.progress import Started


class Bench:
    """A command whose session is reached by signals; `said` is what the user sees."""

    def __init__(self, runs: bool) -> None:
        self.said: list[str] = []
        self.reached = 0
        self.interruptions = Interruptions(self.said.append)
        self.session = self.interruptions.reaching(self._reach, lambda: runs)

    def _reach(self) -> None:
        self.reached += 1

    def press(self) -> None:
        self.interruptions.handle(signal.SIGINT, None)


def test_the_first_reaches_what_runs_and_says_so_and_the_second_ends_it() -> None:
    bench = Bench(runs=True)
    with bench.session:
        bench.press()
        assert (bench.reached, bench.said) == (1, [GRACE])
        with pytest.raises(KeyboardInterrupt):
            bench.press()
    assert bench.reached == 2


def test_where_no_command_runs_the_first_ends_it() -> None:
    bench = Bench(runs=False)
    with bench.session, pytest.raises(KeyboardInterrupt):
        bench.press()
    assert (bench.reached, bench.said) == (1, [])


def test_while_things_are_removed_one_only_kills_what_still_runs() -> None:
    bench = Bench(runs=True)
    with bench.session:
        bench.press()
    bench.press()
    assert (bench.reached, bench.said) == (2, [GRACE, CLOSING])
    with pytest.raises(KeyboardInterrupt):
        bench.press()


def test_outside_of_a_session_it_ends_at_once() -> None:
    with pytest.raises(KeyboardInterrupt):
        Interruptions(lambda _: None).handle(signal.SIGTERM, None)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_ends_as_such_whatever_its_functions_answered(number: signal.Signals) -> None:
    """The call itself may end with a result, or the error of the command that was interrupted."""
    for error in (None, ValueError("exit code: 130")):
        with pytest.raises(KeyboardInterrupt), interruptible():
            with interrupt.current.reaching(lambda: None, lambda: True):
                signal.raise_signal(number)
            if error:
                raise error


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with interruptible():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before


def test_only_a_running_command_gets_time_to_end() -> None:
    steps = Steps()
    steps.take(Started(1, "test", None, 0.0))
    assert not steps.can_end()
    steps.take(Started(2, "withExec pytest", 1, 0.0))
    assert steps.can_end()
