"""Durations as Go writes them, which Dagger takes and gives: `1m30s`, `500ms`, `0s`. Whole nanoseconds here.

Source: https://pkg.go.dev/time#ParseDuration and `Duration.String`.
"""

import re
from decimal import Decimal

from ci.engine.errors import InvalidArgumentError

UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")


def parsed(text: str) -> int:
    """The nanoseconds that `text` stands for.

    Raises:
        InvalidArgumentError: it is no duration.
    """
    if text == "0":
        return 0
    parts = PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise InvalidArgumentError(f'time: invalid duration "{text}"')
    return sum(int(Decimal(number) * UNITS[unit]) for number, unit in parts)


def shown(nanoseconds: int) -> str:
    """A duration as Go prints it."""
    if nanoseconds == 0:
        return "0s"
    if nanoseconds < UNITS["s"]:
        unit = next(unit for unit in ("ms", "µs", "ns") if nanoseconds >= UNITS[unit])
        return f"{_plain(Decimal(nanoseconds) / UNITS[unit])}{unit}"
    minutes, rest = divmod(nanoseconds, UNITS["m"])
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}h" if hours else ""
    text += f"{minutes}m" if hours or minutes else ""
    return f"{text}{_plain(Decimal(rest) / UNITS['s'])}s"


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
