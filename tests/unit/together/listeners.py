"""The one HTTP port beside the API: the registry's manifests, and the listeners by their `Host`."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Site:
    """`answer` gives (status, body) of a request to a listener's port; `manifests` are digests by tag or digest."""

    def __init__(self) -> None:
        self.answer: Callable[[int], tuple[int, str]] = lambda port: (503, "nobody")
        self.manifests: dict[str, str] = {}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                """Quiet."""

            def do_GET(self) -> None:
                name = self.path.rpartition("/manifests/")[2]
                if not self.path.startswith("/v2/"):
                    self._send(*site.answer(int(self.headers["Host"].rpartition(":")[2])))
                elif name in site.manifests:
                    self._send(200, "", **{"Docker-Content-Digest": site.manifests[name]})
                else:
                    self._send(404, "")

            do_HEAD = do_GET

            def _send(self, status: int, body: str, **headers: str) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body.encode())

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
