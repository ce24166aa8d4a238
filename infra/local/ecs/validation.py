"""Requests against botocore's own model of ECS: unknown members, missing ones, types and enumerations."""

from __future__ import annotations

from collections.abc import Mapping
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
    _check(shape, given, "")


def _check(shape: Shape, value: Any, path: str) -> None:
    if isinstance(shape, StructureShape):
        for name, member in value.items():
            _check(shape.members[name], member, f"{path}{name}.")
    elif isinstance(shape, ListShape):
        for index, member in enumerate(value):
            _check(shape.member, member, f"{path}{index}.")
    elif isinstance(shape, MapShape):
        for name, member in value.items():
            _check(shape.value, member, f"{path}{name}.")
    elif isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        allowed = ", ".join(shape.enum)
        raise InvalidParameter(f"Invalid value {value!r} for {path.rstrip('.')}, must be one of: {allowed}")
