"""What registers a module's types: Module, TypeDef, Function and SourceMap, as the SDK's client makes them."""

from collections.abc import Awaitable, Callable

import dagger
import pytest
from dagger import TypeDefKind, dag

from ci.engine.modules.registration import folded
from ci.engine.server import Server
from ci.engine.typedefs import Argument, Function, ModuleTypes, TypeRef

pytestmark = pytest.mark.anyio
TEXT = TypeRef("STRING_KIND")


def text(optional: bool = False) -> dagger.TypeDef:
    return dag.type_def().with_kind(TypeDefKind.STRING_KIND).with_optional(optional)


async def registered(server: Server, module: dagger.Module) -> ModuleTypes:
    """The types that a module named `shop` registers."""
    return folded("shop", server.session.nodes.get(await module.id(), "Module"))


async def called(server: Server, function: dagger.Function) -> Function:
    """The one function of a module's main object."""
    main = dag.type_def().with_object("Shop").with_function(function)
    return (await registered(server, dag.module().with_object(main))).main.functions[0]


async def test_an_objects_fields_functions_and_constructor(server: Server) -> None:
    made = (
        dag.type_def()
        .with_object("Shop", description="Sells.", deprecated="closed")
        .with_field("till", text(optional=True), description="cash", deprecated="cards")
        .with_function(dag.function("open", text()))
        .with_constructor(dag.function("", dag.type_def().with_object("Shop")).with_arg("till", text()))
    )
    main = (await registered(server, dag.module().with_description("A shop.").with_object(made))).main
    assert (main.name, main.description, main.deprecated) == ("Shop", "Sells.", "closed")
    assert main.fields == (("till", TypeRef("STRING_KIND", optional=True), "cash", "cards"),)
    assert [function.name for function in main.functions] == ["open"]
    assert main.constructor is not None
    assert main.constructor.args == (Argument("till", TEXT),)


@pytest.mark.parametrize(
    ("made", "ref"),
    [
        (lambda: text(), TEXT),
        (lambda: dag.type_def().with_kind(TypeDefKind.INTEGER_KIND), TypeRef("INTEGER_KIND")),
        (lambda: dag.type_def().with_kind(TypeDefKind.VOID_KIND).with_optional(True), TypeRef("VOID_KIND", "", True)),
        (lambda: dag.type_def().with_list_of(text()), TypeRef("LIST_KIND", element=TEXT)),
        (lambda: dag.type_def().with_object("Directory"), TypeRef("OBJECT_KIND", "Directory")),
        (lambda: dag.type_def().with_scalar("Platform"), TypeRef("SCALAR_KIND", "Platform")),
        (lambda: dag.type_def().with_enum("NetworkProtocol"), TypeRef("ENUM_KIND", "NetworkProtocol")),
        (lambda: dag.type_def().with_interface("Duck"), TypeRef("INTERFACE_KIND", "Duck")),
    ],
)
async def test_every_kind_of_type(server: Server, made: Callable[[], dagger.TypeDef], ref: TypeRef) -> None:
    assert (await called(server, dag.function("give", made()))).result == ref


async def test_what_a_function_says_of_itself(server: Server) -> None:
    said = dag.function("sell", text()).with_description("Sell it.").with_deprecated(reason="sold out").with_check()
    found = await called(server, said)
    assert (found.description, found.deprecated, found.check) == ("Sell it.", "sold out", True)


async def test_what_an_argument_says_of_itself(server: Server) -> None:
    folder = dag.type_def().with_object("Directory")
    function = (
        dag.function("sell", text())
        .with_arg("name", text(), description="what", default_value=dagger.JSON('"tea"'), deprecated="by number")
        .with_arg("source", folder, default_path="/app", ignore=["*.log"])
        .with_arg("base", dag.type_def().with_object("Container"), default_address="debian:13-slim")
    )
    name, source, base = (await called(server, function)).args
    assert (name.description, name.default, name.deprecated, name.required) == ("what", '"tea"', "by number", False)
    assert (source.default_path, source.ignore) == ("/app", ("*.log",))
    assert base.default_address == "debian:13-slim"


@pytest.mark.parametrize(
    ("policy", "ttl", "kept"),
    [
        (dagger.FunctionCachePolicy.Never, None, ("Never", "")),
        (dagger.FunctionCachePolicy.PerSession, None, ("PerSession", "")),
        (dagger.FunctionCachePolicy.Default, "10m", ("Default", "10m")),
    ],
)
async def test_how_long_results_are_kept(
    server: Server, policy: dagger.FunctionCachePolicy, ttl: str | None, kept: tuple[str, str]
) -> None:
    found = await called(server, dag.function("sell", text()).with_cache_policy(policy, time_to_live=ttl))
    assert (found.cache_policy, found.ttl) == kept


async def test_enums_and_interfaces_have_the_modules_name_before_theirs(server: Server) -> None:
    colour = (
        dag.type_def()
        .with_enum("Colour", description="paint")
        .with_enum_member("RED", value="red", description="warm", deprecated="faded")
        .with_enum_member("BLUE", description="cold")
    )
    duck = dag.type_def().with_interface("Duck", description="quacks").with_function(dag.function("quack", text()))
    main = dag.type_def().with_object("Shop")
    types = await registered(server, dag.module().with_object(main).with_enum(colour).with_interface(duck))
    members = (("RED", "red", "warm", "faded"), ("BLUE", "BLUE", "cold", None))
    assert types.enums == (("ShopColour", members, "paint"),)
    assert [(item.name, item.interface) for item in types.objects] == [("Shop", False), ("ShopDuck", True)]


async def test_the_older_way_to_name_a_member(server: Server) -> None:
    with pytest.warns(DeprecationWarning, match="with_enum_member"):
        colour = dag.type_def().with_enum("Colour").with_enum_value("BLUE")
    types = await registered(server, dag.module().with_object(dag.type_def().with_object("Shop")).with_enum(colour))
    assert types.enums[0][1] == (("BLUE", "BLUE", "", None),)


async def test_where_something_stands_in_the_source_changes_no_type(server: Server) -> None:
    place = dag.source_map("shop.py", 3, 5)
    assert (await place.filename(), await place.line(), await place.column()) == ("shop.py", 3, 5)
    assert await called(server, dag.function("sell", text()).with_source_map(place)) == Function("sell", TEXT)


async def test_a_function_that_serves_is_called_like_any_other_and_one_that_generates_is_not(server: Server) -> None:
    assert (await called(server, dag.function("web", text()).with_up())).unserved == ""
    assert (await called(server, dag.function("make", text()).with_generator())).unserved != ""


@pytest.mark.parametrize("ask", [lambda: dag.current_module().name(), lambda: dag.current_function_call().name()])
async def test_only_a_function_is_part_of_a_call(ask: Callable[[], Awaitable[str]]) -> None:
    with pytest.raises(dagger.QueryError, match=r"^no function is being called$"):
        await ask()
