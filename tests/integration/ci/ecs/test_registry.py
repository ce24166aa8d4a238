"""The registry client against a real registry (Debian's docker-registry), on a port and in a directory of its own."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ci.ecs.archive import opened
from ci.ecs.clients import Clock
from ci.ecs.registry import Registry

LAYER_BYTES = 3 << 20

pytestmark = pytest.mark.docker


@pytest.fixture
def base(start_registry: Callable[[], str]) -> str:
    """The URL of a registry that lives as long as the test."""
    return f"http://{start_registry()}"


def layout(path: Path) -> str:
    """Writes an OCI image layout with one large layer; gives the image's digest."""
    files: dict[str, bytes] = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}

    def blob(body: bytes, media_type: str) -> dict[str, object]:
        digest = hashlib.sha256(body).hexdigest()
        files[f"blobs/sha256/{digest}"] = body
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(body)}

    layer = blob(bytes(range(256)) * (LAYER_BYTES // 256), "application/vnd.oci.image.layer.v1.tar")
    config = blob(b'{"architecture": "amd64", "os": "linux"}', "application/vnd.oci.image.config.v1+json")
    manifest_type = "application/vnd.oci.image.manifest.v1+json"
    body = {"schemaVersion": 2, "mediaType": manifest_type, "config": config, "layers": [layer]}
    top = blob(json.dumps(body, indent=1).encode(), manifest_type)
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": [top]}).encode()
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return str(top["digest"])


def test_an_image_is_pushed_byte_for_byte_and_found_by_tag_and_digest(base: str, tmp_path: Path) -> None:
    digest = layout(tmp_path / "image.tar")
    registry = Registry(base, "cutover", "Basic QVdTOnBhc3M=", Clock())
    assert registry.digest_of("1.0.0") is None
    lines: list[str] = []
    with opened(tmp_path / "image.tar") as image:
        registry.push(image, lines.append)
        registry.tag(image.top, "1.0.0")
        registry.push(image, lines.append)
    assert registry.digest_of("1.0.0") == registry.digest_of(digest) == digest
    assert len(lines) == 2, "the second push sends nothing"
