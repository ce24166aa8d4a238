"""One session: what `cutover call` opens, the API is served from, and is closed with everything it started."""

import contextlib
import secrets
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from ci.engine import hostfs, network, packaging, usage
from ci.engine.builds import Builds
from ci.engine.docker_api import Docker
from ci.engine.errors import DockerUnavailableError
from ci.engine.evaluator import Evaluator
from ci.engine.images import Image, Images
from ci.engine.nodes import Node, NodeTable
from ci.engine.packaging import Packaging
from ci.engine.progress import Progress
from ci.engine.pulls import Mirrors, Pulls
from ci.engine.recipes import RecipeBook
from ci.engine.runner import Runner
from ci.engine.secrets import Secrets
from ci.engine.services import Services
from ci.engine.store import Store

PRUNE_SECONDS = 600  # between two looks at the store's size


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
        self._lease = contextlib.ExitStack()
        self._lease.enter_context(store.leased())
        self.progress = progress
        self.workdir = workdir
        self.nodes = NodeTable()
        self.secrets = Secrets(store.salt())
        self._connect = connect
        self._docker: Docker | None = None
        self._interrupted = False
        self._lock = threading.Lock()
        self._runner = Runner(self.docker, store, self.secrets, progress)
        self.services = Services(self.docker, self._runner, progress)
        self.evaluator = Evaluator(store, self.secrets, self._runner, self.services)
        self._http = network.http_session()
        pulls = Pulls(store, Mirrors.of(network.mirrors(recipes.mirrors)), self._http)
        self.images = Images(self.docker, store, recipes, pulls, progress.say)
        self.packaging = Packaging(self.docker, store, self.evaluator, pulls, progress)
        self.evaluator.makers["File.asTarball"] = self.packaging.tarball
        self.evaluator.chains["Container.import"] = self._imported
        self.evaluator.chains["Container.dockerBuild"] = Builds(store, self.evaluator, self.image).recipe

    def docker(self) -> Docker:
        """The session's Docker, connected at first use.

        Raises:
            DockerUnavailableError: none answers.
        """
        with self._lock:
            if self._docker is None:
                self._docker = self._connect(self.id)
            return self._docker

    def image(self, reference: str, parent: Node, registry: Node | None = None) -> Node:
        """The container that `from(reference)` gives, its image resolved now; `registry` is a service to ask."""
        state = self.evaluator.container(parent)
        auth = packaging.auth_of(state, self.secrets.plaintext)
        found = self.images.resolve(reference, state.platform, auth, self.registry_url(registry))
        return _container(found, found.reference(reference), parent)

    def registry_url(self, service: Node | None) -> str:
        """Where a service that is a registry is reached; empty where there is none."""
        if service is None:
            return ""
        return f"http://{self.services.host_endpoint(service, self.evaluator)}"

    def _imported(self, node: Node) -> Node:
        """What Container.import stands for."""
        entry = self.evaluator.file(node.args["source"])
        assert node.parent is not None
        platform = self.evaluator.container(node.parent).platform
        found = self.images.imported(self.store.blob_path(entry.blob), node.args["tag"], platform)
        return _container(found, "", node.parent)

    def host_image(self, name: str) -> Node:
        """The container of an image of the host's own Docker."""
        return _container(self.images.of_host(name), name, None)

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

    def interrupt(self) -> None:
        """End the call early: each running command gets SIGINT, and SIGKILL 30 s later; nothing more starts, and what
        is waited for ends with InterruptedCallError (exit code 130). Called again, it kills at once. Never blocks, so
        a signal handler may call it.
        """
        again, self._interrupted = self._interrupted, True
        self.services.closing.set()
        threading.Thread(target=self._runner.kill if again else self._runner.interrupt, daemon=True).start()

    def close(self) -> None:
        """Remove what the call started: containers, networks, volumes, forwarders, secrets' files; then keep the store
        within its bound. Where Docker does not answer any more, the next call removes what is left in it."""
        self.services.close()
        self._lease.close()
        if self._docker is not None:
            with contextlib.suppress(DockerUnavailableError):
                self._docker.remove_call()
                self._runner.close()
                if self.progress.ran and self.store.due("pruned", PRUNE_SECONDS):
                    usage.prune(self.store, self._docker, None)
            self._docker.close()
        self._runner.close()
        self._http.close()


def _container(image: Image, reference: str, parent: Node | None) -> Node:
    args = {
        "reference": reference,
        "id": image.id,
        "layers": list(image.layers),
        "config": dict(image.config),
    }
    return Node("Container", "image", parent, args)


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
