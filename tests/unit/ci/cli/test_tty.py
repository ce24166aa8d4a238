"""The user's terminal: typing reaches the container, what that prints reaches the user, and it is left as it was."""

import contextlib
import fcntl
import os
import pty
import socket
import struct
import termios
import threading
from collections.abc import Iterator

import pytest

from ci.cli.engine import engine
from ci.cli.options import Options
from ci.cli.tty import Tty
from ci.errors import CutoverError

Ends = tuple[int, int]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """A terminal: the user's end and the program's."""
    user, program = pty.openpty()
    fcntl.ioctl(program, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 90, 0, 0))
    yield user, program
    os.close(user)
    os.close(program)


def read_until(descriptor: int, wanted: bytes) -> bytes:
    got = b""
    while wanted not in got:
        got += os.read(descriptor, 4096)
    return got


def test_a_shell_is_shown_until_its_container_ends(ends: Ends) -> None:
    user, program = ends
    before = termios.tcgetattr(program)
    ours, containers = socket.socketpair()
    sizes: list[tuple[int, int]] = []
    pauses: list[str] = []

    @contextlib.contextmanager
    def paused() -> Iterator[None]:
        pauses.append("paused")
        yield
        pauses.append("resumed")

    def show() -> None:
        Tty(paused, program, program).show("make", ours, lambda rows, columns: sizes.append((rows, columns)))

    shown = threading.Thread(target=show)
    shown.start()
    assert b"a shell (make); leave it with `exit`" in read_until(user, b"exit`")
    containers.sendall(b"# ")
    read_until(user, b"# ")
    os.write(user, b"ls\x03")  # raw: Ctrl-C is the container's

    assert containers.recv(16) == b"ls\x03"
    assert pauses == ["paused"]
    containers.close()
    shown.join(timeout=10)

    assert not shown.is_alive()
    assert sizes == [(30, 90)]
    assert pauses == ["paused", "resumed"]
    assert termios.tcgetattr(program) == before
    ours.close()


def test_the_end_of_what_is_typed_is_passed_on(ends: Ends) -> None:
    _, out = ends
    typed, typing = os.pipe()
    os.write(typing, b"exit")
    os.close(typing)
    ours, containers = socket.socketpair()
    passing = threading.Thread(target=Tty(contextlib.nullcontext, typed, out)._pass_on, args=(ours,))

    passing.start()

    assert containers.recv(16, socket.MSG_WAITALL) == b"exit"
    containers.close()
    passing.join(timeout=10)
    assert not passing.is_alive()
    ours.close()
    os.close(typed)


def test_interactive_without_a_terminal_is_refused_before_anything_runs() -> None:
    with pytest.raises(CutoverError, match="--interactive needs a terminal"), engine(Options(interactive=True)):
        pytest.fail("it was opened")
