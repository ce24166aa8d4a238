"""Parses queries however deep: a chain of 300 steps is one query with as many selections inside each other."""

from graphql import DocumentNode, GraphQLSyntaxError, Source
from graphql.language.parser import Parser


class _Deep(Parser):
    """graphql-core's parser without its limit of 200, which is there for PyPy's stack."""

    def _enter_nesting(self) -> None:
        """Let any depth be: the interpreter's own limit, which the server raises, is the one that holds."""


def parsed(query: str) -> DocumentNode:
    """The document of a query.

    Raises:
        GraphQLSyntaxError: it is none, or is nested deeper than the interpreter can follow.
    """
    source = Source(query)
    try:
        return _Deep(source).parse_document()
    except RecursionError:
        pass
    raise GraphQLSyntaxError(source, 0, "the query is nested too deeply: evaluate a part of it first")
