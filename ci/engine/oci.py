"""Images as OCI documents (configuration, manifest, index), and as one tar file of an image layout.

Source: OCI image-spec v1.1, https://github.com/opencontainers/image-spec. The archive also carries docker's
`manifest.json`, so that `docker load` takes it.
"""

import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from ci.engine import platforms
from ci.engine.archives import add, compact, info, sha256
from ci.engine.layers import Compression, Layer
from ci.engine.platforms import architecture
from ci.engine.state import Config
from ci.engine.store import Store

CREATED = "1970-01-01T00:00:00Z"  # nobody's clock: equal content, equal digest
OCI, DOCKER = "application/vnd.oci.image", "application/vnd.docker"

__all__ = ["Layer", "Packed", "architecture", "archive", "config_json", "index", "packed", "sha256"]


@dataclass(frozen=True)
class Media:
    """The media types of one family."""

    manifest: str
    index: str
    config: str
    layers: Mapping[Compression, str]


FAMILIES = {
    "oci": Media(
        f"{OCI}.manifest.v1+json",
        f"{OCI}.index.v1+json",
        f"{OCI}.config.v1+json",
        {"none": f"{OCI}.layer.v1.tar", "gzip": f"{OCI}.layer.v1.tar+gzip", "zstd": f"{OCI}.layer.v1.tar+zstd"},
    ),
    "docker": Media(
        f"{DOCKER}.distribution.manifest.v2+json",
        f"{DOCKER}.distribution.manifest.list.v2+json",
        f"{DOCKER}.container.image.v1+json",
        {
            "none": f"{DOCKER}.image.rootfs.diff.tar",
            "gzip": f"{DOCKER}.image.rootfs.diff.tar.gzip",
            "zstd": f"{DOCKER}.image.rootfs.diff.tar.zstd",
        },
    ),
}


@dataclass(frozen=True)
class Packed:
    """An image ready to be written: its documents' bytes and its layers' blobs."""

    platform: str
    config: bytes
    manifest: bytes
    media_type: str
    layers: tuple[Layer, ...]

    @property
    def descriptor(self) -> dict[str, Any]:
        """What an index says of it."""
        return {**_descriptor(self.media_type, self.manifest), "platform": platforms.row_of(self.platform)}

    @property
    def digest(self) -> str:
        """The image's digest: that of its manifest."""
        return f"sha256:{sha256(self.manifest)}"


def family(media_types: str) -> Media:
    """The media types that a Dagger ImageMediaTypes names."""
    return FAMILIES["docker" if "docker" in media_types.lower() else "oci"]


def config_json(config: Config, found: Sequence[Layer], platform: str = "") -> bytes:
    """The image's configuration document."""
    inner: dict[str, Any] = {"Env": [f"{key}={value}" for key, value in config.env.items()], **config.extra}
    for name, value in (
        ("User", config.user),
        ("WorkingDir", config.workdir),
        ("Entrypoint", list(config.entrypoint)),
        ("Cmd", list(config.default_args)),
        ("Labels", dict(config.labels)),
        ("ExposedPorts", {f"{port.port}/{port.protocol.lower()}": {} for port in config.ports}),
    ):
        if value:
            inner[name] = value
    document = {
        "created": CREATED,
        **platforms.row_of(platform),
        "config": inner,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in found]},
        "history": [{"created": CREATED, "created_by": "cutover"} for _ in found],
    }
    return compact(document)


def packed(
    config: Config,
    found: Sequence[Layer],
    media_types: str,
    platform: str = "",
) -> Packed:
    """The documents of an image."""
    media = family(media_types)
    config_blob = config_json(config, found, platform)
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": media.manifest,
        "config": _descriptor(media.config, config_blob),
        "layers": [
            {"mediaType": media.layers[la.compression], "digest": f"sha256:{la.blob}", "size": la.size} for la in found
        ],
    }
    if config.annotations:
        manifest["annotations"] = dict(config.annotations)
    return Packed(platforms.normal(platform), config_blob, compact(manifest), media.manifest, tuple(found))


def index(images: Sequence[Packed], media_types: str) -> tuple[bytes, str]:
    """The index of images for several platforms, and its media type."""
    kind = family(media_types).index
    document = {"schemaVersion": 2, "mediaType": kind, "manifests": [image.descriptor for image in images]}
    return compact(document), kind


def archive(store: Store, images: Sequence[Packed], media_types: str, file: IO[bytes]) -> None:
    """Write the images as a tar file of an OCI image layout: one as it is, several behind an index."""
    documents = [document for image in images for document in (image.config, image.manifest)]
    top = [image.descriptor for image in images]
    if len(images) > 1:
        data, kind = index(images, media_types)
        documents.append(data)
        top = [_descriptor(kind, data)]
    docker_manifest = [
        {
            "Config": _place(sha256(image.config)),
            "RepoTags": None,
            "Layers": [_place(layer.blob) for layer in image.layers],
        }
        for image in images
    ]
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as target:
        add(target, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        add(target, "index.json", compact({"schemaVersion": 2, "manifests": top}))
        add(target, "manifest.json", compact(docker_manifest))
        for digest, document in sorted({sha256(document): document for document in documents}.items()):
            add(target, _place(digest), document)
        for digest, size in sorted({layer.blob: layer.size for image in images for layer in image.layers}.items()):
            with store.blob_path(digest).open("rb") as content:
                target.addfile(info(_place(digest), size), content)


def _descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": f"sha256:{sha256(data)}", "size": len(data)}


def _place(digest: str) -> str:
    return f"blobs/sha256/{digest}"
