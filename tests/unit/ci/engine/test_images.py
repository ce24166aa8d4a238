"""Where base images come from: Docker's store, then a registry or mirror, then a recipe."""

import hashlib
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, cast

import pytest
import requests

from ci.engine import platforms, usage
from ci.engine.docker_api import Docker
from ci.engine.errors import ImageNotFoundError, InvalidReferenceError, RecipeError
from ci.engine.images import RECIPE_REPOSITORY, Image, Images
from ci.engine.pulls import Mirrors, Pulls
from ci.engine.recipes import RecipeBook
from ci.engine.store import Store

from .fake_registry import FakeRegistry

PYTHON = "python:3.13-slim"
NATIVE = platforms.architecture()


class FakeDocker:
    """Images by reference, and what was done."""

    def __init__(self, *here: str) -> None:
        self.here = {name: self.row(f"id of {name}") for name in here}
        self.done: list[str] = []

    def row(self, identity: str, architecture: str = NATIVE, layers: tuple[str, ...] = ("sha256:1",)) -> Any:
        return {
            "Id": identity, "RootFS": {"Layers": list(layers)}, "Config": {"Env": ["A=b"]}, "Os": "linux",
            "Architecture": architecture,
        }  # fmt: skip

    def image(self, reference: str) -> Mapping[str, Any] | None:
        return self.here.get(reference)

    def load(self, file: IO[bytes]) -> None:
        with tarfile.open(fileobj=file) as archive:
            (row,) = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
            config = json.load(archive.extractfile(row["Config"]))  # type: ignore[arg-type]
            assert all(archive.getmember(name).size for name in row["Layers"])
        self.done.append("load")
        layers = tuple(config["rootfs"]["diff_ids"])
        self.here[row["RepoTags"][0]] = self.row(row["Config"], config["architecture"], layers)

    def import_tar(self, path: Path, reference: str, environment: Mapping[str, str], command: list[str]) -> None:
        self.done.append(f"import {path.read_text(encoding='utf-8')} {command}")
        self.here[reference] = self.row(f"id of {reference}")


@pytest.fixture(autouse=True)
def no_docker_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


@pytest.fixture
def fake() -> Iterator[FakeRegistry]:
    served = FakeRegistry()
    yield served
    served.close()


NOBODY = "http://127.0.0.1:9"


class NoHub(requests.adapters.BaseAdapter):
    """No test asks Docker Hub: connections beyond this machine are refused."""

    def send(self, *_: Any, **__: Any) -> requests.Response:
        raise requests.exceptions.ConnectionError("Connection refused")

    def close(self) -> None:
        """Nothing is held."""


def images(docker: FakeDocker, store: Store, *mirrors: str) -> Images:
    http = requests.Session()
    http.mount("https://registry-1.docker.io", NoHub())
    pulls = Pulls(store, Mirrors.of(mirrors), http)
    return Images(lambda: cast(Docker, docker), store, RecipeBook(), pulls, docker.done.append)


def resolved(docker: FakeDocker, store: Store, reference: str = PYTHON) -> Image:
    return images(docker, store).resolve(reference)


def recipe_tag() -> str:
    recipe = RecipeBook().find(PYTHON)
    assert recipe is not None
    return f"{RECIPE_REPOSITORY}:{recipe.key[:24]}"


def test_an_image_that_docker_has_is_not_asked_for_elsewhere(store: Store) -> None:
    docker = FakeDocker(PYTHON)
    assert resolved(docker, store).id == f"id of {PYTHON}"
    assert docker.done == []


def test_what_was_resolved_counts_as_used(store: Store) -> None:
    image = resolved(FakeDocker(PYTHON), store)
    assert [row.description for row in usage.usage(store) if row.kind == "image reference"] == [PYTHON]
    assert image.id in next((store.root / "records" / "resolved").rglob("?" * 64)).read_text(encoding="utf-8")


def test_an_image_that_its_recipe_made_before_is_used_again(store: Store) -> None:
    docker = FakeDocker(recipe_tag())
    assert resolved(docker, store).id == f"id of {recipe_tag()}"
    assert docker.done == []


def test_a_registry_is_asked_once_and_its_layers_are_kept(store: Store, fake: FakeRegistry) -> None:
    fake.image("own/image", "1", b"one", b"two")
    docker, reference = FakeDocker(), f"{fake.name}/own/image:1"
    found = images(docker, store).resolve(reference)
    assert found.layers == tuple(f"sha256:{hashlib.sha256(data).hexdigest()}" for data in (b"one", b"two"))
    assert found.reference(reference).startswith(f"{reference}@sha256:")
    fake.requests.clear()
    assert images(docker, store).resolve(reference).id == found.id
    assert (docker.done, fake.requests) == ([f"pull {reference}", "load"], [])


def test_a_mirror_comes_before_the_registry_it_mirrors(store: Store, fake: FakeRegistry) -> None:
    fake.image("library/own", "1", b"one")
    docker = FakeDocker()
    assert images(docker, store, fake.url).resolve("own:1").layers
    fake.image("proxy/library/own", "2", b"two")
    assert images(docker, store, NOBODY, f"docker.io={fake.url}/proxy").resolve("own:2").layers


def test_the_image_of_the_platform_asked_for_is_taken_of_an_index(store: Store, fake: FakeRegistry) -> None:
    rows = []
    for architecture in ("amd64", "arm64"):
        data = fake.image("own/image", architecture, architecture.encode(), architecture=architecture)
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        rows.append({"digest": digest, "platform": {"os": "linux", "architecture": architecture}})
    fake.document("own/image", "1", {"manifests": rows}, "application/vnd.oci.image.index.v1+json")
    docker, reference = FakeDocker(), f"{fake.name}/own/image:1"
    for architecture in ("amd64", "arm64", "arm64/v8"):
        found = images(docker, store).resolve(reference, f"linux/{architecture}")
        assert found.platform == f"linux/{architecture.removesuffix('/v8')}"
    with pytest.raises(ImageNotFoundError, match="is not there for linux/riscv64, only for linux/amd64, linux/arm64"):
        images(docker, store).resolve(reference, "linux/riscv64")


def test_a_layer_that_is_not_what_its_digest_says_is_refused(store: Store, fake: FakeRegistry) -> None:
    fake.image("own/image", "1", b"one")
    digest = f"sha256:{hashlib.sha256(b'one').hexdigest()}"
    fake.blobs[digest] = b"other"
    with pytest.raises(ImageNotFoundError, match=f"the blob {digest} arrived as sha256:"):
        images(FakeDocker(), store).resolve(f"{fake.name}/own/image:1")


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


def test_an_image_that_its_registry_does_not_have_is_told_in_daggers_words(store: Store, fake: FakeRegistry) -> None:
    with pytest.raises(ImageNotFoundError) as caught:
        images(FakeDocker(), store, fake.url).resolve("nosuch/image:zzz")
    full = "docker.io/nosuch/image:zzz"
    wanted = f'failed to resolve image "{full}" (platform: "{platforms.native()}"): {full}: not found'
    assert str(caught.value) == wanted


def test_where_no_registry_answers_the_error_says_so(store: Store) -> None:
    wanted = "registry 127.0.0.1:9: cannot be reached: connection refused, and there is no recipe for it"
    with pytest.raises(ImageNotFoundError) as caught:
        resolved(FakeDocker(), store, "127.0.0.1:9/own:1")
    assert str(caught.value).endswith(wanted)


def test_a_digest_is_never_answered_by_a_recipe(store: Store) -> None:
    digest = "sha256:" + "a" * 64
    docker = FakeDocker(recipe_tag())
    with pytest.raises(ImageNotFoundError):
        images(docker, store).resolve(f"python:3.13-slim@{digest}")


@pytest.mark.parametrize("reference", ["Bad Ref!!", "", "Python:3", "a'b"])
def test_a_bad_reference_is_refused_before_anything_is_asked(store: Store, reference: str) -> None:
    docker = FakeDocker()
    with pytest.raises(InvalidReferenceError, match="invalid reference format"):
        resolved(docker, store, reference)
    assert docker.done == []


def test_an_images_key_is_what_it_holds_and_not_who_built_it() -> None:
    layers, config = ("sha256:1",), {"Env": ["A=b"]}
    image = Image("one", layers, config)
    assert image.key == Image("other", layers, {**config, "Labels": {"a": "b"}}).key
    assert image.key != Image("one", ("sha256:2",), config).key
    assert image.key != Image("one", layers, {"Env": ["A=c"]}).key
