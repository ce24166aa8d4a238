"""A registry over HTTP: reading, writing, credentials, and what it may do wrong."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from ci.engine import registry_auth
from ci.engine.errors import ManifestUnknownError, RegistryDeniedError, RegistryError, RegistryUnreachableError
from ci.engine.references import Reference
from ci.engine.registry import Manifest, Registry
from ci.engine.registry_auth import Credentials, host_of, lookup

from .fake_registry import FakeRegistry


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    served = FakeRegistry()
    yield served
    served.close()


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.fixture(autouse=True)
def no_docker_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Docker's configuration is the test's own, empty at first."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path


def opened(fake: FakeRegistry, http: requests.Session, *rows: tuple[str, str, str]) -> Registry:
    return Registry(fake.name, lookup(rows), http, silent_seconds=5)


def named(fake: FakeRegistry, tag: str = "1", digest: str = "") -> Reference:
    return Reference(fake.name, "own/image", tag, digest)


def test_a_manifest_and_blobs_are_read_from_loopback_without_tls(fake: FakeRegistry, http: requests.Session) -> None:
    data = fake.image("own/image", "1", b"layer")
    found = opened(fake, http).manifest(named(fake))
    assert (found.data, found.media_type) == (data, "application/vnd.oci.image.manifest.v1+json")
    digest = found.document["layers"][0]["digest"]
    assert b"".join(opened(fake, http).blob("own/image", digest)) == b"layer"


def test_a_tag_that_is_not_there_is_unknown(fake: FakeRegistry, http: requests.Session) -> None:
    with pytest.raises(ManifestUnknownError) as caught:
        opened(fake, http).manifest(named(fake, "none"))
    assert str(caught.value) == f"{fake.name}/own/image:none: not found"


def test_a_digest_is_held_to(fake: FakeRegistry, http: requests.Session) -> None:
    data = fake.image("own/image", "1", b"layer")
    digest = Manifest(data, "").digest
    assert opened(fake, http).manifest(named(fake, digest=digest)).data == data
    fake.manifests[f"own/image/{digest}"] = (b"{}", "x")
    with pytest.raises(RegistryError, match="what it gave has the digest"):
        opened(fake, http).manifest(named(fake, digest=digest))


def test_blobs_are_uploaded_once_and_manifests_by_tag(fake: FakeRegistry, http: requests.Session) -> None:
    registry = opened(fake, http)
    digest = Manifest(b"data", "").digest
    for _ in range(2):
        registry.put_blob("own/image", digest, 4, lambda: io.BytesIO(b"data"))
    registry.put_manifest("own/image", "1", Manifest(b"{}", "kind"))
    assert fake.blobs == {digest: b"data"}
    assert fake.manifests == {"own/image/1": (b"{}", "kind")}
    assert [row for row in fake.requests if row.startswith("PUT /v2/own/image/blobs")] == [
        "PUT /v2/own/image/blobs/uploads/one"
    ]


@pytest.mark.parametrize("bearer", [False, True])
def test_credentials_are_said_where_they_are_asked_for(
    fake: FakeRegistry, http: requests.Session, bearer: bool
) -> None:
    fake.password, fake.bearer = "hush", bearer
    fake.image("own/image", "1", b"layer")
    registry = opened(fake, http, (f"{fake.name}/own/image:1", "bob", "hush"))
    assert registry.manifest(named(fake)).document["schemaVersion"] == 2
    registry.put_blob("own/image", Manifest(b"x", "").digest, 1, lambda: io.BytesIO(b"x"))


@pytest.mark.parametrize("bearer", [False, True])
def test_without_credentials_access_is_denied_with_advice(
    fake: FakeRegistry, http: requests.Session, bearer: bool
) -> None:
    fake.password, fake.bearer = "hush", bearer
    with pytest.raises(RegistryDeniedError) as caught:
        opened(fake, http).manifest(named(fake))
    assert str(caught.value) == (
        f"registry {fake.name}: access to own/image denied: no credentials are known "
        f"(withRegistryAuth, or docker login {fake.name})"
    )
    with pytest.raises(RegistryDeniedError, match="the credentials of 'bob' are refused"):
        opened(fake, http, (fake.name, "bob", "wrong")).manifest(named(fake))


def test_what_docker_login_wrote_is_used(fake: FakeRegistry, http: requests.Session, no_docker_login: Path) -> None:
    fake.password = "hush"
    fake.image("own/image", "1", b"layer")
    row = {"auths": {fake.name: {"auth": "Ym9iOmh1c2g="}}}
    (no_docker_login / "config.json").write_text(json.dumps(row), encoding="utf-8")
    assert opened(fake, http).manifest(named(fake)).media_type


def helper(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A credential helper `docker-credential-own` on the PATH."""
    place = folder / "docker-credential-own"
    place.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    place.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    (folder / "config.json").write_text('{"credsStore": "own"}', encoding="utf-8")


def test_a_credential_helper_is_asked(no_docker_login: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = '{"ServerURL":"ghcr.io","Username":"bob","Secret":"hush"}'
    helper(no_docker_login, monkeypatch, f"cat >/dev/null; echo '{answer}'")
    assert registry_auth.from_docker("ghcr.io") == Credentials("bob", "hush")
    token = '{"ServerURL":"ghcr.io","Username":"<token>","Secret":"identity"}'
    helper(no_docker_login, monkeypatch, f"cat >/dev/null; echo '{token}'")
    found = registry_auth.from_docker("ghcr.io")
    assert found is not None
    assert found.identity_token == "identity"


def test_a_credential_helper_that_fails_is_told(no_docker_login: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper(no_docker_login, monkeypatch, "cat >/dev/null; echo broken >&2; exit 3")
    with pytest.raises(RegistryError, match="Docker's configuration gives no credentials"):
        registry_auth.from_docker("ghcr.io")


def test_a_registry_that_hangs_is_given_up(fake: FakeRegistry, http: requests.Session) -> None:
    fake.hung = True
    with pytest.raises(RegistryUnreachableError) as caught:
        Registry(fake.name, lookup([]), http, url=fake.url, silent_seconds=0.1).manifest(named(fake))
    assert str(caught.value) == f"registry {fake.name}: no answer within 0.1 s"


def test_a_registry_that_is_not_there_is_told(http: requests.Session) -> None:
    registry = Registry("127.0.0.1:9", lookup([]), http)
    with pytest.raises(RegistryUnreachableError, match=r"127\.0\.0\.1:9: cannot be reached: connection refused"):
        registry.manifest(Reference("127.0.0.1:9", "a", "1"))
    absent = Registry("nosuch.invalid", lookup([]), http)
    with pytest.raises(RegistryUnreachableError, match="cannot be reached: no such host"):
        absent.manifest(Reference("nosuch.invalid", "a", "1"))


def test_a_refusal_is_shown_with_its_text(fake: FakeRegistry, http: requests.Session) -> None:
    with pytest.raises(RegistryError, match="uploads/one was answered with 400 digest invalid"):
        opened(fake, http).put_blob("own/image", "sha256:1", 1, lambda: io.BytesIO(b"x"))


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("ghcr.io/owner/image:1", "ghcr.io"),
        ("https://ghcr.io", "ghcr.io"),
        ("localhost:5000", "localhost:5000"),
        ("alpine", "docker.io"),
        ("docker.io", "docker.io"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("owner/image", "docker.io"),
    ],
)
def test_an_address_of_registry_auth_means_its_registry(address: str, host: str) -> None:
    assert host_of(address) == host
