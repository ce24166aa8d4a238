"""GraphQL errors in the words of Dagger's engine (gqlparser's), which clients may look for."""

import re

from graphql import GraphQLError

SYNTAX = re.compile(r"^Syntax Error: (.*?)\.?$", re.DOTALL)
REQUIRED = re.compile(r"^Argument '\w+\.(\w+)\((\w+):\)' of type '(.+)' is required, but it was not provided\.$")
ENUMS = (
    re.compile(r"Enum '(?P<enum>\w+)' cannot represent (?:non-enum )?value: ['\"]?(?P<value>\w+)"),
    re.compile(r"Value '(?P<value>\w+)' does not exist in '(?P<enum>\w+)' enum"),
)
QUOTED = re.compile(r"'([^']*)'")


def message(error: GraphQLError) -> str:
    """The message of an error that `parse` or `validate` of graphql-core found, as gqlparser has it."""
    if found := SYNTAX.match(error.message):
        return found[1]
    if found := REQUIRED.match(error.message):
        field, argument, kind = found.groups()
        return f'Field "{field}" argument "{argument}" of type "{kind}" is required, but it was not provided.'
    for pattern in ENUMS:
        if found := pattern.search(error.message):
            return f'invalid enum value "{found["value"]}" for {found["enum"]}'
    return QUOTED.sub(r'"\1"', error.message)


def refused(error: GraphQLError, code: str) -> dict[str, object]:
    """One error of a request that is refused before anything runs."""
    places = [{"line": place.line, "column": place.column} for place in error.locations or ()]
    return {"message": message(error), "locations": places, "extensions": {"code": code}}
