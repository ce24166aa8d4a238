"""The record of calls: what was called, on what, by whom, and how IAM judged it. Tests of roles are made of it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

PATH = "/_cutover/calls"
KEPT_CALLS = 10_000
ALLOWED, DENIED, UNENFORCED = "allowed", "denied", "not enforced"


@dataclass(frozen=True)
class RecordedCall:
    """An API call. `at` in seconds since the epoch; `verdict` is allowed, denied or not enforced."""

    at: float
    service: str
    operation: str
    region: str
    caller: str
    checks: Sequence[tuple[str, str]]  # (action, resource ARN), all of which were needed
    verdict: str


class CallLog:
    """The newest KEPT_CALLS calls. Thread-safe."""

    def __init__(self) -> None:
        self._calls: deque[RecordedCall] = deque(maxlen=KEPT_CALLS)
        self._lock = threading.Lock()

    def add(self, call: RecordedCall) -> None:
        """Record one more."""
        with self._lock:
            self._calls.append(call)

    def calls(self) -> list[RecordedCall]:
        """All of them, oldest first."""
        with self._lock:
            return list(self._calls)

    def forget(self) -> int:
        """Empty the record; gives how many there were."""
        with self._lock:
            gone = len(self._calls)
            self._calls.clear()
            return gone


def answer(log: CallLog, method: str) -> tuple[str, Any]:
    """(HTTP status, JSON document) of a request to PATH."""
    if method == "GET":
        return "200 OK", {"calls": [_shown(call) for call in log.calls()]}
    if method == "DELETE":
        return "200 OK", {"forgotten": log.forget()}
    return "405 Method Not Allowed", {"message": f"{method} {PATH} is not served: GET or DELETE it"}


def _shown(call: RecordedCall) -> dict[str, Any]:
    checks = [{"action": action, "resource": resource} for action, resource in call.checks]
    return {**asdict(call), "checks": checks}
