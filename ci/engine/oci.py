"""Images as OCI image layouts: the layers Docker holds, each compressed once, under a configuration of our own.

Source: OCI image-spec v1.1, https://github.com/opencontainers/image-spec. The archive also carries docker's
`manifest.json`, so that
`docker load` takes it.
"""

import gzip
import hashlib
import io
import json
import platform
import posixpath
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from ci.engine.state import Config
from ci.engine.store import Store
from ci.engine.tar import TIMESTAMP

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
CREATED = "1970-01-01T00:00:00Z"  # nobody's clock: equal content, equal digest
COMPRESSION_LEVEL = 6
MEDIA = {
    "OCIMediaTypes": {
        "manifest": "application/vnd.oci.image.manifest.v1+json",
        "config": "application/vnd.oci.image.config.v1+json",
        "layer": "application/vnd.oci.image.layer.v1.tar+gzip",
    },
    "DockerMediaTypes": {
        "manifest": "application/vnd.docker.distribution.manifest.v2+json",
        "config": "application/vnd.docker.container.image.v1+json",
        "layer": "application/vnd.docker.image.rootfs.diff.tar.gzip",
    },
}


@dataclass(frozen=True)
class Layer:
    """A layer: the digest of its tar file (`diff_id`), and its compressed blob in the store."""

    diff_id: str
    blob: str
    size: int


def architecture() -> str:
    """This machine's architecture in OCI's words."""
    machine = platform.machine()
    return ARCHITECTURES.get(machine, machine)


def layers(store: Store, stream: Iterator[bytes]) -> list[Layer]:
    """The layers of an image from what `docker save` streams, compressed into the store where they are not there
    yet."""
    with tempfile.TemporaryFile(dir=store.root / "tmp") as file:
        for chunk in stream:
            file.write(chunk)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            manifest = json.load(_member(archive, "manifest.json"))[0]
            config = json.load(_member(archive, manifest["Config"]))
            pairs = zip(config["rootfs"]["diff_ids"], manifest["Layers"], strict=True)
            return [_layer(store, diff_id, archive, name) for diff_id, name in pairs]


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    info = archive.getmember(name)
    if info.issym():  # Docker links equal layers to one file
        info = archive.getmember(posixpath.normpath(posixpath.join(posixpath.dirname(name), info.linkname)))
    return archive.extractfile(info) or io.BytesIO()


def _layer(store: Store, diff_id: str, archive: tarfile.TarFile, name: str) -> Layer:
    record = store.get_record("layer", diff_id)
    if record is None or not store.has_blob(record["blob"]):
        with store.writing() as file:
            with gzip.GzipFile(
                fileobj=file, mode="wb", compresslevel=COMPRESSION_LEVEL, mtime=0, filename=""
            ) as packed:
                source = _member(archive, name)
                while chunk := source.read(1 << 20):
                    packed.write(chunk)
            file.seek(0)
            blob, size = store.put_stream(file)
        record = {"blob": blob, "size": size}
        store.put_record("layer", diff_id, record)
    return Layer(diff_id, record["blob"], record["size"])


def config_json(config: Config, found: list[Layer]) -> bytes:
    """The image's configuration document."""
    inner: dict[str, Any] = {"Env": [f"{key}={value}" for key, value in config.env.items()]}
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
        "architecture": architecture(),
        "os": "linux",
        "config": inner,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in found]},
        "history": [{"created": CREATED, "created_by": "cutover"} for _ in found],
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def archive(store: Store, config: Config, found: list[Layer], media_types: str, file: IO[bytes]) -> None:
    """Write the image as a tar file of an OCI image layout."""
    media = MEDIA["DockerMediaTypes" if "docker" in media_types.lower() else "OCIMediaTypes"]
    blobs = {layer.blob: layer.size for layer in found}
    config_blob = config_json(config, found)
    manifest = {
        "schemaVersion": 2,
        "mediaType": media["manifest"],
        "config": _descriptor(media["config"], config_blob),
        "layers": [{"mediaType": media["layer"], "digest": f"sha256:{la.blob}", "size": la.size} for la in found],
    }
    manifest_blob = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    index = {"schemaVersion": 2, "manifests": [_descriptor(media["manifest"], manifest_blob)]}
    docker_manifest = [
        {"Config": _place(_sha(config_blob)), "RepoTags": None, "Layers": [_place(layer.blob) for layer in found]}
    ]
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as target:
        _add(target, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        _add(target, "index.json", json.dumps(index, sort_keys=True).encode())
        _add(target, "manifest.json", json.dumps(docker_manifest, sort_keys=True).encode())
        for blob in (config_blob, manifest_blob):
            _add(target, _place(_sha(blob)), blob)
        for digest, size in sorted(blobs.items()):
            with store.blob_path(digest).open("rb") as content:
                target.addfile(_info(_place(digest), size), content)


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _descriptor(media_type: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": f"sha256:{_sha(data)}", "size": len(data)}


def _place(digest: str) -> str:
    return f"blobs/sha256/{digest}"


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mtime = size, TIMESTAMP
    return info


def _add(target: tarfile.TarFile, name: str, data: bytes) -> None:
    target.addfile(_info(name, len(data)), io.BytesIO(data))
