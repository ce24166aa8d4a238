"""Where base images come from: Docker's store, then a registry, then a recipe."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from ci.engine import images
from ci.engine.docker_api import Docker, MissingImageError
from ci.engine.errors import ImageNotFoundError, RecipeError
from ci.engine.images import RECIPE_REPOSITORY, Image
from ci.engine.recipes import RecipeBook
from ci.engine.store import Store

PYTHON = "python:3.13-slim"


class FakeDocker:
    """Images by reference, and what a registry would give."""

    def __init__(self, *here: str, registry: tuple[str, ...] = ()) -> None:
        self.here = set(here)
        self.registry = registry
        self.done: list[str] = []

    def image(self, reference: str) -> Mapping[str, Any] | None:
        found = {"Id": f"id of {reference}", "RootFS": {"Layers": ["sha256:1"]}, "Config": {"Env": ["A=b"]}}
        return found if reference in self.here else None

    def pull(self, reference: str) -> None:
        self.done.append(f"pull {reference}")
        if reference not in self.registry:
            raise MissingImageError("connection refused")
        self.here.add(reference)

    def import_tar(self, path: Path, reference: str, environment: Mapping[str, str], command: list[str]) -> None:
        self.done.append(f"import {path.read_text(encoding='utf-8')} {command}")
        self.here.add(reference)


def resolved(docker: FakeDocker, store: Store, reference: str = PYTHON) -> Image:
    return images.resolve(cast(Docker, docker), store, RecipeBook(), reference, docker.done.append)


def recipe_tag() -> str:
    recipe = RecipeBook().find(PYTHON)
    assert recipe is not None
    return f"{RECIPE_REPOSITORY}:{recipe.key[:24]}"


def test_an_image_that_docker_has_is_not_asked_for_elsewhere(store: Store) -> None:
    docker = FakeDocker(PYTHON)
    assert resolved(docker, store).id == f"id of {PYTHON}"
    assert docker.done == []


def test_an_image_that_its_recipe_made_before_is_used_again(store: Store) -> None:
    docker = FakeDocker(recipe_tag())
    assert resolved(docker, store).id == f"id of {recipe_tag()}"
    assert docker.done == []


def test_a_registry_comes_before_the_recipe(store: Store) -> None:
    docker = FakeDocker(registry=(PYTHON,))
    assert resolved(docker, store).id == f"id of {PYTHON}"
    assert docker.done == [f"pull {PYTHON}"] * 2  # said, and done


@pytest.fixture
def mmdebstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in on the PATH that writes `root` as the root file system."""
    place = tmp_path / "bin" / "mmdebstrap"
    place.parent.mkdir()
    place.write_text('#!/bin/sh\nfor last; do :; done; printf root > "$last"\n', encoding="utf-8")
    place.chmod(0o755)
    monkeypatch.setenv("PATH", f"{place.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("mmdebstrap")
def test_where_no_registry_answers_the_recipe_makes_it_once(store: Store) -> None:
    docker = FakeDocker()
    assert resolved(docker, store).id == f"id of {recipe_tag()}"
    assert docker.done[-1] == "import root ['python3']"
    docker.done.clear()
    assert resolved(docker, store).id == f"id of {recipe_tag()}"
    assert docker.done == []
    assert list((store.root / "tmp").iterdir()) == []


def test_a_recipe_that_fails_says_so(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RecipeError, match="mmdebstrap is missing"):
        resolved(FakeDocker(), store)


def test_an_image_that_nobody_has_is_one_clear_error(store: Store) -> None:
    wanted = 'failed to resolve image "nosuch/image:zzz": connection refused, and there is no recipe for it'
    with pytest.raises(ImageNotFoundError) as caught:
        resolved(FakeDocker(), store, "nosuch/image:zzz")
    assert str(caught.value) == wanted


@pytest.mark.parametrize("reference", ["Bad Ref!!", "", "Python:3", "a'b"])
def test_a_bad_reference_is_refused_before_anything_is_asked(store: Store, reference: str) -> None:
    docker = FakeDocker()
    with pytest.raises(ImageNotFoundError, match="invalid reference format"):
        resolved(docker, store, reference)
    assert docker.done == []


def test_an_images_key_is_what_it_holds_and_not_who_built_it() -> None:
    layers, config = ("sha256:1",), {"Env": ["A=b"]}
    image = Image("one", layers, config)
    assert image.key == Image("other", layers, {**config, "Labels": {"a": "b"}}).key
    assert image.key != Image("one", ("sha256:2",), config).key
    assert image.key != Image("one", layers, {"Env": ["A=c"]}).key
