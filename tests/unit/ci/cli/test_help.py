"""Help texts."""

from typing import Any, cast

import pytest
from graphql import GraphQLSchema

from ci.cli import help as texts
from ci.cli import words
from ci.engine import schema
from ci.engine.functions import LoadedModule
from ci.engine.typedefs import Argument, Function, ModuleTypes, ObjectType, TypeRef

STRING = TypeRef("STRING_KIND")
ARGUMENTS = (
    Argument("name", STRING, "who to greet", '"world"'),
    Argument("source", TypeRef("OBJECT_KIND", "Directory"), "the source", default_path="/"),
    Argument("dry_run", TypeRef("BOOLEAN_KIND"), "only say it", "false"),
    Argument("tags", TypeRef("LIST_KIND", element=STRING)),
)
HELLO = Function("say_hello", STRING, "Return a greeting.\n\nAt length.", ARGUMENTS)
TYPES = ModuleTypes(
    "ci", "", (ObjectType("Ci", "", (), (HELLO, Function("base", TypeRef("OBJECT_KIND", "Container")))),)
)


class Loaded:
    """A module of which only the functions are asked."""

    def function(self, type_name: str, field_name: str) -> tuple[str, Any] | None:
        return ("function", HELLO) if field_name == "sayHello" else None


@pytest.fixture(scope="module")
def built() -> GraphQLSchema:
    return schema.build(TYPES)


def shown(built: GraphQLSchema, *call: str) -> str:
    links = words.parse(built, "ci", [*call, "--help"]).links
    return texts.text(links, links[-1], cast(LoadedModule, Loaded()), "  -j, --json")


def test_the_root_lists_functions_and_options(built: GraphQLSchema) -> None:
    assert shown(built).splitlines() == [
        "Call one or more functions, interconnected into a pipeline", "", "USAGE",
        "  cutover call [options] <function>", "",
        "FUNCTIONS", "  base", "  say-hello   Return a greeting.", "", "OPTIONS", "  -j, --json", "",
        'Use "cutover call [command] --help" for more information about a command.',
    ]  # fmt: skip


def test_a_function_lists_its_arguments_with_defaults(built: GraphQLSchema) -> None:
    text = shown(built, "say-hello")
    assert text.startswith(
        "Return a greeting.\n\nAt length.\n\nUSAGE\n  cutover call say-hello [arguments]\n\nARGUMENTS\n"
    )
    assert '      --name string\n            who to greet\n            (default "world")' in text
    assert "      --source Directory\n            the source\n            (default path /)" in text
    assert "      --dry-run bool\n            only say it\n            (default false)" in text
    assert "      --tags strings\n            [required]" in text


def test_a_core_type_lists_what_is_served_of_it(built: GraphQLSchema) -> None:
    text = shown(built, "base")
    assert "USAGE\n  cutover call base <function>" in text
    assert "  with-exec" in text
    assert "publish" not in text
    assert 'Use "cutover call base [command] --help"' in text


def test_the_table_of_functions(built: GraphQLSchema) -> None:
    links = words.parse(built, "ci", ["--help"]).links
    assert texts.functions_table(links[0]) == "Name        Description\nbase\nsay-hello   Return a greeting."
