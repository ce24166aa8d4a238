"""Forwarders, and what containers get of the host's network settings."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci.engine import network
from ci.engine.network import CA_PLACE, CA_VARIABLES, Forwarder

SECONDS = 10


@pytest.fixture
def echo() -> Iterator[int]:
    """A port that gives everything back once the other side has finished."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                received = b""
                while data := connection.recv(1 << 16):
                    received += data
                connection.sendall(received)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(SECONDS)


def test_a_forwarder_passes_everything_both_ways_and_half_closes(echo: int) -> None:
    forwarder = Forwarder(("127.0.0.1", 0), ("127.0.0.1", echo))
    sent = b"x" * 1_000_000
    with socket.create_connection(forwarder.server_address[:2], SECONDS) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while data := connection.recv(1 << 16):
            received += data
    forwarder.close()
    assert received == sent


def test_where_nobody_listens_the_connection_just_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    forwarder = Forwarder(("127.0.0.1", 0), ("127.0.0.1", free))
    with socket.create_connection(forwarder.server_address[:2], SECONDS) as connection:
        assert connection.recv(1) == b""
    forwarder.close()


def test_a_closed_forwarder_frees_its_port() -> None:
    forwarder = Forwarder(("127.0.0.1", 0), ("127.0.0.1", 1))
    port = forwarder.server_address[1]
    forwarder.close()
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_a_taken_port_is_an_os_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        Forwarder(("127.0.0.1", taken.getsockname()[1]), ("127.0.0.1", 1))


def test_a_container_gets_the_hosts_bundle_and_proxies(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("", encoding="utf-8")
    environ = {
        "REQUESTS_CA_BUNDLE": str(tmp_path / "ca.crt"),
        "HTTPS_PROXY": "http://proxy:3128",
        "http_proxy": "",
        "OTHER": "x",
    }
    assert network.bundle(environ) == str(tmp_path / "ca.crt")
    assert network.inherited(environ) == {**dict.fromkeys(CA_VARIABLES, CA_PLACE), "HTTPS_PROXY": "http://proxy:3128"}


@pytest.mark.parametrize("environ", [{}, {"SSL_CERT_FILE": "/nothing/there"}, {"SSL_CERT_FILE": ""}])
def test_where_the_host_names_no_bundle_a_container_gets_none(environ: dict[str, str]) -> None:
    assert network.bundle(environ) is None
    assert network.inherited(environ) == {}


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ({"SSL_CERT_FILE": "a", "REQUESTS_CA_BUNDLE": "b", "CURL_CA_BUNDLE": "c"}, "a"),
        ({"REQUESTS_CA_BUNDLE": "b", "CURL_CA_BUNDLE": "c"}, "b"),
        ({"SSL_CERT_FILE": "no such file", "CURL_CA_BUNDLE": "c"}, "c"),
        ({"SSL_CERT_FILE": ""}, None),
        ({}, None),
    ],
)
def test_one_bundle_holds_openssls_before_those_of_libraries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: dict[str, str], found: str | None
) -> None:
    for name in "abc":
        (tmp_path / name).touch()
    for variable in network.CA_SOURCES:
        monkeypatch.delenv(variable, raising=False)
    for variable, name in names.items():
        monkeypatch.setenv(variable, str(tmp_path / name) if name else "")
    wanted = str(tmp_path / found) if found else None
    assert network.bundle() == wanted
    with network.http_session() as http:
        settings = http.merge_environment_settings("https://example.com", {}, None, None, None)
    assert settings["verify"] == (wanted or True)


def test_proxies_of_the_environment_still_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with network.http_session() as http:
        settings = http.merge_environment_settings("https://example.com", {}, None, None, None)
    assert settings["proxies"]["https"] == "http://proxy.example:3128"
