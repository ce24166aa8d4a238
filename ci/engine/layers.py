"""Layers as blobs of the store: each uncompressed tar file (`diff_id`) compressed once for each way asked for.

Source: OCI image-spec v1.1, https://github.com/opencontainers/image-spec/blob/v1.1.0/layer.md.
"""

import contextlib
import gzip
import io
import json
import posixpath
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import IO, Any, Literal

import zstandard

from ci.engine.errors import NotServedError
from ci.engine.store import Store

Compression = Literal["gzip", "zstd", "none"]
# Dagger's ImageLayerCompression, both spellings of it.
COMPRESSIONS: dict[str, Compression] = {"gzip": "gzip", "zstd": "zstd", "uncompressed": "none"}
GZIP_LEVEL, ZSTD_LEVEL = 6, 3
CHUNK = 1 << 20  # bytes
MAGIC: dict[bytes, Compression] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


@dataclass(frozen=True)
class Layer:
    """A layer: the digest of its tar file (`diff_id`), and its blob in the store (SHA-256, hex; size in bytes)."""

    diff_id: str
    blob: str
    size: int
    compression: Compression = "gzip"


def compression_of(forced: str | None) -> Compression | None:
    """The compression that a `forcedCompression` names; None where any will do.

    Raises:
        NotServedError: EStarGZ.
    """
    if forced is None:
        return None
    if forced.lower() not in COMPRESSIONS:
        raise NotServedError(f"Container.publish(forcedCompression: {forced})")
    return COMPRESSIONS[forced.lower()]


def sniffed(head: bytes) -> Compression:
    """How a layer that begins with `head` is compressed."""
    return next((name for magic, name in MAGIC.items() if head.startswith(magic)), "none")


class Layers:
    """The layers that a store holds."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def known(self, diff_id: str, forced: Compression | None = None) -> Layer | None:
        """The layer of this digest, compressed as forced or in any way; None where it is not here."""
        record = self._store.get_record("layer", f"{diff_id}-{forced}" if forced else diff_id)
        return Layer(diff_id, *record) if record and self._store.has_blob(record[0]) else None

    def keep(self, layer: Layer) -> Layer:
        """Remember a layer whose blob the store has."""
        row = [layer.blob, layer.size, layer.compression]
        self._store.put_record("layer", f"{layer.diff_id}-{layer.compression}", row)
        if self.known(layer.diff_id) is None:
            self._store.put_record("layer", layer.diff_id, row)
        return layer

    def of_image(
        self, diff_ids: Sequence[str], save: Callable[[], Iterator[bytes]], forced: Compression | None = None
    ) -> list[Layer]:
        """The layers of an image; what `save` streams (as `docker save`) is read only where one is not here yet."""
        if all(self.known(diff_id) for diff_id in diff_ids):
            return [self.as_forced(diff_id, forced) for diff_id in diff_ids]
        with tempfile.TemporaryFile(dir=self._store.root / "tmp") as file:
            for chunk in save():
                file.write(chunk)
            file.seek(0)
            with tarfile.open(fileobj=file) as archive:
                return [self.add(diff_id, opened, forced) for diff_id, opened in _saved(archive)]

    def as_forced(self, diff_id: str, forced: Compression | None) -> Layer:
        """A layer that is here, compressed as forced."""
        if found := self.known(diff_id, forced):
            return found
        return self.add(diff_id, lambda: self.uncompressed(diff_id), forced)

    @contextlib.contextmanager
    def uncompressed(self, diff_id: str) -> Iterator[IO[bytes]]:
        """The tar file of a layer that is here, to read."""
        layer = self.known(diff_id)
        assert layer is not None
        with self._store.blob_path(layer.blob).open("rb") as blob, _reading(blob, layer.compression) as file:
            yield file

    def add(
        self, diff_id: str, opened: Callable[[], AbstractContextManager[IO[bytes]]], forced: Compression | None
    ) -> Layer:
        """Keep the layer whose tar file `opened` reads, compressed as forced (else by gzip), where it is not here."""
        if found := self.known(diff_id, forced):
            return found
        compression = forced or "gzip"
        with opened() as source, self._store.writing() as file:
            with _writing(file, compression) as packed:
                while chunk := source.read(CHUNK):
                    packed.write(chunk)
            file.seek(0)
            blob, size = self._store.put_stream(file)
        return self.keep(Layer(diff_id, blob, size, compression))


def _writing(file: IO[bytes], compression: Compression) -> AbstractContextManager[Any]:
    if compression == "gzip":
        return gzip.GzipFile(fileobj=file, mode="wb", compresslevel=GZIP_LEVEL, mtime=0, filename="")
    if compression == "zstd":
        return zstandard.ZstdCompressor(level=ZSTD_LEVEL).stream_writer(file, closefd=False)
    return _Kept(file)


class _Kept:
    """A file that is written as it is, and left open."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def __enter__(self) -> IO[bytes]:
        return self._file

    def __exit__(self, *_: object) -> None:
        self._file.flush()


def _reading(file: IO[bytes], compression: Compression) -> AbstractContextManager[IO[bytes]]:
    if compression == "gzip":
        return gzip.GzipFile(fileobj=file, mode="rb")  # type: ignore[return-value]
    if compression == "zstd":
        return zstandard.ZstdDecompressor().stream_reader(file, closefd=False)
    return file


def decompressed(file: IO[bytes], head: bytes) -> AbstractContextManager[IO[bytes]]:
    """A layer's blob, which begins with `head`, as its tar file to read."""
    return _reading(file, sniffed(head))


def _saved(archive: tarfile.TarFile) -> Iterator[tuple[str, Callable[[], IO[bytes]]]]:
    """The layers in what `docker save` wrote: each digest, and what opens its tar file."""
    manifest = json.load(_member(archive, "manifest.json"))[0]
    config = json.load(_member(archive, manifest["Config"]))
    for diff_id, name in zip(config["rootfs"]["diff_ids"], manifest["Layers"], strict=True):
        yield diff_id, lambda name=name: _member(archive, name)  # type: ignore[misc]


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    info = archive.getmember(name)
    if info.issym():  # Docker links equal layers to one file
        info = archive.getmember(posixpath.normpath(posixpath.join(posixpath.dirname(name), info.linkname)))
    return archive.extractfile(info) or io.BytesIO()
