"""Images in tar files: an OCI image layout or what `docker save` writes, read into the store.

Sources: OCI image-spec v1.1 (image-layout.md), https://github.com/moby/docker-image-spec (manifest.json).
"""

import contextlib
import hashlib
import io
import json
import posixpath
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ci.engine import platforms
from ci.engine.errors import InvalidArchiveError
from ci.engine.layers import Layer, Layers, decompressed, sniffed
from ci.engine.store import Store
from ci.engine.tar import TIMESTAMP

NAMES = ("org.opencontainers.image.ref.name", "io.containerd.image.name")
INDEXES = ("index", "manifest.list")


@dataclass(frozen=True)
class Stored:
    """An image whose layers the store has, with its configuration document as it came."""

    config: bytes
    layers: tuple[Layer, ...]

    @property
    def diff_ids(self) -> list[str]:
        """The digests of its layers' tar files."""
        return [layer.diff_id for layer in self.layers]


def diff_ids(config: bytes) -> list[str]:
    """The layers' digests that an image's configuration lists."""
    found: list[str] = json.loads(config)["rootfs"]["diff_ids"]
    return found


def chosen(manifests: Sequence[Mapping[str, Any]], platform: str) -> Mapping[str, Any] | None:
    """The descriptor of an index that is for `platform` (one that states none is for every), None without one."""
    images = [row for row in manifests if "attestation" not in str(row.get("annotations", ""))]
    exact = [row for row in images if "platform" in row and platforms.of_row(row["platform"]) == platform]
    return next(iter(exact or [row for row in images if "platform" not in row]), None)


def read(store: Store, path: Path, tag: str, platform: str) -> Stored:
    """The image in the tar file `path` that `tag` names (empty: the one for `platform`).

    Raises:
        InvalidArchiveError: the file is no image archive, or holds no such image.
    """
    try:
        with tarfile.open(path, mode="r:*") as archive:
            names = set(archive.getnames())
            reader = _Layout(store, archive) if "index.json" in names else _Saved(store, archive)
            return reader.image(tag, platform)
    except (tarfile.TarError, KeyError, ValueError, EOFError, OSError) as error:
        raise InvalidArchiveError(f"the file is no OCI or Docker image archive: {error}") from error


class _Archive:
    def __init__(self, store: Store, archive: tarfile.TarFile) -> None:
        self._store = store
        self._layers = Layers(store)
        self._archive = archive

    def _open(self, name: str) -> IO[bytes]:
        info = self._archive.getmember(name)
        if info.issym():
            info = self._archive.getmember(posixpath.normpath(posixpath.join(posixpath.dirname(name), info.linkname)))
        return self._archive.extractfile(info) or io.BytesIO()

    def _json(self, name: str) -> Any:
        with self._open(name) as file:
            return json.load(file)

    def _stored(self, config: bytes, places: Sequence[str]) -> Stored:
        pairs = zip(diff_ids(config), places, strict=True)
        return Stored(config, tuple(self._layer(diff_id, place) for diff_id, place in pairs))

    def _layer(self, diff_id: str, place: str) -> Layer:
        if found := self._layers.known(diff_id):
            return found
        with self._open(place) as file:
            return keep_layer(self._store, diff_id, iter(lambda: file.read(1 << 20), b""))


class _Layout(_Archive):
    def image(self, tag: str, platform: str) -> Stored:
        rows = [row for row in self._json("index.json")["manifests"] if not tag or _named(row, tag)]
        while True:
            row = chosen(rows, platform) or (rows[0] if len(rows) == 1 else None)
            if row is None:
                raise InvalidArchiveError(f"the archive holds no image {tag!r} for {platform}".replace(" ''", ""))
            document = self._json(_place(row["digest"]))
            if "manifests" not in document:
                break
            rows = document["manifests"]
        with self._open(_place(document["config"]["digest"])) as file:
            config = file.read()
        return self._stored(config, [_place(layer["digest"]) for layer in document["layers"]])


class _Saved(_Archive):
    def image(self, tag: str, platform: str) -> Stored:
        rows = [row for row in self._json("manifest.json") if not tag or _tagged(row, tag)]
        for row in rows:
            with self._open(row["Config"]) as file:
                config = file.read()
            if tag or len(rows) == 1 or platforms.of_row(json.loads(config)) == platform:
                return self._stored(config, row["Layers"])
        raise InvalidArchiveError(f"the archive holds no image {tag!r} for {platform}".replace(" ''", ""))


def _place(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _named(row: Mapping[str, Any], tag: str) -> bool:
    names = [str((row.get("annotations") or {}).get(name) or "") for name in NAMES]
    return any(name == tag or name.endswith(f":{tag}") for name in names if name)


def _tagged(row: Mapping[str, Any], tag: str) -> bool:
    return any(name == tag or name.endswith(f":{tag}") for name in row.get("RepoTags") or ())


def keep_layer(store: Store, diff_id: str, chunks: Iterator[bytes], digest: str = "") -> Layer:
    """Keep a layer's blob as it comes, compressed or not.

    Args:
        digest: what the blob must hash to, `sha256:...`; empty where nothing says.

    Raises:
        InvalidArchiveError: the bytes are others than `digest` or `diff_id` says.
    """
    with store.writing() as file:
        for chunk in chunks:
            file.write(chunk)
        file.seek(0)
        head = file.read(4)
        file.seek(0)
        blob, size = store.put_stream(file)
    if digest and digest != f"sha256:{blob}":
        raise InvalidArchiveError(f"the blob {digest} arrived as sha256:{blob}")
    layer = Layer(diff_id, blob, size, sniffed(head))
    _check(lambda: store.blob_path(blob).open("rb"), head, diff_id)
    return Layers(store).keep(layer)


def _check(opened: Callable[[], IO[bytes]], head: bytes, diff_id: str) -> None:
    hasher = hashlib.sha256()
    with contextlib.closing(opened()) as blob, decompressed(blob, head) as file:
        while chunk := file.read(1 << 20):
            hasher.update(chunk)
    if diff_id != f"sha256:{hasher.hexdigest()}":
        raise InvalidArchiveError(f"a layer is not the {diff_id} that its image's configuration lists")


def write(store: Store, config: bytes, found: Sequence[Layer], tag: str, file: IO[bytes]) -> None:
    """Write an image as the tar file that `docker load` reads, under the name `tag`."""
    name = f"{sha256(config)}.json"
    row = {"Config": name, "RepoTags": [tag], "Layers": [f"{layer.blob}.tar" for layer in found]}
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as target:
        add(target, name, config)
        add(target, "manifest.json", compact([row]))
        for blob, size in {layer.blob: layer.size for layer in found}.items():
            with store.blob_path(blob).open("rb") as content:
                target.addfile(info(f"{blob}.tar", size), content)


def compact(document: object) -> bytes:
    """A JSON document's canonical bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def sha256(data: bytes) -> str:
    """The SHA-256 (hex) of some bytes."""
    return hashlib.sha256(data).hexdigest()


def info(name: str, size: int) -> tarfile.TarInfo:
    """The head of a file in an archive; its time is nobody's."""
    head = tarfile.TarInfo(name)
    head.size, head.mtime = size, TIMESTAMP
    return head


def add(target: tarfile.TarFile, name: str, data: bytes) -> None:
    """Add a file of these bytes to an archive."""
    target.addfile(info(name, len(data)), io.BytesIO(data))
