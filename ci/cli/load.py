"""A steady load of keep-alive connections on one URL, every answer counted."""

import http.client
import threading
import time
import urllib.parse
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

CONNECTIONS = 8
PER_SECOND = 10.0  # requests of each connection
ANSWER_SECONDS = 30


@dataclass
class Tally:
    """What the load saw: requests sent, failed and why (a wrong status, no answer), the slowest answer in seconds."""

    sent: int = 0
    failed: int = 0
    slowest: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)


class Load:
    """Sends requests from the block's start to its end; nothing is ever sent twice.

    Args:
        url: where to, with its path.
        status: what a good answer has.
    """

    def __init__(self, url: str, status: int = http.client.OK) -> None:
        self.tally = Tally()
        self._status = status
        self._parts = urllib.parse.urlsplit(url)
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._send, daemon=True) for _ in range(CONNECTIONS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join(ANSWER_SECONDS)

    def _send(self) -> None:
        connection = http.client.HTTPConnection(self._parts.netloc, timeout=ANSWER_SECONDS)
        due = time.monotonic()
        while not self._stopped.is_set():
            self._count(*self._request(connection))
            due = max(due + 1 / PER_SECOND, time.monotonic())
            self._stopped.wait(due - time.monotonic())
        connection.close()

    def _request(self, connection: http.client.HTTPConnection) -> tuple[str | None, float]:
        """Why the request failed (None: it did not), and how long it took."""
        start = time.monotonic()
        try:
            connection.request("GET", self._parts.path or "/")
            answer = connection.getresponse()
            answer.read()
            reason = None if answer.status == self._status else f"status {answer.status}"
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            reason = type(error).__name__
        return reason, time.monotonic() - start

    def _count(self, reason: str | None, seconds: float) -> None:
        with self._lock:
            self.tally.sent += 1
            self.tally.slowest = max(self.tally.slowest, seconds)
            if reason:
                self.tally.failed += 1
                self.tally.reasons[reason] += 1
