"""A Dockerfile becomes the calls of the API that do the same."""

from typing import Any

import pytest

from ci.engine.dockerfile import DockerfileError, Given, Lookups, build
from ci.engine.dockerfile.errors import InstructionNotServedError
from ci.engine.errors import EngineError
from ci.engine.nodes import Node
from ci.engine.recipe import call
from ci.engine.state import Config

CONTEXT = call(None, "directory")
BASE = Config({"PATH": "/bin"}, "/base", "", ("old",), ("old-cmd",))
ONBUILD = Config(extra={"OnBuild": ["RUN triggered"]})


def image(reference: str, empty: Node) -> Node:
    return Node("Container", "image", empty, {"reference": reference})


def config(node: Node) -> Config:
    (found,) = [step.args["reference"] for step in node.chain() if step.field == "image"] or [""]
    return ONBUILD if found == "onbuild" else BASE if found else Config()


def made(text: str, target: str = "", **given: Any) -> Node:
    lookups = Lookups(image, config, lambda _, path: not path.endswith(".txt"))
    return build(text, target, Given(CONTEXT, **given), lookups)


def calls(text: str, target: str = "", **given: Any) -> list[tuple[str, dict[str, Any]]]:
    """The calls after the base image, each with its arguments."""
    chain = made(text, target, **given).chain()
    start = next(at for at, step in enumerate(chain) if step.field in ("image", "container"))
    return [(step.field, dict(step.args)) for step in chain[start + 1 :] if step.field != "image"]


def only(text: str, name: str = "", **given: Any) -> dict[str, Any]:
    """The arguments of the one call that an instruction after FROM makes, or of the one called `name`."""
    (found,) = [args for field, args in calls(f"FROM base\n{text}\n", **given) if not name or field == name]
    return found


@pytest.mark.parametrize(
    ("text", "field", "args"),
    [
        ("RUN echo $X", "withExec", {"args": ["/bin/sh", "-c", "echo $X"]}),
        ('RUN ["a", "$X"]', "withExec", {"args": ["a", "$X"]}),
        ("ENV A=$PATH:/x", "withEnvVariable", {"name": "A", "value": "/bin:/x", "expand": False}),
        ("ENV A b  c", "withEnvVariable", {"name": "A", "value": "b  c"}),
        ('LABEL "a b"="c d"', "withLabel", {"name": "a b", "value": "c d"}),
        ("WORKDIR sub", "withWorkdir", {"path": "/base/sub"}),
        ("USER app:app", "withUser", {"name": "app:app"}),
        ("EXPOSE 53/udp", "withExposedPort", {"port": 53, "protocol": "UDP"}),
        ("CMD run it", "withDefaultArgs", {"args": ["/bin/sh", "-c", "run it"]}),
        ('ENTRYPOINT ["e"]', "withEntrypoint", {"args": ["e"], "keepDefaultArgs": False}),
        ("STOPSIGNAL SIGINT", "dockerConfig", {"extra": {"StopSignal": "SIGINT"}}),
        ('VOLUME ["/a"]', "dockerConfig", {"extra": {"Volumes": {"/a": {}}}}),
        ("ONBUILD RUN x", "dockerConfig", {"extra": {"OnBuild": ["RUN x"]}}),
        ("HEALTHCHECK NONE", "dockerConfig", {"extra": {"Healthcheck": {"Test": ["NONE"]}}}),
        (
            "HEALTHCHECK --interval=1m30s --retries=2 CMD curl x",
            "dockerConfig",
            {"extra": {"Healthcheck": {"Test": ["CMD-SHELL", "curl x"], "Interval": 90 * 10**9, "Retries": 2}}},
        ),
    ],
)
def test_an_instruction_is_one_call(text: str, field: str, args: dict[str, Any]) -> None:
    ((found, given),) = calls(f"FROM base\n{text}\n")
    assert (found, {name: given[name] for name in args}) == (field, args)


def test_an_entrypoint_keeps_the_stages_own_command_only() -> None:
    assert only('CMD ["c"]\nENTRYPOINT ["e"]', "withEntrypoint")["keepDefaultArgs"] is True


def test_the_shell_is_that_of_the_instruction_before() -> None:
    assert only('SHELL ["bash", "-ec"]\nRUN x', "withExec")["args"] == ["bash", "-ec", "x"]


def test_an_argument_is_there_for_commands_only() -> None:
    found = calls("FROM base\nARG A=1\nARG B\nRUN x\n", arguments={"A": "2"})
    assert [(field, args.get("name"), args.get("value")) for field, args in found] == [
        ("withEnvVariable", "A", "2"),
        ("withExec", None, None),
        ("withoutEnvVariable", "A", None),
    ]


def test_an_argument_gives_way_to_the_environment() -> None:
    found = only("ENV A=env\nARG A=arg\nRUN x\nLABEL a=$A", "withLabel")
    assert found["value"] == "env"


@pytest.mark.parametrize(
    ("text", "given", "reference"),
    [
        ("ARG V=1\nFROM a:$V\n", {}, "a:1"),
        ("ARG V=1\nFROM a:${V}\n", {"V": "2"}, "a:2"),
        ("FROM --platform=$BUILDPLATFORM a\n", {}, "a"),
    ],
)
def test_arguments_before_from_are_for_from(text: str, given: dict[str, str], reference: str) -> None:
    assert made(text, arguments=given).args["reference"] == reference


def test_an_argument_before_from_is_in_a_stage_where_it_is_declared_again() -> None:
    text = "ARG V=1\nFROM a\nLABEL x=$V\nARG V\nLABEL y=$V\n"
    assert [args["value"] for field, args in calls(text) if field == "withLabel"] == ["", "1"]


def test_the_platform_is_that_of_the_build() -> None:
    node = made("FROM a\nARG TARGETARCH\nLABEL x=$TARGETARCH\n", platform="linux/arm64")
    assert node.args["value"] == "arm64"
    assert node.chain()[0].args["platform"] == "linux/arm64"


STAGES = "FROM one AS a\nRUN first\nFROM a AS b\nRUN second\nFROM two AS c\nCOPY --from=b /x /y\n"


def test_a_stage_goes_on_from_the_one_it_names() -> None:
    assert [args["args"][-1] for field, args in calls(STAGES, "b") if field == "withExec"] == ["first", "second"]


def test_the_last_stage_is_made_where_none_is_named_and_takes_from_another() -> None:
    source = calls(STAGES)[0][1]["source"].args["sources"][0]
    assert (source["path"], source["from"]) == ("/x", made(STAGES, "b"))


def test_what_is_copied_may_come_from_an_image() -> None:
    source = only("COPY --from=other:1 /x /y")["source"].args["sources"][0]
    assert source["from"].args["reference"] == "other:1"


def test_a_stage_that_nobody_needs_is_not_looked_at() -> None:
    assert made("FROM a AS unused\nRUN --network=none x\nFROM b\n").args["reference"] == "b"


@pytest.mark.parametrize(
    ("text", "dest", "folder"),
    [
        ("COPY a b/", "/base/b", True),
        ("COPY a .", "/base", True),
        ("COPY a b", "/base/b", False),
        ("COPY a b c", "/base/c", True),
        ("WORKDIR /app\nCOPY a /app", "/app", True),
        ('COPY ["a b", "/c d"]', "/c d", False),
        ("COPY a ../x", "/x", False),
    ],
)
def test_where_a_copy_goes(text: str, dest: str, folder: bool) -> None:
    args = only(text, "withDirectory")["source"].args
    assert (args["dest"], args["folder"]) == (dest, folder)


def test_owner_and_mode_of_a_copy() -> None:
    args = only("ARG U=app\nCOPY --chown=$U:x --chmod=0750 a b", "withDirectory")
    assert (args["owner"], args["source"].args["mode"]) == ("app:x", 0o750)


def test_a_here_document_is_a_file_of_its_name() -> None:
    (source,) = only("ENV A=1\nCOPY <<EOF /x\n$A\nEOF", "withDirectory")["source"].args["sources"]
    assert (source["file"].args["name"], source["file"].args["contents"]) == ("EOF", "1\n")


def test_add_fetches_by_url_and_from_git() -> None:
    (source,) = only("ADD --checksum=sha256:1 https://x/a.tgz /y")["source"].args["sources"]
    assert (source["file"].field, source["file"].args["checksum"]) == ("http", "sha256:1")
    (source,) = only("ADD https://x/y.git#v1:sub /y")["source"].args["sources"]
    steps = [(step.field, step.args.get("name"), step.args.get("path")) for step in source["from"].chain()]
    assert steps == [("git", None, None), ("ref", "v1", None), ("tree", None, None), ("directory", None, "sub")]


def mounts(text: str, **given: Any) -> list[tuple[str, dict[str, Any]]]:
    return calls(f"FROM base\nRUN {text} x\n", **given)


def test_a_cache_is_mounted_for_its_command_only() -> None:
    (cache, args), _, undo = mounts("--mount=type=cache,target=/c,id=own,sharing=locked,uid=5")
    assert (cache, args["path"], args["sharing"], args["owner"]) == ("withMountedCache", "/c", "LOCKED", "5:5")
    assert args["cache"].args["key"] == "dockerfile:own"
    assert undo == ("withoutMount", {"path": "/c", "expand": False})


def test_a_directory_or_a_file_of_the_context_is_mounted() -> None:
    found = mounts("--mount=target=/m --mount=type=bind,source=a.txt,target=/t")
    assert [(field, args.get("source")) for field, args in found][:2] == [
        ("withMountedDirectory", CONTEXT),
        ("withMountedFile", call(CONTEXT, "file", path="/a.txt")),
    ]


SECRET = Node("Secret", "setSecret", None, {"name": "token"})


def test_a_secret_is_mounted_or_a_variable() -> None:
    given = {"secrets": {"token": SECRET}}
    file, *_ = mounts("--mount=type=secret,id=token", **given)
    assert (file[0], file[1]["path"], file[1]["source"]) == ("withMountedSecret", "/run/secrets/token", SECRET)
    variable, run, undo = mounts("--mount=type=secret,id=token,env=T", **given)
    assert (variable[0], variable[1]["name"], run[0], undo[0]) == (
        "withSecretVariable", "T", "withExec", "withoutSecretVariable",
    )  # fmt: skip


def test_a_secret_that_is_not_given_is_left_out_unless_required() -> None:
    assert [field for field, _ in mounts("--mount=type=secret,id=token")] == ["withExec"]
    with pytest.raises(DockerfileError, match="line 2: secret token: not found"):
        mounts("--mount=type=secret,id=token,required=true")


def test_memory_and_an_ssh_agent_are_mounted() -> None:
    temp, *_ = mounts("--mount=type=tmpfs,target=/t,size=2m")
    assert (temp[0], temp[1]["size"]) == ("withMountedTemp", 2 << 20)
    socket = Node("Socket", "unixSocket", None, {"path": "/s"})
    found = mounts("--mount=type=ssh", ssh=socket)
    assert [field for field, _ in found] == [
        "withUnixSocket", "withEnvVariable", "withExec", "withoutEnvVariable", "withoutUnixSocket",
    ]  # fmt: skip


def test_a_here_document_of_run_is_the_script() -> None:
    assert only("RUN <<EOF\na\nb\nEOF", "withExec")["args"] == ["/bin/sh", "-c", "a\nb\n"]
    script = calls("FROM base\nRUN <<EOF\n#!/bin/x\na\nEOF\n")
    assert [field for field, _ in script] == ["withMountedFile", "withExec", "withoutMount"]
    assert only("RUN cat <<EOF > /x\na\nEOF", "withExec")["args"][-1] == "cat <<EOF > /x\na\nEOF"


def test_the_triggers_of_the_base_image_run_first_and_are_gone() -> None:
    found = calls("FROM onbuild\nRUN own\n")
    assert [args.get("extra") or args["args"][-1] for _, args in found] == [{"OnBuild": None}, "triggered", "own"]


def test_scratch_is_nothing() -> None:
    assert [step.field for step in made("FROM scratch\n").chain()] == ["container"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("RUN x\n", "dockerfile parse error on line 1: no build stage in current context"),
        ("FROM a b\n", "dockerfile parse error on line 1: FROM requires either one or three arguments"),
        ("FROM $NONE\n", "dockerfile parse error on line 1: base name ($NONE) should not be blank"),
        ("FROM a\nCOPY x\n", "dockerfile parse error on line 2: COPY requires at least two arguments, but only one was "
                             "provided. Destination could not be determined."),
        ("FROM a\nENV A\n", "dockerfile parse error on line 2: ENV must have two arguments"),
        ("FROM a\nEXPOSE x\n", "dockerfile parse error on line 2: invalid containerPort: x"),
        ("FROM a\nRUN --mount=type=odd x\n", "dockerfile parse error on line 2: unsupported mount type 'odd'"),
        ("# none\n", "the Dockerfile contains no stages to build"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(text: str, message: str) -> None:
    with pytest.raises(EngineError) as caught:
        made(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("RUN --network=none x", "RUN --network=none"),
        ("COPY --chmod=u+x a b", "COPY --chmod=u+x (only octal modes are)"),
        ("ADD --keep-git-dir=true a b", "ADD --keep-git-dir"),
    ],
)
def test_what_is_not_served_is_named_with_its_line(text: str, what: str) -> None:
    with pytest.raises(InstructionNotServedError) as caught:
        made(f"FROM a\n\n{text}\n")
    assert str(caught.value).startswith(f"line 3 of the Dockerfile: {what} is not served by the embedded engine")


def test_a_target_that_is_not_there_is_told() -> None:
    with pytest.raises(EngineError, match='target stage "x" could not be found'):
        made("FROM a AS b\n", "x")
    assert made("FROM a AS b\nFROM c\n", "B").args["reference"] == "a"
    assert made("FROM a\nFROM c\n", "0").args["reference"] == "a"
