"""Processes that outlive their starter: started in a session of their own, written down, found again, ended.

A process is known by its id and its start time (proc(5), field 22), so that an id which the kernel gave to somebody
else is never signalled.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.local.errors import StillRunning

SERVER, REGISTRY, HAPROXY = "server", "registry", "haproxy"
END_SECONDS = 30.0
KILL_SECONDS = 5.0
POLL_SECONDS = 0.02
START_TIME_FIELD = 19  # of what follows the command's name in /proc/PID/stat

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ProcessRecord:
    """A process that leads its own session."""

    name: str
    pid: int
    started: int

    @property
    def alive(self) -> bool:
        """Whether that very process still runs (a zombie does not, once all of its threads have ended)."""
        return start_time(self.pid) == self.started


def start_time(pid: int) -> int | None:
    """Start time in clock ticks since boot, or None where no such process runs."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
    except OSError:
        return None
    gone = fields[0] in "ZX" and threads <= 1  # of a process that is killed, the first thread may end first
    return None if gone else int(fields[START_TIME_FIELD])


class Ledger:
    """The instance's processes in a file, so that whoever comes after a crash can end them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._children: list[subprocess.Popen[bytes]] = []

    def read(self) -> dict[str, ProcessRecord]:
        """Records by name; empty where there is no file or only half of one."""
        try:
            entries = json.loads(self._path.read_text(encoding="utf-8"))
            return {entry["name"]: ProcessRecord(**entry) for entry in entries}
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

    def add(self, record: ProcessRecord) -> None:
        """Write the record down, in place of an older one of that name."""
        records = {**self.read(), record.name: record}
        scratch = self._path.with_suffix(".new")
        scratch.write_text(json.dumps([asdict(entry) for entry in records.values()]), encoding="utf-8")
        scratch.replace(self._path)

    def start(
        self, name: str, command: Sequence[str], log_file: Path, environment: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a command in its own session, with no input and both outputs appended to the log file."""
        log.info("starting %s: %s", name, shlex.join(command))
        with log_file.open("ab") as output:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, env=environment
            )
        started = start_time(process.pid)
        if started is not None:
            self.add(ProcessRecord(name, process.pid, started))
        self._children.append(process)
        return process

    def reap(self) -> None:
        """Take note of the end of the processes that this ledger started and that have ended."""
        for process in self._children:
            process.poll()


def end(record: ProcessRecord, patience: float = END_SECONDS) -> None:
    """End a process and its whole group: SIGTERM, and SIGKILL after `patience` seconds."""
    for number, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, KILL_SECONDS)):
        if not record.alive:
            break
        _signal_group(record.pid, number)
        if _wait_gone(record, seconds):
            break
    else:
        raise StillRunning(record.name, record.pid)
    _signal_group(record.pid, signal.SIGKILL)


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        log.debug("no process group %s left", pid)


def _wait_gone(record: ProcessRecord, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while record.alive:
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
