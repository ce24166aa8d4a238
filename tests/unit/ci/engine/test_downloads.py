"""Files over HTTP: fetched once, asked for again by what the server said of them, and held to a checksum."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from ci.engine.downloads import DownloadError, Downloads, name_of
from ci.engine.store import Store

Ask = Callable[..., Any]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server: Any = self.server
        server.seen.append((self.path, self.headers.get("If-None-Match"), self.headers.get("Authorization")))
        if self.path == "/hung":
            server.released.wait(10)
        status = server.statuses.get(self.path, 200)
        if status == 200 and self.headers.get("If-None-Match") == server.etag:
            status = 304
        self.send_response(status)
        self.send_header("ETag", server.etag)
        body = server.body if status == 200 else b""
        self.send_header("Content-Length", str(len(body) + (5 if self.path == "/cut" else 0)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[Any]:
    served: Any = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.seen, served.statuses, served.etag, served.body = [], {"/gone": 404}, '"1"', b"hello"
    served.released = threading.Event()
    thread = threading.Thread(target=served.serve_forever, args=(0.02,))
    thread.start()
    yield served
    served.released.set()
    served.shutdown()
    served.server_close()
    thread.join()


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def url(server: Any, path: str = "/a.txt") -> str:
    return f"http://127.0.0.1:{server.server_address[1]}{path}"


def fetched(store: Store, http: requests.Session, address: str, checksum: str = "", **headers: str) -> bytes:
    entry = Downloads(store, http, 2).file(address, "name", None, checksum, headers)
    assert (entry.path, entry.mode) == ("name", 0o600)
    return store.read(entry.blob)


def test_a_file_that_has_not_changed_is_not_sent_again(store: Store, http: requests.Session, server: Any) -> None:
    assert fetched(store, http, url(server)) == fetched(store, http, url(server)) == b"hello"
    server.etag, server.body = '"2"', b"changed"
    assert fetched(store, http, url(server)) == b"changed"
    assert [tag for _, tag, _ in server.seen] == [None, '"1"', '"1"']


def test_a_file_that_is_known_by_its_checksum_is_not_asked_for(
    store: Store, http: requests.Session, server: Any
) -> None:
    digest = f"sha256:{hashlib.sha256(b'hello').hexdigest()}"
    for _ in range(2):
        assert fetched(store, http, url(server), digest) == b"hello"
    assert len(server.seen) == 1
    with pytest.raises(DownloadError, match="checksum mismatch of http://"):
        fetched(store, http, url(server), "sha256:" + "0" * 64)
    with pytest.raises(DownloadError, match="'md5:1' is no checksum"):
        fetched(store, http, url(server), "md5:1")


def test_what_another_may_read_is_kept_apart(store: Store, http: requests.Session, server: Any) -> None:
    fetched(store, http, url(server), Authorization="Bearer one")
    fetched(store, http, url(server), Authorization="Bearer two")
    assert [(tag, who) for _, tag, who in server.seen] == [(None, "Bearer one"), (None, "Bearer two")]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/gone", "invalid response status 404 Not Found: http://"),
        ("/cut", "the download broke off: "),
        ("/hung", r"no answer from 127\.0\.0\.1:\d+ within 0\.2 s"),
    ],
)
def test_what_goes_wrong_is_told(store: Store, http: requests.Session, server: Any, path: str, message: str) -> None:
    with pytest.raises(DownloadError, match=message):
        Downloads(store, http, 0.2).file(url(server, path), "name", None, "", {})


def test_a_server_that_is_not_there_is_told(store: Store, http: requests.Session) -> None:
    with pytest.raises(DownloadError, match=r"127\.0\.0\.1:9 cannot be reached: connection refused"):
        fetched(store, http, "http://127.0.0.1:9/x")
    with pytest.raises(DownloadError, match="'ftp://x/y' is no URL of a file"):
        fetched(store, http, "ftp://x/y")


def test_clients_name_the_file_and_its_mode(ask: Ask, server: Any) -> None:
    assert not ask("query($u:String!){http(url:$u){id}}", u=url(server)).get("errors")
    assert server.seen == []  # nothing is fetched before something is asked for
    answer = ask('query($u:String!){http(url:$u){name contents} own:http(url:$u,name:"b"){name}}', u=url(server))
    assert answer["data"] == {"http": {"name": "a.txt", "contents": "hello"}, "own": {"name": "b"}}
    assert name_of("https://x/") == "index"


def test_a_secret_is_the_authorization(ask: Ask, server: Any) -> None:
    secret = ask('{setSecret(name:"t",plaintext:"Bearer hush"){id}}')["data"]["setSecret"]["id"]
    ask("query($u:String!,$s:ID!){http(url:$u,authHeader:$s){contents}}", u=url(server), s=secret)
    assert server.seen[0][2] == "Bearer hush"
