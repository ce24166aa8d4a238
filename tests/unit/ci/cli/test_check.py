"""`cutover check`: which checks run, and the table of their outcomes."""

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from ci.cli.check import RECORD, Checked, _key, _run, cheapest_first, named, table
from ci.cli.engine import CallError, Engine
from ci.cli.errors import UsageError
from ci.cli.options import Options
from ci.cli.types import Types
from ci.engine.errors import ExecError, InterruptedCallError
from ci.engine.nodes import Node
from ci.engine.progress import Progress
from ci.engine.recipes import RecipeBook
from ci.engine.session import opened
from ci.engine.store import Store
from ci.engine.typedefs import Argument, Function, ModuleTypes, ObjectType, TypeRef

PATIENCE = 30.0


class Answering:
    """A module whose functions answer, `lint` with an error."""

    until: threading.Event | None = None  # what `unit-test` runs until, and then is interrupted

    def __init__(self) -> None:
        self.begun = threading.Event()

    def function(self, type_name: str, field: str) -> tuple[str, Any]:
        return type_name, field

    def resolve(self, found: tuple[str, Any], parent: Any, args: Mapping[str, Any]) -> Any:
        if found[1] == "lint":
            assert self.until is None or self.begun.wait(PATIENCE)
            raise ExecError(["ruff"], 3, "E501", "")
        if parent is not None and self.until is not None:
            self.begun.set()
            assert self.until.wait(PATIENCE)
            raise InterruptedCallError
        return Node("Ci", "instance") if parent is None else "ok"


@pytest.fixture
def running(types: Types, tmp_path: Path) -> Iterator[Engine]:
    with opened(Store(tmp_path), Progress(quiet=True), RecipeBook(), tmp_path) as session:
        engine = Engine(session, None)
        engine.module, engine.types = cast(Any, Answering()), types
        yield engine


def test_patterns_name_checks_and_none_names_all(running: Engine) -> None:
    assert list(named(running, [])) == ["lint", "unit-test"]
    assert list(named(running, ["lint"])) == ["lint"]
    assert list(named(running, ["u*", "lint"])) == ["lint", "unit-test"]
    with pytest.raises(UsageError, match='no check "lin"; did you mean "lint"'):
        named(running, ["lin"])
    with pytest.raises(UsageError, match='no check "hello"'):
        named(running, ["hello"])


def nested() -> Types:
    """Checks of the main object, of one that a function gives, and of ones that need an argument or lead back."""
    side, main = TypeRef("OBJECT_KIND", "Side"), TypeRef("OBJECT_KIND", "Ci")
    void, asked = TypeRef("VOID_KIND", optional=True), (Argument("name", TypeRef("STRING_KIND")),)
    own = (
        Function("lint", void, check=True), Function("asked", void, args=asked, check=True), Function("side", side),
        Function("other_side", side, args=asked), Function("sides", TypeRef("LIST_KIND", element=side)),
    )  # fmt: skip
    below = (Function("unit", void, check=True), Function("again", side), Function("back", main))
    return Types(ModuleTypes("ci", "", (ObjectType("Ci", functions=own), ObjectType("Side", functions=below))), None)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("lint", ["lint"]), ("side", ["side:unit"]), ("side:unit", ["side:unit"]), ("side:*", ["side:unit"]),
        ("*", ["lint"]), ("**", ["lint", "side:unit"]),
    ],
)  # fmt: skip
def test_checks_of_the_modules_other_objects_have_the_names_that_lead_to_them(
    running: Engine, pattern: str, found: list[str]
) -> None:
    running.types = nested()
    assert list(named(running, [])) == ["lint", "side:unit"]
    assert list(named(running, [pattern])) == found


def test_each_check_runs_and_one_that_fails_ends_no_other(running: Engine) -> None:
    rows = _run(running, named(running, []), Options())
    assert [row.name for row in rows] == ["lint", "unit-test"]
    assert isinstance(rows[0].error, CallError)
    assert rows[1].error is None


def test_the_check_that_took_the_least_last_time_begins_first(running: Engine) -> None:
    checks = named(running, [])
    running.session.store.put_record(RECORD, _key(running, "lint"), 30.0)
    assert cheapest_first(running, checks) == ["unit-test", "lint"], "what was never seen may be cheap"
    running.session.store.put_record(RECORD, _key(running, "unit-test"), 60.0)
    assert cheapest_first(running, checks) == ["lint", "unit-test"]


def test_the_first_failure_stops_the_others_where_it_is_asked_to(running: Engine) -> None:
    """`lint` fails at once; `unit-test` runs until it is ended, which is not told as a failure of its own."""
    cast(Answering, running.module).until = ended = threading.Event()
    rows = _run(running, named(running, []), Options(), ended.set)
    assert [(row.name, row.outcome) for row in rows] == [("lint", "failed"), ("unit-test", "stopped")]
    assert "interrupted" not in table(rows)


def test_the_table_ends_with_what_the_failed_ones_said() -> None:
    error = CallError({"message": "exit code: 3"})
    rows = [Checked("lint", 1.0, error), Checked("unit-test", 62.0, None), Checked("types", 0.0, None, stopped=True)]
    assert table(rows) == (
        "Name        Outcome   Time\nlint        failed    1.0s\nunit-test   passed    1m02s\n"
        "types       not run   0.0s\n\nlint: exit code: 3\n"
    )
