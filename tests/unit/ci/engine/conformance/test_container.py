"""Container's state and files, as the SDK's client gets them: nothing here runs a command or needs an image."""

from collections.abc import Awaitable, Callable
from typing import Any

import dagger
import pytest
from dagger import dag

pytestmark = pytest.mark.anyio
Asked = Callable[[dagger.Container], Awaitable[Any]]


def container() -> dagger.Container:
    """With something of everything."""
    return (
        dag.container()
        .with_env_variable("HOME", "/root").with_env_variable("PATH", "/bin").with_env_variable("EMPTY", "")
        .with_label("a", "b").with_workdir("/src").with_user("me:us")
        .with_entrypoint(["sh", "-c"]).with_default_args(["true"])
        .with_exposed_port(80, description="web").with_exposed_port(53, protocol=dagger.NetworkProtocol.UDP)
        .with_mounted_temp("/tmp").with_mounted_cache("cache", dag.cache_volume("pip"))
        .with_secret_variable("TOKEN", dag.set_secret("token", "hush"))
    )  # fmt: skip


def files() -> dagger.Container:
    """With files, on nothing."""
    folder = dag.directory().with_new_file("x.txt", "X").with_new_file("sub/y.py", "Y", permissions=0o755)
    return (
        dag.container()
        .with_env_variable("DIR", "/app").with_workdir("/src")
        .with_new_file("a.txt", "A").with_directory("/app", folder).with_symlink("/app/x.txt", "link")
    )  # fmt: skip


async def pairs(rows: Awaitable[list[Any]]) -> list[tuple[str, str]]:
    return [(await row.name(), await row.value()) for row in await rows]


async def ports(c: dagger.Container) -> list[tuple[int, str, str | None, bool]]:
    return [
        (await p.port(), (await p.protocol()).value, await p.description(), await p.experimental_skip_healthcheck())
        for p in await c.exposed_ports()
    ]


WEB, DNS = (80, "TCP", "web", False), (53, "UDP", None, False)


@pytest.mark.parametrize(
    ("ask", "value"),
    [
        (lambda c: c.env_variable("HOME"), "/root"),
        (lambda c: c.env_variable("EMPTY"), ""),
        (lambda c: c.env_variable("NO"), None),
        (lambda c: c.env_variable("TOKEN"), None),
        (lambda c: pairs(c.env_variables()), [("HOME", "/root"), ("PATH", "/bin"), ("EMPTY", "")]),
        (lambda c: c.with_env_variable("P", "$HOME/x:${PATH}:$NO", expand=True).env_variable("P"), "/root/x:/bin:"),
        (lambda c: c.with_env_variable("P", "$HOME").env_variable("P"), "$HOME"),
        (
            lambda c: pairs(c.with_env_variable("HOME", "x").env_variables()),
            [("HOME", "x"), ("PATH", "/bin"), ("EMPTY", "")],
        ),
        (
            lambda c: pairs(c.without_env_variable("HOME").without_env_variable("NO").env_variables()),
            [("PATH", "/bin"), ("EMPTY", "")],
        ),
        (lambda c: c.label("a"), "b"),
        (lambda c: c.label("no"), None),
        (lambda c: pairs(c.with_label("c", "d").labels()), [("a", "b"), ("c", "d")]),
        (lambda c: pairs(c.without_label("a").labels()), []),
        (lambda c: c.with_annotation("a", "b").without_annotation("a").workdir(), "/src"),
        (lambda c: c.workdir(), "/src"),
        (lambda c: c.with_workdir("sub").workdir(), "/src/sub"),
        (lambda c: c.with_workdir("../x").workdir(), "/x"),
        (lambda c: c.with_workdir("$HOME/x", expand=True).workdir(), "/root/x"),
        (lambda c: c.without_workdir().workdir(), ""),
        (lambda c: c.user(), "me:us"),
        (lambda c: c.without_user().user(), ""),
        (lambda c: c.entrypoint(), ["sh", "-c"]),
        (lambda c: c.default_args(), ["true"]),
        (lambda c: c.with_entrypoint(["x"]).default_args(), []),
        (lambda c: c.with_entrypoint(["x"], keep_default_args=True).default_args(), ["true"]),
        (lambda c: c.without_entrypoint().entrypoint(), []),
        (lambda c: c.without_entrypoint().default_args(), []),
        (lambda c: c.without_entrypoint(keep_default_args=True).default_args(), ["true"]),
        (lambda c: c.without_default_args().default_args(), []),
        (lambda c: ports(c), [WEB, DNS]),
        (lambda c: ports(c.with_exposed_port(80, experimental_skip_healthcheck=True)), [DNS, (80, "TCP", None, True)]),
        (lambda c: ports(c.without_exposed_port(80)), [DNS]),
        (lambda c: ports(c.without_exposed_port(53)), [WEB, DNS]),
        (lambda c: ports(c.without_exposed_port(53, protocol=dagger.NetworkProtocol.UDP)), [WEB]),
        (lambda c: c.mounts(), ["/tmp", "/src/cache"]),
        (lambda c: c.with_mounted_secret("/s", dag.set_secret("s", "x")).mounts(), ["/tmp", "/src/cache"]),
        (
            lambda c: c.with_mounted_directory("$HOME/d", dag.directory(), expand=True).mounts(),
            ["/tmp", "/src/cache", "/root/d"],
        ),
        (lambda c: c.with_mounted_file("/f", dag.file("f", "")).without_mount("/tmp").mounts(), ["/src/cache", "/f"]),
        (lambda c: c.without_mount("cache").mounts(), ["/tmp"]),
        (lambda c: c.without_secret_variable("TOKEN").without_user().user(), ""),
        (
            lambda c: c.with_docker_healthcheck(["curl x"], shell=True, interval="90s").docker_healthcheck().args(),
            ["curl x"],
        ),
        (
            lambda c: c.with_docker_healthcheck(["curl x"], shell=True, interval="90s").docker_healthcheck().interval(),
            "1m30s",
        ),
        (lambda c: c.with_docker_healthcheck(["curl", "x"], retries=3).docker_healthcheck().retries(), 3),
        (lambda c: c.with_docker_healthcheck(["curl", "x"]).docker_healthcheck().shell(), False),
        (lambda c: c.with_docker_healthcheck(["x"]).docker_healthcheck().timeout(), "0s"),
        (
            lambda c: (
                c.with_docker_healthcheck(["x"], start_period="2s", start_interval="3s")
                .docker_healthcheck()
                .start_period()
            ),
            "2s",
        ),
        (
            lambda c: (
                c.with_docker_healthcheck(["x"], start_period="2s", start_interval="3s")
                .docker_healthcheck()
                .start_interval()
            ),
            "3s",
        ),
        (lambda c: c.with_docker_healthcheck(["x"]).without_docker_healthcheck().user(), "me:us"),
        (lambda c: c.with_default_terminal_cmd(["bash"]).user(), "me:us"),
        (lambda c: c.with_error("").user(), "me:us"),
        (
            lambda c: (
                c.with_registry_auth("r.example", "u", dag.set_secret("p", "x"))
                .without_registry_auth("r.example")
                .user()
            ),
            "me:us",
        ),
    ],
)
async def test_state(ask: Asked, value: Any) -> None:
    assert await ask(container()) == value


@pytest.mark.parametrize(
    ("ask", "value"),
    [
        (lambda c: c.directory("/").entries(), ["app/", "src/"]),
        (lambda c: c.rootfs().entries(), ["app/", "src/"]),
        (lambda c: c.directory(".").entries(), ["a.txt", "link"]),
        (lambda c: c.directory("$DIR/sub", expand=True).entries(), ["y.py"]),
        (lambda c: c.file("a.txt").contents(), "A"),
        (lambda c: c.file("link").contents(), "X"),
        (lambda c: c.file("link").name(), "link"),
        (lambda c: c.file("../app/x.txt").contents(), "X"),
        (lambda c: c.exists("a.txt"), True),
        (lambda c: c.exists("/a.txt"), False),
        (lambda c: c.exists("link", expected_type=dagger.ExistsType.SYMLINK_TYPE), True),
        (lambda c: c.exists("link", expected_type=dagger.ExistsType.REGULAR_TYPE), True),
        (lambda c: c.exists("$DIR", expected_type=dagger.ExistsType.DIRECTORY_TYPE, expand=True), True),
        (lambda c: c.stat("/app/sub/y.py").permissions(), 0o755),
        (lambda c: c.stat("link", do_not_follow_symlinks=True).file_type(), dagger.FileType.SYMLINK),
        (lambda c: c.with_new_file("b", "B", permissions=0o600).stat("b").permissions(), 0o600),
        (lambda c: c.with_new_file("$DIR/b", "B", expand=True).file("/app/b").contents(), "B"),
        (lambda c: c.with_file("/n", c.file("a.txt")).file("/n").contents(), "A"),
        (lambda c: c.with_file("/n", c.file("a.txt"), permissions=0o700).stat("/n").permissions(), 0o700),
        (lambda c: c.with_file("/n/", c.file("a.txt")).file("/n/a.txt").contents(), "A"),
        (
            lambda c: c.with_files("/n", [c.file("a.txt"), c.file("/app/x.txt")]).directory("/n").entries(),
            ["a.txt", "x.txt"],
        ),
        (lambda c: c.with_directory("n", c.directory("/app"), include=["*.txt"]).directory("n").glob("**"), ["x.txt"]),
        (lambda c: c.with_directory("n", c.directory("/app"), exclude=["sub"]).directory("n").glob("**"), ["x.txt"]),
        (lambda c: c.with_directory("n", c.directory("/app"), permissions=0o700).stat("n/x.txt").permissions(), 0o700),
        (lambda c: c.with_directory("n", ignoring(), gitignore=True).directory("n").entries(), [".gitignore", "a.py"]),
        (lambda c: c.with_symlink("a.txt", "/src/m").file("m").contents(), "A"),
        (lambda c: c.without_file("a.txt").directory(".").entries(), ["link"]),
        (lambda c: c.without_files(["a.txt", "link", "no"]).directory(".").entries(), []),
        (lambda c: c.without_directory("$DIR", expand=True).directory("/").entries(), ["src/"]),
        (lambda c: c.with_rootfs(dag.directory().with_new_file("only", "1")).rootfs().entries(), ["only"]),
        (lambda c: c.with_rootfs(dag.directory()).workdir(), "/src"),
        (lambda c: c.with_mounted_directory("/m", ignoring()).file("/m/a.py").contents(), "1"),
        (
            lambda c: c.with_mounted_directory("/m", ignoring()).directory("/m").entries(),
            [".gitignore", "a.log", "a.py"],
        ),
        (lambda c: c.with_mounted_directory("/m", ignoring()).exists("/m/a.log"), True),
        (lambda c: c.with_mounted_directory("/m", ignoring()).with_new_file("/m/n", "2").file("/m/n").contents(), "2"),
        (lambda c: c.with_mounted_directory("/m", ignoring()).without_file("/m/a.py").exists("/m/a.py"), False),
        (lambda c: c.with_mounted_file("/m", dag.file("f", "F")).file("/m").contents(), "F"),
        (
            lambda c: c.with_mounted_directory("/src", dag.directory()).without_mount("/src").file("a.txt").contents(),
            "A",
        ),
        (lambda c: c.with_mounted_directory("/src", dag.directory()).directory("/src").entries(), []),
    ],
)
async def test_files(ask: Asked, value: Any) -> None:
    assert await ask(files()) == value


def ignoring() -> dagger.Directory:
    return dag.directory().with_new_file(".gitignore", "*.log").with_new_file("a.log", "").with_new_file("a.py", "1")


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda c: c.file("no").contents(), "stat /src/no: no such file or directory"),
        (lambda c: c.directory("/no").entries(), "stat /no: no such file or directory"),
        (lambda c: c.file("/app").contents(), "path /app is a directory, not a file"),
        (lambda c: c.directory("a.txt").entries(), "path /src/a.txt is a file, not a directory"),
        (lambda c: c.stat("no").size(), "stat no: no such file or directory"),
        (lambda c: c.with_error("on purpose").sync(), "on purpose"),
        (lambda c: c.image_ref(), "Image reference can only be retrieved immediately after the 'Container.From' call"),
        (lambda c: c.stdout(), "no command has been set"),
        (lambda c: c.exit_code(), "no command has been set"),
        (lambda c: c.with_exec([]).stdout(), "no command has been set"),
        (lambda c: c.with_docker_healthcheck([]).sync(), "withDockerHealthcheck: args is missing"),
        (lambda c: c.with_exposed_port(70000).sync(), "port 70000 is out of range"),
        (
            lambda c: c.with_secret_variable("S", dag.set_secret("s", "x")).with_workdir("/$S", expand=True).workdir(),
            'expand cannot be used with secret env variable "S"',
        ),
    ],
)
async def test_errors(ask: Asked, message: str) -> None:
    with pytest.raises(dagger.QueryError, match=f"^{message}"):
        await ask(files())


@pytest.mark.parametrize(
    "lazy",
    [
        lambda c: c.with_directory("/x", dag.directory().directory("no")), lambda c: c.with_exec(["no"]),
        lambda c: c.with_file("/x", c.file("no")), lambda c: c.with_new_file("/x", "", owner="nobody"),
        lambda c: c.with_exec(["x"]).with_exec(["y"]).with_new_file("z", ""), lambda c: c.with_exec([]),
        lambda c: c.with_mounted_directory("/m", dag.directory().directory("no")).with_exec(["x"]),
    ],
)  # fmt: skip
async def test_what_would_fail_does_not_before_it_is_asked_for(lazy: Callable[[dagger.Container], Any]) -> None:
    made = lazy(files())
    assert await made.id()
    assert await made.with_user("x").env_variable("DIR") == "/app"
    with pytest.raises(dagger.QueryError):
        await made.sync()
