"""A registry in this process: manifests and blobs in memory, and what may be wrong with it."""

import base64
import hashlib
import json
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "a-token"


@dataclass
class FakeRegistry:
    """What the registry holds, and how it behaves.

    Attributes:
        password: what the user `bob` must say; none asks for nothing.
        bearer: whether it wants a token of its realm rather than the password itself.
        hung: never answers.
        tls: what it speaks TLS with; none is plain HTTP.
        requests: what was asked, as `METHOD PATH`.
    """

    manifests: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    password: str = ""
    bearer: bool = False
    hung: bool = False
    tls: ssl.SSLContext | None = None
    requests: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        if self.tls is not None:
            self._http.socket = self.tls.wrap_socket(self._http.socket, server_side=True)
        self._http.registry = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def name(self) -> str:
        """`HOST:PORT`."""
        return f"127.0.0.1:{self._http.server_address[1]}"

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://{self.name}"

    def put(self, data: bytes) -> str:
        """Hold a blob; gives its digest."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.blobs[digest] = data
        return digest

    def image(self, repository: str, tag: str, *layers: bytes, architecture: str = "amd64", **config: Any) -> bytes:
        """Hold an image of these uncompressed layers under a tag; gives its manifest."""
        diff_ids = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
        document = {
            "architecture": architecture, "os": "linux", "config": config,
            "rootfs": {"type": "layers", "diff_ids": diff_ids},
        }  # fmt: skip
        data = json.dumps(document).encode()
        manifest = {
            "schemaVersion": 2,
            "config": {"digest": self.put(data), "size": len(data)},
            "layers": [{"digest": self.put(layer), "size": len(layer)} for layer in layers],
        }
        return self.document(repository, tag, manifest, "application/vnd.oci.image.manifest.v1+json")

    def document(self, repository: str, tag: str, document: object, media_type: str) -> bytes:
        """Hold a manifest or index under a tag and its digest."""
        data = json.dumps(document).encode()
        for name in (tag, f"sha256:{hashlib.sha256(data).hexdigest()}"):
            self.manifests[f"{repository}/{name}"] = (data, media_type)
        return data

    def close(self) -> None:
        """Stop serving."""
        self.released.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    @property
    def registry(self) -> FakeRegistry:
        return self.server.registry  # type: ignore[attr-defined,no-any-return]

    def handle_one(self) -> None:
        registry, parts = self.registry, urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        registry.requests.append(f"{self.command} {parts.path}")
        if registry.hung:
            registry.released.wait(10)
        if parts.path == "/token":
            return self._token(parse_qs(parts.query))
        if registry.password and self.headers.get("Authorization") != self._wanted():
            realm = f'Bearer realm="{registry.url}/token",service="fake"' if registry.bearer else 'Basic realm="fake"'
            return self._send(401, b"", {"WWW-Authenticate": realm})
        repository, _, rest = parts.path.removeprefix("/v2/").partition("/manifests/")
        if rest:
            return self._manifest(repository, rest, body)
        return self._blob(parts.path, parse_qs(parts.query), body)

    do_GET = do_HEAD = do_POST = do_PUT = handle_one

    def _basic(self) -> str:
        return "Basic " + base64.b64encode(f"bob:{self.registry.password}".encode()).decode()

    def _wanted(self) -> str:
        return f"Bearer {TOKEN}" if self.registry.bearer else self._basic()

    def _token(self, query: dict[str, list[str]]) -> None:
        if self.headers.get("Authorization") != self._basic() or not query["scope"][0].startswith("repository:"):
            return self._send(401, b"{}")
        return self._send(200, json.dumps({"token": TOKEN}).encode())

    def _manifest(self, repository: str, name: str, body: bytes) -> None:
        held = self.registry.manifests
        if self.command == "PUT":
            held[f"{repository}/{name}"] = (body, self.headers["Content-Type"])
            return self._send(201, b"")
        data, media_type = held.get(f"{repository}/{name}", (b"", ""))
        return self._send(200 if data else 404, data, {"Content-Type": media_type})

    def _blob(self, path: str, query: dict[str, list[str]], body: bytes) -> None:
        if self.command == "POST":
            return self._send(202, b"", {"Location": f"{path}one?state=x"})
        if self.command == "PUT":
            if self.registry.put(body) != query["digest"][0]:
                return self._send(400, b"digest invalid")
            return self._send(201, b"")
        data = self.registry.blobs.get(path.rpartition("/")[2])
        return self._send(404 if data is None else 200, data or b"")

    def _send(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""
