"""Folders and files of the host: taken into the store as trees, and written out of it."""

import os
import shutil
import stat
from collections.abc import Sequence
from pathlib import Path

from ci.engine.errors import HostPathError
from ci.engine.store import Store
from ci.engine.trees import DIRECTORY_MODE, FILE_MODE, Entry, Tree, matcher


def snapshot(store: Store, root: Path, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> Tree:
    """The folder `root` as a tree: modes and contents, owner 0, no times.

    Raises:
        HostPathError: `root` is no folder, or something in it cannot be read.
    """
    if not root.is_dir():
        raise HostPathError(f"lstat {root}: no such directory")
    keep = matcher(include, exclude)
    entries: list[Entry] = []
    pending = [""]
    while pending:
        folder = pending.pop()
        for item in _scan(root / folder):
            path = f"{folder}/{item.name}" if folder else item.name
            is_folder = item.is_dir(follow_symlinks=False)
            # A pattern of `exclude` that is taken back by a later `!` may still keep what is inside.
            if is_folder and (keep(path, True) or include or any(p.startswith("!") for p in exclude)):
                pending.append(path)
            if keep(path, is_folder) and (entry := _entry(store, path, Path(item.path))):
                entries.append(entry)
    return Tree.of(entries)


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as items:
            return list(items)
    except OSError as error:
        raise HostPathError(f"{folder} cannot be read: {error.strerror}") from error


def _entry(store: Store, path: str, place: Path) -> Entry | None:
    """The entry of one path of the host; None for what no tree can hold (sockets, devices) or what has just gone."""
    try:
        info = place.lstat()
        if stat.S_ISLNK(info.st_mode):
            return Entry(path, "l", 0o777, target=str(place.readlink()))
        if stat.S_ISDIR(info.st_mode):
            return Entry(path, "d", DIRECTORY_MODE)
        if stat.S_ISREG(info.st_mode):
            return file_entry(store, path, place)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HostPathError(f"{place} cannot be read: {error.strerror}") from error
    return None


def file_entry(store: Store, path: str, place: Path) -> Entry:
    """The host's file `place` as the entry `path`, its content in the store."""
    blob, size = store.put_file(place)
    # Git keeps the executable bit only: the umask of whoever cloned must not change a key.
    mode = DIRECTORY_MODE if place.stat().st_mode & stat.S_IXUSR else FILE_MODE
    return Entry(path, "f", mode, size=size, blob=blob)


def write_tree(store: Store, tree: Tree, root: Path, wipe: bool = False) -> None:
    """Write `tree` into the host's folder `root`; with `wipe` what else is there is removed first."""
    try:
        if wipe and root.is_dir():
            shutil.rmtree(root)
        root.mkdir(parents=True, exist_ok=True)
        for entry in tree.entries:
            _write_entry(store, entry, root / entry.path)
    except OSError as error:
        raise HostPathError(f"{error.filename or root} cannot be written: {error.strerror}") from error


def write_file(store: Store, entry: Entry, place: Path) -> None:
    """Write one file of a tree to the host's path `place`."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        _write_entry(store, entry, place)
    except OSError as error:
        raise HostPathError(f"{error.filename or place} cannot be written: {error.strerror}") from error


def _write_entry(store: Store, entry: Entry, place: Path) -> None:
    if entry.kind == "d":
        place.mkdir(exist_ok=True)
        place.chmod(entry.mode)
        return
    scratch = place.with_name(f".{place.name}.cutover")
    scratch.unlink(missing_ok=True)
    if entry.kind == "l":
        scratch.symlink_to(entry.target)
    else:
        shutil.copyfile(store.blob_path(entry.blob), scratch)
        scratch.chmod(entry.mode)
    scratch.replace(place)


def one_file(store: Store, place: Path) -> Tree:
    """The host's file `place` as a tree of that one file.

    Raises:
        HostPathError: it is no file or cannot be read.
    """
    if not place.is_file():
        raise HostPathError(f"stat {place}: no such file")
    try:
        return Tree((file_entry(store, place.name, place),))
    except OSError as error:
        raise HostPathError(f"{place} cannot be read: {error.strerror}") from error
