"""Where one instance of AWS on this machine keeps its files: `$XDG_STATE_HOME/cutover/local/PORT`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from infra.local.errors import PathTooLong

SOCKET_PATH_BYTES = 100  # unix(7) allows 107; HAProxy appends a few while it binds.


@dataclass(frozen=True)
class StateDirectory:
    """The files of the instance on `port`. Nothing here creates or removes any of them.

    `kept` is the folder of `--state`, for what outlives the instance; without one that lies in `root` too.
    """

    port: int
    root: Path
    kept: Path | None = None

    @classmethod
    def of(cls, port: int) -> StateDirectory:
        """The directory of that port, below XDG_STATE_HOME (default `~/.local/state`)."""
        home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
        return cls(port, Path(home) / "cutover" / "local" / str(port))

    @property
    def log(self) -> Path:
        """What the server process writes."""
        return self.root / "server.log"

    @property
    def processes(self) -> Path:
        """Which processes belong to the instance, see `processes.Ledger`."""
        return self.root / "processes.json"

    @property
    def registry_data(self) -> Path:
        """The registry's blobs and manifests."""
        return (self.kept or self.root) / "registry"

    @property
    def certificates(self) -> Path:
        """The certificate authority of HTTPS listeners, and what it issued."""
        return (self.kept or self.root) / "certificates"

    @property
    def api_socket(self) -> Path:
        """Where the API is served to HAProxy."""
        return self._socket("api.sock")

    @property
    def registry_socket(self) -> Path:
        """Where the registry is served to HAProxy and to the API."""
        return self._socket("registry.sock")

    @property
    def haproxy_socket(self) -> Path:
        """HAProxy's master socket."""
        return self._socket("haproxy.sock")

    def _socket(self, name: str) -> Path:
        path = self.root / name
        if len(os.fsencode(path)) > SOCKET_PATH_BYTES:
            raise PathTooLong(path)
        return path
