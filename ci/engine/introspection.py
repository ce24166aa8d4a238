"""Answers to introspection, kept in the store: each client asks for the whole schema before it asks for anything."""

import graphql
from graphql import DocumentNode, FieldNode, GraphQLSchema, OperationDefinitionNode

from ci.engine.nodes import digest_of


def key(schema: GraphQLSchema, query: str, operation: str | None) -> str:
    """What the answer to a query is kept under; empty for one that does not ask for the schema."""
    if "__schema" not in query:
        return ""
    return digest_of([graphql.version, schema.extensions["digest"], query, operation])


def is_all(document: DocumentNode) -> bool:
    """Whether a document asks for the schema and for nothing else."""
    operations = [item for item in document.definitions if isinstance(item, OperationDefinitionNode)]
    return all(
        isinstance(field, FieldNode) and field.name.value == "__schema" and not operation.variable_definitions
        for operation in operations
        for field in operation.selection_set.selections
    )
