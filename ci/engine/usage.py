"""What the store holds, and how it stays within its bound: `usage` lists it, `prune` removes what was longest not used.

It holds records (what steps gave), the files and images they name, cache volumes, and base images that were built. A
record was last used when it was last read or written, and at least when anything that is made of it was. Nothing that a
running call has used since it began is ever removed, whichever process it runs in.
"""

import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from ci.engine.errors import InvalidArgumentError
from ci.engine.store import Store

LIMIT_VARIABLE = "CUTOVER_STORE_MAX"
DISK_SHARE, MOST = 0.2, 50 * 10**9  # of the store's disk, and bytes: the bound where none is set
UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
DIGEST = re.compile(r"[0-9a-f]{64}")
KINDS = {
    "exec": "step", "image": "files put in", "path": "files taken out", "tree": "folder", "tarball": "image archive",
    "layer": "compressed layer", "types": "module", "volume": "cache volume", "resolved": "image reference",
}  # fmt: skip


@dataclass(frozen=True)
class Usage:
    """One thing that the store holds.

    Attributes:
        kind: `step`, `folder`, `cache volume`, `base image`, ... (the values of KINDS, or the record's own kind).
        name: what tells it from others of its kind.
        size: bytes that go with it.
        last_used: seconds since the epoch.
        description: what it is, in words; may be empty.
        in_use: whether a call that runs now may need it.
    """

    kind: str
    name: str
    size: int
    last_used: float
    description: str
    in_use: bool


@dataclass(frozen=True)
class KeptImage:
    """An image that the engine made in Docker: its id, its parent's, the bytes it adds to it, when it was made (seconds
    since the epoch), its name, and the id of the store it was made for (empty: for all)."""

    id: str
    parent: str
    size: int
    created: float
    name: str
    store: str = ""


class Kept(Protocol):
    """What the engine keeps in Docker (`docker_api.Docker`)."""

    def kept_images(self) -> Sequence[KeptImage]:
        """The images that the engine made."""

    def kept_volumes(self) -> dict[str, int]:
        """The cache volumes' names, and their sizes in bytes."""

    def remove_image(self, image: str) -> bool:
        """Remove an image; False where something still needs it."""

    def remove_volume(self, volume: str) -> bool:
        """Remove a volume; False where a container still uses it."""


def limit(store: Store, environ: "os._Environ[str] | dict[str, str]" = os.environ) -> int:
    """The store's bound in bytes: `CUTOVER_STORE_MAX` (`20G`, `500MB`), else a fifth of its disk, at most 50 GB.

    Raises:
        InvalidArgumentError: the setting is no size.
    """
    text = environ.get(LIMIT_VARIABLE, "")
    if not text:
        return min(int(shutil.disk_usage(store.root).total * DISK_SHARE), MOST)
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?", text.strip(), re.IGNORECASE)
    if not found:
        raise InvalidArgumentError(f"{LIMIT_VARIABLE}={text!r} is no size: use bytes, or a number with K, M, G or T")
    return int(float(found[1]) * UNITS[found[2].upper()])


@dataclass
class _Item:
    """A record, image, blob or volume: `needs` names what it is made of."""

    kind: str
    name: str
    size: int
    used: float
    needs: set[str] = field(default_factory=set)
    path: Path | None = None
    description: str = ""


def usage(store: Store, docker: Kept | None = None) -> list[Usage]:
    """What the store holds, the longest unused first; without `docker`, what lies on disk only."""
    items = _items(store, docker)
    since = store.needed_since()
    return [
        Usage(KINDS.get(item.kind, item.kind), item.name, item.size, item.used, item.description, item.used >= since)
        for item in _ordered(items)
    ]


def prune(store: Store, docker: Kept | None = None, max_bytes: int | None = 0) -> list[Usage]:
    """Remove what was longest not used until no more than `max_bytes` are held (None: the setting's bound).

    Gives what was removed. What a running call may need stays, also where the bound is not reached by that.
    """
    bound = limit(store) if max_bytes is None else max_bytes
    since = store.needed_since()
    items = _items(store, docker)
    held = sum(item.size for item in items.values())
    removed: list[Usage] = []
    for item in _ordered(items):
        if held <= bound or item.used >= since:
            break
        if _remove(item, docker, since):
            held -= item.size
            kind = KINDS.get(item.kind, item.kind)
            removed.append(Usage(kind, item.name, item.size, item.used, item.description, False))
    return removed


def _remove(item: _Item, docker: Kept | None, since: float) -> bool:
    """Remove an item; False where it is used after all."""
    if item.path is not None and (not item.path.exists() or item.path.stat().st_mtime >= since):
        return False
    if docker is not None and item.kind in ("base image", "layer of files"):
        return docker.remove_image(item.name)
    if docker is not None and item.kind == "volume" and not docker.remove_volume(item.name):
        return False
    if item.path is not None:
        item.path.unlink(missing_ok=True)
    return True


def _ordered(items: dict[str, _Item]) -> list[_Item]:
    """The longest unused first; what is made of something goes before it."""
    depth: dict[str, int] = {}
    for name in list(items):
        _propagate(items, name, depth)
    return [items[name] for name in sorted(items, key=lambda name: (items[name].used, depth[name]))]


def _propagate(items: dict[str, _Item], start: str, depth: dict[str, int]) -> None:
    """Hand an item's last use down to all that it is made of, and count how deep that lies."""
    stack = [(start, items[start].used, 0)]
    while stack:
        name, used, level = stack.pop()
        item = items[name]
        if name in depth and depth[name] >= level and item.used >= used:
            continue
        item.used, depth[name] = max(item.used, used), max(depth.get(name, 0), level)
        stack += [(need, item.used, depth[name] + 1) for need in item.needs if need in items and need != name]


def _items(store: Store, docker: Kept | None) -> dict[str, _Item]:
    items = {item.name: item for item in _blobs(store)}
    records = list(_records(store))
    # Docker measures all images to tell the sizes of volumes, which takes it many seconds where there are many.
    volumes = docker.kept_volumes() if docker and any(record.kind == "volume" for record in records) else {}
    for record in records:
        if record.kind == "volume":
            record.size += volumes.get(record.name, 0)
        items[f"{record.kind}/{record.name}"] = record
    needed = {need for item in items.values() for need in item.needs}
    images = {_hex(image.id): image for image in (docker.kept_images() if docker else ())}
    items |= {name: _image(image) for name, image in images.items() if name in needed or image.store in ("", store.id)}
    _linked(items)
    return items


def _image(image: KeptImage) -> _Item:
    kind = "layer of files" if image.store else "base image"
    return _Item(kind, image.id, image.size, image.created, {_hex(image.parent)}, None, image.name)


def _linked(items: dict[str, _Item]) -> None:
    """Digests that name a record make its reader need that record."""
    records: dict[str, list[str]] = {}
    for name, item in items.items():
        if "/" in name:
            records.setdefault(item.name, []).append(name)
    for item in items.values():
        for digest in list(item.needs):
            item.needs |= set(records.get(digest, ()))


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")


def _blobs(store: Store) -> Iterator[_Item]:
    for path in _files(store.root / "blobs"):
        status = path.stat()
        yield _Item("shared file", path.name, status.st_size, status.st_mtime, set(), path)


def _records(store: Store) -> Iterator[_Item]:
    for path in _files(store.root / "records"):
        try:
            status, text = path.stat(), path.read_text(encoding="utf-8")
        except FileNotFoundError:
            continue
        kind = path.relative_to(store.root / "records").parts[0]
        needs = set(DIGEST.findall(text)) - {path.name}
        yield _Item(kind, path.name, status.st_size, status.st_mtime, needs, path, _described(kind, text))


def _described(kind: str, text: str) -> str:
    try:
        value: Any = json.loads(text)
    except json.JSONDecodeError:
        return "torn"
    if kind in ("exec", "volume", "resolved") and isinstance(value, dict):
        return str(value.get("name") or value.get("key") or "")
    return f"{len(value)} entries" if kind == "tree" else ""


def _files(folder: Path) -> Iterable[Path]:
    for root, _, names in os.walk(folder):
        yield from (Path(root) / name for name in names)
