"""The GraphQL schema: Dagger's core types from `schema.graphql`, and those of the module that is served."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from graphql import (
    ConstValueNode,
    DocumentNode,
    EnumValueNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    OperationDefinitionNode,
    StringValueNode,
    build_ast_schema,
    execute_sync,
    extend_schema,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql.validation import ValuesOfCorrectTypeRule

from ci.engine import api, fields, introspection, wording
from ci.engine.errors import EngineError
from ci.engine.modules.sdl import sdl
from ci.engine.nodes import Node, digest_of
from ci.engine.parsing import parsed
from ci.engine.served import SERVED, UNSERVED
from ci.engine.typedefs import ModuleTypes

# What Dagger answers with 422; a value of the wrong type it answers with 200.
RULES = [rule for rule in specified_rules if rule is not ValuesOfCorrectTypeRule]


@cache
def core_text() -> str:
    """The two files of the schema."""
    return "\n".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in (SERVED, UNSERVED))


@cache
def core_document() -> DocumentNode:
    """The core types' document: what is served, what is refused by name, and what loads an object by its id."""
    document = parse(core_text(), no_location=True)
    loaders = parse("\n".join(_loaders(document)), no_location=True)
    return DocumentNode(definitions=document.definitions + loaders.definitions)


def _loaders(document: DocumentNode) -> Iterator[str]:
    """Dagger's older way to an object by its id, `Query.loadTypeFromID`, for each type that has ids."""
    for definition in document.definitions:
        if isinstance(definition, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
            name = definition.name.value
            expected = f' @expectedType(name: "{name}")' if isinstance(definition, ObjectTypeDefinitionNode) else ""
            yield f"scalar {name}ID\nextend type Query {{ load{name}FromID(id: {name}ID!{expected}): {name}! }}"


def build(types: ModuleTypes | None = None, inside: bool = False) -> GraphQLSchema:
    """The schema, with a module's types where one is served; `inside`: as its own functions see them."""
    schema = build_ast_schema(core_document(), assume_valid=True)
    module = "" if types is None else sdl(types, inside)
    if module:
        schema = extend_schema(schema, parse(module, no_location=True), assume_valid=True)
    schema.extensions = {"digest": digest_of([core_text(), module])}
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for field in kind.fields.values():
                field.resolve = fields.resolve
        elif isinstance(kind, GraphQLInterfaceType):
            kind.resolve_type = _type_name
        elif isinstance(kind, GraphQLEnumType) and not kind.name.startswith("__"):
            _also_quoted(kind)
    return schema


def _also_quoted(kind: GraphQLEnumType) -> None:
    """Let an enum's value be given as a string too, as Dagger's engine does."""
    coerce = kind.coerce_input_literal

    def lenient(node: ConstValueNode, hide_suggestions: bool = False) -> Any:
        return coerce(EnumValueNode(value=node.value) if isinstance(node, StringValueNode) else node, hide_suggestions)

    kind.coerce_input_literal = lenient  # type: ignore[method-assign, assignment]


def _type_name(value: Any, *_: Any) -> str | None:
    return value.type if isinstance(value, Node) else None


class RequestError(Exception):
    """A request that is refused before anything runs; `status` is the HTTP status Dagger's engine gives it."""

    def __init__(self, status: int, errors: list[dict[str, Any]]) -> None:
        super().__init__(json.dumps(errors))
        self.status = status
        self.errors = errors


def answer(
    schema: GraphQLSchema,
    context: api.Context,
    query: str,
    variables: Mapping[str, Any] | None,
    operation: str | None = None,
) -> dict[str, Any]:
    """The GraphQL response to a query: data, or errors and null data.

    Raises:
        RequestError: the query does not parse or does not validate (422), or has a value of the wrong type (200).
    """
    key = introspection.key(schema, query, operation)
    if known := context.session.store.get_record("introspection", key) if key else None:
        return {"data": known}
    document = _checked(schema, query, operation)
    result = execute_sync(
        schema, document, context_value=context, variable_values=dict(variables or {}), operation_name=operation
    )
    if result.errors:
        return {"errors": [_formatted(context, error) for error in result.errors], "data": None}
    if key and introspection.is_all(document):
        context.session.store.put_record("introspection", key, result.data)
    return {"data": result.data}


def _checked(schema: GraphQLSchema, query: str, operation: str | None) -> DocumentNode:
    if not query.strip():
        raise RequestError(422, [_refused("no operation provided")])
    try:
        document = parsed(query)
    except GraphQLError as error:
        raise RequestError(422, [wording.refused(error, "GRAPHQL_PARSE_FAILED")]) from error
    if errors := validate(schema, document, RULES):
        raise RequestError(422, [wording.refused(error, "GRAPHQL_VALIDATION_FAILED") for error in errors])
    if not isinstance(get_operation_ast(document, operation), OperationDefinitionNode):
        raise RequestError(422, [_refused(f"operation {operation or ''} not found")])
    if errors := validate(schema, document, [ValuesOfCorrectTypeRule]):
        raise RequestError(200, [{"message": f"query:\n{query}\n\nerror: {wording.message(errors[0])}"}])
    return document


def _refused(message: str) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"}}


def _formatted(context: api.Context, error: GraphQLError) -> dict[str, Any]:
    scrub = context.session.secrets.scrub
    row: dict[str, Any] = {"message": scrub(_sentence(error)), "path": error.path}
    if error.extensions:
        row["extensions"] = json.loads(scrub(json.dumps(error.extensions)))
    return row


def _sentence(error: GraphQLError) -> str:
    cause = error.original_error
    if cause is None or isinstance(cause, GraphQLError):
        return wording.message(error)
    if isinstance(cause, EngineError):
        return error.message
    return f"the embedded engine itself failed ({type(cause).__name__}: {cause}); it is a defect, please report it"
