"""What is told of a function that raised."""

import logging
import sys
from collections.abc import Callable

import pytest
from dagger import QueryError

from ci.engine.modules import host


def fails(error: BaseException) -> None:
    raise error


def answered() -> QueryError:
    """What the SDK raises where the engine answered an error."""
    error: QueryError = QueryError.__new__(QueryError, [])
    error.errors = []
    return error


def told(raises: Callable[[], None]) -> str | None:
    """The line that is logged, None where there is none."""
    try:
        raises()
    except BaseException:  # noqa: BLE001  what a module's function raises
        record = logging.LogRecord(host.LOGGER, logging.ERROR, "", 0, "Unhandled", (), sys.exc_info())
    return record.getMessage() if host._shorten(record) else None


def test_an_error_is_one_line_with_the_place_in_the_module() -> None:
    assert (
        told(lambda: fails(ValueError("boom")))
        == f"ValueError: boom ({__file__}, line {fails.__code__.co_firstlineno + 1}, in fails)"
    )


def test_an_error_of_a_library_is_told_at_the_modules_own_line() -> None:
    line = told(lambda: fails(logging.getLogger(5)))  # type: ignore[arg-type]
    assert line is not None
    assert line.startswith("TypeError: A logger name must be a string (")
    assert line.endswith("in <lambda>)")
    assert __file__ in line


def test_what_the_engine_answered_is_left_to_the_engine() -> None:
    assert told(lambda: fails(answered())) is None


def test_of_tasks_that_ran_at_once_each_error_is_told() -> None:
    group = BaseExceptionGroup("tasks", [OSError("one"), BaseExceptionGroup("more", [answered(), KeyError("two")])])
    assert told(lambda: fails(group)) == "OSError: one\nKeyError: 'two'"


@pytest.mark.parametrize("text", ["", "100 %"])
def test_what_carries_no_error_is_told_as_it_is(text: str) -> None:
    record = logging.LogRecord(host.LOGGER, logging.WARNING, "", 0, text, (), None)
    assert host._shorten(record)
    assert record.getMessage() == text
