"""The words of a call: flags, chains, and what is wrong with them in Dagger's own sentences."""

from typing import Any

import pytest
from graphql import GraphQLSchema, parse, validate

from ci.cli import words
from ci.cli.errors import UsageError
from ci.cli.words import kebab
from ci.engine import schema
from ci.engine.typedefs import Argument, Function, ModuleTypes, ObjectType, TypeRef

STRING, INT, FLOAT, BOOL = (TypeRef(f"{kind}_KIND") for kind in ("STRING", "INTEGER", "FLOAT", "BOOLEAN"))
TYPES = ModuleTypes(
    "ci", "", (
        ObjectType("Ci", "", (), (
            Function("hello", STRING, "Return a greeting.", (Argument("name", STRING, "who", '"world"'),)),
            Function("fail", STRING, "", (Argument("code", INT, default="3"),)),
            Function("with_token", STRING, "", (Argument("token", TypeRef("OBJECT_KIND", "Secret")),)),
            Function("base", TypeRef("OBJECT_KIND", "Container")),
            Function("every_kind", STRING, "", (
                Argument("dry_run", BOOL, default="false"), Argument("ratio", FLOAT, default="1.0"),
                Argument("tags", TypeRef("LIST_KIND", element=STRING), default="[]"),
                Argument("numbers", TypeRef("LIST_KIND", element=INT), default="[]"),
                Argument("colour", TypeRef("ENUM_KIND", "Colour"), default='"BLUE"'),
            )),
        )),
    ), (("Colour", (("BLUE", "BLUE"), ("GREEN", "GREEN"))),),
)  # fmt: skip


@pytest.fixture(scope="module")
def built() -> GraphQLSchema:
    return schema.build(TYPES)


def given(built: GraphQLSchema, *call: str) -> dict[str, Any]:
    """The arguments of the last function, as the values they stand for."""
    link = words.parse(built, "ci", call).links[-1]
    return {name: words.scalar(link.field.args[name], texts) for name, texts in link.given.items()}


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        (["hello"], {}),
        (["hello", "--name=bob"], {"name": "bob"}),
        (["hello", "--name", "bob"], {"name": "bob"}),
        (["hello", "--name", "one", "--name", "two"], {"name": "two"}),
        (["hello", "--name="], {"name": ""}),
        (["hello", "--name=a=b"], {"name": "a=b"}),
        (["fail", "--code", "-42"], {"code": -42}),
        (["every-kind", "--dry-run"], {"dryRun": True}),
        (["every-kind", "--dry-run=false"], {"dryRun": False}),
        (["every-kind", "--ratio=0.5"], {"ratio": 0.5}),
        (["every-kind", "--tags=a,b", "--tags", "c"], {"tags": ["a", "b", "c"]}),
        (["every-kind", "--numbers=1,2"], {"numbers": [1, 2]}),
        (["every-kind", "--colour", "GREEN"], {"colour": "GREEN"}),
        (["base", "with-exec", "--args=echo,hi"], {"args": ["echo", "hi"]}),
    ],
)
def test_flags_stand_for_values_of_their_type(built: GraphQLSchema, call: list[str], wanted: dict[str, Any]) -> None:
    assert given(built, *call) == wanted


@pytest.mark.parametrize(
    ("call", "message", "command"),
    [
        (["nosuch"], 'unknown command "nosuch" for "cutover call"', "cutover call"),
        (["hello", "nosuch"], 'unknown command "nosuch" for "cutover call hello"', "cutover call hello"),
        (["base", "publish"], 'unknown command "publish" for "cutover call base"', "cutover call base"),
        (["hello", "--nosuch=1"], "unknown flag: --nosuch", "cutover call hello"),
        (["hello", "-n"], "unknown flag: -n", "cutover call hello"),
        (["hello", "--name"], "flag needs an argument: --name", "cutover call hello"),
        (["with-token"], 'required flag(s) "token" not set', "cutover call with-token"),
        (["base", "with-exec", "stdout"], 'required flag(s) "args" not set', "cutover call base with-exec"),
        (["fail", "--code=abc"], 'invalid argument "abc" for "--code" flag: not a whole number', "cutover call fail"),
        (
            ["every-kind", "--numbers=1,x"],
            'invalid argument "1,x" for "--numbers" flag: not a whole number',
            "cutover call every-kind",
        ),
        (
            ["every-kind", "--ratio=x"],
            'invalid argument "x" for "--ratio" flag: not a number',
            "cutover call every-kind",
        ),
        (
            ["every-kind", "--dry-run=maybe"],
            'invalid argument "maybe" for "--dry-run" flag: not true or false',
            "cutover call every-kind",
        ),
        (
            ["every-kind", "--colour=RED"],
            'invalid argument "RED" for "--colour" flag: use one of BLUE, GREEN',
            "cutover call every-kind",
        ),
    ],
)
def test_wrong_words_are_told_with_the_command_that_helps(
    built: GraphQLSchema, call: list[str], message: str, command: str
) -> None:
    with pytest.raises(UsageError) as caught:
        words.parse(built, "ci", call)
    assert (str(caught.value), caught.value.command) == (message, command)


def test_help_stands_anywhere_and_needs_no_required_flags(built: GraphQLSchema) -> None:
    chain = words.parse(built, "ci", ["with-token", "--help", "ignored"])
    assert chain.help_at is chain.links[-1]
    assert chain.help_at.name == "withToken"


def test_a_chain_is_one_query_with_variables(built: GraphQLSchema) -> None:
    links = words.parse(built, "ci", ["base", "with-exec", "--args=echo,hi", "stdout"]).links
    values: list[dict[str, Any]] = [{}, {}, {"args": ["echo", "hi"]}, {}]
    text, variables = words.query(links, values, None)
    assert text == "query ($v0: [String!]!) { ci { base { withExec(args: $v0) { stdout } } } }"
    assert variables == {"v0": ["echo", "hi"]}
    assert validate(built, parse(text)) == []


def test_of_an_object_a_leaf_is_asked(built: GraphQLSchema) -> None:
    links = words.parse(built, "ci", ["base"]).links
    assert words.query(links, [{}, {}], "sync") == ("{ ci { base { sync } } }", {})


@pytest.mark.parametrize(
    ("name", "word"),
    [("testReport", "test-report"), ("stdout", "stdout"), ("python3Base", "python3-base"), ("asURL", "as-url")],
)
def test_names_are_words_with_dashes(name: str, word: str) -> None:
    assert kebab(name) == word


@pytest.mark.parametrize(
    ("text", "wanted"), [("8080:80", {"frontend": 8080, "backend": 80}), ("80", {"frontend": 80, "backend": 80})]
)
def test_ports_are_frontend_and_backend(built: GraphQLSchema, text: str, wanted: dict[str, int]) -> None:
    assert given(built, "base", "as-service", "up", f"--ports={text}") == {"ports": [wanted]}
    with pytest.raises(UsageError, match="use FRONTEND:BACKEND"):
        given(built, "base", "as-service", "up", "--ports=http")
