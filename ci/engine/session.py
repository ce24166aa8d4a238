"""One session: what `cutover call` opens, the API is served from, and is closed with everything it started."""

import contextlib
import secrets
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from ci.engine import hostfs, images
from ci.engine.docker_api import Docker
from ci.engine.evaluator import Evaluator
from ci.engine.nodes import Node, NodeTable
from ci.engine.progress import Progress
from ci.engine.recipes import RecipeBook
from ci.engine.runner import Runner
from ci.engine.secrets import Secrets
from ci.engine.services import Services
from ci.engine.store import Store


class Session:
    """The engine's state for one call.

    Args:
        store: where results are kept.
        progress: what the user sees.
        recipes: how base images are made where no registry answers.
        workdir: what relative host paths are relative to.
        connect: gives Docker for the call of this id.
    """

    def __init__(
        self,
        store: Store,
        progress: Progress,
        recipes: RecipeBook,
        workdir: Path,
        connect: Callable[[str], Docker] = Docker,
    ) -> None:
        self.id = secrets.token_hex(6)
        self.store = store
        self.progress = progress
        self.workdir = workdir
        self.nodes = NodeTable()
        self.secrets = Secrets(store.salt())
        self._recipes = recipes
        self._connect = connect
        self._docker: Docker | None = None
        self._lock = threading.Lock()
        self._runner = Runner(self.docker, store, self.secrets, progress)
        self.services = Services(self.docker, self._runner, progress)
        self.evaluator = Evaluator(store, self.secrets, self._runner, self.services)

    def docker(self) -> Docker:
        """The session's Docker, connected at first use.

        Raises:
            DockerUnavailableError: none answers.
        """
        with self._lock:
            if self._docker is None:
                self._docker = self._connect(self.id)
            return self._docker

    def image(self, reference: str, parent: Node | None) -> Node:
        """The container that `from(reference)` gives, its image resolved now."""
        found = images.resolve(self.docker(), self.store, self._recipes, reference, self.progress.say)
        args = {"reference": reference, "id": found.id, "layers": list(found.layers), "config": dict(found.config)}
        return Node("Container", "image", parent, args)

    def host_directory(self, path: str, include: list[str], exclude: list[str]) -> Node:
        """A folder of the host as it is now."""
        tree = hostfs.snapshot(self.store, self.host_path(path), include, exclude)
        return self.evaluator.snapshot(tree)

    def host_file(self, path: str) -> Node:
        """A file of the host as it is now."""
        place = self.host_path(path)
        return self.evaluator.snapshot(hostfs.one_file(self.store, place), "File")

    def host_path(self, path: str) -> Path:
        """A path of the host, relative ones from where the call was made."""
        return (self.workdir / Path(path).expanduser()).absolute()

    def close(self) -> None:
        """Remove what the call started: containers, networks, forwarders, secrets' files."""
        self.services.close()
        if self._docker is not None:
            self._docker.remove_call()
        self._runner.close()


@contextlib.contextmanager
def opened(
    store: Store, progress: Progress, recipes: RecipeBook, workdir: Path, connect: Callable[[str], Docker] = Docker
) -> Iterator[Session]:
    """A session that is closed at the end, however it ends."""
    session = Session(store, progress, recipes, workdir, connect)
    try:
        yield session
    finally:
        session.close()
