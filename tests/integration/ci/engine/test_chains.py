"""Many steps: more than Docker has layers for, and several at once, asked by the SDK's own client."""

import asyncio
import hashlib
import io
import json
import os
import tarfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import dagger
import docker
import pytest
from dagger import dag

from ci.engine.api import Context
from ci.engine.progress import Progress
from ci.engine.recipes import RecipeBook
from ci.engine.server import Server
from ci.engine.session import Session, opened
from ci.engine.store import Store

pytestmark = [pytest.mark.docker, pytest.mark.anyio]
IMAGE = "python:3.13-slim"
MOST_LAYERS = 125  # that overlay2 takes
STEPS = 300
MEET = "touch /c/$0; for i in $(seq 600); do test -e /c/$1 && exit 0; sleep 0.1; done; exit 1"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def session(store: Store, tmp_path: Path) -> Iterator[Session]:
    with opened(store, Progress(quiet=True), RecipeBook(), tmp_path) as session:
        yield session


@pytest.fixture(autouse=True)
async def connection(session: Session) -> AsyncIterator[None]:
    served = Server(session)
    with served._token(Context(session)) as token, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGGER_SESSION_PORT", str(served._http.server_address[1]))
        patch.setenv("DAGGER_SESSION_TOKEN", token)
        patch.setenv("NO_PROXY", f"127.0.0.1,{os.environ.get('NO_PROXY', '')}")
        async with dagger.connection():
            yield
    served.close()


def add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    archive.addfile(info, io.BytesIO(data))


def image_of(layers: int) -> bytes:
    """An image as `docker save` writes it, each of its layers with a file of its own."""
    stream, digests = io.BytesIO(), []
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for number in range(layers):
            layer = io.BytesIO()
            with tarfile.open(fileobj=layer, mode="w") as inner:
                add(inner, f"file-{number}", str(number).encode())
            digests.append("sha256:" + hashlib.sha256(layer.getvalue()).hexdigest())
            add(archive, f"{number}.tar", layer.getvalue())
        config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": digests}}
        add(archive, "config.json", json.dumps(config).encode())
        names = [f"{number}.tar" for number in range(layers)]
        add(archive, "manifest.json", json.dumps([{"Config": "config.json", "Layers": names}]).encode())
    return stream.getvalue()


async def test_an_image_of_as_many_layers_as_docker_takes_can_be_added_to(tmp_path: Path) -> None:
    (tmp_path / "image.tar").write_bytes(image_of(MOST_LAYERS))
    image = dag.container().import_(dag.host().file("image.tar"))
    for number in range(3):
        image = image.with_new_file(f"/added-{number}", "x").without_file(f"/file-{number}")
        await image.sync()
    entries = await image.rootfs().entries()
    wanted = {f"added-{number}" for number in range(3)} | {f"file-{number}" for number in range(3, MOST_LAYERS)}
    assert wanted <= set(entries)
    assert "file-2" not in entries


@pytest.mark.prove
async def test_a_chain_of_300_commands_works_and_is_known_afterwards(session: Session) -> None:
    chain = dag.container().from_(IMAGE)
    for number in range(STEPS):
        chain = chain.with_exec(["sh", "-c", f"echo {number} >> /log; wc -l < /log"])
    assert await chain.stdout() == f"{STEPS}\n"
    assert await chain.file("/log").contents() == "".join(f"{number}\n" for number in range(STEPS))


async def test_independent_steps_run_at_once(volume: str) -> None:
    cache = dag.cache_volume(volume)
    base = dag.container().from_(IMAGE).with_mounted_cache("/c", cache)
    meeting = [base.with_exec(["sh", "-c", MEET, *names]) for names in (("a", "b"), ("b", "a"))]
    await asyncio.gather(*(container.sync() for container in meeting))


async def test_the_inputs_of_one_step_are_made_at_once(volume: str) -> None:
    base = dag.container().from_(IMAGE).with_mounted_cache("/c", dag.cache_volume(volume))
    made = [base.with_exec(["sh", "-c", f"mkdir /o; {MEET}", *names]) for names in (("d", "e"), ("e", "d"))]
    last = dag.container().from_(IMAGE)
    for number, container in enumerate(made):
        last = last.with_mounted_directory(f"/in{number}", container.directory("/o"))
    assert await last.with_exec(["ls", "/"]).exit_code() == 0


async def test_a_proxy_and_a_bundle_reach_a_command_but_neither_its_image_nor_its_key(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_text("certificates")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("HTTPS_PROXY", "http://user:password@proxy.test:3128")
    shown = dag.container().from_(IMAGE).with_exec(["sh", "-c", 'cat "$SSL_CERT_FILE"; echo " $HTTPS_PROXY"'])
    assert await shown.stdout() == "certificates http://user:password@proxy.test:3128\n"
    after = await shown.with_exec(["sh", "-c", "true"]).env_variables()
    assert "HTTPS_PROXY" not in [await variable.name() for variable in after]
    monkeypatch.setenv("HTTPS_PROXY", "http://other.test:3128")
    ran = session.progress.ran
    client = docker.APIClient(**docker.utils.kwargs_from_env())
    mine = [image.id for image in session.docker().kept_images() if image.store == session.store.id]
    configs = [json.dumps(client.inspect_image(image)) for image in mine]
    client.close()
    assert mine
    assert not [config for config in configs if "proxy.test" in config or "/dev/.cutover" in config]
    assert "proxy.test" in await shown.stdout()
    assert session.progress.ran == ran
