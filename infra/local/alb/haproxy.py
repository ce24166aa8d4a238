"""The HAProxy process: started as master and workers, reloaded, and told runtime commands over the master's socket.

After a reload, old workers go on answering the connections they hold, with a configuration of which no command can
change more than the variables. So every request is passed on to the newest worker (`listeners` says how).
A HAProxy that outlived its server goes on serving until the next server takes it over with a reload.
Source: management guide of HAProxy 2.6, "Master CLI".
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from infra.local.errors import HaproxyRefused
from infra.local.processes import HAPROXY, Ledger

PROGRAM = "haproxy"
BOUND = re.compile(r"^  bind 127\.0\.0\.1:(\d+)", re.MULTILINE)
COMMAND_SECONDS, READY_SECONDS, POLL_SECONDS = 5.0, 10.0, 0.01
ANSWER_BYTES = 65536


class Haproxy:
    """One HAProxy, at first the one of the ledger. Not thread-safe: the data plane calls it under its lock."""

    def __init__(self, config: Path, master_socket: Path, ledger: Ledger, log_file: Path) -> None:
        self._config = config
        self._socket = master_socket
        self._ledger = ledger
        self._log_file = log_file
        self._process = ledger.read().get(HAPROXY)

    @property
    def ports(self) -> frozenset[int]:
        """The ports on 127.0.0.1 that it holds, by its configuration; none unless it runs."""
        if not self.running:
            return frozenset()
        return frozenset(map(int, BOUND.findall(self._config.read_text(encoding="utf-8"))))

    def apply(self, text: str) -> None:
        """Make a configuration the running one, starting HAProxy if need be; raises HaproxyRefused."""
        self._config.write_text(text, encoding="utf-8")
        self._check()
        if not self.running:
            self._end_orphans()
            command = [PROGRAM, "-W", "-S", str(self._socket), "-f", str(self._config)]
            self._ledger.start(HAPROXY, command, self._log_file)
            self._process = self._ledger.read().get(HAPROXY)
            self._until_new_worker(frozenset())
        else:
            before = frozenset(self.workers())
            self._ask("reload")
            self._until_new_worker(before)
            self._until_stopping(before)

    def workers(self) -> list[int]:
        """Ids of all workers, old ones too; empty while the master does not answer."""
        try:
            answer = self._ask("show proc")
        except OSError:
            return []
        rows = [line.split() for line in answer.splitlines()]
        return [int(row[0]) for row in rows if len(row) > 1 and row[1] == "worker"]

    def tell(self, commands: Sequence[str]) -> list[str]:
        """Give the newest worker commands, in their order; gives their answers."""
        return [self._ask(f"experimental-mode on; @1 {command}") for command in commands]

    @property
    def running(self) -> bool:
        """Whether the master process runs."""
        return self._process is not None and self._process.alive

    def _end_orphans(self) -> None:
        """A master that was killed may leave workers behind, which would go on taking connections with old weights."""
        self._ledger.reap()
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _until_stopping(self, workers: Iterable[int]) -> None:
        """From then on no old worker goes by its own weights."""
        deadline = time.monotonic() + READY_SECONDS
        for pid in workers:
            with contextlib.suppress(OSError):  # an old worker may end at any moment
                while "Stopping: 0" in self._ask(f"@!{pid} show info") and time.monotonic() < deadline:
                    time.sleep(POLL_SECONDS)

    def _ask(self, line: str) -> str:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel:
            channel.settimeout(COMMAND_SECONDS)
            channel.connect(str(self._socket))
            channel.sendall(f"{line}\n".encode())
            channel.shutdown(socket.SHUT_WR)
            chunks = []
            while chunk := channel.recv(ANSWER_BYTES):
                chunks.append(chunk)
        return b"".join(chunks).decode(errors="replace").strip()

    def _check(self) -> None:
        verdict = subprocess.run([PROGRAM, "-c", "-f", str(self._config)], capture_output=True, text=True, check=False)
        if verdict.returncode != 0:
            raise HaproxyRefused("the configuration", verdict.stderr.strip()[-1000:])

    def _until_new_worker(self, before: frozenset[int]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not set(self.workers()) - before:
            if not self.running or time.monotonic() > deadline:
                raise HaproxyRefused("the configuration", f"no worker came up, see {self._log_file}")
            time.sleep(POLL_SECONDS)
