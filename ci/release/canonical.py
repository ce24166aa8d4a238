"""Writes an image anew so that equal content gives equal bytes: `python canonical.py IN OUT CREATED [LABEL=VALUE]`.

IN and OUT are OCI image layouts (image-spec 1.1) in tar files; CREATED is seconds since 1970, the commit's time. The
layers of IN, gzipped or plain, are merged and written as one layer for each of `PARTS`: sorted, every file of the one
time and owner, no setuid bit, no extended attributes, links to one inode as files, and nothing that differs with each
build. It runs in a container and needs the standard library only: no engine can do it, as Dagger's keeps timestamps.
"""

import gzip
import hashlib
import io
import json
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

PARTS = ("", "venv/", "srv/")  # what changes seldom first; the longest prefix that fits decides
DROPPED = ("proc/", "sys/", "dev/", "run/", "tmp/", "var/tmp/", "var/log/", "var/cache/", "var/lib/apt/lists/", "root/")
DIFFERING = frozenset({".dockerenv", "etc/hostname", "etc/hosts", "etc/resolv.conf", "etc/machine-id"})
WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
MODE = 0o1777  # permissions and the sticky bit; setuid and setgid go
COMPRESSION = 6
PYC_TIME = slice(8, 12)  # of a .pyc that is checked by its source's time (PEP 552: flags 0), the time
OCI = "application/vnd.oci.image"


@dataclass(frozen=True)
class Found:
    """A file of the merged layers: what its tar says of it, and where its bytes are."""

    info: tarfile.TarInfo
    layer: tarfile.TarFile

    def content(self, created: int) -> bytes:
        """The bytes; of compiled Python, for a source of the one time."""
        stream = self.layer.extractfile(self.info)
        data = stream.read() if stream else b""
        if self.info.name.endswith(".pyc") and data[4:8] == bytes(4):
            at = PYC_TIME
            return data[: at.start] + (created & 0xFFFFFFFF).to_bytes(4, "little") + data[at.stop :]
        return data


def merged(layers: Iterable[tarfile.TarFile]) -> dict[str, Found]:
    """The files of all layers by path, upper ones over lower ones, without what is dropped."""
    files: dict[str, Found] = {}
    for layer in layers:
        here: dict[str, Found] = {}
        for info in layer:
            path = info.name.removeprefix("./").strip("/")
            folder, _, name = path.rpartition("/")
            if name == OPAQUE:
                _remove(files, folder, itself=False)
            elif name.startswith(WHITEOUT):
                _remove(files, f"{folder}/{name.removeprefix(WHITEOUT)}".lstrip("/"), itself=True)
            elif path:
                if info.islnk():
                    target = info.linkname.removeprefix("./").strip("/")
                    here[path] = here.get(target) or files[target]
                else:
                    here[path] = Found(info, layer)
        for path, found in here.items():
            if path in files and not found.info.isdir():
                _remove(files, path, itself=True)
            files[path] = found
    return {path: found for path, found in files.items() if not _is_dropped(path)}


def _remove(files: dict[str, Found], path: str, itself: bool) -> None:
    if itself and (found := files.pop(path, None)) is not None and not found.info.isdir():
        return
    for below in [each for each in files if each.startswith(f"{path}/")]:
        del files[below]


def _is_dropped(path: str) -> bool:
    return path in DIFFERING or (path.startswith(DROPPED) and not path.endswith("/"))


def layer_of(files: Mapping[str, Found], part: str, created: int) -> bytes:
    """The tar of the files that belong to one of `PARTS`."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(files):
            if max((p for p in PARTS if f"{path}/".startswith(p)), key=len) == part:
                _add(tar, path, files[path], created)
    return out.getvalue()


def _add(tar: tarfile.TarFile, path: str, found: Found, created: int) -> None:
    info = tarfile.TarInfo(path)
    info.type, info.linkname = found.info.type, found.info.linkname
    info.mode, info.mtime = found.info.mode & MODE, created
    data = found.content(created) if found.info.isfile() else b""
    info.type = tarfile.REGTYPE if found.info.isfile() else info.type
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def configuration(old: Mapping[str, Any], diff_ids: list[str], created: int, labels: Mapping[str, str]) -> bytes:
    """The image's configuration: what it runs as before, with the labels, the one time and the new layers."""
    time = datetime.fromtimestamp(created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    run = dict(old.get("config") or {})
    run["Labels"] = {**(run.get("Labels") or {}), "org.opencontainers.image.created": time, **labels}
    return document({
        "architecture": old["architecture"], "os": old["os"], "created": time, "config": run,
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [{"created": time, "created_by": f"cutover: /{part}"} for part in PARTS],
    })  # fmt: skip


def document(value: Any) -> bytes:
    """JSON with sorted keys and no room between."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


class Layout:
    """An image layout being written; `blob` adds one and gives its descriptor."""

    def __init__(self, out: IO[bytes]) -> None:
        self._tar = tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - finish closes it
        self.file("oci-layout", document({"imageLayoutVersion": "1.0.0"}))

    def file(self, name: str, data: bytes) -> None:
        """Adds a file of the layout."""
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(data), 0o644
        self._tar.addfile(info, io.BytesIO(data))

    def blob(self, kind: str, data: bytes) -> dict[str, Any]:
        """Adds a blob; gives what refers to it."""
        sha = hashlib.sha256(data).hexdigest()
        self.file(f"blobs/sha256/{sha}", data)
        return {"mediaType": f"{OCI}.{kind}", "digest": f"sha256:{sha}", "size": len(data)}

    def finish(self, manifest: Mapping[str, Any]) -> None:
        """Names the image and closes the layout."""
        self.file("index.json", document({"schemaVersion": 2, "manifests": [manifest]}))
        self._tar.close()


def write(layers: Iterable[tarfile.TarFile], old: Mapping[str, Any], out: IO[bytes], created: int,
          labels: Mapping[str, str]) -> str:  # fmt: skip
    """Writes the canonical image of these layers and this configuration; gives its digest."""
    files = merged(layers)
    layout, descriptors, diff_ids = Layout(out), [], []
    for part in PARTS:
        tar = layer_of(files, part, created)
        diff_ids.append(f"sha256:{hashlib.sha256(tar).hexdigest()}")
        descriptors.append(layout.blob("layer.v1.tar+gzip", gzip.compress(tar, COMPRESSION, mtime=0)))
    config = layout.blob("config.v1+json", configuration(old, diff_ids, created, labels))
    manifest = {"schemaVersion": 2, "mediaType": f"{OCI}.manifest.v1+json", "config": config, "layers": descriptors}
    top = layout.blob("manifest.v1+json", document(manifest))
    layout.finish(top)
    return str(top["digest"])


@contextmanager
def opened(archive: tarfile.TarFile) -> Iterator[tuple[dict[str, Any], list[tarfile.TarFile]]]:
    """The configuration and the layers of the one image in a layout."""

    def blob(digest: str) -> IO[bytes]:
        return _member(archive, f"blobs/{digest.replace(':', '/')}")

    manifest = json.load(blob(json.load(_member(archive, "index.json"))["manifests"][0]["digest"]))
    with ExitStack() as stack:
        layers = [_plain(blob(row["digest"]), stack) for row in manifest["layers"]]
        yield json.load(blob(manifest["config"]["digest"])), layers


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    stream = archive.extractfile(name)
    assert stream is not None, name
    return stream


def _plain(stream: IO[bytes], stack: ExitStack) -> tarfile.TarFile:
    """A layer as an uncompressed tar in a file of its own, to be read in any order."""
    compressed = stream.read(2) == b"\x1f\x8b"
    stream.seek(0)
    file = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
    with gzip.open(stream) if compressed else stream as source:
        while data := source.read(1 << 20):
            file.write(data)
    file.seek(0)
    return stack.enter_context(tarfile.open(fileobj=file))


def convert(source: str, target: str, created: int, labels: Mapping[str, str]) -> str:
    """Writes the image of the layout in `source` to `target`; gives its digest."""
    with tarfile.open(source) as archive, opened(archive) as (config, layers), Path(target).open("wb") as out:
        return write(layers, config, out, created, labels)


if __name__ == "__main__":
    pairs = dict(word.split("=", 1) for word in sys.argv[4:])
    print(convert(sys.argv[1], sys.argv[2], int(sys.argv[3]), pairs), end="")
