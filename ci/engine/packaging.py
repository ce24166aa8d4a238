"""Containers as images: packed into archives, pushed to registries, given to the host's Docker."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ci.engine import archives, oci, platforms, references
from ci.engine.docker_api import Docker
from ci.engine.errors import InvalidArgumentError
from ci.engine.layers import Compression, Layer, Layers, compression_of
from ci.engine.nodes import Node, digest_of
from ci.engine.oci import Packed
from ci.engine.progress import Progress
from ci.engine.pulls import Pulls
from ci.engine.registry import Manifest, Registry
from ci.engine.registry_auth import lookup
from ci.engine.state import Container
from ci.engine.store import Store
from ci.engine.trees import Entry, Tree

if TYPE_CHECKING:
    from ci.engine.evaluator import Evaluator

Auth = Sequence[tuple[str, str, str]]  # address, user, password


class Packaging:
    """Makes images of the containers of one session."""

    def __init__(
        self, docker: Callable[[], Docker], store: Store, evaluator: "Evaluator", pulls: Pulls, progress: Progress
    ) -> None:
        self._docker = docker
        self._store = store
        self._evaluator = evaluator
        self._pulls = pulls
        self._progress = progress

    def images(self, node: Node, args: dict[str, Any]) -> list[Packed]:
        """The container's image and those of its platform variants.

        A container with no root file system is left out where it has variants: it only stands for them.
        """
        variants: list[Node] = list(args.get("platformVariants") or ())
        empty = self._evaluator.container(node).rootfs.step is None
        nodes = [*([] if empty and variants else [node]), *variants]
        forced = compression_of(args.get("forcedCompression"))
        found = [self._image(each, forced, args["mediaTypes"]) for each in nodes]
        seen = [image.platform for image in found]
        if twice := next((platform for platform in seen if seen.count(platform) > 1), None):
            raise InvalidArgumentError(f"platform variants must differ: {twice} is there more than once")
        return found

    def _image(self, node: Node, forced: Compression | None, media_types: str) -> Packed:
        state = self._evaluator.container(node)
        return oci.packed(state.config, self._layers(self._evaluator.image(node), forced), media_types, state.platform)

    def _layers(self, image: str, forced: Compression | None) -> list[Layer]:
        row = self._docker().image(image)
        diff_ids = list((row or {"RootFS": {}})["RootFS"].get("Layers") or ())
        return Layers(self._store).of_image(diff_ids, lambda: self._docker().save(image), forced)

    # As a tar file

    def tarball(self, node: Node) -> Tree:
        """What Container.asTarball gives: one file, `image.tar`."""
        assert node.parent is not None
        key = digest_of(["tarball", *self._inputs(node.parent, dict(node.args))])
        record = self._store.get_record("tarball", key)
        if record is None or not self._store.has_blob(record[0]):
            with self._progress.step("asTarball"), self._store.writing() as file:
                oci.archive(self._store, self.images(node.parent, dict(node.args)), node.args["mediaTypes"], file)
                file.seek(0)
                record = list(self._store.put_stream(file))
            self._store.put_record("tarball", key, record)
        return Tree((Entry("image.tar", "f", size=record[1], blob=record[0]),))

    def _inputs(self, node: Node, args: dict[str, Any]) -> list[Any]:
        """All that the bytes of an archive come from."""
        rows = []
        for each in (node, *(args.get("platformVariants") or ())):
            state = self._evaluator.container(each)
            rows.append([self._evaluator.key(state.rootfs), asdict(state.config), platforms.normal(state.platform)])
        return [rows, args.get("forcedCompression"), args["mediaTypes"]]

    # To a registry

    def publish(self, node: Node, args: dict[str, Any], auth: Auth, at: str = "") -> str:
        """Push the container's image; gives its reference by tag and digest.

        Args:
            args: those of Container.publish.
            auth: credentials given for registries.
            at: where the registry is reached, when not at its name (a URL).

        Raises:
            RegistryError: the registry refuses it or cannot be reached.
        """
        reference = references.parse(args["address"])
        registry = self._pulls.registry(reference.registry, lookup(auth), at)
        images = self.images(node, args)
        with self._progress.step(f"publish {args['address']}"):
            for image in images:
                self._push(registry, reference.repository, image)
            top = Manifest(images[0].manifest, images[0].media_type)
            if len(images) > 1 or args.get("platformVariants"):
                for image in images:
                    registry.put_manifest(
                        reference.repository, image.digest, Manifest(image.manifest, image.media_type)
                    )
                top = Manifest(*oci.index(images, args["mediaTypes"]))
            registry.put_manifest(reference.repository, reference.tag or top.digest, top)
        return f"{reference.name}{f':{reference.tag}' if reference.tag else ''}@{top.digest}"

    def _push(self, registry: Registry, repository: str, image: Packed) -> None:
        for layer in image.layers:
            place = self._store.blob_path(layer.blob)
            registry.put_blob(repository, f"sha256:{layer.blob}", layer.size, lambda place=place: place.open("rb"))  # type: ignore[misc]
        registry.put_bytes(repository, image.config)

    # To the host's Docker

    def export_image(self, node: Node, args: dict[str, Any]) -> None:
        """Give the host's Docker the image under a name; of several variants the one for this machine."""
        name = str(references.parse(args["name"])).removeprefix("docker.io/").removeprefix("library/")
        images = self.images(node, {**args, "forcedCompression": None})
        image = next((image for image in images if image.platform == platforms.native()), images[0])
        with self._progress.step(f"exportImage {args['name']}"), self._store.writing() as file:
            archives.write(self._store, image.config, image.layers, name, file)
            file.seek(0)
            self._docker().load(file)


def auth_of(state: Container, plaintext: Callable[[Node], str]) -> Auth:
    """The credentials that a container was given by withRegistryAuth."""
    return [(address, user, plaintext(secret)) for address, user, secret in state.registry_auth]
