"""A chain of the module's own functions is followed without the GraphQL library and without Docker's."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ci.cli import words
from ci.cli.direct import can_follow
from ci.cli.types import Types
from ci.engine.modules.config import find_config
from ci.engine.modules.source import Source
from ci.engine.store import Store
from ci.engine.typedefs import Argument, Function, ModuleTypes, ObjectType, TypeRef

TEXT, NUMBER = TypeRef("STRING_KIND"), TypeRef("FLOAT_KIND")
PART = TypeRef("OBJECT_KIND", "SamplePart")
PARTS = TypeRef("LIST_KIND", "", False, PART)
MODULE = ModuleTypes(
    "sample",
    "",
    (
        ObjectType("Sample", functions=(
            Function("hello", TEXT, args=(Argument("name", TEXT, default='"world"'),)),
            Function("part", PART),
            Function("parts", PARTS),
            Function("base", TypeRef("OBJECT_KIND", "Container")),
            Function("folder", TEXT, args=(Argument("source", TypeRef("OBJECT_KIND", "Directory")),)),
        )),
        ObjectType("SamplePart", fields=(("width", NUMBER, "", None), ("note", TEXT, "", None))),
    ),
)  # fmt: skip
HEAVY = ("graphql", "docker", "requests", "dagger", "click", "rich", "http.server")
CALLED = """
import sys
import dagger
from dagger import function, object_type

with open({told!r}, "a", encoding="utf-8") as file:
    print("dagger" in sys.modules, file=file)


@object_type
class Sample:
    @function
    def hello(self, name: str = "world") -> str:
        return f"hello {{name}}"
"""
PROGRAM = f"""
import sys
from ci.cli.main import main
try:
    main()
finally:
    print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("call", "followed"),
    [
        ([], True),
        (["hello"], True),
        (["part"], True),
        (["parts"], True),
        (["part", "note"], True),
        (["parts", "note"], False),
        (["base"], False),
        (["base", "stdout"], False),
    ],
)
def test_only_what_is_the_modules_own_is_followed_without_the_api(call: list[str], followed: bool) -> None:
    links = words.parse(Types(MODULE, None), call).links
    assert can_follow(MODULE, links) is followed
    assert not can_follow(None, links)


class Module:
    """A module on disk, its types and results already in a store as earlier calls left them."""

    def __init__(self, folder: Path) -> None:
        self.cache = folder / "cache"
        self.folder = folder / "module"
        (self.folder / "sample").mkdir(parents=True)
        (self.folder / "sample" / "__init__.py").write_text("raise SystemExit('imported')\n", encoding="utf-8")
        config = {"name": "sample", "sdk": "python", "engineVersion": "v0.21.8"}
        (self.folder / "dagger.json").write_text(json.dumps(config), encoding="utf-8")
        source = Source(Store(self.cache / "cutover"), find_config(self.folder))
        source.keep(MODULE)

    def imports_the_sdk(self) -> Path:
        """Give the module a function, for the SDK to import and to call; gives the file that has a line an import."""
        told = self.cache.with_name("imports.txt")
        (self.folder / "sample" / "__init__.py").write_text(CALLED.format(told=str(told)), encoding="utf-8")
        return told

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {"XDG_CACHE_HOME": str(self.cache), "HOME": str(self.folder), "PATH": "/nowhere"}
        return subprocess.run(
            [sys.executable, "-P", "-c", PROGRAM, "--engine", "embedded", "--progress", "quiet", *words],
            cwd=self.folder, env=environment, capture_output=True, text=True, timeout=60,
        )  # fmt: skip


@pytest.fixture
def module(tmp_path: Path) -> Module:
    return Module(tmp_path)


@pytest.mark.parametrize("words", [["functions"], ["call", "--help"], ["call", "hello", "--help"]])
def test_what_is_known_of_a_module_is_told_without_importing_it_or_any_large_library(
    module: Module, words: list[str]
) -> None:
    done = module.call(*words)
    assert (done.returncode, done.stderr.strip()) == (0, "[]")
    assert "hello" in done.stdout


def test_a_folder_that_is_not_there_is_told_without_them_too(module: Module) -> None:
    done = module.call("call", "folder", "--source", "nowhere")
    assert done.returncode == 1
    assert 'failed to get value for argument "source": lstat' in done.stderr
    assert done.stderr.strip().endswith("[]")


def test_a_call_whose_answer_is_known_starts_no_process_and_imports_neither_the_module_nor_the_sdk(
    module: Module,
) -> None:
    imports = module.imports_the_sdk()
    first = module.call("call", "hello", "--name", "bob")
    assert (first.returncode, first.stdout) == (0, "hello bob"), first.stderr
    assert imports.read_text(encoding="utf-8") == "True\n"
    again = module.call("call", "hello", "--name", "bob")
    assert (again.returncode, again.stdout, again.stderr.strip()) == (0, "hello bob", "[]")
    assert imports.read_text(encoding="utf-8") == "True\n"
