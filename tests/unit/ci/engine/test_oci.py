"""Images as OCI layouts."""

import gzip
import hashlib
import io
import json
import tarfile
from typing import Any

import pytest

from ci.engine import oci, platforms
from ci.engine.errors import NotServedError
from ci.engine.layers import Layer, Layers, compression_of
from ci.engine.state import Config, Port
from ci.engine.store import Store

CONFIG = Config({"A": "b"}, "/w", "u", ("e",), ("c",), {"l": "m"}, (Port(80), Port(53, "UDP")))


def saved(*layers: bytes, link_last: bool = False) -> bytes:
    """What `docker save` gives of an image with these layers; the last one may be a link to the first."""
    names = [f"{number}/layer.tar" for number in range(len(layers))]
    config = {"rootfs": {"diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]}}
    files = {"config.json": json.dumps(config).encode(), **dict(zip(names, layers, strict=True))}
    files["manifest.json"] = json.dumps([{"Config": "config.json", "Layers": names}]).encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            if link_last and name == names[-1]:
                info.type, info.size, info.linkname = tarfile.SYMTYPE, 0, f"../{names[0]}"
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def chunks(data: bytes) -> Any:
    return (data[at : at + 1000] for at in range(0, len(data), 1000))


def of_saved(store: Store, data: bytes, forced: Any = None) -> list[Layer]:
    """The layers of the image that `docker save` wrote as `data`."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        config = json.load(archive.extractfile("config.json"))  # type: ignore[arg-type]
    return Layers(store).of_image(config["rootfs"]["diff_ids"], lambda: chunks(data), forced)


def written(store: Store, found: list[Layer], media: str = "OCIMediaTypes", *platforms: str) -> bytes:
    out = io.BytesIO()
    images = [oci.packed(CONFIG, found, media, platform) for platform in platforms or ("",)]
    oci.archive(store, images, media, out)
    return out.getvalue()


def members(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as content:
        return {member.name: content.extractfile(member).read() for member in content}  # type: ignore[union-attr]


def test_layers_are_compressed_once_and_alike(store: Store, tmp_path: Any) -> None:
    found = of_saved(store, saved(b"one" * 1000, b"two"))
    again = of_saved(Store(tmp_path / "other"), saved(b"one" * 1000, b"two"))
    assert found == again == of_saved(store, saved(b"one" * 1000, b"two"))
    assert [gzip.decompress(store.read(layer.blob)) for layer in found] == [b"one" * 1000, b"two"]
    assert found[1].diff_id == f"sha256:{hashlib.sha256(b'two').hexdigest()}"
    assert list((store.root / "tmp").iterdir()) == []


def test_a_layer_that_docker_links_to_its_equal_is_found(store: Store) -> None:
    first, last = of_saved(store, saved(b"same", b"same", link_last=True))
    assert first == last


def test_the_archive_is_the_same_each_time(store: Store) -> None:
    found = of_saved(store, saved(b"one", b"two"))
    assert written(store, found) == written(store, found)


def test_every_blob_lies_under_its_digest_and_every_digest_is_there(store: Store) -> None:
    found = of_saved(store, saved(b"one", b"two", b"one"))
    content = members(written(store, found))
    blobs = {name.removeprefix("blobs/sha256/"): data for name, data in content.items() if name.startswith("blobs/")}
    assert all(hashlib.sha256(data).hexdigest() == digest for digest, data in blobs.items())
    (row,) = json.loads(content["index.json"])["manifests"]
    manifest = json.loads(blobs[row["digest"][7:]])
    for descriptor in (row, manifest["config"], *manifest["layers"]):
        assert len(blobs[descriptor["digest"][7:]]) == descriptor["size"]
    assert len(manifest["layers"]) == 3
    (docker,) = json.loads(content["manifest.json"])
    assert all(name in content for name in (docker["Config"], *docker["Layers"]))


def test_the_configuration_says_what_the_container_has(store: Store) -> None:
    found = of_saved(store, saved(b"one"))
    document = json.loads(oci.config_json(CONFIG, found))
    assert document["config"] == {
        "Env": ["A=b"], "WorkingDir": "/w", "User": "u", "Entrypoint": ["e"], "Cmd": ["c"], "Labels": {"l": "m"},
        "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
    }  # fmt: skip
    assert document["rootfs"]["diff_ids"] == [layer.diff_id for layer in found]
    assert (document["os"], document["architecture"]) == ("linux", platforms.architecture())
    assert json.loads(oci.config_json(Config(), []))["config"] == {"Env": []}


@pytest.mark.parametrize(("media", "wanted"), [("OCIMediaTypes", "vnd.oci.image"), ("DockerMediaTypes", "vnd.docker")])
def test_media_types_are_those_asked_for(store: Store, media: str, wanted: str) -> None:
    content = members(written(store, of_saved(store, saved(b"one")), media))
    (row,) = json.loads(content["index.json"])["manifests"]
    manifest = json.loads(content[f"blobs/sha256/{row['digest'][7:]}"])
    assert all(
        wanted in kind
        for kind in (row["mediaType"], manifest["config"]["mediaType"], manifest["layers"][0]["mediaType"])
    )


def test_layers_that_are_here_are_not_read_from_docker_again(store: Store) -> None:
    found = of_saved(store, saved(b"one", b"two"))
    assert Layers(store).of_image([layer.diff_id for layer in found], lambda: pytest.fail("read again")) == found


@pytest.mark.parametrize(
    ("forced", "media"), [("Gzip", "tar+gzip"), ("ZSTD", "tar+zstd"), ("Uncompressed", "layer.v1.tar")]
)
def test_layers_are_compressed_as_forced(store: Store, forced: str, media: str) -> None:
    of_saved(store, saved(b"one" * 1000))
    (layer,) = of_saved(store, saved(b"one" * 1000), compression_of(forced))
    with Layers(store).uncompressed(layer.diff_id) as file:
        assert file.read() == b"one" * 1000
    manifest = json.loads(oci.packed(CONFIG, [layer], "OCI").manifest)
    assert manifest["layers"][0]["mediaType"].endswith(media)
    assert (compression_of(None), layer.blob != layer.diff_id[7:]) == (None, forced != "Uncompressed")


def test_a_compression_that_is_not_served_is_named() -> None:
    with pytest.raises(NotServedError, match="forcedCompression: EStarGZ"):
        compression_of("EStarGZ")


def test_several_platforms_lie_behind_one_index(store: Store) -> None:
    found = of_saved(store, saved(b"one"))
    content = members(written(store, found, "OCI", "linux/amd64", "linux/arm/v6"))
    (top,) = json.loads(content["index.json"])["manifests"]
    assert top["mediaType"] == "application/vnd.oci.image.index.v1+json"
    rows = json.loads(content[f"blobs/sha256/{top['digest'][7:]}"])["manifests"]
    assert [row["platform"] for row in rows] == [
        {"os": "linux", "architecture": "amd64"},
        {"os": "linux", "architecture": "arm", "variant": "v6"},
    ]


def test_what_no_field_reads_stays_in_the_configuration() -> None:
    config = Config(extra={"StopSignal": "SIGINT", "Volumes": {"/data": {}}})
    assert json.loads(oci.config_json(config, []))["config"] == {
        "Env": [], "StopSignal": "SIGINT", "Volumes": {"/data": {}},
    }  # fmt: skip
