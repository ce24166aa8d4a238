"""The build of a Dockerfile: from the stage that is wanted back to those it needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ci.engine import platforms
from ci.engine.dockerfile.errors import DockerfileError
from ci.engine.dockerfile.parse import Dockerfile, Instruction, parse
from ci.engine.dockerfile.stage import Stage
from ci.engine.dockerfile.words import Words
from ci.engine.errors import EngineError
from ci.engine.nodes import Node
from ci.engine.recipe import call
from ci.engine.state import Config

SCRATCH = "scratch"


@dataclass(frozen=True)
class Given:
    """What a build is given: the arguments of Directory.dockerBuild.

    Attributes:
        context: the folder that COPY takes from, less what .dockerignore names.
        arguments: build arguments.
        secrets: secrets by their name.
        ssh: the socket of `RUN --mount=type=ssh`.
        platform: the platform to build for; empty for this machine's.
        init: whether RUN's processes get an init.
    """

    context: Node
    arguments: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, Node] = field(default_factory=dict)
    ssh: Node | None = None
    platform: str = ""
    init: bool = True


@dataclass(frozen=True)
class Lookups:
    """What a build asks the engine.

    Attributes:
        image: the container of an image, by its reference, on a container of the platform.
        config: the configuration of a container.
        is_directory: whether a path in a Directory or Container is one.
    """

    image: Callable[[str, Node], Node]
    config: Callable[[Node], Config]
    is_directory: Callable[[Node, str], bool]


def build(text: str, target: str, given: Given, lookups: Lookups) -> Node:
    """The container that a Dockerfile's stage makes (empty `target`: the last one), as a recipe.

    Raises:
        DockerfileError: the file is wrong.
        InstructionNotServedError: it asks for what this engine does not serve.
    """
    return Build(parse(text), given, lookups).stage(target)


class Build:
    """One build; each stage is made once, when first needed."""

    def __init__(self, dockerfile: Dockerfile, given: Given, lookups: Lookups) -> None:
        self.given = given
        self.lookups = lookups
        self.escape = dockerfile.escape
        self.arguments: dict[str, str] = {}
        self._stages = self._split(dockerfile.instructions)
        self._made: dict[int, Stage] = {}
        self._being_made: set[int] = set()

    def _split(self, instructions: Sequence[Instruction]) -> list[list[Instruction]]:
        """The stages' instructions; the ARGs before the first become the build's own."""
        stages: list[list[Instruction]] = []
        self.arguments = self._platforms()
        for row in instructions:
            if row.name == "FROM":
                stages.append([row])
            elif stages:
                stages[-1].append(row)
            elif row.name == "ARG":
                self._global_argument(row)
            else:
                raise row.error("no build stage in current context")
        if not stages:
            raise EngineError("the Dockerfile contains no stages to build")
        return stages

    def _global_argument(self, row: Instruction) -> None:
        words = Words(row.line, self.arguments, self.escape)
        for word in words.split(row.text):
            name, _, default = word.partition("=")
            self.arguments[name] = self.given.arguments.get(name, words.one(default))

    def _platforms(self) -> dict[str, str]:
        """The arguments that are there in every build: what it runs on and what it is for."""
        found: dict[str, str] = {}
        for kind, text in (("BUILD", ""), ("TARGET", self.given.platform)):
            row = platforms.row_of(text)
            found |= {
                f"{kind}PLATFORM": platforms.normal(text),
                f"{kind}OS": row["os"],
                f"{kind}ARCH": row["architecture"],
                f"{kind}VARIANT": row.get("variant", ""),
            }
        return found

    # Stages

    def stage(self, target: str) -> Node:
        """The container of the stage that `target` names, or of the last one.

        Raises:
            EngineError: there is no such stage.
        """
        number = len(self._stages) - 1 if not target else self.find(target, len(self._stages))
        if number is None:
            raise EngineError(f'target stage "{target}" could not be found')
        return self.made(number, 0).node

    def find(self, name: str, before: int) -> int | None:
        """The number of the stage called `name`, or that `name` is, among the first ones; the last of equal names."""
        names = [_name(rows[0]) for rows in self._stages[:before]]
        for number in reversed(range(len(names))):
            if names[number] == name.lower():
                return number
        return int(name) if name.isdigit() and int(name) < before else None

    def made(self, number: int, line: int) -> Stage:
        """A stage, made if it was not.

        Raises:
            DockerfileError: it needs itself.
        """
        if number in self._being_made:
            raise DockerfileError(line, "circular dependency between stages")
        if number not in self._made:
            self._being_made.add(number)
            first, *rest = self._stages[number]
            stage = Stage(self, number, self._base(first, number))
            for row in stage.triggers() + rest:
                stage.apply(row)
            self._being_made.discard(number)
            self._made[number] = stage
        return self._made[number]

    def _base(self, row: Instruction, number: int) -> Node:
        words = Words(row.line, self.arguments, self.escape)
        parts = words.each(row.text)
        if len(parts) not in (1, 3) or (len(parts) == 3 and parts[1].lower() != "as"):
            raise row.error("FROM requires either one or three arguments")
        if not parts[0]:
            raise row.error(f"base name ({row.text.split()[0]}) should not be blank")
        if (other := self.find(parts[0], number)) is not None and not parts[0].isdigit():
            return self.made(other, row.line).node
        return self.from_image(parts[0], words.one(row.flag("platform")))

    def from_image(self, reference: str, platform: str = "") -> Node:
        """The container of an image, or an empty one for `scratch`."""
        empty = call(None, "container", platform=platform or self.given.platform or None)
        return empty if reference == SCRATCH else self.lookups.image(reference, empty)

    def source(self, row: Instruction, name: str, number: int) -> Node:
        """What `--from` of an instruction in stage `number` names: a stage before it, or an image."""
        if (other := self.find(name, number)) is not None:
            return self.made(other, row.line).node
        return self.from_image(name)


def _name(row: Instruction) -> str:
    parts = row.text.split()
    return parts[2].lower() if len(parts) == 3 else ""
