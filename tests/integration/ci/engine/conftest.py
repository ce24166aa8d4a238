"""Sessions on real Docker, over one store for all tests; their images and volumes are removed at the end."""

import contextlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from ci.engine import schema
from ci.engine.api import Context
from ci.engine.docker_api import Docker
from ci.engine.progress import Progress
from ci.engine.recipes import RecipeBook
from ci.engine.session import Session, opened
from ci.engine.store import Store


class Counting(Docker):
    """Docker, and how many containers were made by it."""

    def __init__(self, call_id: str) -> None:
        super().__init__(call_id)
        self.created = 0

    def create(self, image: str, labels: Any = None, **options: Any) -> str:
        self.created += 1
        return super().create(image, labels, **options)


class Engine:
    """One session and its API."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._schema = schema.build()

    @property
    def created(self) -> int:
        connected = self.session.docker()
        assert isinstance(connected, Counting)
        return connected.created

    def answer(self, query: str, **variables: Any) -> Any:
        """The response to a query."""
        return schema.answer(self._schema, Context(self.session), query, variables)

    def get(self, query: str, **variables: Any) -> Any:
        """The one value in the response's nested data."""
        answer = self.answer(query, **variables)
        assert "errors" not in answer, answer
        value = answer["data"]
        while isinstance(value, dict) and len(value) == 1:
            (value,) = value.values()
        return value

    def python(self, code: str, before: str = "%s", then: str = "stdout", args: str = "", **variables: Any) -> Any:
        """What `then` gives of `python -c code`, with the fields `before` between the base image and it."""
        declared = "".join(f",${name}:ID!" for name in variables)
        run = before % f'withExec(args:["python","-c",$code]{args}){{{then}}}'
        return self.get(
            f'query($code:String!{declared}){{container{{from(address:"python:3.13-slim"){{{run}}}}}}}',
            code=code,
            **variables,
        )


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB. The images that a store on it made are removed at the end."""
    place = tmp_path / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "cutover", place], check=False).returncode:
        pytest.skip("only root may mount a disk")
    yield place
    remove_images(place / "store")
    subprocess.run(["umount", place], check=True)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    root = tmp_path_factory.mktemp("cache") / "cutover"
    yield Store(root)
    remove_images(root)


def remove_images(root: Path) -> None:
    """Remove the images that a store's records name."""
    client = docker.APIClient(**docker.utils.kwargs_from_env())
    for image in kept_images(root):
        with contextlib.suppress(docker.errors.APIError):
            client.remove_image(image, force=True)
    client.close()


def kept_images(root: Path) -> set[str]:
    """The images that a store's records name, but for base images, which all stores share."""
    texts = [
        place.read_text(encoding="utf-8")
        for kind in ("exec", "image", "resolved")
        for place in (root / "records" / kind).rglob("*")
        if place.is_file()
    ]
    rows = [json.loads(text) for text in texts if '"name": "python:' not in text]
    return {row["image"] if isinstance(row, dict) else row for row in rows}


Opened = Callable[[], "contextlib.AbstractContextManager[Engine]"]


@pytest.fixture
def open_engine(store: Store, tmp_path: Path) -> Opened:
    """Opens sessions on the one store, as calls one after the other do."""

    @contextlib.contextmanager
    def opens() -> Iterator[Engine]:
        with (
            (tmp_path / "progress").open("a", encoding="utf-8") as out,
            opened(store, Progress(out), RecipeBook(), tmp_path, Counting) as session,
        ):
            yield Engine(session)

    return opens


@pytest.fixture
def engine(open_engine: Opened) -> Iterator[Engine]:
    with open_engine() as running:
        yield running


@pytest.fixture
def volume() -> Iterator[str]:
    """The key of a cache volume of the test's own."""
    key = f"cutover-test-{os.urandom(4).hex()}"
    yield key
    client = docker.APIClient(**docker.utils.kwargs_from_env())
    for row in client.volumes(filters={"label": f"cutover.cache={key}"})["Volumes"] or ():
        client.remove_volume(row["Name"])
    client.close()
