"""Functions' results go by content: by the module's files, by the arguments, and by what they read."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from ci.engine.docker_api import Docker
from ci.engine.errors import DockerUnavailableError, InvalidArgumentError
from ci.engine.functions import FunctionCall, LoadedModule
from ci.engine.modules.config import find_config
from ci.engine.modules.runtime import Request, Runtime
from ci.engine.modules.source import Source
from ci.engine.progress import Progress
from ci.engine.recipes import RecipeBook
from ci.engine.server import Server
from ci.engine.session import Session
from ci.engine.store import Store
from ci.engine.typedefs import Argument, Function, ModuleTypes, ObjectType, TypeRef

TEXT, FOLDER, SECRET = TypeRef("STRING_KIND"), TypeRef("OBJECT_KIND", "Directory"), TypeRef("OBJECT_KIND", "Secret")
TALLY = Function(
    "tally",
    TEXT,
    args=(
        Argument("name", TEXT, default='"world"'),
        Argument("source", FOLDER, default_path="/app", ignore=("*.log",)),
        Argument("token", replace(SECRET, optional=True)),
    ),
)
CONFIG = {"name": "sample", "sdk": "python", "engineVersion": "latest", "include": ["!**", "sample/**"]}
MADE = Function("", TypeRef("OBJECT_KIND", "Sample"), args=(Argument("greeting", TEXT, default='"hello"'),))


@dataclass
class Answering:
    """Stands for the module's process and for the server that it asks: counts the functions that are called."""

    called: list[str] = field(default_factory=list)
    before_answer: Callable[[], None] = lambda: None
    _call: FunctionCall = field(default_factory=FunctionCall)

    @contextlib.contextmanager
    def serving(self, module: LoadedModule, call: FunctionCall) -> Iterator[tuple[int, str]]:
        self._call = call
        yield 0, "token"

    @contextlib.contextmanager
    def workdir(self) -> Iterator[Path]:
        yield Path()

    def call(self, request: Request) -> int:
        name = self._call.name
        self.called.append(name)
        self.before_answer()
        self._call.value = f"call {len(self.called)}" if name else dict(self._call.args)
        self._call.returned = True
        return 0


class AnsweringSource(Source):
    """A module whose types are known and whose functions `process` answers."""

    def __init__(self, store: Store, folder: Path, function: Function, process: Answering) -> None:
        super().__init__(store, find_config(folder))
        self._function, self._process = function, process

    def types(self) -> ModuleTypes:
        own = ObjectType("Sample", constructor=MADE, functions=(self._function,))
        enums = (
            (("Platform", (("LINUX", "linux", "", None),), ""),) if self._function.result.kind == "ENUM_KIND" else ()
        )
        return ModuleTypes("sample", "", (own,), enums)

    def runtime(self, say: Callable[[str], None]) -> Runtime:
        return cast(Runtime, self._process)


def no_docker(call_id: str) -> Docker:
    raise DockerUnavailableError("nobody home")


@dataclass
class Calls:
    """Calls of one module, each in a session of its own over one store, as one `cutover call` after another is."""

    root: Path
    process: Answering = field(default_factory=Answering)
    function: Function = TALLY

    def __post_init__(self) -> None:
        self.written("dagger.json", json.dumps(CONFIG))
        self.written("sample/__init__.py", "one")
        self.written("app/main.py", "one")

    def written(self, path: str, text: str) -> None:
        """Write a file of the repository."""
        place = self.root / "clone" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")

    def moved(self) -> None:
        """Let the repository be a clone at another place."""
        (self.root / "clone").rename(self.root / "other")
        (self.root / "other" / "dagger.json").touch()
        (self.root / "clone").symlink_to(self.root / "other")

    def tally(self, greeting: str = "hello", secret: str = "", **arguments: Any) -> str:
        """The function's result."""
        store, folder = Store(self.root / "store"), (self.root / "clone").resolve()
        session = Session(store, Progress(quiet=True), RecipeBook(), folder, no_docker)
        source = AnsweringSource(store, folder, self.function, self.process)
        module = LoadedModule(session, lambda: cast(Server, self.process), source)
        if secret:
            arguments["token"] = session.nodes.add(session.secrets.from_uri(secret))
        try:
            constructor, method = (module.function(*name) for name in (("Query", "sample"), ("Sample", "tally")))
            assert constructor is not None and method is not None
            return str(module.resolve(method, module.resolve(constructor, None, {"greeting": greeting}), arguments))
        finally:
            session.close()

    @property
    def ran(self) -> int:
        """How often the function was called in the module's process."""
        return self.process.called.count("tally")


@pytest.fixture
def calls(tmp_path: Path) -> Calls:
    return Calls(tmp_path)


def test_equal_content_is_called_once(calls: Calls) -> None:
    first = calls.tally()
    calls.written("README.md", "not part of the module")
    calls.written("app/run.log", "ignored")
    calls.moved()
    assert calls.tally() == first
    assert calls.tally(name="world") == first, "the default is an argument like any other"
    assert calls.process.called == ["", "tally"]


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(lambda calls: calls.tally(name="bob"), id="an argument"),
        pytest.param(lambda calls: calls.tally(greeting="bye"), id="the object called on"),
        pytest.param(
            lambda calls: (calls.written("sample/__init__.py", "two"), calls.tally()), id="the module's files"
        ),
        pytest.param(lambda calls: (calls.written("app/main.py", "two"), calls.tally()), id="a file that it reads"),
        pytest.param(lambda calls: (calls.written("app/more.py", ""), calls.tally()), id="a new file that it reads"),
        pytest.param(lambda calls: calls.tally(secret="env:SAMPLE_SECRET"), id="a secret"),
    ],
)
def test_whatever_it_reads_makes_another_result(
    calls: Calls, changed: Callable[[Calls], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAMPLE_SECRET", "hush")
    first = calls.tally()
    changed(calls)
    assert calls.ran == 2
    calls.written("sample/__init__.py", "one")
    calls.written("app/main.py", "one")
    (calls.root / "clone" / "app" / "more.py").unlink(missing_ok=True)
    assert calls.tally() == first, "what was there before is still known"
    assert calls.ran == 2


@pytest.mark.parametrize(("policy", "ttl"), [("Never", ""), ("PerSession", ""), ("Default", "0s")])
def test_a_function_is_called_again_where_its_policy_says_so(calls: Calls, policy: str, ttl: str) -> None:
    calls.function = replace(TALLY, cache_policy=policy, ttl=ttl)
    assert calls.tally() != calls.tally()


def test_what_another_version_of_the_files_gave_is_not_kept_for_this_one(calls: Calls) -> None:
    calls.process.before_answer = lambda: calls.written("sample/__init__.py", "edited during the call")
    calls.tally()
    calls.process.before_answer = lambda: None
    calls.written("sample/__init__.py", "one")
    calls.tally()
    assert calls.ran == 2


@pytest.mark.parametrize(
    ("kind", "message"), [("SCALAR_KIND", '^"call 2": unknown operating system'), ("ENUM_KIND", "^invalid enum value")]
)
def test_a_result_that_its_type_does_not_have_is_refused(calls: Calls, kind: str, message: str) -> None:
    calls.function = replace(TALLY, result=TypeRef(kind, "Platform"))
    with pytest.raises(InvalidArgumentError, match=message):
        calls.tally()


@pytest.mark.parametrize(
    ("settings", "ran"),
    [
        ({"engineVersion": ""}, 2),
        ({"engineVersion": "v0.19.3"}, 2),
        ({"engineVersion": "v0.19.4"}, 1),
        ({"disableDefaultFunctionCaching": True}, 2),
        ({"engineVersion": "v0.18.0", "disableDefaultFunctionCaching": False}, 1),
    ],
)
def test_results_outlive_the_session_where_the_modules_version_lets_them(
    calls: Calls, settings: dict[str, Any], ran: int
) -> None:
    calls.written("dagger.json", json.dumps(CONFIG | settings))
    calls.tally()
    calls.tally()
    assert calls.ran == ran
