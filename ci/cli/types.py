"""What a call's words can name: the functions of the module and of Dagger's core types, with what they take and give.

The core types are read from the engine's schema once and kept in the store: the GraphQL library is not imported by a
call whose answer is known.
"""

import hashlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ci.cli.names import KINDS, kebab
from ci.engine.typedefs import Argument, Function, ModuleTypes, ObjectType, TypeRef, camel, restored

if TYPE_CHECKING:
    from graphql import GraphQLArgument, GraphQLField, GraphQLObjectType, GraphQLType

    from ci.engine.store import Store

# Not useful on the command line, as in Dagger's own: what only SDKs ask.
HIDDEN = {
    "TypeDef", "Function", "Query.currentFunctionCall", "Query.currentModule", "Query.typeDef", "Query.sourceMap",
    "Query.function", "Query.cacheVolume", "Query.setSecret", "Module.withDescription", "Module.withObject",
    "Module.withInterface", "Module.withEnum",
}  # fmt: skip
# Objects that a flag's text can stand for.
GIVEN = {
    "Container", "Directory", "File", "Secret", "Service", "CacheVolume", "Socket", "GitRepository", "GitRef",
}  # fmt: skip
INPUTS = {"PortForward", "BuildArg"}


class Types:
    """The types of a module (None: of no module) over the core's."""

    def __init__(self, module: ModuleTypes | None, store: "Store | None") -> None:
        self.module = module
        self._store = store

    @cached_property
    def root(self) -> Function:
        """The module's constructor, which gives its main object."""
        if self.module is None:
            return Function("", TypeRef("OBJECT_KIND", "Query"))
        main = self.module.main
        args = main.constructor.args if main.constructor else ()
        return Function(camel(self.module.name), TypeRef("OBJECT_KIND", main.name), main.description, args)

    @cached_property
    def _own(self) -> dict[str, ObjectType]:
        return {item.name: item for item in self.module.objects} if self.module else {}

    @cached_property
    def _core(self) -> ModuleTypes:
        key = _fingerprint()
        if self._store is not None and (known := self._store.get_record("core", key)) is not None:
            return restored(known)
        types = core()
        if self._store is not None:
            self._store.put_record("core", key, types.json())
        return types

    @cached_property
    def _core_objects(self) -> dict[str, ObjectType]:
        return {item.name: item for item in self._core.objects}

    @cached_property
    def _core_enums(self) -> dict[str, tuple[str, ...]]:
        return {name: tuple(row[0] for row in members) for name, members, _ in self._core.enums}

    def object(self, ref: TypeRef) -> ObjectType | None:
        """The object that a function gives, or of which it gives a list; None where it gives a value."""
        inner = ref.innermost
        if inner.kind != "OBJECT_KIND" or inner.name == "Query":
            return None
        return self._own.get(inner.name) or self._core_objects.get(inner.name)

    def functions(self, ref: TypeRef) -> dict[str, Function]:
        """The functions that can be called on what `ref` names, by the word that calls them; fields are functions
        without arguments."""
        found = self.object(ref)
        if found is None:
            return {}
        fields = [Function(name, result, text, deprecated=old) for name, result, text, old in found.fields]
        return {kebab(item.name): item for item in (*fields, *found.functions) if self._usable(found, item)}

    def _usable(self, kind: ObjectType, function: Function) -> bool:
        hidden = {kind.name, f"{kind.name}.{function.name}"} & HIDDEN and kind.name not in self._own
        return not hidden and not any(arg.required and not self.given(arg) for arg in function.args)

    def given(self, arg: Argument) -> bool:
        """Whether an argument can be given on the command line."""
        inner = arg.type.innermost
        nested = arg.type.element is not None and arg.type.element.element is not None
        known = {"OBJECT_KIND": GIVEN, "INPUT_KIND": INPUTS}.get(inner.kind)
        return not nested and inner.kind != "INTERFACE_KIND" and (known is None or inner.name in known)

    def choices(self, ref: TypeRef) -> tuple[str, ...]:
        """The members of the enum that a type is, nothing where it is none."""
        if ref.innermost.kind != "ENUM_KIND":
            return ()
        own = {row[0]: row[1] for row in self.module.enums} if self.module else {}
        if (members := own.get(ref.innermost.name)) is not None:
            return tuple(row[0] for row in members)
        return self._core_enums.get(ref.innermost.name, ())


def _fingerprint() -> str:
    """What the core types are read from: another engine, other types."""
    folder = Path(__file__).resolve().parents[1] / "engine"
    rows = [f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in sorted(folder.glob("*.*"))]
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def core() -> ModuleTypes:
    """The core types of the engine's schema, without the fields that it does not serve."""
    from graphql import is_enum_type, is_object_type

    from ci.engine import api, schema

    built = schema.build()
    kinds = [kind for name, kind in built.type_map.items() if not name.startswith("__")]
    objects = tuple(_object(kind, api.served) for kind in kinds if is_object_type(kind))
    found = [kind for kind in kinds if is_enum_type(kind)]
    enums = tuple((kind.name, tuple((name, name, "", None) for name in kind.values), "") for kind in found)
    return ModuleTypes("query", "", objects, enums)


def _object(kind: "GraphQLObjectType", served: Any) -> ObjectType:
    functions = [
        _function(name, field) for name, field in kind.fields.items()
        if name != "id" and (kind.name not in GIVEN | {"Host"} or served(f"{kind.name}.{name}"))
    ]  # fmt: skip
    return ObjectType(kind.name, kind.description or "", (), tuple(functions))


def _function(name: str, field: "GraphQLField") -> Function:
    args = tuple(_argument(name, arg) for name, arg in field.args.items())
    return Function(name, _ref(field.type), field.description or "", args)


def _argument(name: str, arg: "GraphQLArgument") -> Argument:
    from ci.engine.api import expected_type

    default = arg.ast_node.default_value if arg.ast_node else None
    text = None if default is None else _printed(default)
    return Argument(name, _ref(arg.type, expected_type(arg)), arg.description or "", text)


def _printed(default: Any) -> str:
    """A default value of the schema as JSON text; an enum's member as a text."""
    import json

    from graphql import value_from_ast_untyped

    return json.dumps(value_from_ast_untyped(default))


def _ref(kind: "GraphQLType", expected: str | None = None) -> TypeRef:
    from graphql import GraphQLList, GraphQLNonNull, is_enum_type, is_input_object_type, is_object_type

    if isinstance(kind, GraphQLNonNull):
        inner = _ref(kind.of_type, expected)
        return TypeRef(inner.kind, inner.name, False, inner.element)
    if isinstance(kind, GraphQLList):
        return TypeRef("LIST_KIND", "", True, _ref(kind.of_type, expected))
    name = kind.name  # type: ignore[attr-defined]
    if expected or is_object_type(kind):
        return TypeRef("OBJECT_KIND", expected or name, True)
    if name == "Void":
        return TypeRef("VOID_KIND", "", True)
    special = "ENUM_KIND" if is_enum_type(kind) else "INPUT_KIND" if is_input_object_type(kind) else "SCALAR_KIND"
    return TypeRef(KINDS.get(name, special), "" if name in KINDS else name, True)


def first_lines(functions: Mapping[str, Function]) -> Iterator[tuple[str, str]]:
    """Each function's word and the first line of its description (`-` where there is none), in order of their names."""
    for word, function in sorted(functions.items(), key=lambda row: row[1].name):
        yield word, function.description.strip().partition("\n")[0] or "-"
