"""The schema beside what the SDK's generated client can ask for."""

import ast
from collections.abc import Iterator
from pathlib import Path

from dagger.client import gen
from graphql import DirectiveLocation, GraphQLObjectType, GraphQLSchema, get_introspection_query

from ci.engine import api, introspection, schema, served
from ci.engine.api import Context
from ci.engine.fields import rows
from ci.engine.session import Session

# The client's own stand-ins for interfaces.
INTERFACES = {"_ExportableClient", "_NodeClient", "_SyncerClient"}


def asked() -> Iterator[tuple[str, str, set[str]]]:
    """Each field that the client can ask for: its type, its name, its arguments."""
    for kind in ast.parse(Path(gen.__file__).read_text(encoding="utf-8")).body:
        for method in kind.body if isinstance(kind, ast.ClassDef) and kind.name not in INTERFACES else ():
            called = [(_name(call), call.args) for call in ast.walk(method) if isinstance(call, ast.Call)]
            arguments = {_text(args[0]) for name, args in called if name == "Arg"}
            for field in (args[0] for name, args in called if name == "_select"):
                yield getattr(kind, "name", ""), _text(field), arguments


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _text(node: ast.expr) -> str:
    assert isinstance(node, ast.Constant)
    return str(node.value)


def test_every_field_the_client_can_ask_for_is_known_with_its_arguments(core: GraphQLSchema) -> None:
    missing = []
    for kind, field, arguments in asked():
        found = core.type_map.get(kind)
        fields = found.fields if isinstance(found, GraphQLObjectType) else {}
        if field not in fields or not arguments <= set(fields[field].args):
            missing.append(f"{kind}.{field}({', '.join(arguments)})")
    assert missing == []


def test_directives_stand_only_where_clients_of_older_libraries_know_them(core: GraphQLSchema) -> None:
    places = {place.name for directive in core.directives for place in directive.locations}
    assert places <= set(DirectiveLocation.__members__) - {"DIRECTIVE_DEFINITION"}


def test_the_answer_to_introspection_is_kept_and_is_the_same(core: GraphQLSchema, session: Session) -> None:
    query = get_introspection_query()
    first = schema.answer(core, Context(session), query, None)
    assert introspection.key(core, query, None)
    assert schema.answer(schema.build(), Context(session), query, None) == first
    assert list((session.store.root / "records/introspection").rglob("*"))


def test_what_asks_for_more_than_the_schema_is_answered_anew(core: GraphQLSchema, session: Session) -> None:
    assert "data" in schema.answer(core, Context(session), "{__schema{queryType{name}} version}", None)
    assert not (session.store.root / "records/introspection").exists()
    assert introspection.key(core, "{version}", None) == ""


def names(file: str) -> set[str]:
    return {f"{kind}.{field}" for kind, fields in served.fields(file).items() for field in fields} - {"Query.id"}


def test_what_is_said_to_be_served_has_a_resolver_and_what_is_refused_has_none() -> None:
    resolved = {name for name in names(served.SERVED) if api.served(name)}
    given = {name for name in names(served.SERVED) if name.endswith(".id") or name.partition(".")[0] in rows.KINDS}
    assert names(served.SERVED) - resolved - given == set()
    assert {name for name in names(served.UNSERVED) if api.served(name)} == set()


def test_the_table_of_what_is_served_is_the_schemas() -> None:
    table = Path(__file__).parents[4] / "docs/served.md"
    assert table.read_text(encoding="utf-8") == served.table(), "run: python -m ci.engine.served > docs/served.md"
