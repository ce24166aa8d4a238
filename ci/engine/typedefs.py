"""A module's types, as they are kept in the store."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

SCALARS = {
    "STRING_KIND": "String", "INTEGER_KIND": "Int", "FLOAT_KIND": "Float", "BOOLEAN_KIND": "Boolean",
    "VOID_KIND": "Void",
}  # fmt: skip


@dataclass(frozen=True)
class TypeRef:
    """A type as an argument or a result has it: Dagger's TypeDefKind, a name for objects, enums and scalars, an
    element for lists."""

    kind: str
    name: str = ""
    optional: bool = False
    element: "TypeRef | None" = None

    @property
    def innermost(self) -> "TypeRef":
        """The type itself, or that of a list's elements."""
        return self.element.innermost if self.element else self


@dataclass(frozen=True)
class Argument:
    """One argument of a function; `default` is JSON text, None where there is none."""

    name: str
    type: TypeRef
    description: str = ""
    default: str | None = None
    default_path: str = ""
    ignore: tuple[str, ...] = ()
    default_address: str = ""
    deprecated: str | None = None

    @property
    def required(self) -> bool:
        """Whether a caller must give it."""
        return self.default is None and not (self.default_path or self.default_address or self.type.optional)


@dataclass(frozen=True)
class Function:
    """One function: its name as the module has it, what it takes and gives, and how long its result may be kept;
    `unserved` names what the embedded engine would need to call it."""

    name: str
    result: TypeRef
    description: str = ""
    args: tuple[Argument, ...] = ()
    cache_policy: str = "Default"
    ttl: str = ""
    check: bool = False
    deprecated: str | None = None
    unserved: str = ""


Field = tuple[str, TypeRef, str, str | None]  # its name, type, description, and why it is deprecated
Member = tuple[str, str, str, str | None]  # its name, value, description, and why it is deprecated


@dataclass(frozen=True)
class ObjectType:
    """An object type of the module: public fields and functions; the main one has a constructor. `original` is its
    name in the module's code, `name` that in the schema, which Dagger prefixes with the module's."""

    name: str
    description: str = ""
    fields: tuple[Field, ...] = ()
    functions: tuple[Function, ...] = ()
    constructor: Function | None = None
    original: str = ""
    interface: bool = False
    deprecated: str | None = None


@dataclass(frozen=True)
class ModuleTypes:
    """All types of a module; an enum is its name, its members and its description."""

    name: str
    description: str = ""
    objects: tuple[ObjectType, ...] = ()
    enums: tuple[tuple[str, tuple[Member, ...], str], ...] = field(default=())

    @property
    def main(self) -> ObjectType:
        """The object named like the module."""
        return next(item for item in self.objects if item.name == pascal(self.name))

    @property
    def has_interfaces(self) -> bool:
        """Whether the module has interfaces of its own."""
        return any(item.interface for item in self.objects)

    def json(self) -> Any:
        """The types as a JSON value."""
        return asdict(self)

    def object(self, name: str) -> ObjectType | None:
        """The object or interface of this name in the schema, None where it is none of the module's."""
        return next((item for item in self.objects if item.name == name), None)


def camel(name: str) -> str:
    """`test_report` and `test-report` as `testReport`."""
    head, *rest = re.split(r"[_-]+", name.strip("_-"))
    return head[:1].lower() + head[1:] + "".join(part[:1].upper() + part[1:] for part in rest)


def pascal(name: str) -> str:
    """`my-module` as `MyModule`."""
    text = camel(name)
    return text[:1].upper() + text[1:]


def restored(value: Mapping[str, Any]) -> ModuleTypes:
    """The types that `ModuleTypes.json` gave."""
    objects = tuple(_restored_object(row) for row in value["objects"])
    enums = tuple((name, tuple(map(_restored_member, members)), text) for name, members, text in value["enums"])
    return ModuleTypes(value["name"], value["description"], objects, enums)


def _restored_member(row: Sequence[Any]) -> Member:
    name, value, text, deprecated = row
    return name, value, text, deprecated


def _restored_object(row: Mapping[str, Any]) -> ObjectType:
    fields = tuple((name, _ref(ref), text, deprecated) for name, ref, text, deprecated in row["fields"])
    functions = tuple(_restored_function(item) for item in row["functions"])
    constructor = _restored_function(row["constructor"]) if row["constructor"] else None
    return ObjectType(**{**row, "fields": fields, "functions": functions, "constructor": constructor})


def _ref(row: Mapping[str, Any]) -> TypeRef:
    return TypeRef(row["kind"], row["name"], row["optional"], _ref(row["element"]) if row["element"] else None)


def _restored_function(row: Mapping[str, Any]) -> Function:
    args = tuple(Argument(**{**a, "type": _ref(a["type"]), "ignore": tuple(a["ignore"])}) for a in row["args"])
    return Function(**{**row, "result": _ref(row["result"]), "args": args})
