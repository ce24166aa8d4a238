"""The engine's store on disk: blobs by their SHA-256, and small JSON records by key.

Every file is written beside its place and renamed into it, so a process that is killed leaves nothing half written.
What is read is marked as used: `usage.py` lists what the store holds, and removes what was longest not used.
"""

import contextlib
import errno
import fcntl
import functools
import hashlib
import json
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from ci.engine.errors import HostPathError, StoreFullError
from ci.engine.trees import Tree

CHUNK = 1 << 20  # bytes read at a time
# What the records look like: to be raised with every change of a kind's shape. Records of another format are dropped.
FORMAT = "2"


class Store:
    """Blobs, trees and records under one folder (default: `$XDG_CACHE_HOME/cutover`)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._since = time.time()
        try:
            for folder in ("blobs", "records", "locks", "leases", "tmp"):
                (root / folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HostPathError(f"the store {root} cannot be written: {error.strerror}") from error
        if self._format() != FORMAT:
            self._drop_records()

    def _format(self) -> str:
        with contextlib.suppress(FileNotFoundError):
            return (self.root / "format").read_text(encoding="utf-8")
        return ""

    def _drop_records(self) -> None:
        """Begin anew with what an older or newer version remembered; blobs stay, they are what their names say."""
        with self.locked("format"), self.room():
            if self._format() == FORMAT:  # another process was first
                return
            old = self.root / "tmp" / secrets.token_hex(8)
            (self.root / "records").replace(old)
            (self.root / "records").mkdir()
            shutil.rmtree(old, ignore_errors=True)
            self._write(self.root / "format", FORMAT.encode())

    @functools.cached_property
    def id(self) -> str:
        """What tells this store from others on the same Docker engine; says nothing about where it lies."""
        return hashlib.sha256(b"store" + self.salt()).hexdigest()[:16]

    def blob_path(self, digest: str) -> Path:
        """Where the blob of this SHA-256 (hex) lies, or would."""
        return self.root / "blobs" / digest[:2] / digest

    def has_blob(self, digest: str) -> bool:
        """Whether the blob is here; one that is counts as used now."""
        return self._used(self.blob_path(digest))

    def _used(self, path: Path) -> bool:
        """Mark a file as used by this process, once; False where it is gone."""
        try:
            if path.stat().st_mtime < self._since:
                os.utime(path)
        except FileNotFoundError:
            return False
        return True

    def put_bytes(self, data: bytes) -> str:
        """Keep `data`; gives its SHA-256 (hex)."""
        digest = hashlib.sha256(data).hexdigest()
        if not self.has_blob(digest):
            self._write(self.blob_path(digest), data)
        return digest

    def _write(self, place: Path, data: bytes) -> None:
        """Write a file beside its place and rename it: far cheaper than a temporary file, for many small ones."""
        scratch = self.root / "tmp" / secrets.token_hex(8)
        scratch.touch(0o600)
        scratch.write_bytes(data)
        try:
            scratch.replace(place)
        except FileNotFoundError:
            place.parent.mkdir(parents=True, exist_ok=True)
            scratch.replace(place)

    def put_stream(self, source: IO[bytes]) -> tuple[str, int]:
        """Keep what `source` holds; gives its SHA-256 (hex) and size in bytes."""
        hasher, size = hashlib.sha256(), 0
        with self.writing() as file:
            while chunk := source.read(CHUNK):
                hasher.update(chunk)
                size += len(chunk)
                file.write(chunk)
            digest = hasher.hexdigest()
            if not self.has_blob(digest):
                self._move(file, self.blob_path(digest))
        return digest, size

    def put_file(self, path: Path) -> tuple[str, int]:
        """Keep the host's file `path`; gives its SHA-256 (hex) and size in bytes."""
        with path.open("rb") as file:
            return self.put_stream(file)

    def read(self, digest: str) -> bytes:
        """The blob's bytes."""
        return self.blob_path(digest).read_bytes()

    @contextlib.contextmanager
    def writing(self) -> Iterator[IO[bytes]]:
        """A new file in the store's scratch folder; removed at the end unless it was moved to its place.

        Raises:
            StoreFullError: its disk is full.
        """
        with self.room(), tempfile.NamedTemporaryFile(dir=self.root / "tmp") as file:
            yield file

    @contextlib.contextmanager
    def room(self) -> Iterator[None]:
        """Say in one sentence that the store's disk is full.

        Raises:
            StoreFullError: it is.
        """
        try:
            yield
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise StoreFullError(str(self.root)) from error

    def _move(self, file: IO[bytes], place: Path) -> None:
        file.flush()
        place.parent.mkdir(parents=True, exist_ok=True)
        # A hard link, not a rename: the scratch name stays `writing`'s to remove.
        with contextlib.suppress(FileExistsError):
            os.link(file.name, place)

    def put_tree(self, tree: Tree) -> str:
        """Keep a tree's list of entries; gives the tree's digest."""
        self.put_record("tree", tree.digest, tree.rows())
        return tree.digest

    def get_tree(self, digest: str) -> Tree | None:
        """The tree of this digest, None where its list or one of its blobs is gone."""
        rows = self.get_record("tree", digest)
        return None if rows is None else Tree.from_rows(rows)

    def put_record(self, kind: str, key: str, value: Any) -> None:
        """Keep a JSON value under `key`."""
        place = self._record_path(kind, key)
        scratch = self.root / "tmp" / secrets.token_hex(8)
        try:
            with self.room():
                place.parent.mkdir(parents=True, exist_ok=True)
                scratch.write_text(json.dumps(value), encoding="utf-8")
                scratch.replace(place)
        finally:
            scratch.unlink(missing_ok=True)

    def get_record(self, kind: str, key: str) -> Any | None:
        """The JSON value under `key`, None where there is none; one that is read counts as used now."""
        place = self._record_path(kind, key)
        try:
            value = json.loads(place.read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return value if self._used(place) else None

    def has_record(self, kind: str, key: str) -> bool:
        """Whether there is a record under `key`; one that is counts as used now."""
        return self._used(self._record_path(kind, key))

    def _record_path(self, kind: str, key: str) -> Path:
        return self.root / "records" / kind / key[:2] / key

    @contextlib.contextmanager
    def locked(self, key: str) -> Iterator[None]:
        """Hold the lock `key` against every other thread and process that uses this store."""
        with self._lock_file(key) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def try_lock(self, key: str, mode: int = fcntl.LOCK_EX) -> IO[str] | None:
        """Take the lock `key` if it is free, None where it is not; closing what is given lets it go.

        Args:
            mode: LOCK_EX to hold it alone, LOCK_SH beside others that do so too.
        """
        file = self._lock_file(key)
        try:
            fcntl.flock(file, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return None
        return file

    def _lock_file(self, key: str) -> IO[str]:
        with self.room():
            return (self.root / "locks" / key).open("w")

    @contextlib.contextmanager
    def leased(self) -> Iterator[None]:
        """For as long as the block runs, keep others from removing what it has used since this object was made."""
        name = secrets.token_hex(8)
        place, scratch = self.root / "leases" / name, self.root / "tmp" / name
        with scratch.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # before it is seen: a lease that nobody holds is dropped
            os.utime(scratch, (self._since, self._since))
            scratch.replace(place)
            try:
                yield
            finally:
                place.unlink(missing_ok=True)

    def needed_since(self) -> float:
        """When the oldest call that still runs began (seconds since the epoch; infinite: none runs): what was used
        since is not to be removed. Leases of processes that were killed are dropped."""
        begun = [float("inf")]
        for path in (self.root / "leases").iterdir():
            with contextlib.suppress(FileNotFoundError), path.open("r") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink(missing_ok=True)
                except BlockingIOError:
                    begun.append(path.stat().st_mtime)
        return min(begun)

    def due(self, name: str, seconds: float) -> bool:
        """Whether `name` was not due within the last `seconds`, in any process; then it counts as done now."""
        mark = self.root / name
        try:
            if time.time() - mark.stat().st_mtime < seconds:
                return False
        except FileNotFoundError:
            pass
        with self.room():
            mark.touch()
        return True

    def salt(self) -> bytes:
        """The store's own secret, with which secrets are fingerprinted; made at first use, readable by its owner
        only."""
        path = self.root / "salt"
        if not path.exists():
            with self.writing() as file:  # a temporary file is its owner's only
                file.write(secrets.token_bytes(32))
                self._move(file, path)
        return path.read_bytes()
