"""The names of the module's functions as words of the command line, and of their types in GraphQL."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ci.engine.typedefs import TypeRef

KINDS = {"String": "STRING_KIND", "Int": "INTEGER_KIND", "Float": "FLOAT_KIND", "Boolean": "BOOLEAN_KIND"}
NAMES = {kind: name for name, kind in KINDS.items()}
BOUNDARY = re.compile(
    r"(?<=[a-z])(?=[A-Z0-9])|(?<=[0-9])(?=[A-Za-z])|(?<=[A-Z])(?=[0-9])|(?<=[A-Z])(?=[A-Z][a-z])"
)  # fmt: skip


def kebab(name: str) -> str:
    """`testReport` and `test_report` as `test-report`: the words of Dagger's command line."""
    return re.sub(r"[ _.]", "-", BOUNDARY.sub("-", name)).lower()


def graphql_name(ref: "TypeRef") -> str:
    """The name of a type in GraphQL, objects as the ids they are given by."""
    if ref.kind == "OBJECT_KIND":
        return "ID"
    return NAMES.get(ref.kind) or ("Void" if ref.kind == "VOID_KIND" else ref.name)


def declared(ref: "TypeRef") -> str:
    """A type as a GraphQL variable declares it: `[String!]!`; the optional mark of the outermost is left off, since a
    variable is given only where there is a value."""
    text = f"[{declared(ref.element)}]" if ref.element else graphql_name(ref)
    return f"{text}!"
