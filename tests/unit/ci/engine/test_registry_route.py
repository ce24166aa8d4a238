"""How a registry is reached from where a company's network is: by its proxy, or past it, and by its own CA."""

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ci.engine import network
from ci.engine.errors import RegistryUnreachableError
from ci.engine.references import Reference
from ci.engine.registry import Registry
from ci.engine.registry_auth import lookup

from .fake_registry import FakeRegistry

NOBODY = "http://127.0.0.1:9"
CERTIFICATE = [
    "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", "2",
    "-subj", "/CN=own", "-addext", "subjectAltName=IP:127.0.0.1",
    "-addext", "keyUsage=critical,keyCertSign,digitalSignature",
]  # fmt: skip


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a proxy, nor a CA bundle, nor a login is set."""
    names = {*network.PROXY_VARIABLES, *network.CA_SOURCES, "ALL_PROXY", "all_proxy"}
    for name in names:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    served = FakeRegistry()
    served.image("own/image", "1", b"layer")
    yield served
    served.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that no public CA knows, and its key."""
    root = tmp_path_factory.mktemp("ca")
    certificate, key = root / "ca.crt", root / "ca.key"
    subprocess.run([*CERTIFICATE, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


@pytest.fixture
def trusted_by_nobody(certificate: tuple[Path, Path]) -> Iterator[FakeRegistry]:
    """A registry that speaks TLS with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    served = FakeRegistry(tls=context)
    served.image("own/image", "1", b"layer")
    yield served
    served.close()


def media_type(name: str, url: str = "") -> str:
    """The media type of `own/image:1`, asked as a session asks."""
    with network.http_session() as http:
        registry = Registry(name, lookup([]), http, url=url, silent_seconds=10)
        return registry.manifest(Reference(name, "own/image", "1")).media_type


def test_the_proxy_is_asked_for_a_registry(fake: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", fake.url)
    assert media_type("registry.invalid", "http://registry.invalid").startswith("application/vnd.oci")


def test_a_proxy_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", NOBODY)
    with pytest.raises(RegistryUnreachableError) as caught:
        media_type("registry.invalid")
    said = "cannot be reached: the proxy cannot be reached, or refuses (HTTP_PROXY, HTTPS_PROXY, NO_PROXY)"
    assert str(caught.value) == f"registry registry.invalid: {said}"


def test_no_proxy_is_asked_for_what_no_proxy_names(fake: FakeRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", NOBODY)
    monkeypatch.setenv("HTTPS_PROXY", NOBODY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert media_type(fake.name).startswith("application/vnd.oci")


@pytest.mark.parametrize("variable", network.CA_SOURCES)
def test_a_companys_ca_is_trusted_by_one_setting(
    trusted_by_nobody: FakeRegistry,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    monkeypatch.setenv(variable, str(certificate[0]))
    assert media_type(trusted_by_nobody.name, f"https://{trusted_by_nobody.name}").startswith("application/vnd.oci")


def test_an_unknown_ca_is_one_sentence_that_says_what_to_set(trusted_by_nobody: FakeRegistry) -> None:
    name = trusted_by_nobody.name
    with pytest.raises(RegistryUnreachableError) as caught:
        media_type(name, f"https://{name}")
    said = "cannot be reached: its certificate is not trusted (SSL_CERT_FILE names the CA bundle)"
    assert str(caught.value) == f"registry {name}: {said}"
