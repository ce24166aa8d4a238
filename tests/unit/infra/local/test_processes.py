"""Processes that are written down, found again and ended."""

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from infra.local.processes import Ledger, ProcessRecord, end, start_time

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)",
]

# Its first thread ends by exit(2), whose number is the machine's; another one sleeps on.
HEADLESS = [
    sys.executable,
    "-c",
    "import ctypes, platform, threading, time; threading.Thread(target=time.sleep, args=(60,)).start(); "
    "print('up', flush=True); ctypes.CDLL(None).syscall({'x86_64': 60, 'aarch64': 93}[platform.machine()], 0)",
]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "processes.json")


def started(ledger: Ledger, tmp_path: Path, command: list[str]) -> ProcessRecord:
    """Start a command and wait until it has written `up`."""
    log_file = tmp_path / "log"
    ledger.start("sleeper", command, log_file)
    deadline = time.monotonic() + 10
    while b"up" not in log_file.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return ledger.read()["sleeper"]


def test_a_process_is_started_in_a_session_of_its_own_and_written_down(ledger: Ledger, tmp_path: Path) -> None:
    record = started(ledger, tmp_path, SLEEPER)

    assert record.alive
    assert os.getsid(record.pid) == record.pid
    end(record)
    ledger.reap()


def test_an_ended_process_is_not_alive(ledger: Ledger, tmp_path: Path) -> None:
    record = started(ledger, tmp_path, SLEEPER)

    end(record)

    assert not record.alive
    ledger.reap()
    assert start_time(record.pid) is None


def test_a_process_lives_until_its_last_thread_has_ended(ledger: Ledger, tmp_path: Path) -> None:
    """Until then it holds its files and their locks."""
    record = started(ledger, tmp_path, HEADLESS)
    deadline = time.monotonic() + 10
    while ") Z" not in Path(f"/proc/{record.pid}/stat").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.01)

    assert record.alive
    end(record)

    assert not record.alive
    ledger.reap()


def test_a_process_that_ignores_sigterm_is_killed(ledger: Ledger, tmp_path: Path) -> None:
    record = started(ledger, tmp_path, STUBBORN)

    end(record, patience=0.1)

    assert not record.alive
    ledger.reap()


def test_a_process_id_that_now_belongs_to_another_is_left_alone(ledger: Ledger, tmp_path: Path) -> None:
    record = started(ledger, tmp_path, SLEEPER)
    stranger = ProcessRecord("sleeper", record.pid, record.started - 1)

    assert not stranger.alive
    assert record.alive
    end(record)
    ledger.reap()


def test_a_killed_process_is_seen_as_gone_before_it_is_reaped(ledger: Ledger, tmp_path: Path) -> None:
    record = started(ledger, tmp_path, SLEEPER)
    os.kill(record.pid, signal.SIGKILL)

    end(record)

    assert not record.alive
    ledger.reap()


@pytest.mark.parametrize("content", [None, "", '[{"name": "x'])
def test_a_missing_or_half_written_ledger_is_empty(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "processes.json"
    if content is not None:
        path.write_text(content)

    assert Ledger(path).read() == {}


def test_a_later_record_of_a_name_takes_the_place_of_the_earlier(ledger: Ledger) -> None:
    ledger.add(ProcessRecord("a", 1, 1))
    ledger.add(ProcessRecord("b", 2, 2))
    ledger.add(ProcessRecord("a", 3, 3))

    assert {name: record.pid for name, record in ledger.read().items()} == {"a": 3, "b": 2}
