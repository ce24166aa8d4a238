"""Durations in Go's words."""

import pytest

from ci.engine import durations
from ci.engine.errors import InvalidArgumentError

SECOND = 10**9


@pytest.mark.parametrize(
    ("text", "nanoseconds", "shown"),
    [
        ("0", 0, "0s"), ("30s", 30 * SECOND, "30s"), ("1m30s", 90 * SECOND, "1m30s"), ("90s", 90 * SECOND, "1m30s"),
        ("1.5h", 5400 * SECOND, "1h30m0s"), ("500ms", SECOND // 2, "500ms"), ("1500ms", 3 * SECOND // 2, "1.5s"),
        ("2us", 2000, "2µs"), ("7ns", 7, "7ns"), ("1h", 3600 * SECOND, "1h0m0s"),
    ],
)  # fmt: skip
def test_a_duration_is_read_and_shown_as_go_does(text: str, nanoseconds: int, shown: str) -> None:
    assert durations.parsed(text) == nanoseconds
    assert durations.shown(nanoseconds) == shown


@pytest.mark.parametrize("text", ["", "5", "s", "1 s", "1d", "-"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f'^time: invalid duration "{text}"$'):
        durations.parsed(text)
