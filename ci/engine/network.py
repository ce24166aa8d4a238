"""The host's certificate bundle for containers, and forwarders between a call's network and the host."""

import os
import socket
import socketserver
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import requests

CHUNK = 1 << 16  # bytes
CONNECT_SECONDS = 10
POLL_SECONDS = 0.05  # how soon a forwarder sees that it is to end
# /dev is a tmpfs in every container, so this mount point never becomes part of a layer.
CA_PLACE = "/dev/.cutover-ca.crt"
CA_SOURCES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
CA_VARIABLES = (
    "SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS",
    "AWS_CA_BUNDLE",
)  # fmt: skip
MIRRORS_VARIABLE = "CUTOVER_REGISTRY_MIRRORS"
PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


def bundle(environ: Mapping[str, str] = os.environ) -> str | None:
    """The host's own certificate bundle, where its user names one: by SSL_CERT_FILE, which all of OpenSSL's programs
    heed, before REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE, which those of one library do. A name of no file is passed over.

    The one bundle holds everywhere: for the engine's own requests, for git, for modules, and in containers under each
    of CA_VARIABLES.
    """
    return next((environ[name] for name in CA_SOURCES if environ.get(name) and Path(environ[name]).is_file()), None)


def inherited(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a container that needs the network gets of the host's environment: the bundle's place and the proxies."""
    certificates = dict.fromkeys(CA_VARIABLES, CA_PLACE) if bundle(environ) else {}
    return certificates | {name: environ[name] for name in PROXY_VARIABLES if environ.get(name)}


def mirrors(settings: Sequence[str], environ: Mapping[str, str] = os.environ) -> list[str]:
    """The registry mirrors: those of the environment (by commas), else those of the settings."""
    given = environ.get(MIRRORS_VARIABLE, "")
    return given.split(",") if given else list(settings)


def http_session(environ: Mapping[str, str] = os.environ) -> "requests.Session":
    """An HTTP session with the host's certificate bundle and its proxies."""
    import requests

    class Session(requests.Session):
        """Looks at proxies of the environment, and not at REQUESTS_CA_BUNDLE, which requests puts before `verify`."""

        def merge_environment_settings(self, *given: Any, **named: Any) -> Any:
            """The settings of one request."""
            return {**super().merge_environment_settings(*given, **named), "verify": self.verify}

    session = Session()
    session.verify = bundle(environ) or True
    return session


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        server = self.server
        assert isinstance(server, Forwarder)
        with suppress(OSError), socket.create_connection(server.target, CONNECT_SECONDS) as other:
            other.settimeout(None)
            back = threading.Thread(target=_copy, args=(other, self.request), daemon=True)
            back.start()
            _copy(self.request, other)
            back.join()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(CHUNK):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


class Forwarder(socketserver.ThreadingTCPServer):
    """Passes TCP connections on `listen` on to `target`, until it is closed.

    Raises (when made):
        OSError: the address is taken or not this host's.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, listen: tuple[str, int], target: tuple[str, int]) -> None:
        self.target = target
        super().__init__(listen, _Handler)
        threading.Thread(target=self.serve_forever, args=(POLL_SECONDS,), daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self.shutdown()
        self.server_close()
