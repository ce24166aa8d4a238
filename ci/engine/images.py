"""Base images: the local store, then a registry or mirror, then a recipe."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ci.engine import recipes
from ci.engine.docker_api import Docker, DockerError
from ci.engine.errors import ImageNotFoundError
from ci.engine.nodes import digest_of
from ci.engine.recipes import Recipe, RecipeBook
from ci.engine.store import Store

RECIPE_REPOSITORY = "cutover/base"


@dataclass(frozen=True)
class Image:
    """An image that Docker has: its id, the digests of its layers, and its configuration (Docker's `Config`)."""

    id: str
    layers: tuple[str, ...]
    config: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The digest of what the image holds, whoever built it and when."""
        kept = {name: self.config.get(name) for name in ("Env", "Entrypoint", "Cmd", "WorkingDir", "User")}
        return digest_of([self.layers, kept])


def described(found: Mapping[str, Any]) -> Image:
    """An image from what `docker image inspect` says."""
    return Image(found["Id"], tuple(found["RootFS"].get("Layers") or ()), found["Config"] or {})


def resolve(docker: Docker, store: Store, book: RecipeBook, reference: str, say: Callable[[str], None]) -> Image:
    """The image that `reference` names.

    Raises:
        ImageNotFoundError: neither Docker's store, a registry nor a recipe has it.
        RecipeError: its recipe failed.
    """
    _check(reference)
    recipe = book.find(reference)
    tag = f"{RECIPE_REPOSITORY}:{recipe.key[:24]}" if recipe else ""
    for name in filter(None, (reference, tag)):
        if found := docker.image(name):
            return described(found)
    try:
        say(f"pull {reference}")
        docker.pull(reference)
    except DockerError as error:
        if recipe is None:
            raise ImageNotFoundError(reference, f"{error}, and there is no recipe for it") from error
        return _by_recipe(docker, store, recipe, tag, say)
    found = docker.image(reference)
    if found is None:
        raise ImageNotFoundError(reference, "not found after the pull")
    return described(found)


def _by_recipe(docker: Docker, store: Store, recipe: Recipe, tag: str, say: Callable[[str], None]) -> Image:
    with store.locked(f"recipe-{recipe.key}"):
        if found := docker.image(tag):
            return described(found)
        say(f"no registry answers: build the Debian {recipe.suite} base image by its recipe")
        with store.writing() as file:
            target = Path(file.name)
            recipes.build(recipe, target)
            docker.import_tar(target, tag, dict(recipe.environment), list(recipe.command))
    found = docker.image(tag)
    if found is None:
        raise ImageNotFoundError(tag, "not found after it was built")
    return described(found)


def _check(reference: str) -> None:
    name = reference.partition("@")[0]
    if not name or name != name.strip() or any(c.isspace() or c in "!\"'\\" for c in name):
        raise ImageNotFoundError(reference, "invalid reference format")
    if name.rpartition(":")[0].lower() != name.rpartition(":")[0]:
        raise ImageNotFoundError(reference, "invalid reference format: repository name must be lowercase")
