"""A module's types with an argument of every kind, for the command line's tests."""

import pytest

from ci.cli.types import Types
from ci.engine.typedefs import Argument, Function, ModuleTypes, ObjectType, TypeRef

STRING, INT, FLOAT, BOOL = (TypeRef(f"{kind}_KIND") for kind in ("STRING", "INTEGER", "FLOAT", "BOOLEAN"))
CONTAINER = TypeRef("OBJECT_KIND", "Container")


def given(kind: str, name: str = "") -> TypeRef:
    """An optional type."""
    return TypeRef(f"{kind}_KIND", name, True)


def listed(element: TypeRef, optional: bool = True) -> TypeRef:
    """A list's type."""
    return TypeRef("LIST_KIND", "", optional, element)


KINDS = (
    Argument("dry_run", BOOL, default="false"),
    Argument("ratio", FLOAT, default="1.0"),
    Argument("tags", listed(STRING), default="[]"),
    Argument("numbers", listed(INT), default="[]"),
    Argument("colour", TypeRef("ENUM_KIND", "Colour"), "the paint", '"BLUE"'),
    Argument("colours", listed(TypeRef("ENUM_KIND", "Colour"))),
    Argument("platform", given("SCALAR", "Platform")),
    Argument("source", TypeRef("OBJECT_KIND", "Directory"), "the source", default_path="/", ignore=("*.tmp",)),
    Argument("files", listed(TypeRef("OBJECT_KIND", "File"))),
    Argument("aws", given("OBJECT", "Service")),
    Argument("repository", given("OBJECT", "GitRepository")),
    Argument("ref", given("OBJECT", "GitRef")),
    Argument("cache", given("OBJECT", "CacheVolume")),
    Argument("socket", given("OBJECT", "Socket")),
    Argument("base", given("OBJECT", "Container")),
    Argument("dockerConfig", given("OBJECT", "File")),
)
FUNCTIONS = (
    Function(
        "hello", STRING, "Return a greeting.\n\nAt length.", (Argument("name", STRING, "who to greet", '"world"'),)
    ),
    Function("fail", STRING, "", (Argument("code", INT, default="3"),)),
    Function("with_token", STRING, "", (Argument("token", TypeRef("OBJECT_KIND", "Secret")), Argument("at", STRING))),
    Function("base", CONTAINER, "Base container."),
    Function("every_kind", STRING, "", KINDS),
    Function("sides", listed(TypeRef("OBJECT_KIND", "Side"), False)),
    Function("odd", STRING, "", (Argument("side", TypeRef("OBJECT_KIND", "Side")),)),
    Function("lint", given("VOID"), "Look for mistakes.", check=True),
    Function("unit_test", STRING, check=True),
)
TYPES = ModuleTypes(
    "ci",
    "",
    (ObjectType("Ci", "CI functions.", (), FUNCTIONS), ObjectType("Side", "", (("length", INT, "In metres.", None),))),
    (("Colour", (("BLUE", "blue", "", None), ("GREEN", "green", "", None)), ""),),
)


@pytest.fixture(scope="session")
def types() -> Types:
    return Types(TYPES, None)
