"""ECR: what a push may do, what it leaves in the records, and the token for docker login."""

import base64
import http.server
import json
import socketserver
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.local.ecr import registry
from infra.local.ecr.errors import RepositoryUnknown, TagImmutable
from infra.local.ecr.records import EcrRecords, Manifest
from infra.local.ecr.token import authorization

MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"


class FakeImage:
    """As moto's Image."""

    def __init__(self, account: str, tag: None, text: str, repository: str, media_type: str, digest: str) -> None:
        self.image_digest, self.image_manifest, self.media_type = digest, text, media_type
        self.image_tags: list[str] = []
        self.image_tag: str | None = None

    def remove_tag(self, tag: str | None) -> None:
        if tag in self.image_tags:
            self.image_tags.remove(tag)

    def update_tag(self, tag: str) -> None:
        if tag not in self.image_tags:
            self.image_tags.append(tag)
        self.image_tag = tag


class Ecr:
    """One repository and its records."""

    def __init__(self, mutability: str = "IMMUTABLE_WITH_EXCLUSION", *filters: str) -> None:
        self.repository = SimpleNamespace(
            images=[],
            image_tag_mutability=mutability,
            image_tag_mutability_exclusion_filters=[{"filterType": "WILDCARD", "filter": each} for each in filters],
        )
        backend = SimpleNamespace(repositories={"cutover": self.repository})
        self.records = EcrRecords("123456789012", lambda: [backend], FakeImage)

    def push(self, tag: str | None, digest: str = "sha256:1", repository: str = "cutover") -> None:
        manifest = Manifest(repository, tag, digest, MEDIA_TYPE, "{}")
        self.records.check(manifest)
        self.records.record(manifest)

    def tags(self) -> dict[str, list[str]]:
        return {image.image_digest: image.image_tags for image in self.repository.images}


def test_a_pushed_image_is_in_the_records_with_all_its_tags() -> None:
    ecr = Ecr()

    ecr.push("1.0.0")
    ecr.push("latest")

    assert ecr.tags() == {"sha256:1": ["1.0.0", "latest"]}


def test_a_tag_is_taken_from_the_image_that_had_it() -> None:
    ecr = Ecr("MUTABLE")

    ecr.push("latest", "sha256:1")
    ecr.push("latest", "sha256:2")

    assert ecr.tags() == {"sha256:1": [], "sha256:2": ["latest"]}
    assert ecr.repository.images[0].image_tag is None


def test_a_manifest_that_is_put_by_digest_has_no_tag() -> None:
    ecr = Ecr()

    ecr.push(None)

    assert ecr.tags() == {"sha256:1": []}


def test_an_immutable_tag_does_not_move() -> None:
    ecr = Ecr("IMMUTABLE_WITH_EXCLUSION", "latest")
    ecr.push("1.0.0", "sha256:1")

    with pytest.raises(TagImmutable, match=r"'1\.0\.0' already exists in the 'cutover' repository"):
        ecr.push("1.0.0", "sha256:2")


def test_an_excluded_tag_moves() -> None:
    ecr = Ecr("IMMUTABLE_WITH_EXCLUSION", "latest", "dev-*")
    for digest in ("sha256:1", "sha256:2"):
        ecr.push("latest", digest)
        ecr.push("dev-1", digest)

    assert ecr.tags() == {"sha256:1": [], "sha256:2": ["latest", "dev-1"]}


def test_with_mutable_exclusions_only_the_excluded_tags_stay() -> None:
    ecr = Ecr("MUTABLE_WITH_EXCLUSION", "v*")
    ecr.push("v1", "sha256:1")
    ecr.push("latest", "sha256:1")
    ecr.push("latest", "sha256:2")

    with pytest.raises(TagImmutable):
        ecr.push("v1", "sha256:2")


def test_the_same_digest_can_be_pushed_again() -> None:
    ecr = Ecr("IMMUTABLE")
    ecr.push("1.0.0")

    ecr.push("1.0.0")

    assert ecr.tags() == {"sha256:1": ["1.0.0"]}


def test_a_repository_has_to_be_there_before_the_push() -> None:
    with pytest.raises(RepositoryUnknown, match="'other' does not exist in the registry with id '123456789012'"):
        Ecr().push("1.0.0", repository="other")


def test_the_token_is_what_docker_login_takes_for_twelve_hours() -> None:
    (entry,) = authorization(4566, 1000.0)["authorizationData"]

    assert base64.b64decode(entry["authorizationToken"]).decode().startswith("AWS:")
    assert entry["expiresAt"] == 1000.0 + 12 * 3600
    assert entry["proxyEndpoint"] == "http://localhost:4566"


class Store(http.server.BaseHTTPRequestHandler):
    """A registry that takes every manifest but those of `refused`."""

    put: list[tuple[str, bytes, str]] = []  # noqa: RUF012 - shared on purpose

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.put.append((self.path, body, self.headers["Content-Type"]))
        self.send_response(400 if "refused" in self.path else 201)
        self.send_header("Docker-Content-Digest", "sha256:x")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def address() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "registry.sock")
        server = socketserver.UnixStreamServer(str(path), Store)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield path
        server.shutdown()
        server.server_close()


def put(ecr: Ecr, address: Path, path: str, body: bytes = b"{}") -> registry.Reply:
    return registry.put_manifest(path, body, MEDIA_TYPE, ecr.records, address)


def test_a_manifest_goes_to_the_registry_and_into_the_records(address: Path) -> None:
    ecr = Ecr()

    reply = put(ecr, address, "/v2/cutover/manifests/1.0.0")

    assert reply.status == "201 Created"
    assert reply.headers["Docker-Content-Digest"] == "sha256:x"
    assert Store.put[-1] == ("/v2/cutover/manifests/1.0.0", b"{}", MEDIA_TYPE)
    assert list(ecr.tags().values()) == [["1.0.0"]]


def test_a_manifest_by_digest_is_recorded_without_a_tag(address: Path) -> None:
    ecr = Ecr()

    put(ecr, address, "/v2/cutover/manifests/sha256:0123")

    assert list(ecr.tags().values()) == [[]]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v2/other/manifests/1.0.0", "404 Not Found", "NAME_UNKNOWN"),
        ("/v2/cutover/manifests/1.0.0", "400 Bad Request", "TAG_INVALID"),
        ("/v2/cutover/nonsense", "400 Bad Request", "UNSUPPORTED"),
    ],
)
def test_a_refused_push_never_reaches_the_registry(address: Path, path: str, status: str, code: str) -> None:
    ecr = Ecr("IMMUTABLE")
    ecr.push("1.0.0", "sha256:other")
    before = len(Store.put)

    reply = put(ecr, address, path)

    assert (reply.status, json.loads(reply.body)["errors"][0]["code"]) == (status, code)
    assert len(Store.put) == before


def test_what_the_registry_refuses_is_not_recorded(address: Path) -> None:
    ecr = Ecr()

    reply = put(ecr, address, "/v2/cutover/manifests/refused")

    assert reply.status.startswith("400")
    assert ecr.tags() == {}


def test_the_registrys_configuration_names_its_socket_and_data() -> None:
    config: dict[str, Any] = json.loads(registry.registry_config(Path("/data"), Path("/run/registry.sock")))

    assert config["http"]["addr"] == "/run/registry.sock"
    assert config["storage"]["filesystem"]["rootdirectory"] == "/data"
