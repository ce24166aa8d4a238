"""HAProxy's access log, a line a request, added up.

A line's fields are `alb.listeners`' log-format: listener, target group, the target's status, the client's status, the
target's microseconds, how the session ended, the kind of an answer without a target, and the answer's bytes.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

from infra.local.observe.values import Samples

NONE = "-"
FIELDS = 8
FIXED, REDIRECT = "fixed", "redirect"
CLIENT_LEFT = 460
DIGITS = 3  # of a response time


@dataclass
class Tally:
    """Requests of one listener to one target group (or none) over some time. `refused`: connections that failed."""

    chosen: int = 0
    target: Counter[int] = field(default_factory=Counter)
    own: Counter[int] = field(default_factory=Counter)
    fixed: int = 0
    redirects: int = 0
    refused: int = 0
    bytes: int = 0
    seconds: Samples = field(default_factory=Samples)


Tallies = dict[tuple[str, str], Tally]  # (listener, target group) by HAProxy's names


class AccessLog:
    """Adds lines up until they are taken. Thread-safe."""

    def __init__(self) -> None:
        self._tallies: Tallies = {}
        self._lock = threading.Lock()

    def add(self, line: str) -> None:
        """One request; a line that is none of ours is left out."""
        fields = line.split()
        if len(fields) != FIELDS:
            return
        listener, group, code, status, micros, end, kind, size = fields
        with self._lock:
            tally = self._tallies.setdefault((listener, group), Tally())
            tally.bytes += _number(size)
            if code == NONE:
                _count_own(tally, group, _number(status), end, kind)
            else:
                tally.chosen += 1
                tally.target[int(code)] += 1
                tally.seconds.add(_rounded(_number(micros)))

    def take(self) -> Tallies:
        """What came since the last time."""
        with self._lock:
            taken, self._tallies = self._tallies, {}
            return taken


def _count_own(tally: Tally, group: str, status: int, end: str, kind: str) -> None:
    """An answer of the load balancer's own. A group without a target, 503, was no choice."""
    if kind == REDIRECT:
        tally.redirects += 1
    elif kind == FIXED:
        tally.fixed += 1
    elif group != NONE and status != 503:
        tally.chosen += 1
        tally.refused += end[:2].upper() == "SC"
    tally.own[CLIENT_LEFT if status <= 0 else status] += 1


def _number(text: str) -> int:
    return int(text) if text.lstrip("-").isdigit() else 0


def _rounded(micros: int) -> float:
    """Seconds, with so few digits that a minute has few different values."""
    return float(f"{micros / 1e6:.{DIGITS}g}")
