"""A store, and a session whose Docker cannot be reached: what runs no container must need none."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema

from ci.engine import schema
from ci.engine.api import Context
from ci.engine.docker_api import Docker
from ci.engine.errors import DockerUnavailableError
from ci.engine.progress import Progress
from ci.engine.recipes import RecipeBook
from ci.engine.session import Session
from ci.engine.store import Store


def no_docker(call_id: str) -> Docker:
    raise DockerUnavailableError("nobody home")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def session(store: Store, tmp_path: Path) -> Iterator[Session]:
    workdir = tmp_path / "work"
    workdir.mkdir()
    session = Session(store, Progress(quiet=True), RecipeBook(), workdir, no_docker)
    yield session
    session.close()


Ask = Callable[..., Any]


@pytest.fixture(scope="session")
def core() -> GraphQLSchema:
    return schema.build()


@pytest.fixture
def ask(session: Session, core: GraphQLSchema) -> Ask:
    """The response to a query, with variables as keywords."""

    def answer(query: str, **variables: Any) -> Any:
        return schema.answer(core, Context(session), query, variables)

    return answer
