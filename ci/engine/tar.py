"""Trees to tar streams and back."""

import contextlib
import io
import posixpath
import tarfile
from collections.abc import Iterable, Iterator
from typing import IO

from ci.engine.store import Store
from ci.engine.trees import Entry, Tree

# Fixed, so that equal trees give equal streams; not 0, which zip files cannot hold.
TIMESTAMP = 946_684_800  # 2000-01-01T00:00:00Z

MOUNT_POINTS = {
    "/.dockerenv", "/dev/console", "/dev/pts", "/dev/shm", "/etc/hostname", "/etc/hosts", "/etc/resolv.conf",
}  # fmt: skip
MOUNT_LINKS = {("/etc/mtab", "/proc/mounts")}


def write_tree(store: Store, tree: Tree, file: IO[bytes]) -> None:
    """Write `tree` as an uncompressed tar stream."""
    with tarfile.open(fileobj=file, mode="w|", format=tarfile.GNU_FORMAT) as archive:
        for entry in tree.entries:
            info = _info(entry)
            if entry.kind == "f" and entry.size:
                with store.blob_path(entry.blob).open("rb") as content:
                    archive.addfile(info, content)
            else:
                archive.addfile(info)


@contextlib.contextmanager
def tar_of(store: Store, tree: Tree) -> Iterator[IO[bytes]]:
    """`tree` as a tar file in the store's scratch folder, at its start, until the block ends."""
    with store.writing() as file:
        write_tree(store, tree, file)
        file.seek(0)
        yield file


def _info(entry: Entry) -> tarfile.TarInfo:
    info = tarfile.TarInfo(entry.path)
    info.mode, info.uid, info.gid = entry.mode, entry.uid, entry.gid
    info.mtime = TIMESTAMP if entry.mtime is None else entry.mtime
    info.type = {"f": tarfile.REGTYPE, "d": tarfile.DIRTYPE, "l": tarfile.SYMTYPE}[entry.kind]
    info.size = entry.size
    info.linkname = entry.target
    return info


def read_tree(store: Store, stream: Iterator[bytes]) -> tuple[Tree, bool]:
    """The tree in a tar stream of one path (Docker's archive of it), and whether that path is a directory.

    Entries are relative to the path: what lies in the directory (named first, `/` without a name), or the one file
    under its own name.
    """
    entries: list[Entry] = []
    linked: dict[str, Entry] = {}
    top: tarfile.TarInfo | None = None
    with tarfile.open(fileobj=_Reader(stream), mode="r|") as archive:
        for member in archive:
            top = top or member
            name = member.name.strip("/")
            path = name.removeprefix(top.name).strip("/") if top.isdir() else name
            entry = linked.get(member.linkname.strip("/")) if member.islnk() else _entry(store, archive, member, path)
            if entry is not None:
                linked[name] = entry = Entry(path, *entry.row()[1:])
                entries.append(entry)
    return Tree.of(entries), top is not None and top.isdir()


def _entry(store: Store, archive: tarfile.TarFile, member: tarfile.TarInfo, path: str) -> Entry | None:
    owner = (member.mode, member.uid, member.gid)
    if member.isdir():
        return Entry(path, "d", *owner)
    if member.issym():
        return Entry(path, "l", *owner, target=member.linkname)
    if member.isreg():
        blob, size = store.put_stream(archive.extractfile(member) or io.BytesIO())
        return Entry(path, "f", *owner, size=size, blob=blob)
    return None


def without_mount_points(tree: Tree, path: str) -> Tree:
    """What lies in a directory `path` of a container without the empty files and folders that Docker puts into every
    container for its own mounts, and that are in no image."""
    return Tree(tuple(entry for entry in tree.entries if not _mount_point(entry, posixpath.join(path, entry.path))))


def _mount_point(entry: Entry, path: str) -> bool:
    if entry.kind == "l":
        return (path, entry.target) in MOUNT_LINKS
    return path in MOUNT_POINTS and not entry.size


class _Reader(io.RawIOBase):
    """A stream of chunks as a file to read."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes."""
        parts, held = [self._rest], len(self._rest)
        while size < 0 or held < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            parts.append(chunk)
            held += len(chunk)
        data = b"".join(parts)
        cut = len(data) if size < 0 else size
        self._rest = data[cut:]
        return data[:cut]
