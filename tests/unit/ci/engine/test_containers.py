"""What each field that returns a container does to its state."""

from typing import Any

import pytest

from ci.engine import containers, placing
from ci.engine.containers import CHANGES
from ci.engine.errors import InvalidArgumentError, NotServedError
from ci.engine.images import Image
from ci.engine.nodes import Node
from ci.engine.state import Config, Container, Exec, Mount, Placed, Port, Removed

FOLDER = Node("Directory", "directory")
FILE = Node("File", "file", None, {"name": "f", "contents": "", "permissions": 0o644})
SECRET = Node("Secret", "setSecret", None, {"name": "s"})
OTHER_SECRET = Node("Secret", "setSecret", None, {"name": "t"})
SERVICE = Node("Service", "asService", Node("Container", "container"))
CACHE = Node("CacheVolume", "cacheVolume", None, {"key": "pip"})
START = Container(
    config=Config({"HOME": "/root"}, "/src", "nobody", ("sh",), ("-c",), {"kept": "1"}, (Port(80),)),
    mounts=(Mount("/old", "temp"),),
    secret_env=(("OLD", SECRET),),
    bindings=(("old", SERVICE),),
    volatile_env=(("V", "1"),),
    registry_auth=(("old.example", "me", SECRET),),
)
PLACED = {"owner": "", "permissions": None}
EXEC = {"useEntrypoint": False, "stdin": "", "expect": "SUCCESS", "insecureRootCapabilities": False, "noInit": False}


def changed(field: str, **args: Any) -> Container:
    return CHANGES[field](START, args)


def step(container: Container) -> Any:
    assert container.rootfs.parent is START.rootfs
    return container.rootfs.step


CONFIGURED: list[tuple[str, dict[str, Any], str, Any]] = [
    ("withEnvVariable", {"name": "A", "value": "b"}, "env", {"HOME": "/root", "A": "b"}),
    ("withEnvVariable", {"name": "A", "value": "$HOME/${HOME}/$NO", "expand": True}, "env", {"HOME": "/root", "A":
    "/root//root/"}),
    ("withEnvVariable", {"name": "A", "value": "$HOME"}, "env", {"HOME": "/root", "A": "$HOME"}),
    ("withoutEnvVariable", {"name": "HOME"}, "env", {}),
    ("withLabel", {"name": "a", "value": "b"}, "labels", {"kept": "1", "a": "b"}),
    ("withoutLabel", {"name": "kept"}, "labels", {}),
    ("withAnnotation", {"name": "a", "value": "b"}, "annotations", {"a": "b"}),
    ("withoutAnnotation", {"name": "a"}, "annotations", {}),
    ("withDockerHealthcheck", {"args": ["curl -f x"], "shell": True, "interval": "1m30s", "retries": 2}, "extra",
     {"Healthcheck": {"Test": ["CMD-SHELL", "curl -f x"], "Interval": 90 * 10**9, "Retries": 2}}),
    ("withDockerHealthcheck", {"args": ["true"]}, "extra", {"Healthcheck": {"Test": ["CMD", "true"]}}),
    ("withoutDockerHealthcheck", {}, "extra", {}),
    ("withWorkdir", {"path": "sub/../app"}, "workdir", "/src/app"),
    ("withWorkdir", {"path": "$HOME", "expand": True}, "workdir", "/root"),
    ("withoutWorkdir", {}, "workdir", ""),
    ("withUser", {"name": "1000:1000"}, "user", "1000:1000"),
    ("withoutUser", {}, "user", ""),
    ("withEntrypoint", {"args": ["a"], "keepDefaultArgs": True}, "entrypoint", ("a",)),
    ("withEntrypoint", {"args": ["a"], "keepDefaultArgs": True}, "default_args", ("-c",)),
    ("withEntrypoint", {"args": ["a"], "keepDefaultArgs": False}, "default_args", ()),
    ("withoutEntrypoint", {"keepDefaultArgs": False}, "entrypoint", ()),
    ("withoutEntrypoint", {"keepDefaultArgs": True}, "default_args", ("-c",)),
    ("withDefaultArgs", {"args": ["x", "y"]}, "default_args", ("x", "y")),
    ("withoutDefaultArgs", {}, "default_args", ()),
    ("withExposedPort", {"port": 8080, "protocol": "TCP", "experimentalSkipHealthcheck": True}, "ports",
     (Port(80), Port(8080, "TCP", None, True))),
    ("withExposedPort", {"port": 80, "protocol": "TCP", "description": "new", "experimentalSkipHealthcheck": False},
    "ports",
     (Port(80, "TCP", "new"),)),
    ("withoutExposedPort", {"port": 80, "protocol": "UDP"}, "ports", (Port(80),)),
    ("withoutExposedPort", {"port": 80, "protocol": "TCP"}, "ports", ()),
]  # fmt: skip
HELD: list[tuple[str, dict[str, Any], str, Any]] = [
    ("withDefaultTerminalCmd", {"args": ["bash"]}, "terminal_cmd", ("bash",)),
    ("withVolatileVariable", {"name": "V", "value": "2"}, "volatile_env", (("V", "2"),)),
    ("withoutVolatileVariable", {"name": "V"}, "volatile_env", ()),
    ("withSecretVariable", {"name": "OLD", "secret": OTHER_SECRET}, "secret_env", (("OLD", OTHER_SECRET),)),
    ("withSecretVariable", {"name": "NEW", "secret": SECRET}, "secret_env", (("OLD", SECRET), ("NEW", SECRET))),
    ("withoutSecretVariable", {"name": "OLD"}, "secret_env", ()),
    ("withRegistryAuth", {"address": "a.example", "username": "u", "secret": SECRET}, "registry_auth",
     (("old.example", "me", SECRET), ("a.example", "u", SECRET))),
    ("withoutRegistryAuth", {"address": "old.example"}, "registry_auth", ()),
    ("withServiceBinding", {"alias": "db", "service": SERVICE}, "bindings", (("old", SERVICE), ("db", SERVICE))),
    ("withMountedCache", {"path": "/old", "cache": CACHE, "sharing": "LOCKED", "owner": "1"}, "mounts",
     (Mount("/old", "cache", None, "pip", "LOCKED", "1"),)),
    ("withMountedTemp", {"path": "tmp", "size": 9}, "mounts", (Mount("/old", "temp"), Mount("/src/tmp", "temp",
    name="9"))),
    ("withMountedSecret", {"path": "/s", "source": SECRET, "owner": "", "mode": 0o440}, "mounts",
     (Mount("/old", "temp"), Mount("/s", "secret", SECRET, mode=0o440))),
    ("withMountedDirectory", {"path": "/d", "source": FOLDER, "owner": "", "readOnly": True}, "mounts",
     (Mount("/old", "temp"), Mount("/d", "directory", FOLDER, read_only=True))),
    ("withMountedFile", {"path": "/f", "source": FILE, "owner": "2"}, "mounts",
     (Mount("/old", "temp"), Mount("/f", "file", FILE, owner="2"))),
    ("withoutMount", {"path": "/old"}, "mounts", ()),
    ("withUnixSocket", {"path": "s", "source": FILE, "owner": ""}, "mounts",
     (Mount("/old", "temp"), Mount("/src/s", "socket", FILE))),
    ("withoutUnixSocket", {"path": "/old"}, "mounts", (Mount("/old", "temp"),)),
]  # fmt: skip
STEPPED: list[tuple[str, dict[str, Any], Any]] = [
    ("withDirectory", {"path": "d", "source": FOLDER, "owner": "1:2", "include": [], "exclude": []},
     Placed("/src/d", FOLDER, "1:2")),
    ("withDirectory", {"path": "d", "source": FOLDER, "owner": "", "include": ["a"], "exclude": ["b"], "gitignore": 1},
     Placed("/src/d", Node("Directory", "filter", FOLDER, {"include": ["a"], "exclude": ["b"], "gitignore": True}))),
    ("withDirectory", {"path": "d", "source": FOLDER, "owner": "", "include": [], "exclude": [], "permissions": 0o700},
     Placed("/src/d", Node("Directory", "withDirectory", placing.EMPTY, {
        "path": "/", "source": FOLDER, "permissions": 0o700, "include": [], "exclude": [], "owner": "",
     }), "", 0o700)),
    ("withFile", {"path": "/f", "source": FILE, **PLACED}, Placed("/f", FILE)),
    ("withNewFile", {"path": "n", "contents": "x", "owner": "1", "permissions": 0o600},
     Placed("/src/n", Node("File", "file", None, {"name": "n", "contents": "x", "permissions": 0o600}), "1")),
    ("withFiles", {"path": "/f", "sources": [FILE], **PLACED},
     Placed("/f", Node("Directory", "withFiles", FOLDER, {"path": "/", "sources": [FILE], "permissions": None}))),
    ("withFile", {"path": "/f/", "source": FILE, **PLACED},
     Placed("/f", Node("Directory", "withFiles", FOLDER, {"path": "/", "sources": [FILE], "permissions": None}))),
    ("withSymlink", {"target": "../t", "linkName": "l"},
     Placed("/src", Node("Directory", "withSymlink", FOLDER, {"target": "../t", "linkName": "l"}))),
    ("withoutDirectory", {"path": "d"}, Removed(("/src/d",))),
    ("withoutFile", {"path": "/f"}, Removed(("/f",))),
    ("withoutFiles", {"paths": ["g"]}, Removed(("/src/g",))),
]  # fmt: skip


@pytest.mark.parametrize(("field", "args", "attribute", "value"), CONFIGURED)
def test_a_field_changes_its_part_of_the_configuration(
    field: str, args: dict[str, Any], attribute: str, value: Any
) -> None:
    after = changed(field, **args)
    assert getattr(after.config, attribute) == value
    assert after.rootfs is START.rootfs


@pytest.mark.parametrize(("field", "args", "attribute", "value"), HELD)
def test_a_field_changes_its_part_of_the_state_and_nothing_else(
    field: str, args: dict[str, Any], attribute: str, value: Any
) -> None:
    after = changed(field, **args)
    assert getattr(after, attribute) == value
    others = [
        name for name in ("config", "mounts", "secret_env", "bindings", "volatile_env", "rootfs") if name != attribute
    ]
    assert all(getattr(after, name) == getattr(START, name) for name in others)


@pytest.mark.parametrize(("field", "args", "value"), STEPPED)
def test_a_field_puts_one_step_on_the_root_file_system(field: str, args: dict[str, Any], value: Any) -> None:
    after = changed(field, **args)
    assert step(after) == value
    assert after.config == START.config


def test_every_field_is_told_of_here() -> None:
    told = {row[0] for rows in (CONFIGURED, HELD, STEPPED) for row in rows}
    assert told | {"withRootfs", "withExec", "dockerConfig"} == set(CHANGES) | {"dockerConfig"}


def test_with_rootfs_begins_anew_and_keeps_the_configuration() -> None:
    after = changed("withRootfs", directory=FOLDER)
    assert [layer.step for layer in after.rootfs.steps()] == [None, Placed("/", FOLDER)]
    assert after.config == START.config


def test_an_exec_sees_all_that_was_set_before_it() -> None:
    after = changed("withExec", args=["make"], **{**EXEC, "stdin": "in", "expect": "ANY"})
    wanted = Exec(
        ("make",),
        START.config,
        START.mounts,
        START.secret_env,
        START.bindings,
        START.volatile_env,
        stdin="in",
        expect="ANY",
    )
    assert step(after) == wanted
    assert after.last_exec is after.rootfs


def test_an_execs_arguments_follow_the_entrypoint_or_are_the_defaults() -> None:
    assert step(changed("withExec", args=["x"], **{**EXEC, "useEntrypoint": True})).args == ("sh", "x")
    assert step(changed("withExec", args=[], **EXEC)).args == ("-c",)
    assert step(changed("withExec", args=["$HOME"], expand=True, **EXEC)).args == ("/root",)


@pytest.mark.parametrize(("name", "kind"), [("OLD", "secret"), ("V", "volatile")])
def test_no_path_or_argument_takes_in_a_secret_or_volatile_variable(name: str, kind: str) -> None:
    with pytest.raises(InvalidArgumentError, match=f'^expand cannot be used with {kind} env variable "{name}"$'):
        changed("withWorkdir", path=f"/${name}", expand=True)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({"args": []}, "args is missing"),
        ({"args": ["a", "b"], "shell": True}, "args must be a single element when shell is set"),
        ({"args": ["a"], "timeout": "soon"}, 'time: invalid duration "soon"'),
    ],
)
def test_a_healthcheck_that_is_none_is_refused(args: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        changed("withDockerHealthcheck", **args)


def test_privileges_and_init_are_passed_on() -> None:
    made = step(changed("withExec", args=["x"], **{**EXEC, "insecureRootCapabilities": True, "noInit": True}))
    assert (made.privileged, made.init) == (True, False)


def test_an_exec_with_nothing_to_run_is_told_when_it_is_to_run() -> None:
    assert CHANGES["withExec"](Container(), {"args": [], **EXEC}).rootfs.step == Exec((), Config())


def test_several_files_are_taken_away_one_by_one() -> None:
    after = changed("withoutFiles", paths=["/f", "g"])
    assert [layer.step for layer in after.rootfs.steps()[-2:]] == [Removed(("/f",)), Removed(("/src/g",))]


def test_nested_engines_are_refused_by_name() -> None:
    with pytest.raises(NotServedError, match=r"^Container.withExec\(experimentalPrivilegedNesting\) is not served"):
        changed("withExec", args=["x"], **{**EXEC, "experimentalPrivilegedNesting": True})


def test_streams_are_redirected_to_places_from_the_workdir() -> None:
    step = changed("withExec", args=["x"], **{**EXEC, "redirectStdin": "in", "redirectStdout": "/o"}).rootfs.step
    assert isinstance(step, Exec)
    assert (step.redirect_stdin, step.redirect_stdout, step.redirect_stderr) == ("/src/in", "/o", "")


def test_stdin_comes_from_one_place_only() -> None:
    with pytest.raises(InvalidArgumentError, match="stdin or redirectStdin, not both"):
        changed("withExec", args=["x"], **{**EXEC, "stdin": "text", "redirectStdin": "in"})


def test_what_is_put_under_a_mounted_directory_is_put_into_the_mount() -> None:
    mounted = CHANGES["withMountedDirectory"](START, {"path": "/m", "source": FOLDER, "owner": "", "readOnly": False})
    after = mounted.stepped(Placed("/m/f", FOLDER)).stepped(Removed(("/m/g",))).stepped(Placed("/n", FOLDER))
    assert after.rootfs.step == Placed("/n", FOLDER)
    assert after.mounts[-1].changes == (Placed("/m/f", FOLDER), Removed(("/m/g",)))


def test_after_a_command_a_mounted_directory_holds_what_that_left_unless_it_is_read_only() -> None:
    state = START
    for path, read_only in (("/m", False), ("/r", True)):
        args = {"path": path, "source": FOLDER, "owner": "", "readOnly": read_only}
        state = CHANGES["withMountedDirectory"](state, args).stepped(Placed(f"{path}/f", FOLDER))
    after = CHANGES["withExec"](state, {"args": ["x"], **EXEC})
    written, kept = after.mounts[-2:]
    assert (written.after, written.changes) == (after.rootfs, ())
    assert (kept.after, len(kept.changes)) == (None, 1)


def test_from_gives_the_images_configuration_and_keeps_what_was_bound() -> None:
    config = {
        "Env": ["A=b=c"], "WorkingDir": "/w", "User": "u", "Entrypoint": ["e"], "Cmd": ["c"],
        "Labels": {"cutover": "1", "x": "y"}, "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
    }  # fmt: skip
    image = Image("id", ("layer",), config)
    after = containers.initial(image, "x:1", START)
    assert after.config == Config({"A": "b=c"}, "/w", "u", ("e",), ("c",), {"x": "y"}, (Port(80), Port(53, "UDP")))
    assert after.rootfs.step is image
    assert after.bindings == START.bindings
    assert Config.of(Image("id", (), {})) == Config()
