"""A module's types: folded out of the recipes its registration makes, kept as JSON, and written as SDL."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ci.engine.errors import NotServedError
from ci.engine.nodes import Node

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

    @property
    def required(self) -> bool:
        """Whether a caller must give it."""
        return self.default is None and not self.default_path and not self.type.optional


@dataclass(frozen=True)
class Function:
    """One function: its name as the module has it, what it takes and gives, and how long its result may be kept."""

    name: str
    result: TypeRef
    description: str = ""
    args: tuple[Argument, ...] = ()
    cache_policy: str = "Default"
    ttl: str = ""
    check: bool = False
    deprecated: str | None = None


@dataclass(frozen=True)
class ObjectType:
    """An object type of the module: public fields and functions; the main one has a constructor."""

    name: str
    description: str = ""
    fields: tuple[tuple[str, TypeRef, str], ...] = ()
    functions: tuple[Function, ...] = ()
    constructor: Function | None = None


@dataclass(frozen=True)
class ModuleTypes:
    """All types of a module."""

    name: str
    description: str = ""
    objects: tuple[ObjectType, ...] = ()
    enums: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = field(default=())

    @property
    def main(self) -> ObjectType:
        """The object named like the module."""
        return next(item for item in self.objects if item.name == pascal(self.name))

    def json(self) -> Any:
        """The types as a JSON value."""
        return asdict(self)


def camel(name: str) -> str:
    """`test_report` and `test-report` as `testReport`."""
    head, *rest = re.split(r"[_-]+", name.strip("_-"))
    return head[:1].lower() + head[1:] + "".join(part[:1].upper() + part[1:] for part in rest)


def pascal(name: str) -> str:
    """`my-module` as `MyModule`."""
    text = camel(name)
    return text[:1].upper() + text[1:]


def folded(name: str, module: Node) -> ModuleTypes:
    """The types that a module's registration made."""
    description, objects, enums = "", [], []
    for step in module.chain()[1:]:
        if step.field == "withDescription":
            description = step.args["description"]
        elif step.field == "withObject":
            objects.append(_object(step.args["object"]))
        elif step.field == "withEnum":
            enums.append(_enum(step.args["enum"]))
        else:
            raise NotServedError(f"Module.{step.field}")
    return ModuleTypes(name, description, tuple(objects), tuple(enums))


def _object(node: Node) -> ObjectType:
    name, description, constructor = "", "", None
    fields: list[tuple[str, TypeRef, str]] = []
    functions: list[Function] = []
    for step in node.chain()[1:]:
        if step.field == "withObject":
            name, description = step.args["name"], step.args.get("description") or ""
        elif step.field == "withField":
            fields.append((step.args["name"], type_of(step.args["typeDef"]), step.args.get("description") or ""))
        elif step.field == "withFunction":
            functions.append(_function(step.args["function"]))
        elif step.field == "withConstructor":
            constructor = _function(step.args["function"])
    return ObjectType(name, description, tuple(fields), tuple(functions), constructor)


def _enum(node: Node) -> tuple[str, tuple[tuple[str, str], ...]]:
    steps = node.chain()
    name = next(step.args["name"] for step in steps if step.field == "withEnum")
    members = [s.args for s in steps if s.field in ("withEnumMember", "withEnumValue")]
    return name, tuple((row.get("name") or row["value"], row.get("value") or row["name"]) for row in members)


def _function(node: Node) -> Function:
    steps = node.chain()
    values: dict[str, Any] = {"name": steps[0].args["name"], "result": type_of(steps[0].args["returnType"])}
    args: list[Argument] = []
    for step in steps[1:]:
        if step.field == "withDescription":
            values["description"] = step.args["description"]
        elif step.field == "withArg":
            args.append(_arg(step.args))
        elif step.field == "withCachePolicy":
            values |= {"cache_policy": step.args["policy"], "ttl": step.args.get("timeToLive") or ""}
        elif step.field == "withCheck":
            values["check"] = True
        elif step.field == "withDeprecated":
            values["deprecated"] = step.args.get("reason") or "deprecated"
        elif step.field in ("withGenerator", "withUp"):
            raise NotServedError(f"Function.{step.field}")
    return Function(**values, args=tuple(args))


def _arg(row: Mapping[str, Any]) -> Argument:
    text = row.get("description") or ""
    ignore = tuple(row.get("ignore") or ())
    return Argument(
        row["name"], type_of(row["typeDef"]), text, row.get("defaultValue"), row.get("defaultPath") or "", ignore
    )


def type_of(node: Node) -> TypeRef:
    """The type that a TypeDef recipe stands for."""
    kind, name, optional, element = "VOID_KIND", "", False, None
    for step in node.chain()[1:]:
        if step.field == "withKind":
            kind = step.args["kind"].removesuffix("_KIND") + "_KIND"
        elif step.field == "withOptional":
            optional = step.args["optional"]
        elif step.field == "withListOf":
            kind, element = "LIST_KIND", type_of(step.args["elementType"])
        elif step.field in ("withObject", "withEnum", "withScalar", "withInterface"):
            kind, name = step.field.removeprefix("with").upper() + "_KIND", step.args["name"]
    return TypeRef(kind, name, optional, element)


def restored(value: Mapping[str, Any]) -> ModuleTypes:
    """The types that `ModuleTypes.json` gave."""
    objects = tuple(
        ObjectType(
            row["name"],
            row["description"],
            tuple((name, _ref(ref), text) for name, ref, text in row["fields"]),
            tuple(_restored_function(item) for item in row["functions"]),
            _restored_function(row["constructor"]) if row["constructor"] else None,
        )
        for row in value["objects"]
    )
    enums = tuple((name, tuple((m, v) for m, v in members)) for name, members in value["enums"])
    return ModuleTypes(value["name"], value["description"], objects, enums)


def _ref(row: Mapping[str, Any]) -> TypeRef:
    return TypeRef(row["kind"], row["name"], row["optional"], _ref(row["element"]) if row["element"] else None)


def _restored_function(row: Mapping[str, Any]) -> Function:
    args = tuple(Argument(**{**a, "type": _ref(a["type"]), "ignore": tuple(a["ignore"])}) for a in row["args"])
    return Function(**{**row, "result": _ref(row["result"]), "args": args})


# SDL


def sdl(types: ModuleTypes) -> str:
    """The module's types as an extension of the core schema: the constructor is a field of Query."""
    return "\n".join(_definitions(types))


def _definitions(types: ModuleTypes) -> Iterator[str]:
    main = types.main
    constructor = main.constructor or Function("", TypeRef("OBJECT_KIND", main.name))
    field_text = _field(
        camel(types.name), Function(**{**constructor.__dict__, "result": TypeRef("OBJECT_KIND", main.name)})
    )
    yield f"extend type Query {{\n{field_text}\n}}"
    for item in types.objects:
        lines = ["  id: ID!"]
        lines += [_field(camel(name), Function(name, ref, text)) for name, ref, text in item.fields]
        lines += [_field(camel(function.name), function) for function in item.functions]
        yield f"{_text(item.description)}type {item.name} implements Node {{\n" + "\n".join(lines) + "\n}"
    for name, members in types.enums:
        yield f"enum {name} {{\n" + "\n".join(f"  {member}" for member, _ in members) + "\n}"


def _field(name: str, function: Function) -> str:
    args = ", ".join(_argument(arg) for arg in function.args)
    result = _named(function.result, function.result.optional)
    return f"{_text(function.description)}  {name}{f'({args})' if args else ''}: {result}"


def _argument(arg: Argument) -> str:
    inner = arg.type.innermost
    is_object = inner.kind == "OBJECT_KIND"
    text = _named(arg.type, not arg.required, "ID" if is_object else None)
    directive = f' @expectedType(name: "{inner.name}")' if is_object else ""
    return f"{_text(arg.description)}{camel(arg.name)}: {text}{directive}"


def _named(ref: TypeRef, optional: bool, leaf: str | None = None) -> str:
    text = (
        f"[{_named(ref.element, ref.element.optional, leaf)}]"
        if ref.element
        else leaf or SCALARS.get(ref.kind) or ref.name
    )
    return text if optional or ref.kind == "VOID_KIND" else f"{text}!"


def _text(description: str) -> str:
    return json.dumps(description, ensure_ascii=False) + " " if description else ""
