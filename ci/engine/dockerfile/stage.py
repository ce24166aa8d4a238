"""One stage: each instruction as calls of the API on the stage's container."""

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ci.engine import containers
from ci.engine.dockerfile import copying, running
from ci.engine.dockerfile.errors import InstructionNotServedError
from ci.engine.dockerfile.parse import Instruction, parse
from ci.engine.dockerfile.words import Words
from ci.engine.nodes import Node
from ci.engine.recipe import call
from ci.engine.state import Container

if TYPE_CHECKING:
    from ci.engine.dockerfile.build import Build

SHELL = ("/bin/sh", "-c")
EXPOSED = re.compile(r"(\d+)(?:-(\d+))?(?:/(tcp|udp))?", re.IGNORECASE)
Apply = Callable[["Stage", Instruction], None]
DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|us|ns|s)")
NANOSECONDS = {"h": 3600e9, "m": 60e9, "s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1}


@containers.change("dockerConfig")
def _docker_config(c: Container, a: Mapping[str, Any]) -> Container:
    """The engine's own recipe for what no field of the API sets; a value of None takes it away."""
    merged = {**c.config.extra, **a["extra"]}
    return c.configured(extra={name: value for name, value in merged.items() if value is not None})


class Stage:
    """A stage while its instructions are applied.

    Attributes:
        node: the container so far.
        number: the stage's place in the file.
        variables: what ENV and ARG gave, by name; those of ARG alone are in `arguments` too.
    """

    def __init__(self, build: "Build", number: int, base: Node) -> None:
        self.build = build
        self.number = number
        self.node = base
        config = build.lookups.config(base)
        self.variables: dict[str, str] = dict(config.env)
        self.arguments: dict[str, str] = {}
        self.workdir = config.workdir or "/"
        self.folders = {self.workdir}
        self._extra = config.extra
        self._shell = tuple(config.extra.get("Shell") or SHELL)
        self._environment = set(config.env)
        self._has_command = False

    def triggers(self) -> list[Instruction]:
        """The base image's ONBUILD instructions, which the image made has no longer."""
        rows = self._extra.get("OnBuild") or []
        if rows:
            self.configure(OnBuild=None)
        return [row for text in rows for row in parse(text).instructions]

    def apply(self, row: Instruction) -> None:
        """Apply one instruction.

        Raises:
            DockerfileError: it is wrong.
            InstructionNotServedError: it, or a flag of it, is not served.
        """
        known, function = INSTRUCTIONS[row.name]
        if unknown := next((name for name, _ in row.flags if name not in known), None):
            raise InstructionNotServedError(row.line, f"{row.name} --{unknown}")
        function(self, row)

    def add(self, field: str, **args: Any) -> None:
        """One more call on the container."""
        self.node = call(self.node, field, **args)

    def configure(self, **extra: Any) -> None:
        """Set what no field of the API sets."""
        self._extra = {**self._extra, **extra}
        self.node = Node("Container", "dockerConfig", self.node, {"extra": extra})

    def words(self, row: Instruction) -> Words:
        """The words of an instruction, with the variables as they are now."""
        return Words(row.line, self.variables, self.build.escape)

    def command(self, row: Instruction) -> list[str]:
        """A command in the exec form, or by the shell."""
        found = row.array()
        return found if found is not None else [*self._shell, row.text]

    def path(self, text: str) -> str:
        """A path as an absolute one."""
        return posixpath.normpath(posixpath.join("/", self.workdir, text))


def _pairs(stage: Stage, row: Instruction) -> list[tuple[str, str]]:
    """`KEY=VALUE ...`, or the older `KEY VALUE`."""
    words = stage.words(row)
    parts = words.split(row.text)
    if "=" not in parts[0]:
        key, _, value = row.text.partition(" ")
        if not value.strip():
            raise row.error(f"{row.name} must have two arguments")
        return [(words.one(key), words.one(value.strip()))]
    if wrong := next((part for part in parts if "=" not in part), None):
        raise row.error(f"Syntax error - can't find = in {wrong!r}. Must be of the form: name=value")
    return [(words.one(part.partition("=")[0]), words.one(part.partition("=")[2])) for part in parts]


def _env(stage: Stage, row: Instruction) -> None:
    for name, value in _pairs(stage, row):
        stage.add("withEnvVariable", name=name, value=value)
        stage.variables[name] = value
        stage._environment.add(name)
        stage.arguments.pop(name, None)


def _arg(stage: Stage, row: Instruction) -> None:
    words = stage.words(row)
    for part in words.split(row.text):
        name, has_default, default = part.partition("=")
        given, outer = stage.build.given.arguments, stage.build.arguments
        value = given.get(name) or (words.one(default) if has_default else outer.get(name))
        if value is not None and name not in stage._environment:
            stage.arguments[name] = stage.variables[name] = value


def _label(stage: Stage, row: Instruction) -> None:
    for name, value in _pairs(stage, row):
        stage.add("withLabel", name=name, value=value)


def _maintainer(stage: Stage, row: Instruction) -> None:
    stage.add("withLabel", name="maintainer", value=row.text)


def _workdir(stage: Stage, row: Instruction) -> None:
    stage.workdir = stage.path(stage.words(row).one(row.text))
    stage.folders.add(stage.workdir)
    stage.add("withWorkdir", path=stage.workdir)


def _user(stage: Stage, row: Instruction) -> None:
    stage.add("withUser", name=stage.words(row).one(row.text))


def _expose(stage: Stage, row: Instruction) -> None:
    for word in stage.words(row).each(row.text):
        match = EXPOSED.fullmatch(word)
        if match is None:
            raise row.error(f"invalid containerPort: {word}")
        for port in range(int(match[1]), int(match[2] or match[1]) + 1):
            stage.add("withExposedPort", port=port, protocol=(match[3] or "tcp").upper())


def _cmd(stage: Stage, row: Instruction) -> None:
    stage.add("withDefaultArgs", args=stage.command(row))
    stage._has_command = True


def _entrypoint(stage: Stage, row: Instruction) -> None:
    # The base image's CMD belongs to its own ENTRYPOINT.
    stage.add("withEntrypoint", args=stage.command(row), keepDefaultArgs=stage._has_command)


def _shell(stage: Stage, row: Instruction) -> None:
    found = row.array()
    if not found:
        raise row.error('SHELL requires the arguments to be in JSON form, as ["sh", "-c"]')
    stage._shell = tuple(found)
    stage.configure(Shell=found)


def _volume(stage: Stage, row: Instruction) -> None:
    found = row.array()
    paths = found if found is not None else stage.words(row).each(row.text)
    stage.configure(Volumes={**(stage._extra.get("Volumes") or {}), **{path: {} for path in paths}})


def _stopsignal(stage: Stage, row: Instruction) -> None:
    stage.configure(StopSignal=stage.words(row).one(row.text))


def _onbuild(stage: Stage, row: Instruction) -> None:
    stage.configure(OnBuild=[*(stage._extra.get("OnBuild") or []), row.text])


def _healthcheck(stage: Stage, row: Instruction) -> None:
    kind, _, rest = row.text.partition(" ")
    if kind.upper() == "NONE":
        return stage.configure(Healthcheck={"Test": ["NONE"]})
    if kind.upper() != "CMD" or not rest.strip():
        raise row.error(f"unknown type {kind!r} in HEALTHCHECK (try CMD)")
    exec_form = Instruction(row.line, row.name, rest.strip()).array()
    check: dict[str, Any] = {"Test": ["CMD", *exec_form] if exec_form is not None else ["CMD-SHELL", rest.strip()]}
    for flag, key in (
        ("interval", "Interval"), ("timeout", "Timeout"), ("start-period", "StartPeriod"),
        ("start-interval", "StartInterval"),
    ):  # fmt: skip
        if row.flag(flag):
            check[key] = _nanoseconds(row, row.flag(flag))
    if row.flag("retries"):
        check["Retries"] = int(row.flag("retries"))
    return stage.configure(Healthcheck=check)


def _nanoseconds(row: Instruction, text: str) -> int:
    parts = DURATION.findall(text)
    if "".join(number + unit for number, unit in parts) != text:
        raise row.error(f"time: invalid duration {text!r}")
    return int(sum(float(number) * NANOSECONDS[unit] for number, unit in parts))


HEALTH_FLAGS = ("interval", "timeout", "start-period", "start-interval", "retries")
# Each instruction with the flags it knows.
INSTRUCTIONS: dict[str, tuple[tuple[str, ...], Apply]] = {
    "ADD": (("chown", "chmod", "link", "exclude", "checksum", "unpack"), copying.add),
    "ARG": ((), _arg),
    "CMD": ((), _cmd),
    "COPY": (("from", "chown", "chmod", "link", "exclude", "parents"), copying.copy),
    "ENTRYPOINT": ((), _entrypoint),
    "ENV": ((), _env),
    "EXPOSE": ((), _expose),
    "HEALTHCHECK": (HEALTH_FLAGS, _healthcheck),
    "LABEL": ((), _label),
    "MAINTAINER": ((), _maintainer),
    "ONBUILD": ((), _onbuild),
    "RUN": (("mount", "network", "security"), running.run),
    "SHELL": ((), _shell),
    "STOPSIGNAL": ((), _stopsignal),
    "USER": ((), _user),
    "VOLUME": ((), _volume),
    "WORKDIR": ((), _workdir),
}
