"""Unix sockets of the host: Socket objects, and their places in containers.

Source: Dagger's Host.unixSocket and Container.withUnixSocket.
"""

import stat
from pathlib import Path

from ci.engine.errors import HostPathError
from ci.engine.nodes import Node


def of_host(path: Path) -> Node:
    """The socket at a path of the host.

    Raises:
        HostPathError: nothing is there, or it is no socket.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise HostPathError(f"socket {path} cannot be used: {error.strerror}") from error
    if not stat.S_ISSOCK(mode):
        raise HostPathError(f"socket {path} cannot be used: it is no socket")
    return Node("Socket", "unixSocket", None, {"path": str(path)})


def path_of(socket: Node) -> str:
    """Where a socket is on the host."""
    return str(socket.args["path"])
