"""What runs things: Docker, images, services and the evaluator of recipes. A session makes it when something is first
to be run, for it imports libraries that a call whose answer is known must not wait for."""

import contextlib
import threading
from collections.abc import Callable

from ci.engine import downloads, leftovers, network, packaging, usage
from ci.engine.builds import Builds
from ci.engine.docker_api import Docker, DockerError
from ci.engine.downloads import Downloads
from ci.engine.errors import DockerUnavailableError
from ci.engine.evaluator import Evaluator
from ci.engine.git import Repositories
from ci.engine.gitcli import Git
from ci.engine.images import Image, Images
from ci.engine.nodes import Node
from ci.engine.packaging import Packaging
from ci.engine.progress import Progress
from ci.engine.pulls import Mirrors, Pulls
from ci.engine.recipes import RecipeBook
from ci.engine.remotes import Remotes
from ci.engine.runner import Runner
from ci.engine.secrets import Secrets
from ci.engine.services import Services
from ci.engine.store import Store
from ci.engine.terminal import Shells
from ci.engine.trees import Tree

PRUNE_SECONDS = 600  # between two looks at the store's size


class Backend:
    """All that one session runs.

    Args:
        store: where results are kept.
        secrets: the session's.
        progress: what the user sees.
        recipes: how base images are made where no registry answers.
        connect: gives Docker; called once, at first use.
        shells: where the user gets shells.
    """

    def __init__(
        self,
        store: Store,
        secrets: Secrets,
        progress: Progress,
        recipes: RecipeBook,
        connect: Callable[[], Docker],
        shells: Shells | None = None,
    ) -> None:
        self._store = store
        self._secrets = secrets
        self._progress = progress
        self._connect = connect
        self._docker: Docker | None = None
        self._lock = threading.Lock()
        self._runner = Runner(self.docker, store, secrets, progress, shells)
        self.services = Services(self.docker, self._runner, progress)
        self.evaluator = Evaluator(store, secrets, self._runner, self.services)
        self._http = network.http_session()
        pulls = Pulls(store, Mirrors.of(network.mirrors(recipes.mirrors)), self._http)
        self.images = Images(self.docker, store, recipes, pulls, progress.say)
        self.packaging = Packaging(self.docker, store, self.evaluator, pulls, progress)
        self.evaluator.makers["File.asTarball"] = self.packaging.tarball
        self.evaluator.chains["Container.import"] = self._imported
        self.evaluator.chains["Container.dockerBuild"] = Builds(store, self.evaluator, self.image).recipe
        self.remotes = Remotes(
            store, Repositories(store, Git(), progress.say), self.evaluator, secrets, self._host_endpoint
        )
        self._downloads = Downloads(store, self._http)
        self.evaluator.makers["Directory.tree"] = self.remotes.tree
        self.evaluator.makers["File.http"] = self._downloaded

    def docker(self) -> Docker:
        """The session's Docker, connected at first use.

        Raises:
            DockerUnavailableError: none answers.
        """
        with self._lock:
            if self._docker is None:
                self._docker = self._connect()
            return self._docker

    def image(self, reference: str, parent: Node, registry: Node | None = None) -> Node:
        """The container that `from(reference)` gives, its image resolved now; `registry` is a service to ask."""
        state = self.evaluator.container(parent)
        auth = packaging.auth_of(state, self._secrets.plaintext)
        found = self.images.resolve(reference, state.platform, auth, self.registry_url(registry))
        return _container(found, found.reference(reference), parent)

    def registry_url(self, service: Node | None) -> str:
        """Where a service that is a registry is reached; empty where there is none."""
        if service is None:
            return ""
        return f"http://{self._host_endpoint(service)}"

    def _host_endpoint(self, service: Node) -> str:
        return self.services.host_endpoint(service, self.evaluator)

    def _downloaded(self, node: Node) -> Tree:
        """What Query.http gives."""
        args = node.args
        service, secret = args.get("experimentalServiceHost"), args.get("authHeader")
        at = self._host_endpoint(service) if service is not None else ""
        headers = {"Authorization": self._secrets.plaintext(secret)} if secret is not None else {}
        name = args.get("name") or downloads.name_of(args["url"])
        checksum = args.get("checksum") or ""
        return Tree((self._downloads.file(args["url"], name, args.get("permissions"), checksum, headers, at),))

    def _imported(self, node: Node) -> Node:
        """What Container.import stands for."""
        entry = self.evaluator.file(node.args["source"])
        assert node.parent is not None
        platform = self.evaluator.container(node.parent).platform
        found = self.images.imported(self._store.blob_path(entry.blob), node.args["tag"], platform)
        return _container(found, "", node.parent)

    def host_image(self, name: str) -> Node:
        """The container of an image of the host's own Docker."""
        return _container(self.images.of_host(name), name, None)

    def interrupt(self, again: bool) -> None:
        """End what runs: SIGINT, and SIGKILL 30 s later or, `again`, at once; nothing more starts."""
        self.services.closing.set()
        (self._runner.kill if again else self._runner.interrupt)()

    def stop(self) -> None:
        """Interrupt what still runs, within the bound of an interruption, and stop the services."""
        self._runner.settle()
        self.services.close()

    def close(self) -> None:
        """Remove what was started in Docker; then keep the store within its bound. Where Docker does not answer any
        more, the next call removes what is left in it."""
        if self._docker is not None:
            with contextlib.suppress(DockerUnavailableError):
                self._docker.remove_call()
                self._runner.close()
                if self._progress.ran and self._store.due("pruned", PRUNE_SECONDS):
                    self._tidy(self._docker)
            self._docker.close()
        self._runner.close()
        self._http.close()
        self.remotes.close()

    def _tidy(self, docker: Docker) -> None:
        """Keep the store within its bound; where Docker refuses, a later call does."""
        with contextlib.suppress(DockerError):
            usage.prune(self._store, docker, None)
            leftovers.sweep(self._store, self._store.needed_since())


def _container(image: Image, reference: str, parent: Node | None) -> Node:
    args = {
        "reference": reference,
        "id": image.id,
        "layers": list(image.layers),
        "config": dict(image.config),
    }
    return Node("Container", "image", parent, args)
