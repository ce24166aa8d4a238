"""Requests against botocore's own model of ECS: unknown members, missing ones, types and enumerations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, cast

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

from infra.local.ecs.errors import InvalidParameter


@lru_cache(maxsize=1)
def service_model() -> ServiceModel:
    """botocore's description of ECS."""
    return botocore.session.get_session().get_service_model("ecs")


def operation_model(name: str) -> OperationModel:
    """botocore's description of one operation."""
    return service_model().operation_model(name)


def validate_input(operation: str, given: Mapping[str, Any]) -> None:
    """Raise InvalidParameter, naming the member, where a request is not as the model says."""
    shape = cast(StructureShape, operation_model(operation).input_shape)
    report = ParamValidator().validate(given, shape)
    if report.has_errors():
        raise InvalidParameter(report.generate_report())
    for path, value, allowed in outside_enumerations(shape, given):
        raise InvalidParameter(f"Invalid value {value!r} for {path}, must be one of: {', '.join(allowed)}")


def outside_enumerations(shape: Shape, value: Any, path: str = "") -> Iterator[tuple[str, str, list[str]]]:
    """(member, value, what the model allows) of every text that is none of its enumeration's."""
    for name, member, inner in _members(shape, value):
        yield from outside_enumerations(inner, member, f"{path}.{name}" if path else name)
    if isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        yield path, value, shape.enum


def without_nulls(value: Any) -> Any:
    """JSON's null is a member that is not there (Smithy, "AWS JSON 1.1 protocol")."""
    if isinstance(value, dict):
        return {name: without_nulls(member) for name, member in value.items() if member is not None}
    return [without_nulls(each) for each in value] if isinstance(value, list) else value


def _members(shape: Shape, value: Any) -> Iterable[tuple[str, Any, Shape]]:
    """(name, value, shape) of what a value holds."""
    if isinstance(shape, StructureShape):
        return [(name, member, shape.members[name]) for name, member in value.items()]
    if isinstance(shape, ListShape):
        return [(str(index), member, shape.member) for index, member in enumerate(value)]
    if isinstance(shape, MapShape):
        return [(name, member, shape.value) for name, member in value.items()]
    return ()
