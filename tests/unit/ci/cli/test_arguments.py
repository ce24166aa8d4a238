"""What the texts of arguments stand for."""

from collections.abc import Mapping
from typing import Any

import pytest
from graphql import parse, validate

from ci.cli import words
from ci.cli.arguments import objects
from ci.cli.errors import UsageError
from ci.cli.types import Types
from ci.engine import schema
from ci.errors import CutoverError

from .conftest import TYPES

SERVED = schema.build(TYPES)


def asked(types: Types, *call: str) -> tuple[str, Mapping[str, Any], Any]:
    """The one query that the last function's arguments make, its variables, and what the arguments become."""
    seen: list[tuple[str, Mapping[str, Any]]] = []

    def ask(text: str, variables: Mapping[str, Any]) -> Any:
        seen.append((text, variables))
        return {"a": {"b": {"id": f"id{len(seen)}"}}}

    found = objects(words.parse(types, call).links[-1], types, "cutover call", ask)
    assert all(validate(SERVED, parse(text)) == [] for text, _ in seen)
    return *seen[-1], found


@pytest.mark.parametrize(
    ("flag", "text", "query", "variables"),
    [
        ("source", "./app", "host{directory(path:$path,exclude:$exclude){id}}", {
            "path": "./app", "exclude": ["*.tmp"]}),
        ("source", "file:///app", "host{directory(", {"path": "/app", "exclude": ["*.tmp"]}),
        ("source", "https://x.org/r", "git(url:$url){head{tree{directory(path:$path){id}}}}", {
            "url": "https://x.org/r", "path": "/"}),
        ("source", "git@x.org:r.git#main:docs", "git(url:$url){ref(name:$name){tree{directory(path:$path){id}}}}", {
            "url": "git@x.org:r.git", "path": "docs", "name": "main"}),
        ("docker-config", "c.json", "host{file(path:$path){id}}", {"path": "c.json"}),
        ("docker-config", "https://x.org/r#v1:a.txt", "git(url:$url){ref(name:$name){tree{file(path:$path){id}}}}", {
            "url": "https://x.org/r", "path": "a.txt", "name": "v1"}),
        ("aws", "tcp://127.0.0.1:4566", "host{service(host:$host,ports:$ports){id}}", {
            "host": "127.0.0.1", "ports": [{"frontend": 4566, "backend": 4566, "protocol": "TCP"}]}),
        ("aws", "udp://[::1]:53", "host{service(", {
            "host": "::1", "ports": [{"frontend": 53, "backend": 53, "protocol": "UDP"}]}),
        ("repository", "https://x.org/r", "git(url:$url){id}", {"url": "https://x.org/r"}),
        ("repository", "../r", "host{directory(path:$path){asGit{id}}}", {"path": "../r"}),
        ("ref", "https://x.org/r#v1", "git(url:$url){ref(name:$name){id}}", {"url": "https://x.org/r", "name": "v1"}),
        ("ref", ".", "host{directory(path:$path){asGit{head{id}}}}", {"path": "."}),
        ("cache", "pip", "cacheVolume(key:$key){id}", {"key": "pip"}),
        ("socket", "unix:///run/x.sock", "host{unixSocket(path:$path){id}}", {"path": "/run/x.sock"}),
        ("base", "alpine:3", "container{from(address:$address){id}}", {"address": "alpine:3"}),
    ],
)  # fmt: skip
def test_a_text_stands_for_an_object(types: Types, flag: str, text: str, query: str, variables: dict[str, Any]) -> None:
    asked_text, asked_variables, found = asked(types, "every-kind", f"--{flag}={text}")
    assert query in asked_text
    assert asked_variables == variables
    assert list(found.values()) == ["id1"]


@pytest.mark.parametrize(
    ("text", "uri"), [("env:TOKEN", "env:TOKEN"), ("cmd://echo x", "cmd://echo x"), ("TOKEN", "env://TOKEN")]
)
def test_a_secret_is_named_by_where_it_is(types: Types, text: str, uri: str) -> None:
    asked_text, variables, _ = asked(types, "with-token", "--at=x", f"--token={text}")
    assert "secret(uri:$uri){id}" in asked_text
    assert variables == {"uri": uri}


def test_each_of_several_is_an_object(types: Types) -> None:
    assert asked(types, "every-kind", "--files=a,b", "--files=c")[2] == {"files": ["id1", "id2", "id3"]}


@pytest.mark.parametrize(
    ("flag", "text", "reason"),
    [
        ("aws", "127.0.0.1:80", "unsupported service address: '127.0.0.1:80'. Must be a valid tcp:// or udp:// URL"),
        ("aws", "tcp://host", "unsupported service address"),
        ("docker-config", "https://x.org/r", "no file path specified within git repository"),
        ("repository", "https://x.org/r#v1", "git repository address cannot contain ref"),
        ("ref", "https://x.org/r#v1:docs", "git ref address cannot contain subdir"),
    ],
)  # fmt: skip
def test_a_text_that_is_no_address_is_told_with_its_flag(types: Types, flag: str, text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=f'^failed to get value for argument "{flag}": {reason}'):
        asked(types, "every-kind", f"--{flag}={text}")


def test_a_folder_that_is_not_there_is_a_wrong_argument_and_a_missing_secret_is_not(types: Types) -> None:
    """Dagger loads folders before the call begins, and shows the usage; a secret is read when it is used."""

    def ask(_: str, __: Mapping[str, Any]) -> Any:
        raise CutoverError("no such directory")

    with pytest.raises(UsageError, match='failed to get value for argument "source": no such directory'):
        objects(words.parse(types, ["every-kind", "--source=x"]).links[-1], types, "cutover call", ask)
    with pytest.raises(CutoverError, match=r"^no such directory") as caught:
        objects(words.parse(types, ["with-token", "--at=x", "--token=env:X"]).links[-1], types, "cutover call", ask)
    assert not isinstance(caught.value, UsageError)
