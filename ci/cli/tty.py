"""The user's terminal, connected with one in a container."""

import contextlib
import os
import select
import signal
import socket
import sys
import termios
import threading
import tty
from collections.abc import Callable, Iterator
from types import FrameType

CHUNK = 65536  # bytes read at once

Resize = Callable[[int, int], None]


class Tty:
    """The terminal at stdin and stdout, raw while a shell is shown; one at a time.

    Args:
        paused: leaves the terminal alone (the progress draws on it) while its block runs.
    """

    def __init__(
        self, paused: Callable[[], contextlib.AbstractContextManager[None]], stdin: int = 0, stdout: int = 1
    ) -> None:
        self._paused = paused
        self._in, self._out = stdin, stdout
        self._lock = threading.Lock()

    def show(self, title: str, connection: socket.socket, resize: Resize) -> None:
        """Connect the terminal with a container's until that ends; `resize` takes rows and columns."""
        with self._lock, self._paused():
            os.write(self._out, f"a shell ({title}); leave it with `exit`\n".encode())
            with _raw(self._in), self._sized(resize):
                self._pass_on(connection)

    def _pass_on(self, connection: socket.socket) -> None:
        sources: list[socket.socket | int] = [connection, self._in]
        while True:
            ready, _, _ = select.select(sources, [], [])
            if self._in in ready:
                if typed := os.read(self._in, CHUNK):
                    connection.sendall(typed)
                else:
                    sources.remove(self._in)
                    connection.shutdown(socket.SHUT_WR)
            if connection in ready:
                shown = connection.recv(CHUNK)
                if not shown:
                    return
                _write(self._out, shown)

    @contextlib.contextmanager
    def _sized(self, resize: Resize) -> Iterator[None]:
        """Tell the size of the terminal now, and each time it changes (SIGWINCH reaches the main thread only)."""

        def tell(_: int = 0, __: FrameType | None = None) -> None:
            size = os.get_terminal_size(self._in)
            resize(size.lines, size.columns)

        tell()
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.signal(signal.SIGWINCH, tell)
        try:
            yield
        finally:
            signal.signal(signal.SIGWINCH, before)


@contextlib.contextmanager
def _raw(descriptor: int) -> Iterator[None]:
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def there_is_one() -> bool:
    """Whether stdin and stdout are a terminal."""
    return sys.stdin.isatty() and sys.stdout.isatty()
