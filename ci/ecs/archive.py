"""Reads an OCI image layout (image-spec 1.1, image-layout.md) out of a tar archive, blobs checked by their digests."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .errors import BadArchive

CHUNK_BYTES = 1 << 20
MANIFEST_LIMIT_BYTES = 4 << 20
INDEX_TYPES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
MANIFEST_TYPES = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)


@dataclass(frozen=True)
class Manifest:
    """A manifest or an index, as the very bytes that its digest is of, and the digests of what it refers to."""

    digest: str
    media_type: str
    body: bytes
    blobs: tuple[str, ...]
    children: tuple[Manifest, ...]


class Archive:
    """An open archive; `top` is the image that its index.json names. Made by `opened`."""

    def __init__(self, path: Path, tar: tarfile.TarFile) -> None:
        self._path = path
        self._tar = tar
        self._members = {member.name.removeprefix("./"): member for member in tar.getmembers() if member.isfile()}
        self.top = self._manifest(self._only_entry())

    def size(self, digest: str) -> int:
        """Bytes of a blob."""
        return self._member(_blob_name(digest)).size

    @contextmanager
    def blob(self, digest: str) -> Iterator[IO[bytes]]:
        """A blob to read from its start; its bytes have been checked to be those of `digest`."""
        self._check(digest)
        with self._open(_blob_name(digest)) as stream:
            yield stream

    def _only_entry(self) -> dict[str, Any]:
        index = self._json(self._read("index.json"), "index.json")
        entries = index.get("manifests") if isinstance(index, dict) else None
        if not isinstance(entries, list) or len(entries) != 1:
            raise BadArchive(path=self._path, problem="its index.json does not name exactly one image")
        return self._entry(entries[0])

    def _manifest(self, entry: dict[str, Any]) -> Manifest:
        digest = entry["digest"]
        self._check(digest)
        body = self._read(_blob_name(digest))
        document = self._json(body, digest)
        media_type = entry.get("mediaType") or document.get("mediaType") or MANIFEST_TYPES[0]
        if media_type in INDEX_TYPES:
            children = tuple(self._manifest(self._entry(child)) for child in document.get("manifests", []))
            return Manifest(digest, media_type, body, (), children)
        parts = [document.get("config"), *document.get("layers", [])]
        blobs = tuple(dict.fromkeys(str(self._entry(part)["digest"]) for part in parts))
        return Manifest(digest, media_type, body, blobs, ())

    def _entry(self, value: object) -> dict[str, Any]:
        if not isinstance(value, dict) or not str(value.get("digest", "")).startswith("sha256:"):
            raise BadArchive(path=self._path, problem="a descriptor has no sha256 digest")
        return value

    def _check(self, digest: str) -> None:
        found = hashlib.sha256()
        with self._open(_blob_name(digest)) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                found.update(chunk)
        if f"sha256:{found.hexdigest()}" != digest:
            raise BadArchive(path=self._path, problem=f"the bytes of {digest} have another digest")

    def _read(self, name: str) -> bytes:
        if self._member(name).size > MANIFEST_LIMIT_BYTES:
            raise BadArchive(path=self._path, problem=f"{name} is too large for a manifest")
        with self._open(name) as stream:
            return stream.read()

    def _json(self, body: bytes, name: str) -> Any:
        try:
            return json.loads(body)
        except ValueError as error:
            raise BadArchive(path=self._path, problem=f"{name} is not JSON") from error

    def _member(self, name: str) -> tarfile.TarInfo:
        try:
            return self._members[name]
        except KeyError as error:
            raise BadArchive(path=self._path, problem=f"it holds no {name}") from error

    def _open(self, name: str) -> IO[bytes]:
        stream = self._tar.extractfile(self._member(name))
        assert stream is not None  # regular files only, see __init__
        return stream


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Opens the archive at `path`; raises BadArchive where it is none."""
    with ExitStack() as stack:
        try:
            tar = stack.enter_context(tarfile.open(path))
        except (OSError, tarfile.TarError) as error:
            raise BadArchive(path=path, problem=str(error) or "it cannot be opened") from error
        yield Archive(path, tar)


def _blob_name(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/', 1)}"
