"""Lists of small objects (EnvVariable, Label, Port) as rows that fields give."""

from collections.abc import Iterable, Mapping
from typing import Any

from ci.engine.api import Context
from ci.engine.nodes import Node
from ci.engine.state import Port

# The types whose fields are the items that their objects are made of.
KINDS = {
    "EnvVariable", "ErrorValue", "FunctionCallArgValue", "HealthcheckConfig", "Label", "Port", "SearchResult",
    "SearchSubmatch", "SourceMap", "Stat",
}  # fmt: skip


def rows(context: Context, kind: str, values: Iterable[Mapping[str, Any]]) -> list[Node]:
    """Objects of type `kind` whose fields are the rows' items."""
    return [context.session.nodes.add(Node(kind, "value", None, row)) for row in values]


def pairs(context: Context, kind: str, values: Mapping[str, str]) -> list[Node]:
    """Objects of type `kind` with `name` and `value`."""
    return rows(context, kind, ({"name": name, "value": value} for name, value in values.items()))


def ports(context: Context, values: Iterable[Port]) -> list[Node]:
    """Dagger's Port objects."""
    return rows(context, "Port", (_port(port) for port in values))


def _port(port: Port) -> dict[str, Any]:
    return {
        "port": port.port,
        "protocol": port.protocol,
        "description": port.description,
        "experimentalSkipHealthcheck": port.skip_healthcheck,
    }
