"""What needs a real container, asked by the SDK's own client over one session and one base image."""

import os
import socketserver
import threading
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import dagger
import docker
import pytest
from dagger import dag

from ci.engine.api import Context
from ci.engine.progress import Progress
from ci.engine.recipes import RecipeBook
from ci.engine.server import Server
from ci.engine.session import opened
from ci.engine.store import Store

pytestmark = [pytest.mark.docker, pytest.mark.anyio]
Asked = Callable[[], Awaitable[Any]]
IMAGE = "python:3.13-slim"
ODD = "ä b\n$c'\""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def server(store: Store, workdir: Path) -> Iterator[Server]:
    with opened(store, Progress(quiet=True), RecipeBook(), workdir) as session:
        served = Server(session)
        with served._token(Context(session)) as token, pytest.MonkeyPatch.context() as patch:
            patch.setenv("DAGGER_SESSION_PORT", str(served._http.server_address[1]))
            patch.setenv("DAGGER_SESSION_TOKEN", token)
            patch.setenv("NO_PROXY", f"127.0.0.1,{os.environ.get('NO_PROXY', '')}")
            yield served
        served.close()


@pytest.fixture(scope="module", autouse=True)
async def connection(server: Server) -> AsyncIterator[None]:
    async with dagger.connection():
        yield


def base() -> dagger.Container:
    return dag.container().from_(IMAGE)


def sh(script: str, before: dagger.Container | None = None, **options: Any) -> dagger.Container:
    return (before or base()).with_exec(["sh", "-c", script], **options)


MADE = r"""
mkdir -p /out/empty /out/sub && cd /out
echo one > sub/a && ln sub/a hard && ln -s sub/a link && ln -s /out/sub folder && ln -s /etc/passwd out
touch "$ODD" && chmod 4755 hard && chmod 1777 empty && head -c 3000000 /dev/zero > big && chown 5:6 big
"""


def made() -> dagger.Container:
    return sh(MADE, base().with_env_variable("ODD", ODD))


@pytest.mark.parametrize(
    ("ask", "value"),
    [
        (lambda: made().directory("/out").entries(), ["big", "empty/", "folder", "hard", "link", "out", "sub/", ODD]),
        (lambda: made().directory("/out").file("link").contents(), "one\n"),
        (lambda: made().directory("/out").file("hard").contents(), "one\n"),
        (lambda: made().directory("/out").exists("out"), False),
        (lambda: made().file("/out/big").size(), 3_000_000),
        (lambda: made().exists("/out/link", expected_type=dagger.ExistsType.SYMLINK_TYPE), True),
        (lambda: made().exists("/out/link", expected_type=dagger.ExistsType.REGULAR_TYPE), True),
        (lambda: made().exists("/out/no"), False),
        (lambda: made().exists("/bin/sh"), True),
        (lambda: made().stat("/tmp").permissions(), 0o777),
        (lambda: made().stat("/out/sub/a").size(), 4),
        (
            lambda: sh("stat -c '%a %u %g' /in/hard /in/empty /in/big", copied()).stdout(),
            "4755 0 0\n1777 0 0\n644 5 6\n",
        ),
        (lambda: sh("cat /in/link; readlink /in/folder; ls /in/sub", copied()).stdout(), "one\n/out/sub\na\n"),
        (lambda: sh('test -e "/in/$ODD" && echo there', copied().with_env_variable("ODD", ODD)).stdout(), "there\n"),
        (lambda: sh("cat /m/new", sh("echo kept > /m/new", mounted())).stdout(), "kept\n"),
        (lambda: sh("echo kept > /m/new", mounted()).file("/m/new").contents(), "kept\n"),
        (lambda: sh("rm /m/x", mounted()).directory("/m").entries(), []),
        (lambda: sh("echo lost > /m/new", mounted()).without_mount("/m").exists("/m/new"), False),
        (lambda: sh("echo in > /x", base()).with_exec(["cat"], redirect_stdin="/x").stdout(), "in\n"),
        (lambda: sh("cat", stdin="given").stdout(), "given"),
        (lambda: sh("echo o; echo e >&2", redirect_stdout="/o", redirect_stderr="/e").file("/o").contents(), "o\n"),
        (lambda: sh("echo o; echo e >&2; exit 9", expect=dagger.ReturnType.ANY).exit_code(), 9),
        (lambda: sh("exit 9", expect=dagger.ReturnType.FAILURE).exit_code(), 9),
        (lambda: sh("echo o; echo e >&2").stderr(), "e\n"),
        (lambda: base().with_entrypoint(["echo", "hi"]).with_exec(["you"], use_entrypoint=True).stdout(), "hi you\n"),
        (lambda: base().with_default_args(["echo", "default"]).with_exec([]).stdout(), "default\n"),
        (lambda: base().with_env_variable("A", "x").with_exec(["echo", "${A}y"], expand=True).stdout(), "xy\n"),
        (lambda: sh("id -u; pwd", base().with_user("nobody").with_workdir("/srv")).stdout(), "65534\n/srv\n"),
        (lambda: sh("stat -c '%U %a' /s; wc -c < /s", secret()).stdout(), "nobody 400\n4\n"),
        (
            lambda: sh("stat -c %U:%G /f", base().with_new_file("/f", "", owner="nobody:www-data")).stdout(),
            "nobody:www-data\n",
        ),
        (lambda: sh("stat -c %Y /f", base().with_file("/f", dag.file("f", "").with_timestamps(5))).stdout(), "5\n"),
        (lambda: sh("cat /usr/bin/tool", base().with_new_file("/bin/tool", "t")).stdout(), "t"),
        (lambda: sh("stat -c %a /tmp", base().with_symlink("x", "/tmp/l")).stdout(), "1777\n"),
    ],
)
async def test_values(ask: Asked, value: Any) -> None:
    assert await ask() == value


def copied() -> dagger.Container:
    return base().with_directory("/in", made().directory("/out"))


def mounted() -> dagger.Container:
    return base().with_mounted_directory("/m", dag.directory().with_new_file("x", "1"))


def secret() -> dagger.Container:
    return base().with_mounted_secret("/s", dag.set_secret("s", "hush"), owner="nobody")


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: dag.container().from_("Bad Ref!!").sync(), "invalid reference format"),
        (lambda: base().file("/nosuch").contents(), "^stat /nosuch: no such file or directory$"),
        (lambda: base().directory("/etc/passwd").entries(), "^path /etc/passwd is a file, not a directory$"),
        (lambda: base().with_new_file("/f", "", owner="you").sync(), "you"),
        (lambda: base().with_user("x").image_ref(), "^Image reference can only be retrieved immediately after"),
    ],
)
async def test_errors(ask: Asked, message: str) -> None:
    with pytest.raises(dagger.QueryError, match=message):
        await ask()


@pytest.mark.parametrize(
    ("container", "code", "stdout", "stderr"),
    [
        (lambda: sh("echo out; echo err >&2; exit 3"), 3, "out", "err"),
        (lambda: base().with_exec(["/nosuchbin"]), 1, "", "fork/exec /nosuchbin: no such file or directory"),
        (lambda: sh("kill -9 $$"), 137, "", ""),
        (lambda: sh("true", expect=dagger.ReturnType.FAILURE), 0, "", ""),
    ],
)
async def test_a_failed_command_is_the_sdks_exec_error(
    container: Callable[[], dagger.Container], code: int, stdout: str, stderr: str
) -> None:
    failing = container().with_new_file("/after", "")
    assert await failing.id()
    with pytest.raises(dagger.ExecError, match=f"^exit code: {code}$") as caught:
        await failing.sync()
    assert (caught.value.exit_code, caught.value.stdout, caught.value.stderr) == (code, stdout, stderr)


async def test_bytes_out_of_a_container_are_the_same_each_time(workdir: Path) -> None:
    for name in ("one", "two"):
        await made().directory("/out").without_file("out").export(name)
    first, second = ((workdir / name) for name in ("one", "two"))
    assert [p.relative_to(first) for p in sorted(first.rglob("*"))] == [
        p.relative_to(second) for p in sorted(second.rglob("*"))
    ]
    assert (first / "big").read_bytes() == bytes(3_000_000)
    assert (first / "hard").stat().st_mode & 0o7777 == 0o4755
    assert (first / "folder").readlink() == Path("/out/sub")


async def test_an_image_goes_to_the_hosts_docker_and_comes_back(server: Server) -> None:
    name = f"cutover-test:{server.session.id}"
    made = await dag.container().with_new_file("/x", "1").with_default_args(["cat", "/x"]).id()
    # The SDK's own export_image refuses whatever an engine answers: its result is None and said to be none.
    query = "query($made: ID!, $name: String!) {node(id: $made) {... on Container {exportImage(name: $name)}}}"
    assert server.query(query, {"made": made, "name": name}) == {"data": {"node": {"exportImage": {}}}}
    try:
        back = dag.host().container_image(name)
        assert (await back.file("/x").contents(), await back.default_args()) == ("1", ["cat", "/x"])
    finally:
        docker.from_env().images.remove(name)
    with pytest.raises(dagger.QueryError, match=name):
        await dag.host().container_image(name).sync()


async def test_a_service_is_reached_by_its_name_and_through_a_tunnel_until_it_is_stopped() -> None:
    listing = base().with_new_file("/www/a.txt", "served").with_workdir("/www").with_exposed_port(8000)
    service = await listing.as_service(args=["python", "-m", "http.server", "8000"]).with_hostname("files").start()
    get = [
        "python",
        "-c",
        "import urllib.request as u; print(end=u.urlopen('http://files:8000/a.txt').read().decode())",
    ]
    assert await base().with_service_binding("files", service).with_exec(get).combined_output() == "served"
    tunnel = await dag.host().tunnel(service).start()
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        f"{await tunnel.endpoint(scheme='http')}/a.txt", timeout=60
    ) as answer:
        assert answer.read() == b"served"
    await tunnel.stop()
    await service.stop()


async def test_an_image_leaves_as_a_tarball_and_is_imported_again() -> None:
    made = base().with_new_file("/x", "1").with_entrypoint(["cat"]).with_label("a", "b")
    again = dag.container().import_(made.as_tarball())
    assert (await again.file("/x").contents(), await again.entrypoint(), await again.label("a")) == ("1", ["cat"], "b")


async def test_a_command_speaks_to_a_socket_of_the_host_that_is_in_no_layer(workdir: Path) -> None:
    with socketserver.ThreadingUnixStreamServer(str(workdir / "x.sock"), Upper) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        said = base().with_unix_socket("/run/x.sock", dag.host().unix_socket("x.sock")).with_exec(["python", "-c", SAY])
        assert await said.stdout() == "HELLO\n"
        await said.without_unix_socket("/run/x.sock").with_exec(["test", "!", "-S", "/run/x.sock"]).sync()
        server.shutdown()


class Upper(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(self.rfile.readline().upper())


SAY = """
import socket
s = socket.socket(socket.AF_UNIX)
s.connect("/run/x.sock")
s.sendall(b"hello\\n")
print(s.makefile().readline(), end="")
"""
