"""Folds a module's types out of the recipes that its registration makes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ci.engine.errors import ModuleLoadError, NotServedError, ReservedNameError
from ci.engine.nodes import Node
from ci.engine.typedefs import Argument, Field, Function, Member, ModuleTypes, ObjectType, TypeRef, camel, pascal

RESERVED = {"id"}  # the names of the fields that every object has


def namespaced(name: str, module: str) -> str:
    """A type's name in the schema: Dagger prefixes it with the module's unless it begins with that already."""
    prefix = pascal(module)
    rest = name.removeprefix(prefix)
    return name if rest != name and (not rest or rest[0].isupper()) else prefix + pascal(name)


def folded(name: str, module: Node) -> ModuleTypes:
    """The types that a module's registration made.

    Raises:
        ModuleLoadError: it has no object named like the module, or a name is reserved.
    """
    steps = module.chain()[1:]
    description, objects, enums = "", [], []
    for step in steps:
        if step.field == "withDescription":
            description = step.args["description"]
        elif step.field == "withObject":
            objects.append(_object(step.args["object"]))
        elif step.field == "withInterface":
            objects.append(_object(step.args["iface"]))
        elif step.field == "withEnum":
            enums.append(_enum(step.args["enum"]))
        else:
            raise NotServedError(f"Module.{step.field}")
    types = ModuleTypes(name, description, tuple(objects), tuple(enums))
    if not any(item.name == pascal(name) for item in objects):
        raise ModuleLoadError(f"module {name} has no object named {pascal(name)!r}, which is to be its main object")
    for item in objects:
        _check(item)
    return _Renamed(types).whole()


def _check(item: ObjectType) -> None:
    """Refuse the names that every object of the API has for itself."""
    owner = f'{"interface" if item.interface else "object"} "{item.name}"'
    names = [("field", name) for name, *_ in item.fields] + [("function", each.name) for each in item.functions]
    for kind, name in names:
        if camel(name) in RESERVED:
            raise ReservedNameError(kind, camel(name), owner)


class _Renamed:
    """A module's types with the names of its own ones as they are in the schema."""

    def __init__(self, types: ModuleTypes) -> None:
        self._types = types
        own = [*(item.name for item in types.objects), *(row[0] for row in types.enums)]
        self._names = {name: namespaced(name, types.name) for name in own}

    def whole(self) -> ModuleTypes:
        """All of them."""
        enums = tuple((self._names[name], members, text) for name, members, text in self._types.enums)
        return replace(self._types, objects=tuple(self._object(item) for item in self._types.objects), enums=enums)

    def _object(self, item: ObjectType) -> ObjectType:
        return replace(
            item,
            name=self._names[item.name],
            original=item.name,
            fields=tuple((name, self._ref(ref), text, old) for name, ref, text, old in item.fields),
            functions=tuple(self._function(function) for function in item.functions),
            constructor=self._function(item.constructor) if item.constructor else None,
        )

    def _function(self, function: Function) -> Function:
        args = tuple(replace(arg, type=self._ref(arg.type)) for arg in function.args)
        return replace(function, result=self._ref(function.result), args=args)

    def _ref(self, ref: TypeRef) -> TypeRef:
        element = self._ref(ref.element) if ref.element else None
        return replace(ref, name=self._names.get(ref.name, ref.name), element=element)


def _object(node: Node) -> ObjectType:
    values: dict[str, Any] = {"name": ""}
    fields: list[Field] = []
    functions: list[Function] = []
    for step in node.chain()[1:]:
        args = step.args
        if step.field in ("withObject", "withInterface"):
            values |= {"name": args["name"], "description": args.get("description") or ""}
            values |= {"interface": step.field == "withInterface", "deprecated": args.get("deprecated")}
        elif step.field == "withField":
            text = args.get("description") or ""
            fields.append((args["name"], type_of(args["typeDef"]), text, args.get("deprecated")))
        elif step.field == "withFunction":
            functions.append(_function(args["function"]))
        elif step.field == "withConstructor":
            values["constructor"] = _function(args["function"])
    return ObjectType(**values, fields=tuple(fields), functions=tuple(functions))


def _enum(node: Node) -> tuple[str, tuple[Member, ...], str]:
    steps = node.chain()
    declared = next(step.args for step in steps if step.field == "withEnum")
    rows = [step.args for step in steps if step.field in ("withEnumMember", "withEnumValue")]
    return declared["name"], tuple(_member(row) for row in rows), declared.get("description") or ""


def _member(row: Mapping[str, Any]) -> Member:
    name = row.get("name") or row["value"]
    return name, row.get("value") or name, row.get("description") or "", row.get("deprecated")


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
        elif step.field == "withGenerator":
            values["unserved"] = "a function that generates files (@generate)"
    return Function(**values, args=tuple(args))


def _arg(row: Mapping[str, Any]) -> Argument:
    text = row.get("description") or ""
    ignore = tuple(row.get("ignore") or ())
    path, address = row.get("defaultPath") or "", row.get("defaultAddress") or ""
    default, deprecated = row.get("defaultValue"), row.get("deprecated")
    return Argument(row["name"], type_of(row["typeDef"]), text, default, path, ignore, address, deprecated)


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
