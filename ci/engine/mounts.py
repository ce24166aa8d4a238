"""What the mounts of a command are in Docker: volumes for directories and caches, files from scratch folders, tmpfs.

A mounted directory is a volume of its own, filled before the command starts and read back after it, so nothing of it is
in the container's layer. Cache volumes outlive the call. Secrets lie in memory (/dev/shm) for as long as the call runs.
"""

import contextlib
import fcntl
import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from docker.types import Mount as DockerMount

from ci.engine import leftovers
from ci.engine.docker_api import Docker
from ci.engine.errors import InterruptedCallError
from ci.engine.secrets import Secrets
from ci.engine.state import Exec, Mount
from ci.engine.store import Store
from ci.engine.tar import read_tree, tar_of
from ci.engine.trees import DIRECTORY_MODE, Entry, Tree, clean

LOCK_POLL_SECONDS = 0.05
INSIDE = "v"  # where a helper container has the volume that it fills


@dataclass
class Taken:
    """The mounts of one command, ready: what goes into its host configuration, and what is to be put into it."""

    mounts: list[DockerMount] = field(default_factory=list)
    binds: list[str] = field(default_factory=list)
    tmpfs: dict[str, str] = field(default_factory=dict)
    trees: list[Tree] = field(default_factory=list)
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def host(self) -> dict[str, Any]:
        """Arguments of docker-py's create_host_config."""
        return {"mounts": self.mounts, "binds": self.binds, "tmpfs": self.tmpfs}


class Mounts:
    """Makes the mounts of one session's commands.

    Args:
        empty: gives an image with nothing in it, for containers that are never started.
        ended: set when nothing is to be waited for any more.
    """

    def __init__(
        self,
        docker: Callable[[], Docker],
        store: Store,
        secrets: Secrets,
        empty: Callable[[], str],
        ended: threading.Event,
    ) -> None:
        self._docker, self._store, self._secrets = docker, store, secrets
        self._empty, self._ended = empty, ended
        self._memory = leftovers.secrets_folder()
        self._disk = tempfile.TemporaryDirectory(prefix="files-", dir=store.root / "tmp")

    def close(self) -> None:
        """Remove the files of secrets and mounted files."""
        self._memory.cleanup()
        self._disk.cleanup()

    @contextlib.contextmanager
    def taken(self, step: Exec, trees: Mapping[str, Tree]) -> Iterator[Taken]:
        """The mounts of a command, as long as it runs; `trees` are what its directories and files hold, by path."""
        taken = Taken()
        with contextlib.ExitStack() as held:
            # In one order for all, so that two commands never wait for each other's caches.
            for mount in sorted(step.mounts, key=lambda mount: (mount.name, mount.path)):
                self._take(mount, trees.get(mount.path), taken, held)
            yield taken

    def _take(self, mount: Mount, tree: Tree | None, taken: Taken, held: contextlib.ExitStack) -> None:
        if mount.kind == "cache":
            volume = held.enter_context(self._cache(mount, tree))
            taken.mounts.append(DockerMount(mount.path, volume, "volume", no_copy=True))
        elif mount.kind == "temp":
            taken.tmpfs[mount.path] = f"exec,size={mount.name}" if mount.name else "exec"
        elif mount.kind == "secret":
            taken.binds.append(f"{self._secret_file(mount, tree)}:{mount.path}:ro")
        elif mount.kind == "socket":
            assert mount.source is not None
            taken.binds.append(f"{mount.source.args['path']}:{mount.path}")
        elif mount.kind == "file":
            taken.files[mount.path] = self._file(tree or Tree())
            taken.binds.append(f"{taken.files[mount.path]}:{mount.path}")
        elif mount.read_only:
            volume = held.enter_context(self._filled(tree or Tree()))
            taken.mounts.append(DockerMount(mount.path, volume, "volume", read_only=True, no_copy=True))
        else:
            taken.mounts.append(DockerMount(mount.path, None, "volume", no_copy=True))
            taken.trees.append(placed(tree or Tree(), mount.path))

    # Directories and files

    @contextlib.contextmanager
    def _filled(self, tree: Tree) -> Iterator[str]:
        volume = self._docker().scratch_volume()
        try:
            self._fill(volume, tree)
            yield volume
        finally:
            self._docker().remove_volume(volume)

    def _fill(self, volume: str, tree: Tree) -> None:
        """Put a tree into a volume, with a container that is never started."""
        docker = self._docker()
        mounts = [DockerMount(f"/{INSIDE}", volume, "volume", no_copy=True)]
        container = docker.create(self._empty(), command=["/"], host={"mounts": mounts})
        try:
            with tar_of(self._store, placed(tree, INSIDE)) as tar:
                docker.put(container, tar)
        finally:
            docker.remove(container)

    def _file(self, tree: Tree) -> Path:
        entry = tree.entries[0]
        path = Path(tempfile.mkstemp(dir=self._disk.name)[1])
        with self._store.room():
            path.write_bytes(self._store.read(entry.blob))
        path.chmod(entry.mode)
        if os.geteuid() == 0:
            os.chown(path, entry.uid, entry.gid)
        return path

    def after(self, container: str, step: Exec, taken: Taken) -> dict[str, str]:
        """What the command left in its directories and files: the digests of their trees, by path."""
        left: dict[str, str] = {}
        for mount in step.mounts:
            if mount.kind == "file":
                left[mount.path] = self._store.put_tree(self._file_after(taken.files[mount.path], mount.path))
            elif mount.kind == "directory" and not mount.read_only:
                left[mount.path] = self._store.put_tree(self._directory_after(container, step, mount))
        return left

    def _file_after(self, path: Path, name: str) -> Tree:
        status = path.stat()
        blob, size = self._store.put_file(path)
        return Tree((Entry(Path(name).name, "f", status.st_mode & 0o7777, status.st_uid, status.st_gid, size, blob),))

    def _directory_after(self, container: str, step: Exec, mount: Mount) -> Tree:
        others = (other.path for other in step.mounts if other is not mount)
        inner = [path[len(mount.path) :] for path in others if mount.covers(path)]
        if not inner:
            return self._read(container, mount.path)
        # Not from the command's own container: there the mounts inside of this one would be read as part of it.
        docker = self._docker()
        volume = docker.volume_of(container, mount.path)
        mounts = [DockerMount(f"/{INSIDE}", volume, "volume", no_copy=True)]
        helper = docker.create(self._empty(), command=["/"], host={"mounts": mounts})
        try:
            return self._read(helper, f"/{INSIDE}").without(inner)
        finally:
            docker.remove(helper)

    def _read(self, container: str, path: str) -> Tree:
        stream = self._docker().get(container, path)
        return read_tree(self._store, stream)[0] if stream is not None else Tree()

    # Secrets

    def _secret_file(self, mount: Mount, owner: Tree | None) -> Path:
        """The secret's value as a file; `owner` is one entry whose numbers it gets."""
        assert mount.source is not None
        name = hashlib.sha256(f"{mount.source.digest}{mount.path}{mount.owner}{mount.mode}".encode()).hexdigest()
        path = Path(self._memory.name) / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(self._secrets.plaintext(mount.source))
        mode = mount.mode
        if owner is not None and os.geteuid() == 0:
            os.chown(path, owner.entries[0].uid, owner.entries[0].gid)
        elif owner is not None:
            mode |= mode >> 3 | mode >> 6  # who may not give files away lets the owner read it like this
        path.chmod(mode)
        return path

    # Cache volumes

    @contextlib.contextmanager
    def _cache(self, mount: Mount, source: Tree | None) -> Iterator[str]:
        base = "cutover-cache-" + hashlib.sha256(mount.name.encode()).hexdigest()[:16]
        with contextlib.ExitStack() as held:
            volume = self._locked(base, mount.sharing, held)
            with self._store.locked(f"make-{volume}"):
                if self._docker().create_volume(volume, mount.name) and (source is not None):
                    self._fill(volume, source)
            self._store.put_record("volume", volume, {"key": mount.name})
            yield volume

    def _locked(self, base: str, sharing: str, held: contextlib.ExitStack) -> str:
        """The volume to use, held as its sharing mode says: SHARED beside others of that mode, LOCKED alone, PRIVATE
        alone in the first volume that is free."""
        number = 0
        while True:
            volume = f"{base}-{number}" if number else base
            file = self._store.try_lock(f"use-{volume}", fcntl.LOCK_SH if sharing == "SHARED" else fcntl.LOCK_EX)
            if file is not None:
                held.enter_context(file)
                return volume
            if sharing == "PRIVATE":
                number += 1
            elif self._ended.wait(LOCK_POLL_SECONDS):
                raise InterruptedCallError


def placed(tree: Tree, path: str) -> Tree:
    """A tree at `path`, with that directory itself only where the tree says something of it (an entry with the empty
    path)."""
    root = clean(path)
    moved = [replace(entry, path=f"{root}/{entry.path}" if entry.path else root) for entry in tree.entries]
    return Tree(tuple(moved))


def rooted(uid: int, gid: int, entries: Sequence[Entry] = ()) -> Tree:
    """A tree that also says who owns its root directory."""
    return Tree((Entry("", "d", DIRECTORY_MODE, uid, gid), *entries))
