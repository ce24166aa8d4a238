"""Follows a chain of the module's own functions without GraphQL, whose library takes longer to import than a known
answer may take."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ci.cli.engine import Engine
from ci.engine.errors import EngineError
from ci.engine.typedefs import TypeRef, camel

if TYPE_CHECKING:
    from ci.cli.words import Link
    from ci.engine.functions import LoadedModule
    from ci.engine.typedefs import ModuleTypes

VALUES = ("STRING_KIND", "INTEGER_KIND", "FLOAT_KIND", "BOOLEAN_KIND", "VOID_KIND", "SCALAR_KIND", "ENUM_KIND")


def can_follow(types: "ModuleTypes | None", links: "Sequence[Link]") -> bool:
    """Whether every function of the chain is the module's own, on one object each, and the last one gives a value or an
    object of the module's."""
    if types is None:
        return False
    *before, last = (link.result for link in links)
    inner = last.innermost
    return all(ref.element is None and _own(types, ref) for ref in before) and (
        inner.kind in VALUES or _own(types, inner)
    )


def _own(types: "ModuleTypes", ref: TypeRef) -> bool:
    found = types.object(ref.name) if ref.kind == "OBJECT_KIND" else None
    return found is not None and not found.interface


def follow(engine: Engine, links: "Sequence[Link]", arguments: Sequence[Mapping[str, Any]]) -> Any:
    """The result of a chain that `can_follow`, as the API answers it: objects by their ids.

    Args:
        arguments: of each link, by their names in the module, objects by their ids.

    Raises:
        CallError: a function answered an error.
    """
    assert engine.module is not None
    with engine.telling():
        value: Any = None
        for number, (link, given) in enumerate(zip(links, arguments, strict=True)):
            value = _called(engine, engine.module, value, links[number - 1] if number else None, link, given)
            if value is None:
                break
        return _shown(links[-1].result, value)


def _called(
    engine: Engine, module: "LoadedModule", parent: Any, before: "Link | None", link: "Link", given: Mapping[str, Any]
) -> Any:
    owner = before.result.name if before else "Query"
    found = module.function(owner, link.name)
    assert found is not None
    types = {arg.name: arg.type for arg in link.function.args}
    args = {camel(name): _taken(engine, types[name], value) for name, value in given.items()}
    value = module.resolve(found, parent, args)
    if value is None and not link.result.optional and link.result.kind != "VOID_KIND":
        raise EngineError(f"Cannot return null for non-nullable field {owner}.{link.name}.")
    return value


def _taken(engine: Engine, ref: TypeRef, value: Any) -> Any:
    """An argument's value as a function takes it: ids replaced by what they name."""
    if isinstance(value, list) and ref.element is not None:
        return [_taken(engine, ref.element, item) for item in value]
    if ref.kind == "OBJECT_KIND" and value is not None:
        return engine.session.nodes.get(value, ref.name)
    return float(value) if ref.kind == "FLOAT_KIND" and value is not None else value


def _shown(ref: TypeRef, value: Any) -> Any:
    if value is None:
        return None
    if ref.element is not None:
        return [_shown(ref.element, item) for item in value]
    if ref.kind == "OBJECT_KIND":
        return {"id": value.id}
    return float(value) if ref.kind == "FLOAT_KIND" else value
