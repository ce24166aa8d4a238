"""A call's chain of functions as one GraphQL query."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ci.cli.names import declared
from ci.engine.typedefs import camel

if TYPE_CHECKING:
    from ci.cli.words import Link


def query(links: "Sequence[Link]", arguments: Sequence[dict[str, Any]], leaf: str) -> tuple[str, dict[str, Any]]:
    """The query of a chain, and its variables.

    Args:
        arguments: of each link, by their names in the module, objects by their ids.
        leaf: a field to ask of the last object, with its arguments; nothing where the chain ends in a value.
    """
    variables: dict[str, Any] = {}
    head: list[str] = []
    text = leaf
    for link, given in reversed(list(zip(links, arguments, strict=True))):
        called = []
        for name, value in given.items():
            variable = f"v{len(variables)}"
            variables[variable] = value
            kind = next(arg.type for arg in link.function.args if arg.name == name)
            head.append(f"${variable}: {declared(kind)}")
            called.append(f"{camel(name)}: ${variable}")
        call = f"{link.name}({', '.join(called)})" if called else link.name
        text = f"{call} {{ {text} }}" if text and call else text or call
    return (f"query ({', '.join(head)}) {{ {text} }}" if head else f"{{ {text} }}"), variables
