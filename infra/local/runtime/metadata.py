"""Serves the task metadata endpoint to containers: HTTP at 169.254.170.2, the address where AWS's SDKs expect it.

The address is the gateway of a small Docker network that no container joins. It makes the address one of this
machine's, and every container's default route leads there; other programs on this machine are none the wiser. All
instances of AWS on this machine share the network, each at its own port, so it stays when one of them goes. What is no
metadata goes on to the API, so that a task reaches it at the same address.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError
from docker.types import IPAMConfig, IPAMPool

from infra.local.ecr.registry import UnixConnection

ADDRESS, SUBNET, NETWORK = "169.254.170.2", "169.254.170.0/28", "cutover-task-metadata"
COMMON_LABEL = "cutover"
API_SECONDS = 60.0
HOP_BY_HOP = frozenset({"connection", "transfer-encoding", "keep-alive", "content-length"})

log = logging.getLogger(__name__)
Answer = Callable[[str], dict[str, Any] | None]


def make_metadata_network(client: docker.DockerClient) -> bool:
    """Have the address on this machine; says whether that worked (another network may hold it)."""
    if client.networks.list(names=[f"^{NETWORK}$"]):
        return True
    pool = IPAMConfig(pool_configs=[IPAMPool(subnet=SUBNET, gateway=ADDRESS)])
    try:
        client.networks.create(NETWORK, driver="bridge", ipam=pool, labels={COMMON_LABEL: "1"})
    except APIError as error:
        log.warning("tasks get no metadata endpoint: %s", error.explanation)
        return False
    return True


def metadata_url(port: int) -> str:
    """Where the containers of the instance on `port` reach it."""
    return f"http://{ADDRESS}:{port}"


class MetadataServer:
    """Serves in a thread of its own from `start` until `stop`."""

    def __init__(self, port: int, answer: Answer, api: Path) -> None:
        self._server = ThreadingHTTPServer((ADDRESS, port), _handler(answer, api))
        self._server.daemon_threads = True

    def start(self) -> None:
        """Begin to serve."""
        threading.Thread(target=self._server.serve_forever, name="metadata", daemon=True).start()

    def stop(self) -> None:
        """Close the address."""
        self._server.shutdown()
        self._server.server_close()


def _handler(answer: Answer, api: Path) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        """One request."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Metadata, or else the API's answer."""
            if self.path.startswith(("/v4/", "/credentials/")):
                document = answer(self.path)
                body = json.dumps(document if document is not None else {"message": "not found"}).encode()
                self._send(200 if document is not None else 404, [("Content-Type", "application/json")], body)
            else:
                self._forward()

        def do_POST(self) -> None:
            """The API's answer."""
            self._forward()

        do_PUT = do_DELETE = do_HEAD = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: SDKs ask all the time."""

        def _forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = UnixConnection(api, API_SECONDS)
            try:
                connection.request(self.command, self.path, body, dict(self.headers.items()))
                reply = connection.getresponse()
                headers = [each for each in reply.getheaders() if each[0].lower() not in HOP_BY_HOP]
                self._send(reply.status, headers, reply.read())
            finally:
                connection.close()

        def _send(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Handler
