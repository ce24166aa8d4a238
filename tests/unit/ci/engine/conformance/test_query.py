"""Query, ids, JSONValue: what the SDK's client gets."""

from collections.abc import Awaitable, Callable
from typing import Any

import dagger
import pytest
from dagger import dag

from ci.engine.platforms import native

pytestmark = pytest.mark.anyio
Asked = Callable[[], Awaitable[Any]]
DOCUMENT = '{"b":[1,"two",true],"a":{"c":null}}'


def document() -> dagger.JSONValue:
    return dag.json().with_contents(dagger.JSON(DOCUMENT))


async def test_version_and_platform() -> None:
    assert await dag.version() == "v0.21.8"
    assert await dag.default_platform() == native()
    assert await dag.container().platform() == native()


async def test_a_long_chain_is_one_query() -> None:
    container = dag.container()
    for number in range(300):
        container = container.with_env_variable(f"V{number}", str(number))
    assert await container.env_variable("V299") == "299"
    assert len(await container.env_variables()) == 300


async def test_equal_recipes_have_equal_ids_and_others_others() -> None:
    assert await dag.directory().with_new_file("a", "1").id() == await dag.directory().with_new_file("a", "1").id()
    assert await dag.directory().with_new_file("a", "1").id() != await dag.directory().with_new_file("a", "2").id()


async def test_an_object_is_loaded_by_its_id_in_both_ways() -> None:
    made = await dag.directory().with_new_file("a", "1").id()
    assert await dag.load_directory_from_id(dagger.DirectoryID(made)).entries() == ["a"]
    label = (await dag.container().with_label("a", "b").labels())[0]
    assert (await label.name(), await label.value()) == ("a", "b")


async def test_an_id_of_nothing_is_told() -> None:
    with pytest.raises(dagger.QueryError, match=r"^'bogus' is not the id of a File in this session$"):
        await dag.load_file_from_id(dagger.FileID("bogus")).size()


async def test_several_calls_at_once() -> None:
    import anyio

    found: list[list[str]] = []

    async def ask(name: str) -> None:
        found.append(await dag.directory().with_new_file(name, name).entries())

    async with anyio.create_task_group() as group:
        for number in range(20):
            group.start_soon(ask, str(number))
    assert sorted(found) == sorted([str(number)] for number in range(20))


@pytest.mark.parametrize(
    ("ask", "value"),
    [
        (lambda: dag.json().contents(), "null"),
        (lambda: document().contents(), DOCUMENT),
        (lambda: document().fields(), ["a", "b"]),
        (lambda: document().field(["a", "c"]).contents(), "null"),
        (lambda: dag.json().new_string("x").as_string(), "x"),
        (lambda: dag.json().new_integer(3).as_integer(), 3),
        (lambda: dag.json().new_boolean(True).as_boolean(), True),
        (lambda: dag.json().with_field(["a", "b"], dag.json().new_integer(1)).contents(), '{"a":{"b":1}}'),
        (lambda: dag.json().with_field(["a"], dag.json().new_string("é")).contents(pretty=True), '{\n  "a": "é"\n}'),
        (lambda: dag.file("f.json", DOCUMENT).as_json().field(["b"]).contents(), '[1,"two",true]'),
    ],
)
async def test_json_values(ask: Asked, value: Any) -> None:
    assert await ask() == value


async def test_the_items_of_a_json_array() -> None:
    assert [await item.contents() for item in await document().field(["b"]).as_array()] == ["1", '"two"', "true"]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: document().as_string(), "value is not a string"),
        (lambda: document().as_array(), "value is not an array"),
        (lambda: dag.json().new_boolean(True).as_integer(), "value is not an integer"),
        (lambda: document().field(["z"]).contents(), "no such field: 'z'"),
        (lambda: document().field(["b", "z"]).contents(), "can't lookup field 'z' in non-object value"),
        (lambda: dag.json().with_contents(dagger.JSON("{")).contents(), "invalid JSON: "),
        (lambda: dag.file("f", "{").as_json().contents(), "invalid JSON: "),
    ],
)
async def test_json_that_is_not_what_it_is_taken_for(ask: Asked, message: str) -> None:
    with pytest.raises(dagger.QueryError, match=message):
        await ask()


@pytest.mark.parametrize(
    ("ask", "field"),
    [
        (lambda: dag.llm().with_prompt("hi").last_reply(), "Query.llm"),
        (lambda: dag.env(privileged=True).id(), "Query.env"),
        (lambda: dag.current_env().input("x").as_string(), "Query.currentEnv"),
        (lambda: dag.current_workspace().directory(".").entries(), "Query.currentWorkspace"),
        (lambda: dag.changeset().is_empty(), "Query.changeset"),
        (lambda: dag.directory().changes(dag.directory()).added_paths(), "Directory.changes"),
        (lambda: dag.module_source(".").with_name("x").as_module().name(), "Query.moduleSource"),
        (lambda: dag.module_source(".").toolchains(), "Query.moduleSource"),
        (lambda: dag.env_file().id(), "Query.envFile"),
        (lambda: dag.engine().local_cache().max_used_space(), "Query.engine"),
        (lambda: dag.container().experimental_with_gpu(["0"]).workdir(), "Container.experimentalWithGPU"),
        (lambda: dag.container().experimental_with_all_gp_us().workdir(), "Container.experimentalWithAllGPUs"),
    ],
)
async def test_what_is_not_served_is_told_at_once_by_its_name(ask: Asked, field: str) -> None:
    wanted = f"^{field} is not served by the embedded engine; Dagger's engine serves it \\(--engine dagger\\)$"
    with pytest.raises(dagger.QueryError, match=wanted):
        await ask()
