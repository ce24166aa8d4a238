"""The words of a call: flags, chains, and what is wrong with them in Dagger's own sentences."""

from typing import Any

import pytest
from graphql import parse, validate

from ci.cli import words
from ci.cli.errors import UsageError
from ci.cli.names import kebab
from ci.cli.options import Options
from ci.cli.queries import query
from ci.cli.types import Types
from ci.engine import schema

from .conftest import TYPES


def given(types: Types, *call: str) -> dict[str, Any]:
    """The arguments of the last function, as the values they stand for."""
    return words.parse(types, call).links[-1].values(types)


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        (["hello"], {}),
        (["hello", "--name=bob"], {"name": "bob"}),
        (["hello", "--name", "bob"], {"name": "bob"}),
        (["hello", "--name", "-x"], {"name": "-x"}),
        (["hello", "--name", "one", "--name", "two"], {"name": "two"}),
        (["hello", "--name="], {"name": ""}),
        (["hello", "--name=a=b"], {"name": "a=b"}),
        (["fail", "--code", "-42"], {"code": -42}),
        (["fail", "--code", "0x10"], {"code": 16}),
        (["fail", "--code", "010"], {"code": 8}),
        (["every-kind", "--dry-run"], {"dry_run": True}),
        (["every-kind", "--dryRun"], {"dry_run": True}),
        (["every-kind", "--dry-run=false"], {"dry_run": False}),
        (["every-kind", "--ratio=0.5"], {"ratio": 0.5}),
        (["every-kind", "--tags=a,b", "--tags", "c"], {"tags": ["a", "b", "c"]}),
        (["every-kind", '--tags="a,b",c'], {"tags": ["a,b", "c"]}),
        (["every-kind", "--tags="], {"tags": []}),
        (["every-kind", "--numbers=1,2"], {"numbers": [1, 2]}),
        (["every-kind", "--colour", "green"], {"colour": "GREEN"}),
        (["every-kind", "--colours", "green, BLUE"], {"colours": ["GREEN", "BLUE"]}),
        (["every-kind", "--platform", "linux/arm64"], {"platform": "linux/arm64"}),
        (["every-kind", "--files", "a,b"], {"files": ["a", "b"]}),
        (["every-kind", "--docker-config", "c.json"], {"dockerConfig": "c.json"}),
        (["base", "with-exec", "--args=echo,hi"], {"args": ["echo", "hi"]}),
        (["base", "as-service", "up", "--ports=8080:80,81:81"], {"ports": [
            {"frontend": 8080, "backend": 80}, {"frontend": 81, "backend": 81}
        ]}),
    ],
)  # fmt: skip
def test_flags_stand_for_values_of_their_type(types: Types, call: list[str], wanted: dict[str, Any]) -> None:
    assert given(types, *call) == wanted


@pytest.mark.parametrize(
    ("call", "message", "command"),
    [
        (["nosuch"], 'unknown command "nosuch" for "cutover call"', "cutover call"),
        (["helo"], 'unknown command "helo" for "cutover call"; did you mean "hello"?', "cutover call"),
        (["hello", "nosuch"], 'unknown command "nosuch" for "cutover call hello"', "cutover call hello"),
        (["odd"], 'unknown command "odd" for "cutover call"', "cutover call"),
        (["hello", "--nosuch=1"], "unknown flag: --nosuch", "cutover call hello"),
        (["hello", "--nam=1"], 'unknown flag: --nam; did you mean "--name"?', "cutover call hello"),
        (["hello", "-n"], "unknown shorthand flag: 'n' in -n", "cutover call hello"),
        (["hello", "--name"], "flag needs an argument: --name", "cutover call hello"),
        (["hello", "-m"], "flag needs an argument: 'm' in -m", "cutover call hello"),
        (["with-token"], 'required flag(s) "at", "token" not set', "cutover call with-token"),
        (["base", "with-exec", "stdout"], 'required flag(s) "args" not set', "cutover call base with-exec"),
        (
            ["fail", "--code=abc"],
            'invalid argument "abc" for "--code" flag: strconv.ParseInt: parsing "abc": invalid syntax',
            "cutover call fail",
        ),
        (
            ["every-kind", "--numbers=1,x"],
            'invalid argument "1,x" for "--numbers" flag: strconv.ParseInt: parsing "x": invalid syntax',
            "cutover call every-kind",
        ),
        (
            ["every-kind", "--ratio=x"],
            'invalid argument "x" for "--ratio" flag: strconv.ParseFloat: parsing "x": invalid syntax',
            "cutover call every-kind",
        ),
        (
            ["every-kind", "--dry-run=maybe"],
            'invalid argument "maybe" for "--dry-run" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
            "cutover call every-kind",
        ),
        (
            ["every-kind", "--colour=RED"],
            'invalid argument "RED" for "--colour" flag: value should be one of BLUE,GREEN',
            "cutover call every-kind",
        ),
        (
            ["every-kind", "--platform="],
            'invalid argument "" for "--platform" flag: platform cannot be empty',
            "cutover call every-kind",
        ),
        (
            ["base", "as-service", "up", "--ports=http"],
            'invalid argument "http" for "--ports" flag: '
            'portForward setting not in the form of frontend:backend: "http"',
            "cutover call base as-service up",
        ),
        (
            ["base", "as-service", "up", "--ports=a:80"],
            'invalid argument "a:80" for "--ports" flag: portForward frontend not a valid integer: "a"',
            "cutover call base as-service up",
        ),
        (
            ["hello", "--progress=loud"],
            'invalid argument "loud" for "--progress" flag: use auto, plain, quiet',
            "cutover call hello",
        ),
    ],
)
def test_wrong_words_are_told_with_the_command_that_helps(
    types: Types, call: list[str], message: str, command: str
) -> None:
    with pytest.raises(UsageError) as caught:
        words.parse(types, call)
    assert (str(caught.value), caught.value.command) == (message, command)


def test_help_stands_anywhere_and_needs_no_required_flags(types: Types) -> None:
    chain = words.parse(types, ["with-token", "--help"])
    assert chain.help
    assert chain.links[-1].name == "withToken"


def test_options_stand_anywhere_also_among_a_functions_flags(types: Types) -> None:
    chain = words.parse(types, ["-j", "hello", "--name=bob", "-qv", "-o", "out.txt", "--engine=embedded"])
    assert chain.options == Options(json=True, progress="quiet", verbose=1, output="out.txt", engine="embedded")
    assert chain.links[-1].given == {"name": ["bob"]}


def test_a_chain_is_one_query_with_variables(types: Types) -> None:
    links = words.parse(types, ["base", "with-exec", "--args=echo,hi", "stdout"]).links
    text, variables = query(links, [{}, {}, {"args": ["echo", "hi"]}, {}], "")
    assert text == "query ($v0: [String!]!) { ci { base { withExec(args: $v0) { stdout } } } }"
    assert variables == {"v0": ["echo", "hi"]}
    assert validate(schema.build(TYPES), parse(text)) == []


def test_of_an_object_a_leaf_is_asked(types: Types) -> None:
    links = words.parse(types, ["base"]).links
    assert query(links, [{}, {}], "id: sync") == ("{ ci { base { id: sync } } }", {})


def test_a_chain_goes_on_behind_a_list(types: Types) -> None:
    links = words.parse(types, ["sides", "length"]).links
    assert query(links, [{}, {}, {}], "") == ("{ ci { sides { length } } }", {})


@pytest.mark.parametrize(
    ("name", "word"),
    [("testReport", "test-report"), ("test_report", "test-report"), ("stdout", "stdout"),
     ("python3Base", "python-3-base"), ("asURL", "as-url"), ("JSONData", "json-data"), ("sha256", "sha-256")],
)  # fmt: skip
def test_names_are_words_with_dashes(name: str, word: str) -> None:
    assert kebab(name) == word
