"""What a command prints: scrubbed as it comes, shown line by line, and kept within bounds of memory and disk."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any, Literal, cast

from ci.engine.errors import OutputTooLargeError
from ci.engine.secrets import Secrets
from ci.engine.store import Store

Stream = Literal["stdout", "stderr"]
KEPT_BYTES = 128 << 20  # of each stream, as Dagger's limit of a file's contents
ERROR_BYTES = 100 << 10  # of each stream in an error, as Dagger's
SHOWN_BYTES = 2 << 20  # of a step's output that are shown as they come
LINE_BYTES = 16 << 10  # of one line that is shown
MEMORY_BYTES = 1 << 20  # of each stream; what is more lies on disk
CLIPPED = f"[more than {SHOWN_BYTES >> 20} MiB of output: the rest is not shown, but for its end]"
INLINE_BYTES = 16 << 10  # of each stream that lie in the step's record


class Output:
    """Collects the two streams of a command, and both as they came (`combined`).

    Args:
        line: shows a line; it is called for the first SHOWN_BYTES, and for the last lines at the end.
    """

    def __init__(self, store: Store, secrets: Secrets, line: Callable[[str, Stream], None]) -> None:
        self._store = store
        self._kept = {name: _Kept(store) for name in ("stdout", "stderr", "combined")}
        self._scrubbers = {name: secrets.scrubber() for name in ("stdout", "stderr")}
        self._lines = _Lines(line)

    def take(self, stream: Stream, data: bytes) -> None:
        """The next piece of a stream."""
        self._add(stream, self._scrubbers[stream].feed(data))

    def finish(self) -> None:
        """The command has ended."""
        for stream in ("stdout", "stderr"):
            self._add(stream, self._scrubbers[stream].finish())
        self._lines.finish()

    def _add(self, stream: Stream, data: bytes) -> None:
        if data:
            self._kept[stream].write(data)
            self._kept["combined"].write(data)
            self._lines.add(stream, data)

    def clear(self) -> None:
        """Forget what came so far: it is none of the command's own."""
        for kept in self._kept.values():
            kept.close()
        self._kept = {name: _Kept(self._store) for name in self._kept}

    def tail(self, name: str) -> str:
        """The last ERROR_BYTES of a stream."""
        return self._kept[name].tail.decode(errors="replace")

    def copy(self, name: str) -> IO[bytes]:
        """A stream as a file, read from its start.

        Raises:
            OutputTooLargeError: there was more of it than is kept.
        """
        return self._kept[name].opened()

    def records(self) -> dict[str, Any]:
        """What `text` and `error_text` read the streams from, as JSON; large ones become blobs of the store."""
        return {name: kept.record(self._store) for name, kept in self._kept.items()}

    def close(self) -> None:
        """Forget what was not recorded."""
        for kept in self._kept.values():
            kept.close()


class _Kept:
    """One stream: its first KEPT_BYTES in a file, its last ERROR_BYTES in memory."""

    def __init__(self, store: Store) -> None:
        folder = str(store.root / "tmp")
        spooled = tempfile.SpooledTemporaryFile(MEMORY_BYTES, "w+b", dir=folder)  # noqa: SIM115 closed by `close`
        self._file = cast(IO[bytes], spooled)
        self._store = store
        self.size = 0
        self.tail = b""

    def write(self, data: bytes) -> None:
        self.size += len(data)
        self.tail = (self.tail + data)[-ERROR_BYTES:]
        if self.size <= KEPT_BYTES:
            with self._store.room():
                self._file.write(data)

    def opened(self) -> IO[bytes]:
        if self.size > KEPT_BYTES:
            raise OutputTooLargeError(self.size, KEPT_BYTES)
        self._file.seek(0)
        return self._file

    def record(self, store: Store) -> dict[str, Any]:
        if self.size <= INLINE_BYTES:
            return {"size": self.size, "text": self.tail.decode(errors="replace")}
        tail = store.put_bytes(self.tail)
        if self.size > KEPT_BYTES:
            return {"size": self.size, "tail": tail}
        return {"size": self.size, "tail": tail, "blob": store.put_stream(self.opened())[0]}

    def close(self) -> None:
        self._file.close()


class _Lines:
    """Hands whole lines on, as long as it is not too much; then only the last ones."""

    def __init__(self, line: Callable[[str, Stream], None]) -> None:
        self._line = line
        self._rest: dict[Stream, bytes] = {"stdout": b"", "stderr": b""}
        self._shown = 0
        self._last = b""

    def add(self, stream: Stream, data: bytes) -> None:
        self._shown += len(data)
        if self._shown > SHOWN_BYTES:
            if not self._last:
                self._line(CLIPPED, "stdout")
            self._last = (self._last + data)[-LINE_BYTES:]
            return
        *lines, rest = (self._rest[stream] + data).split(b"\n")
        self._rest[stream] = rest
        if len(rest) > LINE_BYTES:
            lines, self._rest[stream] = [*lines, rest], b""
        for line in lines:
            self._line(line.decode(errors="replace").rstrip("\r"), stream)

    def finish(self) -> None:
        for stream, rest in self._rest.items():
            if rest:
                self._line(rest.decode(errors="replace"), stream)
        for line in self._last.splitlines():
            self._line(line.decode(errors="replace"), "stdout")


def text(store: Store, record: Mapping[str, Any]) -> str:
    """A whole stream.

    Raises:
        OutputTooLargeError: there was more of it than is kept.
    """
    if "text" in record:
        return str(record["text"])
    if "blob" not in record:
        raise OutputTooLargeError(record["size"], KEPT_BYTES)
    return store.read(record["blob"]).decode(errors="replace")


def error_text(store: Store, record: Mapping[str, Any]) -> str:
    """A stream as an error carries it: of one longer than ERROR_BYTES the last of them, the first of which give way to
    how much is left out (Dagger's form)."""
    if "text" in record:
        return str(record["text"])
    tail = store.read(record["tail"])
    if record["size"] < ERROR_BYTES:
        return tail.decode(errors="replace")
    omitted = f"[omitting {record['size'] - ERROR_BYTES} bytes]...".encode()
    return (omitted + tail[len(omitted) :]).decode(errors="replace")


def available(store: Store, record: Mapping[str, Any]) -> bool:
    """Whether what a record names is still in the store."""
    return all(store.has_blob(record[name]) for name in ("tail", "blob") if name in record)


@contextlib.contextmanager
def collected(store: Store, secrets: Secrets, line: Callable[[str, Stream], None]) -> Iterator[Output]:
    """An output, closed at the end."""
    output = Output(store, secrets, line)
    try:
        yield output
    finally:
        output.close()
