"""What killed processes left on disk and in memory: found by age, or by the process it belongs to, and removed."""

import contextlib
import os
import re
import shutil
import tempfile
import time
from pathlib import Path

from ci.engine.docker_api import process_mark
from ci.engine.store import Store

STALE_SECONDS = 86_400  # after which a scratch file or lock of no running call belongs to nobody
SECRETS_PREFIX = "cutover-secrets-"
SECRETS_NAME = re.compile(rf"{SECRETS_PREFIX}(\d+)\.(\d+)-")  # the process that it belongs to


def sweep(store: Store, since: float) -> None:
    """Remove a store's scratch files and locks that were last touched before `since` (seconds since the epoch), when
    the oldest running call began, and STALE_SECONDS ago at the least."""
    before = min(since, time.time() - STALE_SECONDS)
    for folder in ("tmp", "locks"):
        for path in (store.root / folder).iterdir():
            with contextlib.suppress(FileNotFoundError):
                if path.lstat().st_mtime < before:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


def secrets_folder() -> "tempfile.TemporaryDirectory[str]":
    """A folder for this process's secrets, in memory where the host has a place for that; those of processes that are
    gone are removed."""
    memory = Path("/dev/shm")
    place = memory if memory.is_dir() else Path(tempfile.gettempdir())
    for path in place.glob(f"{SECRETS_PREFIX}*"):
        found = SECRETS_NAME.match(path.name)
        with contextlib.suppress(FileNotFoundError):
            if found and not _runs(int(found[1]), found[2]) and path.lstat().st_uid == os.geteuid():
                shutil.rmtree(path)
    # No colon: Docker's bind mounts are `HOST:CONTAINER`.
    mark = (process_mark(os.getpid()) or "").replace(":", ".")
    return tempfile.TemporaryDirectory(prefix=f"{SECRETS_PREFIX}{mark}-", dir=place)


def _runs(pid: int, start: str) -> bool:
    """Whether the process runs that began at `start` (clock ticks since boot)."""
    return process_mark(pid) == f"{pid}:{start}"
