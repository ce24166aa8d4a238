"""The SDK's own client, connected to one session whose Docker cannot be reached: what is asked here must need none."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import dagger
import pytest

from ci.engine.api import Context
from ci.engine.docker_api import Docker
from ci.engine.errors import DockerUnavailableError
from ci.engine.progress import Progress
from ci.engine.recipes import RecipeBook
from ci.engine.server import Server
from ci.engine.session import opened
from ci.engine.store import Store


def no_docker(call_id: str) -> Docker:
    raise DockerUnavailableError("nobody home")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="package")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where relative paths of the host begin."""
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="package")
def server(workdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    store = Store(tmp_path_factory.mktemp("store"))
    with opened(store, Progress(quiet=True), RecipeBook(), workdir, no_docker) as session:
        served = Server(session)
        with served._token(Context(session)) as token, pytest.MonkeyPatch.context() as patch:
            patch.setenv("DAGGER_SESSION_PORT", str(served._http.server_address[1]))
            patch.setenv("DAGGER_SESSION_TOKEN", token)
            patch.setenv("NO_PROXY", f"127.0.0.1,{os.environ.get('NO_PROXY', '')}")
            yield served
        served.close()


@pytest.fixture(scope="package", autouse=True)
async def connection(server: Server) -> AsyncIterator[None]:
    async with dagger.connection():
        yield
