"""From a template's properties to a request: names get the API's first letter, values the type that the API has.

CloudFormation takes `"80"` for a number and `80` for a string; the APIs do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

TRUTHS = {"true": True, "false": False}


def request(properties: Mapping[str, Any], shape: Shape) -> Any:
    """The properties as that input shape; raises ValueError, naming a property that the shape does not have."""
    return _value(properties, shape, "")


def _value(value: Any, shape: Shape, path: str) -> Any:
    if isinstance(shape, StructureShape):
        return _structure(value, shape, path)
    if isinstance(shape, ListShape):
        return [_value(each, shape.member, f"{path}[]") for each in value]
    if isinstance(shape, MapShape):
        return {str(name): _value(each, shape.value, f"{path}.{name}") for name, each in value.items()}
    return _scalar(value, shape.type_name, path)


def _structure(value: Mapping[str, Any], shape: StructureShape, path: str) -> dict[str, Any]:
    converted = {}
    for name, each in value.items():
        member = name if name in shape.members else name[:1].lower() + name[1:]
        if member not in shape.members:
            raise ValueError(f"Encountered unsupported property {path}{name}")
        converted[member] = _value(each, shape.members[member], f"{path}{name}.")
    return converted


def _scalar(value: Any, kind: str, path: str) -> Any:
    try:
        if kind == "string":
            return str(value).lower() if isinstance(value, bool) else str(value)
        if kind in ("integer", "long"):
            return int(value)
        if kind in ("float", "double"):
            return float(value)
        if kind == "boolean":
            return value if isinstance(value, bool) else TRUTHS[str(value).lower()]
    except (ValueError, KeyError) as error:
        raise ValueError(f"Value of property {path.rstrip('.')} must be of type {kind.capitalize()}") from error
    return value
