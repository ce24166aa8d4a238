"""What can go wrong for a user of AWS on this machine: one class, one sentence, each saying what to do."""

from __future__ import annotations

from pathlib import Path


class LocalAwsError(Exception):
    """Root of this package's errors; `str()` is one sentence for the user."""


class PortBusy(LocalAwsError):
    """Another program listens on the port."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is taken by another program: stop it, or choose another one with --port")
        self.port = port


class ProgramMissing(LocalAwsError):
    """A Debian package that is needed is not installed."""

    def __init__(self, program: str, package: str) -> None:
        super().__init__(f"{program} was not found: install it with `apt-get install {package}`")
        self.program = program
        self.package = package


class DockerUnreachable(LocalAwsError):
    """No Docker engine answers."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"no Docker engine answers ({reason}): start it, or set DOCKER_HOST to one on this machine")
        self.reason = reason


class ServerFailed(LocalAwsError):
    """The server process ended, or was not ready in time."""

    def __init__(self, reason: str, log: Path) -> None:
        super().__init__(f"AWS on this machine did not start: {reason} (log: {log})")
        self.reason = reason
        self.log = log


class StillRunning(LocalAwsError):
    """A process that was told to end did not."""

    def __init__(self, what: str, pid: int) -> None:
        super().__init__(f"{what} (process {pid}) does not end: run `kill -9 {pid}`, then this again")
        self.what = what
        self.pid = pid


class PathTooLong(LocalAwsError):
    """A Unix socket's path has to fit into 107 bytes (unix(7))."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"the path {path} is too long for a socket: set XDG_STATE_HOME to a shorter one")
        self.path = path


class HaproxyRefused(LocalAwsError):
    """HAProxy did not take a configuration or a command."""

    def __init__(self, what: str, answer: str) -> None:
        super().__init__(f"HAProxy refused {what}: {answer}")
        self.answer = answer
