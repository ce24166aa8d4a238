"""One session: what `cutover call` opens, the API is served from, and is closed with everything it started."""

import contextlib
import secrets
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ci.engine import hostfs
from ci.engine.nodes import Node, NodeTable, snapshot
from ci.engine.progress import Progress
from ci.engine.secrets import Secrets
from ci.engine.store import Store

if TYPE_CHECKING:
    from ci.engine.backend import Backend
    from ci.engine.docker_api import Docker
    from ci.engine.evaluator import Evaluator
    from ci.engine.images import Images
    from ci.engine.packaging import Packaging
    from ci.engine.recipes import RecipeBook
    from ci.engine.remotes import Remotes
    from ci.engine.services import Services
    from ci.engine.terminal import Shells


def _connected(call: str) -> "Docker":
    from ci.engine.docker_api import Docker

    return Docker(call)


class Session:
    """The engine's state for one call.

    Args:
        store: where results are kept.
        progress: what the user sees.
        recipes: how base images are made where no registry answers.
        workdir: what relative host paths are relative to.
        connect: gives Docker for the call of this id.
        shells: where the user gets shells.
    """

    def __init__(
        self,
        store: Store,
        progress: Progress,
        recipes: "RecipeBook",
        workdir: Path,
        connect: "Callable[[str], Docker]" = _connected,
        shells: "Shells | None" = None,
    ) -> None:
        self.id = secrets.token_hex(6)
        self.store = store
        self._lease = contextlib.ExitStack()
        self._lease.enter_context(store.leased())
        self.progress = progress
        self.workdir = workdir
        self.nodes = NodeTable()
        self.secrets = Secrets(store.salt())
        self._recipes = recipes
        self._connect = connect
        self._shells = shells
        self._backend: Backend | None = None
        self._interrupted = False
        self._lock = threading.Lock()

    @property
    def backend(self) -> "Backend":
        """What runs things, made at first use."""
        with self._lock:
            if self._backend is None:
                from ci.engine.backend import Backend

                connect = self._connect
                made = Backend(
                    self.store, self.secrets, self.progress, self._recipes, lambda: connect(self.id), self._shells
                )
                if self._interrupted:
                    made.interrupt(again=False)
                self._backend = made
            return self._backend

    @property
    def evaluator(self) -> "Evaluator":
        """What evaluates recipes."""
        return self.backend.evaluator

    @property
    def services(self) -> "Services":
        """The services of this session."""
        return self.backend.services

    @property
    def images(self) -> "Images":
        """Base images, by their references."""
        return self.backend.images

    @property
    def packaging(self) -> "Packaging":
        """What makes images and archives of containers."""
        return self.backend.packaging

    @property
    def remotes(self) -> "Remotes":
        """Git repositories, and what they hold."""
        return self.backend.remotes

    def docker(self) -> "Docker":
        """The session's Docker, connected at first use.

        Raises:
            DockerUnavailableError: none answers.
        """
        return self.backend.docker()

    def image(self, reference: str, parent: Node, registry: Node | None = None) -> Node:
        """The container that `from(reference)` gives, its image resolved now; `registry` is a service to ask."""
        return self.backend.image(reference, parent, registry)

    def registry_url(self, service: Node | None) -> str:
        """Where a service that is a registry is reached; empty where there is none."""
        return self.backend.registry_url(service)

    def host_image(self, name: str) -> Node:
        """The container of an image of the host's own Docker."""
        return self.backend.host_image(name)

    def host_directory(self, path: str, include: list[str], exclude: list[str]) -> Node:
        """A folder of the host as it is now."""
        return snapshot(hostfs.digest(self.store, self.host_path(path), include, exclude))

    def host_file(self, path: str) -> Node:
        """A file of the host as it is now."""
        tree = hostfs.one_file(self.store, self.host_path(path))
        return snapshot(self.store.put_tree(tree), "File")

    def host_path(self, path: str) -> Path:
        """A path of the host, relative ones from where the call was made."""
        return (self.workdir / Path(path).expanduser()).absolute()

    def interrupt(self) -> None:
        """End the call early: each running command gets SIGINT, and SIGKILL 30 s later; nothing more starts, and what
        is waited for ends with InterruptedCallError (exit code 130). Called again, it kills at once. Never blocks, so
        a signal handler may call it.
        """
        again, self._interrupted = self._interrupted, True
        threading.Thread(target=self._interrupt, args=(again,), daemon=True).start()

    def _interrupt(self, again: bool) -> None:
        with self._lock:  # one that is being made sees for itself that it is interrupted
            backend = self._backend
        if backend is not None:
            backend.interrupt(again)

    def close(self) -> None:
        """Let what still runs end, as `interrupt` does, which kills it from now on; then remove what the call started
        (containers, networks, volumes, forwarders, secrets' files), and keep the store within its bound."""
        self._interrupted = True
        if self._backend is not None:
            self._backend.stop()
        self._lease.close()
        if self._backend is not None:
            self._backend.close()


@contextlib.contextmanager
def opened(
    store: Store,
    progress: Progress,
    recipes: "RecipeBook",
    workdir: Path,
    connect: "Callable[[str], Docker]" = _connected,
    shells: "Shells | None" = None,
) -> Iterator[Session]:
    """A session that is closed at the end, however it ends."""
    session = Session(store, progress, recipes, workdir, connect, shells)
    try:
        yield session
    finally:
        session.close()
