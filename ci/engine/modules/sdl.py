"""Writes a module's types as SDL, an extension of the core schema."""

import json
from collections.abc import Iterator

from ci.engine.typedefs import SCALARS, Argument, Function, ModuleTypes, TypeRef, camel

CORE_SCALARS = {"JSON", "Platform", "Void", "ID"}


def sdl(types: ModuleTypes, inside: bool = False) -> str:
    """The module's types as an extension of the core schema: the constructor is a field of Query, but for the module's
    own functions (`inside`), which do not call themselves."""
    return "\n".join([*([] if inside else [_constructor(types)]), *_definitions(types)])


def _constructor(types: ModuleTypes) -> str:
    main = types.main
    constructor = main.constructor or Function("", TypeRef("OBJECT_KIND", main.name))
    return f"extend type Query {{\n{_field(camel(types.name), constructor)}\n}}"


def _definitions(types: ModuleTypes) -> Iterator[str]:
    for item in types.objects:
        lines = ["  id: ID!"]
        fields = [Function(name, ref, text, deprecated=old) for name, ref, text, old in item.fields]
        lines += [_field(camel(function.name), function) for function in (*fields, *item.functions)]
        yield f"{_text(item.description)}type {item.name} implements Node {{\n" + "\n".join(lines) + "\n}"
    for name, members, text in types.enums:
        lines = [f"  {_text(notes)}{member}{_deprecated(old)}" for member, _, notes, old in members]
        yield f"{_text(text)}enum {name} {{\n" + "\n".join(lines) + "\n}"
    own = {item.name for item in types.objects}
    for name in sorted({ref.name for ref in _refs(types) if ref.kind == "SCALAR_KIND"} - own - CORE_SCALARS):
        yield f"scalar {name}"


def _refs(types: ModuleTypes) -> Iterator[TypeRef]:
    """Every type that an argument, a result or a field has."""
    for item in types.objects:
        yield from (ref.innermost for _, ref, *_ in item.fields)
        for function in (*item.functions, *((item.constructor,) if item.constructor else ())):
            yield function.result.innermost
            yield from (arg.type.innermost for arg in function.args)


def _field(name: str, function: Function) -> str:
    args = ", ".join(_argument(arg) for arg in function.args)
    result = _named(function.result, function.result.optional)
    arguments, old = f"({args})" if args else "", _deprecated(function.deprecated)
    return f"{_text(function.description)}  {name}{arguments}: {result}{old}"


def _argument(arg: Argument) -> str:
    inner = arg.type.innermost
    is_object = inner.kind in ("OBJECT_KIND", "INTERFACE_KIND")
    text = _named(arg.type, not arg.required, "ID" if is_object else None)
    # An interface is whatever has its functions: the id of any object.
    directive = f' @expectedType(name: "{inner.name}")' if inner.kind == "OBJECT_KIND" else ""
    old = _deprecated(None if arg.required else arg.deprecated)
    return f"{_text(arg.description)}{camel(arg.name)}: {text}{directive}{old}"


def _deprecated(reason: str | None) -> str:
    if reason is None:
        return ""
    return f" @deprecated(reason: {json.dumps(reason, ensure_ascii=False)})" if reason else " @deprecated"


def _named(ref: TypeRef, optional: bool, leaf: str | None = None) -> str:
    text = (
        f"[{_named(ref.element, ref.element.optional, leaf)}]"
        if ref.element
        else leaf or SCALARS.get(ref.kind) or ref.name
    )
    return text if optional or ref.kind == "VOID_KIND" else f"{text}!"


def _text(description: str) -> str:
    return json.dumps(description, ensure_ascii=False) + " " if description else ""
