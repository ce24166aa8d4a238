"""Saves the records soon after they change."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

POLL_SECONDS = 0.2
REST = 1  # times as long as a save took before the next one

log = logging.getLogger(__name__)


class Saver:
    """`stamp` gives something that differs once records may have changed, `save` writes them."""

    def __init__(self, stamp: Callable[[], object], save: Callable[[], None], now: Callable[[], float]) -> None:
        self._stamp, self._save, self._now = stamp, save, now
        self._saved: object = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="state", daemon=True)

    def start(self) -> None:
        """Save in a thread from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Save a last time, whatever the stamp says."""
        self._stopped.set()
        self._thread.join()
        self._save()

    def turn(self) -> float:
        """Save if there is something new; gives the seconds to rest."""
        stamp = self._stamp()
        if stamp == self._saved:
            return POLL_SECONDS
        began = self._now()
        self._save()
        self._saved = stamp
        return max(POLL_SECONDS, REST * (self._now() - began))

    def _run(self) -> None:
        rest = POLL_SECONDS
        while not self._stopped.wait(rest):
            try:
                rest = self.turn()
            except Exception:  # a thread's boundary: the disk may have room again
                log.exception("the state was not saved")


class Writes:
    """Counts calls that may have changed records: `total` so far."""

    def __init__(self) -> None:
        self.total = 0

    def note(self) -> None:
        """Such a call was carried out."""
        self.total += 1
