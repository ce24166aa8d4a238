"""The table of what of Dagger's API is served, made from the schema's two files: `python -m ci.engine.served`."""

from collections.abc import Iterator
from pathlib import Path

from graphql import DocumentNode, ObjectTypeDefinitionNode, ObjectTypeExtensionNode, parse

SERVED, UNSERVED = "schema.graphql", "unserved.graphql"
INTRODUCTION = """\
# What the embedded engine serves

Dagger 0.21's API, field by field. What is refused fails at once with the field's name, the function that called it,
and the advice to use Dagger's engine (`--engine dagger`). An object of every type is also loaded by its id, by `node`
and by `loadTypeFromID`. Made by `python -m ci.engine.served` from the schema; a test holds it to that.
"""


def fields(name: str) -> dict[str, list[str]]:
    """The fields of each object type in one of the schema's files."""
    found: dict[str, list[str]] = {}
    for definition in document(name).definitions:
        if isinstance(definition, ObjectTypeDefinitionNode | ObjectTypeExtensionNode):
            found.setdefault(definition.name.value, []).extend(field.name.value for field in definition.fields or ())
    return found


def document(name: str) -> DocumentNode:
    """One of the schema's files, parsed."""
    return parse((Path(__file__).parent / name).read_text(encoding="utf-8"), no_location=True)


def table() -> str:
    """The table as Markdown."""
    return "\n".join([INTRODUCTION, *_rows()]) + "\n"


def _rows() -> Iterator[str]:
    served, refused = fields(SERVED), fields(UNSERVED)
    yield "| type | served | refused |"
    yield "|---|---|---|"
    for kind in sorted(served, key=str.lower):
        yield f"| {kind} | {_names(served[kind])} | {_names(refused.get(kind, []))} |"
    whole = sorted((kind for kind in refused if kind not in served), key=str.lower)
    yield ""
    yield f"Types that are refused whole: {', '.join(whole)}."


def _names(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names) if name != "id")


if __name__ == "__main__":
    print(table(), end="")
