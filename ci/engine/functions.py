"""Loads a Python module and calls its functions, each in a process of the SDK's own entry point, results kept by
content."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ci.engine import hostfs, typedefs
from ci.engine.errors import EngineError, FunctionFailedError, ModuleLoadError
from ci.engine.nodes import Node, digest_of
from ci.engine.typedefs import Argument, Function, ModuleTypes, ObjectType, TypeRef, camel, pascal

if TYPE_CHECKING:
    from ci.engine.api import Context
    from ci.engine.server import Server

DEFAULT_TTL_SECONDS = 7 * 24 * 3600  # Dagger's own default
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
STDERR_TAIL = 4000  # characters shown when a module's process ends without an answer
RUNTIME = "import sys; from dagger.mod.cli import app; sys.exit(app())"


@dataclass
class FunctionCall:
    """One call as the module's process asks for it and answers it."""

    parent_name: str = ""
    name: str = ""
    parent: Any = None
    args: Mapping[str, Any] = field(default_factory=dict)
    value: Any = None
    returned: bool = False
    error: Node | None = None
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ModuleConfig:
    """A module's dagger.json: where it lies, its name, and which files are its source."""

    root: Path
    name: str
    include: tuple[str, ...]

    @property
    def context_root(self) -> Path:
        """The folder that absolute default paths are relative to: the git repository's root, or the module's."""
        at = self.root
        while at != at.parent:
            if (at / ".git").exists():
                return at
            at = at.parent
        return self.root


def find_config(start: Path) -> ModuleConfig:
    """The module at `start` or the nearest folder above it.

    Raises:
        ModuleLoadError: none is there, its dagger.json cannot be read, or it is not a Python module.
    """
    for folder in (start.absolute(), *start.absolute().parents):
        if (folder / "dagger.json").is_file():
            return _read_config(folder)
    raise ModuleLoadError(f"no module: {start} and the folders above it have no dagger.json; name one with -m PATH")


def _read_config(folder: Path) -> ModuleConfig:
    try:
        raw = json.loads((folder / "dagger.json").read_text(encoding="utf-8"))
        name, sdk = raw["name"], raw.get("sdk")
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise ModuleLoadError(f"{folder / 'dagger.json'} is not a module's configuration: {error!r}") from error
    if (sdk.get("source") if isinstance(sdk, dict) else sdk) != "python":
        raise ModuleLoadError(f"module {name} in {folder} is not a Python module; Dagger's engine serves it")
    if raw.get("dependencies") or raw.get("toolchains"):
        raise ModuleLoadError(
            f"module {name} depends on other modules, which the embedded engine does not serve; Dagger's engine does"
        )
    return ModuleConfig(folder / (raw.get("source") or "."), name, tuple(raw.get("include") or ()))


class LoadedModule:
    """A module whose types are known and whose functions can be called."""

    def __init__(self, context: "Context", server: "Server", config: ModuleConfig) -> None:
        self._server = server
        self._session = context.session
        self.config = config
        self.name = config.name
        tree = hostfs.snapshot(
            self._session.store, config.root, config.include, () if config.include else (".git", ".venv")
        )
        self.source = self._session.nodes.add(self._session.evaluator.snapshot(tree))
        self.digest = digest_of([tree.digest, config.name, version("dagger-io")])
        self._runtime = self._prepared()
        self._functions: dict[tuple[str, str], tuple[str, Any]] = {}
        try:
            self.types = self._types()
        except BaseException:
            self.close()
            raise
        self._functions = _index(self.types)
        self._session_results: dict[str, Any] = {}

    def close(self) -> None:
        """Remove the module's scratch folder."""
        shutil.rmtree(self._runtime, ignore_errors=True)

    # Loading

    def _prepared(self) -> Path:
        """A folder with the entry point's metadata, by which the SDK finds the main object."""
        folder = Path(tempfile.mkdtemp(prefix="cutover-module-"))
        info = folder / "cutover_module-0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: cutover-module\nVersion: 0\n", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[dagger.mod]\nmain_object = {self._entry_point()}\n", encoding="utf-8")
        (folder / "work").mkdir()
        return folder

    def _entry_point(self) -> str:
        path = self.config.root / "pyproject.toml"
        try:
            project = tomllib.loads(path.read_text(encoding="utf-8")).get("project", {}) if path.exists() else {}
        except tomllib.TOMLDecodeError as error:
            raise ModuleLoadError(f"{path} is not TOML: {error}") from error
        declared = project.get("entry-points", {}).get("dagger.mod", {}).get("main_object")
        package = str(project.get("name") or self.name).replace("-", "_")
        return declared or f"{package}:{pascal(self.name)}"

    def _types(self) -> ModuleTypes:
        store = self._session.store
        if record := store.get_record("types", self.digest):
            return typedefs.restored(record)
        with self._session.progress.step(f"load module {self.name}"):
            call = FunctionCall()
            self._execute(call, "registration")
        module = self._session.nodes.get(call.value, "Module")
        types = typedefs.folded(self.name, module)
        store.put_record("types", self.digest, types.json())
        return types

    # Fields of the schema

    def function(self, type_name: str, field_name: str) -> tuple[str, Any] | None:
        """What a field of the schema is in this module: a function or a public field of an object; None for core
        fields."""
        return self._functions.get((type_name, field_name))

    def resolve(self, context: "Context", found: tuple[str, Any], parent: Any, args: Mapping[str, Any]) -> Any:
        """The value of a field of this module: a function is called, a public field read from the object's state."""
        kind, item = found
        if kind == "field":
            name, ref = item
            return self._value(ref, parent.args["state"].get(name))
        if kind == "id":
            return parent.id
        function: Function = item
        parent_name = parent.type if parent is not None else self.types.main.name
        state = parent.args["state"] if parent is not None else {}
        ref = function.result if parent is not None else TypeRef("OBJECT_KIND", self.types.main.name)
        if parent is None and self.types.main.constructor is None:
            return self._value(ref, {})
        return self._value(ref, self._called(context, parent_name, state, function, self._inputs(function, args)))

    def _inputs(self, function: Function, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments as the function gets them: what was given, else the default, else nothing."""
        inputs: dict[str, Any] = {}
        for arg in function.args:
            value = given.get(camel(arg.name))
            if value is not None:
                inputs[arg.name] = _plain(value)
            elif arg.default_path:
                if (node := self._default(arg)) is not None:
                    inputs[arg.name] = node.id
            elif arg.default is not None:
                inputs[arg.name] = json.loads(arg.default)
        return inputs

    def _default(self, arg: Argument) -> Node | None:
        """What DefaultPath names: absolute paths from the context's root, others from the module's."""
        root = self.config.context_root if arg.default_path.startswith("/") else self.config.root
        place = root / arg.default_path.strip("/")
        if arg.type.optional and not place.exists():
            return None
        if arg.type.name == "File":
            return self._session.nodes.add(self._session.host_file(str(place)))
        return self._session.nodes.add(self._session.host_directory(str(place), [], list(arg.ignore)))

    def _value(self, ref: TypeRef, value: Any) -> Any:
        """A function's JSON result as the schema's value."""
        if value is None:
            return None
        if ref.element is not None:
            return [self._value(ref.element, item) for item in value]
        if ref.kind == "OBJECT_KIND" and any(item.name == ref.name for item in self.types.objects):
            return self._session.nodes.add(
                Node(ref.name, "instance", None, {"state": value, "holds": self._held(value)})
            )
        if ref.kind == "OBJECT_KIND":
            return self._session.nodes.get(value, ref.name)
        return value

    def _held(self, value: Any) -> list[Node]:
        """The objects whose ids a JSON value holds."""
        if isinstance(value, str):
            node = self._session.nodes.find(value)
            return [node] if node else []
        items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
        return [node for item in items for node in self._held(item)]

    # Calling

    def _called(
        self, context: "Context", parent_name: str, state: Any, function: Function, inputs: dict[str, Any]
    ) -> Any:
        shown = f"{camel(function.name) or self.name}"
        key = digest_of([self.digest, parent_name, state, function.name, inputs])
        if (known := self._known(key, function)) is not None:
            self._session.progress.hit(shown)
            return known["value"]
        call = FunctionCall(parent_name, function.name, state, inputs)
        with self._session.progress.step(shown):
            self._execute(call, shown)
        self._keep(key, function, call.value)
        return call.value

    def _known(self, key: str, function: Function) -> Mapping[str, Any] | None:
        if function.cache_policy == "Never":
            return None
        if function.cache_policy == "PerSession":
            return self._session_results.get(key)
        record = self._session.store.get_record("function", key)
        if record is None or record["until"] < time.time():
            return None
        self._session.nodes.restore(record["nodes"])
        return dict(record)

    def _keep(self, key: str, function: Function, value: Any) -> None:
        if function.cache_policy == "PerSession":
            self._session_results[key] = {"value": value}
        elif function.cache_policy != "Never":
            rows = self._session.nodes.dump(self._held(value))
            # A secret given by value lives in this session's memory only: nobody else could use such a result.
            if not any(row["field"] == "setSecret" for row in rows):
                until = time.time() + _seconds(function.ttl)
                self._session.store.put_record("function", key, {"value": value, "nodes": rows, "until": until})

    def _execute(self, call: FunctionCall, shown: str) -> None:
        """Run the module's process for one call, until it has answered."""
        with self._server.serving(self, call) as (port, token), tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                [sys.executable, "-c", RUNTIME],
                cwd=self._runtime / "work",
                env=self._environment(port, token),
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                start_new_session=True,
            )
            try:
                code = process.wait()
            finally:
                process.kill()
                process.wait()
            errors.seek(0)
            printed = errors.read().decode(errors="replace").strip()
        if call.error is not None:
            raise _failure(call.error, call.refused)
        if not call.returned:
            raise ModuleLoadError(
                f"{self.name}: {shown} ended with exit code {code} and no answer:\n{printed[-STDERR_TAIL:]}"
            )
        for line in printed.splitlines():
            self._session.progress.say(f"    {line}")

    def _environment(self, port: int, token: str) -> dict[str, str]:
        source = [str(self._runtime), str(self.config.root), str(self.config.root / "src")]
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join(source),
            "PYTHONDONTWRITEBYTECODE": "1",
            "DAGGER_SESSION_PORT": str(port),
            "DAGGER_SESSION_TOKEN": token,
            "DAGGER_MODULE": self.name,
            "DAGGER_MAIN_OBJECT": pascal(self.name),
        }


def _index(types: ModuleTypes) -> dict[tuple[str, str], tuple[str, Any]]:
    found: dict[tuple[str, str], tuple[str, Any]] = {}
    constructor = types.main.constructor or Function("", TypeRef("OBJECT_KIND", types.main.name))
    found["Query", camel(types.name)] = ("function", constructor)
    for item in types.objects:
        found[item.name, "id"] = ("id", None)
        found |= {(item.name, camel(name)): ("field", (name, ref)) for name, ref, _ in item.fields}
        found |= {(item.name, camel(function.name)): ("function", function) for function in item.functions}
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, Node):
        return value.id
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _failure(error: Node, refused: Sequence[str]) -> EngineError:
    """The error a function returned; where the SDK wrapped what the engine told it, the engine's own sentence."""
    message, values = "", {}
    for step in error.chain():
        if step.field == "error":
            message = step.args["message"]
        elif step.field == "withValue":
            values[step.args["name"]] = json.loads(step.args["value"])
    told = next((text for text in refused if text in message), message)
    return FunctionFailedError(told, values)


def _seconds(ttl: str) -> float:
    """A Go duration such as `10m` in seconds; Dagger's default where it is empty."""
    return float(ttl[:-1]) * UNITS[ttl[-1]] if ttl and ttl[-1] in UNITS else DEFAULT_TTL_SECONDS


__all__ = ["FunctionCall", "LoadedModule", "ModuleConfig", "ObjectType", "find_config"]
