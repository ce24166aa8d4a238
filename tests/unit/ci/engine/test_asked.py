"""No field is called served that no test asks for: by the SDK's client, or in the text of a query on a real engine."""

import ast
import re
from pathlib import Path

import pytest

from ci.engine.served import SERVED, fields

TESTS = Path(__file__).parents[3]
CLIENT = [*Path(__file__).with_name("conformance").glob("*.py")]
REAL = [*(TESTS / "integration/ci/engine").glob("*.py"), Path(__file__).with_name("test_api.py")]
WORD = re.compile(r"\b[a-z]\w*")


def methods() -> set[str]:
    """The names of the methods that the tests with the SDK's client call."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (*CLIENT, *REAL)]
    return {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def queried() -> set[str]:
    """The names that stand in queries on a real engine."""
    return {word for path in REAL for word in WORD.findall(path.read_text(encoding="utf-8"))}


def snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


@pytest.mark.parametrize("kind", sorted(fields(SERVED)))
def test_every_field_that_is_served_is_asked_for(kind: str) -> None:
    called, written = methods(), queried()
    names = [name for name in fields(SERVED)[kind] if name != "id"]
    assert [n for n in names if n not in written and not {snake(n), f"{snake(n)}_"} & called] == []
