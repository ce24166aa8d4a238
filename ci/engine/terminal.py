"""Shells in containers: of a failed step as it stood, and of `terminal`; also where the image has none."""

import shutil
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ci.engine.errors import EngineError

SHELL = "/bin/sh"
FOLDER = "/src"  # where Directory.terminal puts the directory
# /dev is a tmpfs in every container, so this mount point never becomes part of a layer. Any name that begins with
# busybox makes it look for the applet in its first argument.
BUSYBOX_PLACE = "/dev/busybox.cutover"
BUSYBOX_SHELL = (BUSYBOX_PLACE, "sh")
LENT = "/busybox.cutover"  # in a service's container, whose root no layer is made of
HEAD = 8192  # bytes of a program in which its interpreter is named, where it has one
INTERPRETERS = (b"ld-linux", b"ld-musl")


class NoTerminalError(EngineError):
    """A shell is asked for, and the user has no terminal here."""

    def __init__(self) -> None:
        super().__init__("a shell needs a terminal: stdin and stdout of this command are none")


class NoShellError(EngineError):
    """The image has no such shell, and the host none that could be lent."""

    def __init__(self, program: str) -> None:
        super().__init__(
            f"the image has no {program}, and this machine no static busybox to lend it; "
            "install busybox-static, or name a program that the image has"
        )


class Screen(Protocol):
    """The user's terminal."""

    def show(self, title: str, connection: socket.socket, resize: Callable[[int, int], None]) -> None:
        """Connect the terminal with a container's until that ends; `resize` takes rows and columns."""
        ...


@dataclass(frozen=True)
class Shells:
    """Where shells are shown, None: nowhere; and the one that the user gets in a failed step's container, if any."""

    screen: Screen | None = None
    on_failure: tuple[str, ...] = ()


def busybox(which: Callable[[str], str | None] = shutil.which) -> Path | None:
    """The host's busybox where it is statically linked, and so runs in any container."""
    found = which("busybox")
    if found is None:
        return None
    with Path(found).open("rb") as file:
        head = file.read(HEAD)
    return None if any(name in head for name in INTERPRETERS) else Path(found)


def options(base: Mapping[str, Any], command: Sequence[str], lent: Path | None) -> dict[str, Any]:
    """A step's container options as those of a shell in its place.

    Args:
        command: what runs instead of the step's command.
        lent: a busybox of the host, where the image does not have the command.
    """
    host = dict(base["host"])
    if lent is not None:
        command = BUSYBOX_SHELL
        host["binds"] = [*host.get("binds", ()), f"{lent}:{BUSYBOX_PLACE}:ro"]
    changed = {"entrypoint": list(command[:1]), "command": list(command[1:]), "tty": True, "stdin_open": True}
    return {**base, **changed, "host": host}
