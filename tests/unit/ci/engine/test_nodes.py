"""Recipes and their ids."""

import base64

import pytest

from ci.engine.errors import InvalidIdError
from ci.engine.nodes import Node, NodeTable, digest_of

ROOT = Node("Directory", "directory")


def file(name: str) -> Node:
    return Node("Directory", "withNewFile", ROOT, {"path": name, "contents": "x"})


def test_equal_recipes_are_equal_and_have_one_id() -> None:
    assert file("a") == file("a")
    assert file("a").id == file("a").id
    assert len({file("a"), file("a"), file("b")}) == 2


def test_every_part_of_a_recipe_is_in_its_digest() -> None:
    recipes = [ROOT, file("a"), file("b"), Node("File", "file", ROOT), Node("File", "file"), Node("Directory", "other")]
    assert len({recipe.digest for recipe in recipes}) == len(recipes)


def test_a_recipe_is_no_other_thing() -> None:
    assert ROOT != "Directory"


def test_the_order_of_arguments_does_not_matter_to_a_digest() -> None:
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})


def test_an_argument_that_is_a_recipe_counts_by_its_digest() -> None:
    def merged(source: Node) -> Node:
        return Node("Directory", "withDirectory", ROOT, {"sources": [source], "path": "/"})

    assert merged(file("a")) == merged(file("a"))
    assert merged(file("a")) != merged(file("b"))
    assert list(merged(file("a")).references()) == [ROOT, file("a")]


def test_a_chain_begins_with_the_first_call() -> None:
    last = Node("File", "file", file("a"), {"path": "a"})
    assert [node.field for node in last.chain()] == ["directory", "withNewFile", "file"]


def test_an_id_gives_the_recipe_back() -> None:
    table = NodeTable()
    node = table.add(file("a"))
    assert table.get(node.id) is node
    assert table.get(node.id, "Directory") is node
    assert table.add(file("a")) is node


@pytest.mark.parametrize(
    "text",
    [
        "bogus", "", "ä", base64.b64encode(b"\xff\xfe").decode(), base64.b64encode(b"Directory@0").decode(),
        Node("Directory", "unknown").id,
    ],
)  # fmt: skip
def test_what_is_no_id_of_this_session_is_refused(text: str) -> None:
    table = NodeTable()
    table.add(ROOT)
    with pytest.raises(InvalidIdError, match="is not the id of a File in this session"):
        table.get(text, "File")
    assert table.find(text) is None


def test_the_id_of_another_type_is_refused() -> None:
    table = NodeTable()
    with pytest.raises(InvalidIdError, match="is not the id of a File"):
        table.get(table.add(ROOT).id, "File")


def test_recipes_survive_dump_and_restore_with_all_they_are_made_of() -> None:
    source = Node("File", "file", file("a"), {"path": "a"})
    node = Node("Directory", "withFiles", file("b"), {"sources": [source, source], "more": {"deep": [source, None, 1]}})
    rows = NodeTable().dump([node, source])
    fresh = NodeTable()
    fresh.restore(rows)
    assert fresh.get(node.id) == node
    assert fresh.get(node.id).args["more"]["deep"][0] == source
    assert fresh.get(source.id, "File") == source
    assert len(rows) == len({str(row) for row in rows}) == 5
