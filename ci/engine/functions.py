"""A module that is served: its functions as fields of the schema, each called in the module's own process, results kept
by content."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ci.engine import hostfs, platforms
from ci.engine.errors import EngineError, FunctionFailedError, InvalidEnumError, ModuleLoadError, NotServedError
from ci.engine.modules import registration
from ci.engine.modules.arguments import INTERFACE, Arguments
from ci.engine.modules.config import ModuleConfig, find_config
from ci.engine.modules.results import Results, held
from ci.engine.modules.runtime import Request
from ci.engine.modules.source import Source
from ci.engine.nodes import Node, digest_of, snapshot
from ci.engine.typedefs import Function, ModuleTypes, ObjectType, TypeRef, camel

if TYPE_CHECKING:
    from ci.engine.server import Server
    from ci.engine.session import Session


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
    workdir: Path = Path()
    step: int | None = None  # of the progress: what the function asks for is part of it


class LoadedModule:
    """A module whose types are known and whose functions can be called.

    Args:
        session: the session it is part of.
        serve: gives the server that its process asks; called when its process is first needed.
        source: its files.

    Raises:
        ModuleLoadError: its code cannot be imported, or registers what is not served.
    """

    def __init__(self, session: "Session", serve: "Callable[[], Server]", source: Source) -> None:
        self._serve = serve
        self._session = session
        self._source = source
        self.config = source.config
        self.name = source.config.name
        self.results = Results(self._session.store, self._session.nodes)
        self._functions: dict[tuple[str, str], tuple[str, Any]] = {}
        self.types = ModuleTypes(self.name)  # none are known before the registration
        self.types = source.types() or self._registered()
        self._functions = _index(self.types)
        self._arguments = Arguments(session, source.config, self.types)

    @property
    def source(self) -> Node:
        """The module's files, as CurrentModule.source gives them."""
        config = self.config
        tree = hostfs.snapshot(self._session.store, config.root, config.included, config.ignored)
        inside = config.source.relative_to(config.root).as_posix()
        taken = self._session.store.put_tree(tree.subtree("" if inside == "." else inside))
        return self._session.nodes.add(snapshot(taken))

    def close(self) -> None:
        """End the module's process."""
        self._source.close()

    def _registered(self) -> ModuleTypes:
        with self._session.progress.step(f"load module {self.name}"):
            call = FunctionCall()
            self._execute(call, "its registration")
        types = registration.folded(self.name, self._session.nodes.get(call.value, "Module"))
        self._source.keep(types)
        return types

    # Fields of the schema

    def function(self, type_name: str, field_name: str) -> tuple[str, Any] | None:
        """What a field of the schema is in this module: a function or a public field of an object; None for core
        fields."""
        return self._functions.get((type_name, field_name))

    def resolve(self, found: tuple[str, Any], parent: Any, args: Mapping[str, Any]) -> Any:
        """The value of a field of this module: a function is called, a public field read from the object's state.

        Raises:
            FunctionFailedError: the function raised.
        """
        kind, item = found
        if kind == "field":
            name, ref = item
            return self._value(ref, parent.args["state"].get(name))
        if kind == "id":
            return parent.id
        if kind == "constructor":
            return self._constructed(item, args)
        if parent.field == INTERFACE:
            return self.resolve(self._functions[parent.parent.type, camel(item.name)], parent.parent, args)
        owner = self.types.object(parent.type)
        assert owner is not None
        return self._value(item.result, self._called(owner, parent.args["state"], item, self._arguments.of(item, args)))

    def _constructed(self, constructor: Function | None, args: Mapping[str, Any]) -> Any:
        main = self.types.main
        ref = TypeRef("OBJECT_KIND", main.name)
        if constructor is None:
            return self._value(ref, {})
        return self._value(ref, self._called(main, {}, constructor, self._arguments.of(constructor, args)))

    def _value(self, ref: TypeRef, value: Any) -> Any:
        """A function's JSON result as the schema's value."""
        if value is None:
            return None
        if ref.element is not None:
            return [self._value(ref.element, item) for item in value]
        if ref.kind == "OBJECT_KIND" and self.types.object(ref.name) is not None:
            state = {"state": value, "holds": held(self._session.nodes, value)}
            return self._session.nodes.add(Node(ref.name, "instance", None, state))
        if ref.kind == "OBJECT_KIND":
            return self._session.nodes.get(value, ref.name)
        if ref.kind in ("ENUM_KIND", "SCALAR_KIND"):
            return self._scalar(ref.name, value)
        return self._session.nodes.get(value) if ref.kind == "INTERFACE_KIND" else value

    def _scalar(self, name: str, value: Any) -> Any:
        """A result that is a member of one of the module's enums, or a scalar.

        Raises:
            InvalidEnumError: the enum has no such member.
        """
        members = next((members for enum, members, _ in self.types.enums if enum == name), None)
        if members is not None and value not in {member for member, *_ in members}:
            raise InvalidEnumError(value, name)
        return platforms.normal(value) if name == "Platform" else value

    # Calling

    def _called(self, owner: ObjectType, state: Any, function: Function, inputs: dict[str, Any]) -> Any:
        shown = camel(function.name) or self.name
        if function.unserved:
            raise NotServedError(f"{owner.name}.{shown}: {function.unserved}")
        if function.cache_policy == "Default" and not self.config.caches:
            function = replace(function, cache_policy="PerSession")
        key = digest_of([self._source.digest, owner.name, state, function.name, inputs])
        if (known := self.results.known(key, function)) is not None:
            self._session.progress.hit(shown)
            return known["value"]
        call = FunctionCall(owner.original, function.name, state, inputs)
        with self._session.progress.step(shown):
            self._execute(call, shown)
        if self._source.is_current:
            self.results.keep(key, function, call.value)
        return call.value

    def _execute(self, call: FunctionCall, shown: str) -> None:
        """Let the module's process answer one call."""
        say = self._session.progress.say
        call.step = self._session.progress.current()
        said = [""]

        def line(text: str) -> None:
            said.append(text.strip() or said[-1])
            say(f"    {text}")

        runtime = self._source.runtime(say)
        with self._serve().serving(self, call) as (port, token), runtime.workdir() as call.workdir:
            code = runtime.call(Request(port, token, call.workdir, line, self._session.progress.tracebacks))
        if call.error is not None:
            raise _failure(call.error, call.refused)
        if not call.returned:
            why = f": {said[-1]}" if said[-1] else ""
            raise ModuleLoadError(f"module {self.name}: {shown} ended with exit code {code} and no answer{why}")


def _index(types: ModuleTypes) -> dict[tuple[str, str], tuple[str, Any]]:
    found: dict[tuple[str, str], tuple[str, Any]] = {}
    found["Query", camel(types.name)] = ("constructor", types.main.constructor)
    for item in types.objects:
        found[item.name, "id"] = ("id", None)
        found |= {(item.name, camel(name)): ("field", (name, ref)) for name, ref, *_ in item.fields}
        found |= {(item.name, camel(function.name)): ("function", function) for function in item.functions}
    return found


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


__all__ = ["FunctionCall", "LoadedModule", "ModuleConfig", "Source", "find_config"]
