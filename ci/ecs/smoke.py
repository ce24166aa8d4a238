"""Smoke checks: requests through a listener, each with an expected status, body and time.

Only a missing connection is tried again; a wrong answer is an answer.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .clients import Clock, Listener
from .errors import BadSmokeFile

# One request: seconds without a byte; and of the tries at a connection, how many and how far apart.
TIMEOUT_S = 10.0
ATTEMPTS = 5
PAUSE_S = 1.0
BODY_LIMIT = 1 << 20
SHOWN = 120


@dataclass(frozen=True)
class Check:
    """GET `path`: its status, a part of its body if not None, and the seconds it may take if not None."""

    path: str
    status: int = 200
    body: str | None = None
    within: float | None = None

    @property
    def expected(self) -> str:
        """In words."""
        parts = [str(self.status)]
        if self.body is not None:
            parts.append(f"a body with {self.body!r}")
        if self.within is not None:
            parts.append(f"within {self.within:g} s")
        return ", ".join(parts)


@dataclass(frozen=True)
class Result:
    """How one check went on one listener; `got` says it in words, `seconds` is the time of the last attempt."""

    path: str
    listener: str
    ok: bool
    expected: str
    got: str
    seconds: float
    answered: bool = True

    def __str__(self) -> str:
        return f"GET {self.path} on {self.listener}: expected {self.expected}, got {self.got}"

    def document(self) -> dict[str, Any]:
        """For the report."""
        return asdict(self)


def read(path: Path) -> tuple[Check, ...]:
    """The checks of a file ``[{"path": "/", "status": 200, "body": null, "within": null}, ...]``."""
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadSmokeFile(path=path, problem=str(error)) from error
    if not isinstance(raw, list) or not raw:
        raise BadSmokeFile(path=path, problem="it is not a list of at least one check")
    return tuple(_check(path, number, each) for number, each in enumerate(raw, 1))


def run(checks: Sequence[Check], listener: Listener, clock: Clock) -> tuple[Result, ...]:
    """All checks, in order, on one listener."""
    return tuple(_tried(check, listener, clock) for check in checks)


def _check(path: Path, number: int, raw: object) -> Check:
    def refuse(problem: str) -> BadSmokeFile:
        return BadSmokeFile(path=path, problem=f"check {number} {problem}")

    if not isinstance(raw, dict) or not isinstance(raw.get("path"), str) or not raw["path"].startswith("/"):
        raise refuse("has no path that begins with a slash")
    if unknown := sorted(set(raw) - {"path", "status", "body", "within"}):
        raise refuse(f"has an unknown key {unknown[0]!r}")
    status, body, within = raw.get("status", 200), raw.get("body"), raw.get("within")
    if type(status) is not int or not 100 <= status <= 599:
        raise refuse("has a status that is no HTTP status")
    if not isinstance(body, str | None):
        raise refuse("has a body that is not text")
    if within is not None and (isinstance(within, bool) or not isinstance(within, int | float) or within <= 0):
        raise refuse("has a `within` that is not a number of seconds")
    return Check(raw["path"], status, body, within)


def _tried(check: Check, listener: Listener, clock: Clock) -> Result:
    for _ in range(ATTEMPTS - 1):
        result = _once(check, listener, clock)
        if result is not None and not isinstance(result, str):
            return result
        clock.sleep(PAUSE_S)
    result = _once(check, listener, clock)
    if isinstance(result, str):
        return Result(check.path, listener.url, False, check.expected, f"no answer ({result})", 0.0, answered=False)
    return result


def _once(check: Check, listener: Listener, clock: Clock) -> Result | str:
    """The check's result, or what kept an answer from coming."""
    begun = clock.monotonic()
    connection = http.client.HTTPConnection(listener.connect, timeout=max(TIMEOUT_S, check.within or 0))
    try:
        connection.request("GET", check.path, headers={"Host": listener.host, "User-Agent": "cutover-smoke"})
        response = connection.getresponse()
        body = response.read(BODY_LIMIT).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()
    seconds = clock.monotonic() - begun
    ok, got = _judged(check, response.status, body, seconds)
    return Result(check.path, listener.url, ok, check.expected, got, round(seconds, 3))


def _judged(check: Check, status: int, body: str, seconds: float) -> tuple[bool, str]:
    if status != check.status:
        return False, f"{status} with {_shown(body)}"
    if check.body is not None and check.body not in body:
        return False, f"{status} with {_shown(body)}"
    if check.within is not None and seconds > check.within:
        return False, f"{status} after {seconds:.2f} s"
    return True, str(status)


def _shown(body: str) -> str:
    flat = " ".join(body.split())
    return repr(flat[:SHOWN] + "…" if len(flat) > SHOWN else flat)
