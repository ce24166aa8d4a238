"""A module's types: from its registration, through the store, to the schema."""

import json
from typing import Any

import pytest
from graphql import parse, print_type

from ci.engine import schema
from ci.engine.errors import ModuleLoadError, NotServedError, ReservedNameError
from ci.engine.modules.registration import folded, namespaced
from ci.engine.modules.sdl import sdl
from ci.engine.nodes import Node
from ci.engine.typedefs import ModuleTypes, TypeRef, camel, pascal, restored

ROOT = Node("TypeDef", "typeDef")


def kind(name: str, optional: bool = False) -> Node:
    node = Node("TypeDef", "withKind", ROOT, {"kind": name})
    return Node("TypeDef", "withOptional", node, {"optional": True}) if optional else node


def named(step: str, name: str) -> Node:
    return Node("TypeDef", step, ROOT, {"name": name})


def listed(element: Node) -> Node:
    return Node("TypeDef", "withListOf", ROOT, {"elementType": element})


def chain(start: Node, *steps: tuple[str, dict[str, Any]]) -> Node:
    for field, args in steps:
        start = Node(start.type, field, start, args)
    return start


def function(name: str, result: Node, *steps: tuple[str, dict[str, Any]]) -> Node:
    return chain(Node("Function", "function", None, {"name": name, "returnType": result}), *steps)


def arg(name: str, type_def: Node, **more: Any) -> tuple[str, dict[str, Any]]:
    return "withArg", {"name": name, "typeDef": type_def, **more}


STRING, DIRECTORY = kind("STRING_KIND"), named("withObject", "Directory")


def registration() -> Node:
    """What the SDK registers of a small module named my-module."""
    greet = function(
        "greet", STRING,
        ("withDescription", {"description": 'Say "hello".\n\nAt length.'}),
        arg("name", STRING, defaultValue='"world"', description="who"),
        arg("how_often", kind("INTEGER_KIND", optional=True)),
        arg("tags", listed(STRING)),
        arg("colour", named("withEnum", "Colour")),
    )  # fmt: skip
    build = function(
        "build_all", DIRECTORY,
        arg("source", DIRECTORY, defaultPath="/", ignore=[".git"]),
        ("withCachePolicy", {"policy": "Never"}),
        ("withCheck", {}),
        ("withDeprecated", {"reason": "old"}),
    )  # fmt: skip
    timed = function("timed", kind("VOID"), ("withCachePolicy", {"policy": "Default", "timeToLive": "10m"}))
    main = chain(
        named("withObject", "MyModule"),
        ("withField", {"name": "source", "typeDef": DIRECTORY, "description": "the source", "deprecated": "gone"}),
        *(("withFunction", {"function": item}) for item in (greet, build, timed)),
        ("withConstructor", {"function": function("", named("withObject", "MyModule"), arg("source", DIRECTORY))}),
    )
    colour = chain(
        named("withEnum", "Colour"),
        ("withEnumMember", {"name": "BLUE", "value": "blue", "description": "the sky", "deprecated": ""}),
        ("withEnumValue", {"value": "GREEN"}),
    )
    return chain(
        Node("Module", "module"),
        ("withDescription", {"description": "A module."}),
        ("withObject", {"object": main}),
        ("withEnum", {"enum": colour}),
    )


@pytest.fixture
def types() -> ModuleTypes:
    return folded("my-module", registration())


def test_a_registration_gives_the_modules_types(types: ModuleTypes) -> None:
    assert (types.name, types.description) == ("my-module", "A module.")
    assert types.main.name == "MyModule"
    assert [item.name for item in types.main.functions] == ["greet", "build_all", "timed"]
    assert types.main.fields == (("source", TypeRef("OBJECT_KIND", "Directory"), "the source", "gone"),)
    members = (("BLUE", "blue", "the sky", ""), ("GREEN", "GREEN", "", None))
    assert types.enums == (("MyModuleColour", members, ""),)


def test_arguments_carry_their_types_and_defaults(types: ModuleTypes) -> None:
    greet, build, _ = types.main.functions
    assert [(item.name, item.required) for item in greet.args] == [
        ("name", False), ("how_often", False), ("tags", True), ("colour", True),
    ]  # fmt: skip
    assert greet.args[2].type.innermost == TypeRef("STRING_KIND")
    assert (build.args[0].default_path, build.args[0].ignore, build.args[0].required) == ("/", (".git",), False)


def test_what_holds_for_a_functions_result_is_kept(types: ModuleTypes) -> None:
    _, build, timed = types.main.functions
    assert (build.cache_policy, build.check, build.deprecated) == ("Never", True, "old")
    assert (timed.cache_policy, timed.ttl, timed.result.kind) == ("Default", "10m", "VOID_KIND")


def test_types_survive_the_store(types: ModuleTypes) -> None:
    assert restored(json.loads(json.dumps(types.json()))) == types


def test_types_are_written_as_sdl_that_extends_the_core(types: ModuleTypes) -> None:
    parse(sdl(types))
    built = schema.build(types)
    query = built.type_map["Query"]
    assert "myModule(source: ID!): MyModule!" in print_type(query)
    main = print_type(built.type_map["MyModule"])
    assert "howOften: Int" in main
    assert "tags: [String!]!" in main
    assert "buildAll(source: ID): Directory!" in main
    assert "timed: Void" in main
    assert 'Say "hello".' in main
    assert "colour: MyModuleColour!" in main
    assert list(built.type_map["MyModuleColour"].values) == ["BLUE", "GREEN"]  # type: ignore[attr-defined]
    assert 'source: Directory! @deprecated(reason: "gone")' in main


@pytest.mark.parametrize("step", ["withWorkspace", "withSomethingNew"])
def test_what_a_module_may_not_have_is_refused_by_name(step: str) -> None:
    with pytest.raises(NotServedError, match=rf"^Module.{step} is not served"):
        folded("m", chain(Node("Module", "module"), (step, {})))


def test_a_function_that_generates_is_known_and_marked_as_not_served() -> None:
    main = chain(named("withObject", "M"), ("withFunction", {"function": function("f", STRING, ("withGenerator", {}))}))
    types = folded("m", chain(Node("Module", "module"), ("withObject", {"object": main})))
    assert types.main.functions[0].unserved == "a function that generates files (@generate)"


def test_a_module_without_an_object_of_its_name_is_refused() -> None:
    other = Node("Module", "withObject", Node("Module", "module"), {"object": named("withObject", "Other")})
    with pytest.raises(ModuleLoadError, match="module my-module has no object named 'MyModule'"):
        folded("my-module", other)


@pytest.mark.parametrize(
    ("name", "module", "expected"),
    [
        ("Post", "post", "Post"),
        ("PostMan", "post", "PostMan"),
        ("Postman", "post", "PostPostman"),
        ("Colour", "my-module", "MyModuleColour"),
    ],
)
def test_type_names_begin_with_the_modules(name: str, module: str, expected: str) -> None:
    assert namespaced(name, module) == expected


def test_an_interface_is_a_type_whose_arguments_take_any_objects_id() -> None:
    duck = chain(named("withInterface", "Duck"), ("withFunction", {"function": function("quack", STRING)}))
    feed = function("feed", STRING, arg("duck", named("withInterface", "Duck")))
    main = chain(named("withObject", "Pond"), ("withFunction", {"function": feed}))
    module = chain(Node("Module", "module"), ("withObject", {"object": main}), ("withInterface", {"iface": duck}))
    built = schema.build(folded("pond", module))
    assert "feed(duck: ID!): String!" in print_type(built.type_map["Pond"])
    assert "quack: String!" in print_type(built.type_map["PondDuck"])


@pytest.mark.parametrize(
    ("text", "camelled", "pascalled"),
    [
        ("test_report", "testReport", "TestReport"),
        ("test-report", "testReport", "TestReport"),
        ("test", "test", "Test"),
        ("", "", ""),
    ],
)
def test_names_are_written_as_graphql_has_them(text: str, camelled: str, pascalled: str) -> None:
    assert (camel(text), pascal(text)) == (camelled, pascalled)


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (("withField", {"name": "id", "typeDef": STRING}), "field"),
        (("withFunction", {"function": function("id", STRING)}), "function"),
    ],
)
def test_the_name_that_every_object_has_is_reserved(step: tuple[str, dict[str, Any]], told: str) -> None:
    module = chain(Node("Module", "module"), ("withObject", {"object": chain(named("withObject", "M"), step)}))
    with pytest.raises(ReservedNameError, match=f'^cannot define {told} with reserved name "id" on object "M"$'):
        folded("m", module)
