"""Query.http: a file of a server of the host, as the SDK's client gets it."""

import hashlib
import http.server
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import dagger
import pytest
from dagger import dag

pytestmark = pytest.mark.anyio
TEXT = b"two"
SHA = hashlib.sha256(TEXT).hexdigest()
asked: list[str] = []


class Site(http.server.BaseHTTPRequestHandler):
    """Gives the text at /a.txt; at /private only to those who know the token."""

    def do_GET(self) -> None:
        asked.append(self.path)
        known = self.path == "/a.txt" or (self.path, self.headers.get("Authorization")) == ("/private", "Bearer hush")
        self.send_response(200 if known else 404, None if known else "Not here")
        self.send_header("Content-Length", str(len(TEXT) if known else 0))
        self.end_headers()
        self.wfile.write(TEXT if known else b"")

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The server's URL."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


Asked = Callable[[str], Awaitable[Any]]


@pytest.mark.parametrize(
    ("ask", "value"),
    [
        (lambda url: dag.http(f"{url}/a.txt").contents(), "two"),
        (lambda url: dag.http(f"{url}/a.txt").name(), "a.txt"),
        (lambda url: dag.http(f"{url}/a.txt").size(), 3),
        (lambda url: dag.http(f"{url}/a.txt").stat().permissions(), 0o600),
        (lambda url: dag.http(f"{url}/a.txt", name="b").name(), "b"),
        (lambda url: dag.http(f"{url}/a.txt", permissions=0o755).stat().permissions(), 0o755),
        (lambda url: dag.http(f"{url}/a.txt", checksum=f"sha256:{SHA}").contents(), "two"),
        (lambda url: dag.http(f"{url}/private", auth_header=dag.set_secret("h", "Bearer hush")).contents(), "two"),
        (lambda url: dag.container().with_file("/x", dag.http(f"{url}/a.txt")).file("/x").contents(), "two"),
    ],
)
async def test_values(ask: Asked, value: Any, site: str) -> None:
    assert await ask(site) == value


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda url: dag.http(f"{url}/no").sync(), "^invalid response status 404 Not here: http://127.0.0.1:.*/no$"),
        (lambda url: dag.http(f"{url}/private").contents(), "^invalid response status 404 Not here"),
        (lambda url: dag.http(f"{url}/a.txt", checksum=f"sha256:{'0' * 64}").contents(), "^checksum mismatch of "),
        (lambda url: dag.http(f"{url}/a.txt", checksum="md5:1").contents(), "is no checksum: use sha256:"),
        (lambda _: dag.http("http://127.0.0.1:9/x").contents(), "^127.0.0.1:9 cannot be reached: connection refused"),
        (lambda _: dag.http("nonsense").contents(), "^'nonsense' is no URL of a file"),
    ],
)
async def test_errors(ask: Asked, message: str, site: str) -> None:
    with pytest.raises(dagger.QueryError, match=message):
        await ask(site)


async def test_nothing_is_fetched_before_something_of_it_is_asked_for(site: str) -> None:
    assert await dag.directory().with_file("x", dag.http(f"{site}/lazy")).id()
    assert await dag.container().with_mounted_file("/x", dag.http(f"{site}/lazy")).mounts() == ["/x"]
    assert "/lazy" not in asked
