"""What AWS on this machine has on its one port, in process: the registry's /v2/, and listeners by their Host."""

from __future__ import annotations

import hashlib
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Site:
    """`answers` maps (listener port, path) to status and body; `faults` are statuses given instead, 0 for no answer."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, bytes] = {}
        self.answers: dict[tuple[int, str], tuple[int, str]] = {}
        self.requests: list[tuple[str, str]] = []
        self.headers: list[Any] = []
        self.faults: list[tuple[str, int]] = []
        self.tells_digest = True
        self.lies = ""
        self.elsewhere = ""
        self.delay = 0.0
        site = self

        class Handler(_Handler):
            owner = site

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def hold(self, body: bytes, *names: str) -> str:
        """A manifest that has been pushed; gives its digest."""
        digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
        for name in (digest, *names):
            self.manifests[name] = body
        return digest

    def asked(self, method: str) -> list[str]:
        return [path for each, path in self.requests if each == method]


class _Handler(BaseHTTPRequestHandler):
    owner: Site

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_GET

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.owner.requests.append((self.command, self.path))
        self.owner.headers.append(self.headers)
        for fault in self.owner.faults:
            if fault[0] == self.command:
                self.owner.faults.remove(fault)
                if fault[1]:
                    self._answer(fault[1], b"trouble")
                return
        if self.path.startswith("/v2/"):
            self._registry(body)
        else:
            time.sleep(self.owner.delay)
            port = int(self.headers["Host"].rpartition(":")[2])
            status, text = self.owner.answers.get((port, self.path), (503, "no rule matches"))
            self._answer(status, text.encode())

    def _registry(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        kind, name = path.removeprefix("/v2/cutover/").split("/", 1)
        if kind == "manifests":
            self._manifest(name, body)
        elif self.command == "HEAD":
            self._answer(200 if name in self.owner.blobs else 404)
        elif self.command == "POST":
            self._answer(202, Location=f"{self.owner.elsewhere}/v2/cutover/blobs/uploads/7?state=abc")
        else:
            digest = query.partition("digest=")[2].replace("%3A", ":")
            assert digest == f"sha256:{hashlib.sha256(body).hexdigest()}"
            self.owner.blobs[digest] = body
            self._answer(201)

    def _manifest(self, name: str, body: bytes) -> None:
        if self.command == "PUT":
            digest = self.owner.lies or self.owner.hold(body, name)
            self._answer(201, **({"Docker-Content-Digest": digest} if self.owner.tells_digest else {}))
        elif name in self.owner.manifests:
            held = self.owner.manifests[name]
            digest = f"sha256:{hashlib.sha256(held).hexdigest()}"
            self._answer(200, held, **({"Docker-Content-Digest": digest} if self.owner.tells_digest else {}))
        else:
            self._answer(404)

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
