"""Images are read from the archives that `docker save`, buildkit and this engine itself write."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from ci.engine import archives, oci
from ci.engine.archives import Stored
from ci.engine.errors import InvalidArchiveError
from ci.engine.layers import Layer
from ci.engine.state import Config
from ci.engine.store import Store


def tar(path: Path, files: dict[str, bytes]) -> Path:
    """A tar file of these files."""
    with tarfile.open(path, "w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def kept(store: Store, data: bytes) -> Layer:
    """A layer in the store, compressed by gzip."""
    diff_id = f"sha256:{hashlib.sha256(data).hexdigest()}"
    return archives.keep_layer(store, diff_id, iter([gzip.compress(data, mtime=0)]))


@pytest.fixture
def other(tmp_path: Path) -> Store:
    """A store that has none of the layers."""
    return Store(tmp_path / "other")


def layout(store: Store, path: Path, *platforms: str) -> Path:
    images = [oci.packed(Config({"P": name}), [kept(store, name.encode())], "OCI", name) for name in platforms]
    with path.open("wb") as file:
        oci.archive(store, images, "OCI", file)
    return path


def environment(stored: Stored) -> list[str]:
    found: list[str] = json.loads(stored.config)["config"]["Env"]
    return found


@pytest.mark.parametrize("platform", ["linux/amd64", "linux/arm64"])
def test_a_layout_gives_the_image_of_the_platform(store: Store, other: Store, tmp_path: Path, platform: str) -> None:
    path = layout(store, tmp_path / "image.tar", "linux/amd64", "linux/arm64")
    found = archives.read(other, path, "", platform)
    assert environment(found) == [f"P={platform}"]
    assert gzip.decompress(other.read(found.layers[0].blob)) == platform.encode()


def test_a_layout_without_the_platform_is_refused(store: Store, other: Store, tmp_path: Path) -> None:
    path = layout(store, tmp_path / "image.tar", "linux/amd64", "linux/arm64")
    with pytest.raises(InvalidArchiveError, match="the archive holds no image for linux/s390x"):
        archives.read(other, path, "", "linux/s390x")


def test_what_docker_saves_is_read_by_its_tag(store: Store, other: Store, tmp_path: Path) -> None:
    config = oci.config_json(Config({"A": "b"}), [kept(store, b"one")])
    diff_id = json.loads(config)["rootfs"]["diff_ids"]
    other_config = oci.config_json(Config({"A": "c"}), [])
    rows = [
        {"Config": "other.json", "RepoTags": ["own/image:0"], "Layers": []},
        {"Config": "config.json", "RepoTags": ["own/image:1"], "Layers": ["0/layer.tar"]},
    ]
    files = {"config.json": config, "other.json": other_config, "0/layer.tar": b"one"}
    path = tar(tmp_path / "saved.tar", {**files, "manifest.json": json.dumps(rows).encode()})
    for tag in ("own/image:1", "1"):
        found = archives.read(other, path, tag, "linux/amd64")
        assert (environment(found), found.diff_ids) == (["A=b"], diff_id)
    with pytest.raises(InvalidArchiveError, match="the archive holds no image '2' for linux/amd64"):
        archives.read(other, path, "2", "linux/amd64")


def test_a_named_image_of_a_layout_is_found(store: Store, other: Store, tmp_path: Path) -> None:
    image = oci.packed(Config({"A": "b"}), [], "OCI", "linux/amd64")
    row = {**image.descriptor, "annotations": {"org.opencontainers.image.ref.name": "1.0"}}
    path = tar(
        tmp_path / "image.tar",
        {
            "index.json": json.dumps({"manifests": [row, {**row, "digest": "sha256:0", "annotations": {}}]}).encode(),
            f"blobs/sha256/{oci.sha256(image.manifest)}": image.manifest,
            f"blobs/sha256/{oci.sha256(image.config)}": image.config,
        },
    )
    assert environment(archives.read(other, path, "1.0", "linux/amd64")) == ["A=b"]


def test_a_layer_that_its_configuration_does_not_list_is_refused(store: Store) -> None:
    with pytest.raises(InvalidArchiveError, match="a layer is not the sha256:1 that"):
        archives.keep_layer(store, "sha256:1", iter([b"other"]))


@pytest.mark.parametrize("data", [b"no tar file", b""])
def test_what_is_no_archive_is_refused(store: Store, tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(data)
    with pytest.raises(InvalidArchiveError, match="the file is no OCI or Docker image archive"):
        archives.read(store, path, "", "linux/amd64")


def test_a_tar_file_of_something_else_is_refused(store: Store, tmp_path: Path) -> None:
    path = tar(tmp_path / "x.tar", {"readme": b"hello"})
    with pytest.raises(InvalidArchiveError, match="the file is no OCI or Docker image archive"):
        archives.read(store, path, "", "linux/amd64")
