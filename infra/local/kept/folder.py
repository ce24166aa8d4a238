"""The folder of `--state`: a manifest that says what wrote it, one file of records, and what parts keep as files."""

from __future__ import annotations

import fcntl
import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

from infra.local.kept.errors import NoState, OtherVersion, StateInUse, StateUnusable

FORMAT = 1  # raise it when a kept record's shape changes


def this_version() -> str:
    """What the records depend on: this format, and the classes of that moto."""
    return f"format {FORMAT} of moto {version('moto')}"


class StateFolder:
    """Made and checked by `open`. The records are as trustworthy as the folder: reading them runs what they name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    @classmethod
    def open(cls, path: Path) -> StateFolder:
        """A new folder, an empty one, or one of ours. Raises NoState, OtherVersion or StateUnusable."""
        folder = cls(path.absolute())
        try:
            folder._check()
        except (NotADirectoryError, FileExistsError) as error:
            raise NoState(path) from error
        except OSError as error:
            raise StateUnusable(path, error.strerror or str(error)) from error
        return folder

    @property
    def records(self) -> Path:
        """The file of records; there is none before the first save."""
        return self.path / "records.pickle"

    @property
    def used(self) -> bool:
        """Whether an instance has saved its records here."""
        return self.records.exists()

    def claim(self) -> None:
        """Keep others away for as long as this process lives; raises StateInUse."""
        descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise StateInUse(self.path) from error
        self._lock = descriptor

    def release(self) -> None:
        """Let others have it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def write(self, records: bytes) -> None:
        """Replace the records, whole or not at all."""
        scratch = self.records.with_suffix(".new")
        scratch.write_bytes(records)
        scratch.replace(self.records)

    def _check(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        manifest = self.path / "state.json"
        if not manifest.exists():
            if any(self.path.iterdir()):
                raise NoState(self.path)
            manifest.write_text(json.dumps({"cutover-local": this_version()}), encoding="utf-8")
        found = _version_of(manifest.read_text(encoding="utf-8", errors="replace"))
        if found is None:
            raise NoState(self.path)
        if found != this_version():
            raise OtherVersion(self.path, found, this_version())
        (self.path / "lock").touch(mode=0o600)


def _version_of(text: str) -> str | None:
    try:
        document: Any = json.loads(text)
    except ValueError:
        return None
    found = document.get("cutover-local") if isinstance(document, dict) else None
    return found if isinstance(found, str) else None
