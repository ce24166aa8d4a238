"""What a result is asked for and printed as, by its type."""

import base64
import io
from pathlib import Path
from typing import Any

import pytest

from ci.cli import output, words
from ci.cli.output import leaf, saved, text, value
from ci.cli.types import Types
from ci.cli.words import Link
from ci.engine.typedefs import Function, TypeRef
from ci.errors import CutoverError

from .conftest import BOOL, CONTAINER, FLOAT, INT, STRING, listed


def identity(kind: str, digest: str) -> str:
    return base64.b64encode(f"{kind}@{digest}".encode()).decode()


def link(result: TypeRef) -> Link:
    return Link(Function("x", result))


@pytest.mark.parametrize(
    ("result", "kind", "wanted"),
    [
        ("hi", STRING, "hi"),
        ("hi\n", STRING, "hi\n"),
        (3, INT, "3"),
        (True, BOOL, "true"),
        (False, BOOL, "false"),
        (1.0, FLOAT, "1"),
        (0.5, FLOAT, "0.5"),
        (1e16, FLOAT, "10000000000000000"),
        (1e21, FLOAT, "1e+21"),
        (None, STRING, "<nil>"),
        (["a", "b"], listed(STRING), "a\nb\n"),
        ([["a"], ["b"]], listed(listed(STRING)), "a\n\nb\n\n"),
        ([{"length": 1}, {"length": 2}], INT, "1\n2\n"),
        (None, TypeRef("VOID_KIND", "", True), ""),
        (identity("Container", "abc"), TypeRef("SCALAR_KIND", "ID"), "Container@sha256:abc\n"),
    ],
)
def test_values_are_printed_as_they_are(result: Any, kind: TypeRef, wanted: str) -> None:
    assert text(result, link(kind), False, False) == wanted


def test_objects_are_printed_by_type_and_digest() -> None:
    one = {"id": identity("Container", "abc")}
    assert text(one, link(CONTAINER), True, False) == "Container@sha256:abc\n"
    assert text(one, link(CONTAINER), True, True) == "Container@sha256:abc\n"
    many = [one, {"id": identity("Container", "def")}]
    assert text(many, link(listed(CONTAINER)), True, False) == "- Container@sha256:abc\n- Container@sha256:def\n"


def test_json_is_indented_and_ends_a_line() -> None:
    assert text("hällo", link(STRING), False, True) == '"hällo"\n'
    assert text(["a"], link(listed(STRING)), False, True) == '[\n    "a"\n]\n'


@pytest.mark.parametrize(
    ("call", "place", "wanted"),
    [
        (["hello"], None, ("", False)),
        (["hello"], "out", ("", False)),
        (["base"], None, ("id: sync", False)),
        (["base"], "out", ('export(path: "out")', True)),
        (["base", "rootfs"], "out", ('export(path: "out")', True)),
        (["base", "as-tarball"], "out", ('export(path: "out", allowParentDirPath: true)', True)),
        (["base", "as-service"], None, ("id", False)),
        (["sides"], None, ("id", False)),
    ],
)
def test_an_object_is_exported_evaluated_or_named(
    types: Types, call: list[str], place: str | None, wanted: tuple[str, bool]
) -> None:
    assert leaf(types, words.parse(types, call).links[-1], place) == wanted


def test_a_result_lies_under_the_names_of_the_chain(types: Types) -> None:
    links = words.parse(types, ["base", "stdout"]).links
    assert value({"ci": {"base": {"stdout": "hi"}}}, links) == "hi"
    assert value({"ci": {"base": None}}, links) is None
    links = words.parse(types, ["sides", "length"]).links
    assert value({"ci": {"sides": [{"length": 1}]}}, links) == [{"length": 1}]


def test_a_saved_result_makes_the_folders_above_it(tmp_path: Path) -> None:
    place = tmp_path / "a" / "b.txt"
    assert saved("hi", str(place)) == str(place)
    assert place.read_text(encoding="utf-8") == "hi"


def test_a_result_that_cannot_be_saved_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(CutoverError, match=r"couldn't write output to file: .*: Is a directory"):
        saved("hi", str(tmp_path))


def test_on_a_terminal_a_result_ends_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for out, wanted in ((Terminal(), "hi\n"), (io.StringIO(), "hi")):
        monkeypatch.setattr("sys.stdout", out)
        output.show("hi")
        assert out.getvalue() == wanted
