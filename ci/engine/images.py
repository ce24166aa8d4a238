"""Base images: the local store, then a registry or mirror, then a recipe."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ci.engine import archives, platforms, recipes, references
from ci.engine.archives import Stored
from ci.engine.docker_api import Docker
from ci.engine.errors import (
    EngineError,
    ImageNotFoundError,
    ManifestUnknownError,
    RegistryDeniedError,
    RegistryError,
)
from ci.engine.layers import Layers
from ci.engine.nodes import digest_of
from ci.engine.pulls import Pulls
from ci.engine.recipes import Recipe, RecipeBook
from ci.engine.references import Reference
from ci.engine.registry_auth import Lookup, lookup
from ci.engine.store import Store

RECIPE_REPOSITORY = "cutover/base"
IMAGE_REPOSITORY = "cutover/image"  # what was pulled or imported
KEPT_IN_TAG = 24  # characters of a digest


@dataclass(frozen=True)
class Image:
    """An image that Docker has: its id, the digests of its layers, and its configuration (Docker's `Config`)."""

    id: str
    layers: tuple[str, ...]
    config: Mapping[str, Any]
    platform: str = ""
    digest: str = ""

    @property
    def key(self) -> str:
        """The digest of what the image holds, whoever built it and when."""
        kept = {name: self.config.get(name) for name in ("Env", "Entrypoint", "Cmd", "WorkingDir", "User")}
        return digest_of([self.layers, kept])

    def reference(self, text: str) -> str:
        """What Container.imageRef says of it where it was asked for as `text`: in full, by its digest if it has one."""
        return str(replace(references.parse(text), digest=self.digest))


def described(found: Mapping[str, Any], digest: str = "") -> Image:
    """An image from what `docker image inspect` says."""
    digest = digest or next((row.partition("@")[2] for row in found.get("RepoDigests") or ()), "")
    layers = tuple(found["RootFS"].get("Layers") or ())
    return Image(found["Id"], layers, found["Config"] or {}, platforms.of_row(found), digest)


class Images:
    """Finds images for one session.

    Args:
        docker: gives the session's Docker.
        book: the recipes.
        pulls: fetches images from registries.
        say: tells the user what takes long.
    """

    def __init__(
        self,
        docker: Callable[[], Docker],
        store: Store,
        book: RecipeBook,
        pulls: Pulls,
        say: Callable[[str], None],
    ) -> None:
        self._docker = docker
        self._store = store
        self._book = book
        self._pulls = pulls
        self._say = say

    def resolve(self, text: str, platform: str = "", auth: Sequence[tuple[str, str, str]] = (), at: str = "") -> Image:
        """The image that `text` names, for a platform (empty: this machine's).

        Args:
            auth: credentials given for registries: address, user, password.
            at: where the registry is reached, when not at its name (a URL).

        Raises:
            InvalidReferenceError: the text is no reference.
            ImageNotFoundError: neither Docker's store, a registry nor a recipe has it.
            RecipeError: its recipe failed.
        """
        found = self._resolved(references.parse(text), text, platforms.normal(platform), auth, at)
        return self._used(found, text)

    def _resolved(
        self, reference: Reference, text: str, platform: str, auth: Sequence[tuple[str, str, str]], at: str
    ) -> Image:
        recipe = self._book.find(text) if platform == platforms.native() and not reference.digest else None
        tag = f"{RECIPE_REPOSITORY}:{recipe.key[:KEPT_IN_TAG]}" if recipe else ""
        if not at and (found := self._local([text, *self._pulled_before(reference, platform), tag], platform)):
            return found
        try:
            return self._pull(reference, platform, lookup(auth), at)
        except RegistryError as error:
            if recipe is None or at:
                raise ImageNotFoundError(str(reference), platform, _detail(error)) from error
            return self._by_recipe(recipe, tag)

    def _used(self, image: Image, name: str) -> Image:
        """Mark an image as used now, so that none of this store removes it from under a call."""
        key = digest_of(["image", image.id])
        if not self._store.has_record("resolved", key):
            self._store.put_record("resolved", key, {"image": image.id, "name": name})
        return image

    def _local(self, names: Sequence[str], platform: str) -> Image | None:
        for name in filter(None, names):
            if (row := self._docker().image(name)) and (found := described(row)).platform == platform:
                return found
        return None

    # From a registry

    def _key(self, reference: Reference, platform: str) -> str:
        return digest_of([str(reference), platform])

    def _pulled_before(self, reference: Reference, platform: str) -> list[str]:
        tag = self._store.get_record("pulled", self._key(reference, platform))
        return [tag] if tag else []

    def _pull(self, reference: Reference, platform: str, credentials: Lookup, at: str) -> Image:
        self._say(f"pull {reference!s}")
        found = self._pulls.find(reference, platform, credentials, at)
        key = digest_of([found.digest, platform])[:KEPT_IN_TAG]
        tag = f"{IMAGE_REPOSITORY}:{key}"
        with self._store.locked(f"pull-{key}"):
            row = self._docker().image(tag)
            if row is None:
                row = self._load(found.fetch(), tag)
        if not at:
            self._store.put_record("pulled", self._key(reference, platform), tag)
        return described(row, found.digest)

    def _load(self, stored: Stored, tag: str) -> Mapping[str, Any]:
        """Give Docker an image that the store has."""
        layers = Layers(self._store)
        readable = [la if la.compression != "zstd" else layers.as_forced(la.diff_id, "gzip") for la in stored.layers]
        with self._store.writing() as file:
            archives.write(self._store, stored.config, readable, tag, file)
            file.seek(0)
            self._docker().load(file)
        row = self._docker().image(tag)
        if row is None:
            raise EngineError(f"Docker does not have the image {tag} that it was given")
        return row

    # From elsewhere

    def imported(self, path: Path, tag: str, platform: str) -> Image:
        """The image in an archive.

        Raises:
            InvalidArchiveError: the file holds no such image.
        """
        stored = archives.read(self._store, path, tag, platforms.normal(platform))
        name = f"{IMAGE_REPOSITORY}:{archives.sha256(stored.config)[:KEPT_IN_TAG]}"
        return self._used(described(self._docker().image(name) or self._load(stored, name)), name)

    def of_host(self, name: str) -> Image:
        """An image of the host's own Docker.

        Raises:
            ImageNotFoundError: it does not have it.
        """
        row = self._docker().image(name)
        if row is None:
            raise ImageNotFoundError(name, platforms.native(), "this machine's Docker does not have it")
        return described(row)

    def _by_recipe(self, recipe: Recipe, tag: str) -> Image:
        docker = self._docker()
        with self._store.locked(f"recipe-{recipe.key}"):
            if found := docker.image(tag):
                return described(found)
            self._say(f"no registry answers: build the Debian {recipe.suite} base image by its recipe")
            with self._store.writing() as file:
                target = Path(file.name)
                recipes.build(recipe, target)
                docker.import_tar(target, tag, dict(recipe.environment), list(recipe.command))
        found = docker.image(tag)
        if found is None:
            raise EngineError(f"Docker does not have the image {tag} that it was given")
        return described(found)


def _detail(error: RegistryError) -> str:
    if isinstance(error, ManifestUnknownError | RegistryDeniedError):
        return str(error)
    return f"{error}, and there is no recipe for it"
