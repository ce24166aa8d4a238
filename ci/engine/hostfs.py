"""Folders and files of the host: taken into the store as trees, and written out of it."""

import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from ci.engine import gitdirs, hostindex
from ci.engine.errors import HostPathError
from ci.engine.gitdirs import LinkedGit
from ci.engine.hostindex import Index
from ci.engine.store import Store
from ci.engine.trees import DIRECTORY_MODE, FILE_MODE, Entry, Tree, matcher

READERS = 4  # threads that read and hash large files, which leaves Python's lock
SMALL = 1 << 18  # bytes: handing a smaller file to a thread would cost more than reading it


@dataclass(frozen=True)
class Found:
    """One path that a walk kept."""

    path: str
    place: str
    info: os.stat_result


def snapshot(store: Store, root: Path, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> Tree:
    """The folder `root` as a tree: modes and contents, owner 0, no times. Folders that no pattern reaches are not
    entered; files that have not changed since the last time are not read. The `.git` file of a worktree or a submodule
    counts as the folder that it stands for.

    Raises:
        HostPathError: `root` is no folder, or something in it cannot be read.
    """
    if (git := gitdirs.linked(root)) is not None:
        return _git(store, git).filtered(include, exclude)
    if not root.is_dir():
        raise HostPathError(f"lstat {root}: {_missing(root, 'not a directory')}")
    digest = hostindex.unchanged(store, root, include, exclude)
    known = store.get_tree(digest) if digest else None
    tree = known if known is not None else _read(store, root, include, exclude)
    if (git := _inside(root, include, exclude)) is not None:
        return tree.without([gitdirs.NAME]).merged(_git(store, git).placed(gitdirs.NAME).filtered(include, exclude))
    return tree


def digest(store: Store, root: Path, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> str:
    """The digest of `snapshot`'s tree; the tree itself is not loaded where nothing has changed.

    Raises:
        HostPathError: as `snapshot`.
    """
    if gitdirs.linked(root) is not None or _inside(root, include, exclude) is not None:
        return store.put_tree(snapshot(store, root, include, exclude))
    known = hostindex.unchanged(store, root, include, exclude)
    if known and store.has_record("tree", known):
        return known
    return snapshot(store, root, include, exclude).digest


def _inside(root: Path, include: Sequence[str], exclude: Sequence[str]) -> LinkedGit | None:
    """What `root`'s own `.git` stands for, where it is such a file and the patterns keep something of it."""
    git = gitdirs.linked(root / gitdirs.NAME)
    if git is None:
        return None
    keep = matcher(include, exclude)
    return git if keep(gitdirs.NAME, True) or keep(f"{gitdirs.NAME}/HEAD", False) else None


def _git(store: Store, git: LinkedGit) -> Tree:
    """The git directory that a `.git` file stands for."""
    tree = Tree()
    for folder, exclude in git.parts:
        tree = tree.merged(snapshot(store, folder, (), exclude))
    config = tree.get("config")
    if config is None:
        return tree
    data = gitdirs.portable(store.read(config.blob).decode(errors="surrogateescape")).encode(errors="surrogateescape")
    return tree.merged(Tree((replace(config, blob=store.put_bytes(data), size=len(data)),)))


def _read(store: Store, root: Path, include: Sequence[str], exclude: Sequence[str]) -> Tree:
    before = hostindex.load(store, root, include, exclude) or Index(0)
    after = Index(time.time_ns())
    found = list(_walk(root, include, exclude, after))
    with ThreadPoolExecutor(READERS) as pool:
        entries = [entry() for entry in [_reading(store, item, before, pool) for item in found]]
    for item, entry in zip(found, entries, strict=True):
        if entry is not None and entry.kind != "d":
            after.files[item.path] = (hostindex.stamp(item.info), entry.blob or entry.target)
    tree = Tree.of(entry for entry in entries if entry is not None)
    after.tree = store.put_tree(tree)
    hostindex.save(store, root, include, exclude, after)
    return tree


def _walk(root: Path, include: Sequence[str], exclude: Sequence[str], index: Index) -> Iterator[Found]:
    """What the patterns keep of `root`; the folders that were listed are noted in the index."""
    keep, enters = matcher(include, exclude), _entering(include, exclude)
    pending = [""]
    while pending:
        folder = pending.pop()
        for item in _scan(root / folder, folder, index):
            path = f"{folder}/{item.name}" if folder else item.name
            is_folder = item.is_dir(follow_symlinks=False)
            if is_folder and enters(path):
                pending.append(path)
            if keep(path, is_folder) and (info := _stat(item)):
                yield Found(path, item.path, info)


def _entering(include: Sequence[str], exclude: Sequence[str]) -> Callable[[str], bool]:
    """Whether a walk must enter a folder: something in it may be included, and not all of it is excluded."""
    kept = matcher((), exclude)
    wanted = hostindex.reachable([pattern for pattern in include if not pattern.startswith("!")])
    # What a pattern excludes a later `!` may take back.
    taken_back = hostindex.reachable([pattern for pattern in exclude if pattern.startswith("!")])
    return lambda path: (not include or wanted(path)) and (kept(path, True) or taken_back(path))


def _scan(folder: Path, path: str, index: Index) -> list[os.DirEntry[str]]:
    try:
        index.folders[path] = hostindex.stamp(folder.lstat() if path else folder.stat())
        with os.scandir(folder) as items:
            return list(items)
    except OSError as error:
        raise HostPathError(f"{folder} cannot be read: {error.strerror}") from error


def _stat(item: os.DirEntry[str]) -> os.stat_result | None:
    """What kind of thing an item is, None where it has just gone."""
    try:
        return item.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HostPathError(f"{item.path} cannot be read: {error.strerror}") from error


def _reading(store: Store, item: Found, before: Index, pool: ThreadPoolExecutor) -> Callable[[], Entry | None]:
    """Reads an item now, or in the pool where it is large."""
    if item.info.st_size > SMALL and stat.S_ISREG(item.info.st_mode):
        return pool.submit(_entry, store, item, before).result
    entry = _entry(store, item, before)
    return lambda: entry


def _entry(store: Store, item: Found, before: Index) -> Entry | None:
    """The entry of one path of the host; None for what no tree can hold (sockets, devices) or what has just gone."""
    mode = item.info.st_mode
    try:
        if stat.S_ISDIR(mode):
            return Entry(item.path, "d", DIRECTORY_MODE)
        if stat.S_ISLNK(mode):
            return Entry(item.path, "l", 0o777, target=str(Path(item.place).readlink()))
        if not stat.S_ISREG(mode):
            return None
        known = before.content(item.path, hostindex.stamp(item.info))
        if known and store.has_blob(known):
            return Entry(item.path, "f", _mode(mode), size=item.info.st_size, blob=known)
        return file_entry(store, item.path, Path(item.place))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise HostPathError(f"{item.place} cannot be read: {error.strerror}") from error


def file_entry(store: Store, path: str, place: Path) -> Entry:
    """The host's file `place` as the entry `path`, its content in the store."""
    info = place.stat()
    if info.st_size > SMALL:
        blob, size = store.put_file(place)
    else:
        data = place.read_bytes()
        blob, size = store.put_bytes(data), len(data)
    return Entry(path, "f", _mode(info.st_mode), size=size, blob=blob)


def _mode(mode: int) -> int:
    # Git keeps the executable bit only: the umask of whoever cloned must not change a key.
    return DIRECTORY_MODE if mode & stat.S_IXUSR else FILE_MODE


def write_tree(store: Store, tree: Tree, root: Path, wipe: bool = False) -> None:
    """Write `tree` into the host's folder `root`; with `wipe` what else is there is removed first."""
    try:
        if wipe and root.is_dir():
            shutil.rmtree(root)
        root.mkdir(parents=True, exist_ok=True)
        for entry in tree.entries:
            _write_entry(store, entry, root / entry.path)
        for entry in reversed(tree.entries):
            if entry.kind == "d":  # after what it holds, which it may forbid to write
                _finish(entry, root / entry.path)
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
        return
    scratch = place.with_name(f".{place.name}.cutover")
    scratch.unlink(missing_ok=True)
    if entry.kind == "l":
        scratch.symlink_to(entry.target)
    else:
        shutil.copyfile(store.blob_path(entry.blob), scratch)
        _finish(entry, scratch)
    scratch.replace(place)


def _finish(entry: Entry, place: Path) -> None:
    place.chmod(entry.mode)
    if entry.mtime is not None:
        os.utime(place, (entry.mtime, entry.mtime))


def one_file(store: Store, place: Path) -> Tree:
    """The host's file `place` as a tree of that one file.

    Raises:
        HostPathError: it is no file or cannot be read.
    """
    if not place.is_file():
        raise HostPathError(f"stat {place}: {_missing(place, 'is a directory')}")
    try:
        return Tree((file_entry(store, place.name, place),))
    except OSError as error:
        raise HostPathError(f"{place} cannot be read: {error.strerror}") from error


def _missing(place: Path, otherwise: str) -> str:
    """Why a path is not what was asked for."""
    return otherwise if place.exists() else "no such file or directory"
