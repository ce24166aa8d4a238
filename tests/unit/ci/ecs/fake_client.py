"""A boto3 client in memory: every call and every answer is held against botocore's own model of the service."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import botocore.session
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

SESSION = botocore.session.get_session()


class FakeClient:
    """Calls go to the methods of `backend` of the same name; `faults` are raised instead, one a call.

    `around` is called before and after each call has acted, and may raise: a call that is lost, or whose answer is.
    """

    def __init__(self, service: str, backend: object, around: Callable[[str, str], None]) -> None:
        self._model = SESSION.get_service_model(service)
        self._operations = {xform_name(name): name for name in self._model.operation_names}
        self._backend = backend
        self._around = around
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.faults: dict[str, list[Exception]] = {}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        shapes = self._model.operation_model(self._operations[name])

        def call(**given: Any) -> Any:
            report = ParamValidator().validate(given, shapes.input_shape)
            assert not report.has_errors(), report.generate_report()
            self.calls.append((name, given))
            if self.faults.get(name):
                raise self.faults[name].pop(0)
            self._around("before", name)
            answer = getattr(self._backend, name)(**given) or {}
            self._around("after", name)
            assert_shape(shapes.output_shape, answer, name)
            return answer

        return call

    def called(self, name: str) -> list[dict[str, Any]]:
        """The arguments of each call of an operation."""
        return [given for called, given in self.calls if called == name]


def error(operation: str, code: str, message: str = "no") -> ClientError:
    """What boto3 raises for an answer that is an error."""
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def assert_shape(shape: Any, value: Any, where: str) -> None:
    """The fake may only answer what AWS may answer."""
    if shape is None:
        assert not value, where
    elif shape.type_name == "structure":
        for key, each in value.items():
            assert key in shape.members, f"{where}.{key} is not in botocore's model"
            assert_shape(shape.members[key], each, f"{where}.{key}")
    elif shape.type_name == "list":
        for each in value:
            assert_shape(shape.member, each, f"{where}[]")
    else:
        kinds = {"string": str, "integer": int, "boolean": bool, "timestamp": datetime, "double": float, "map": dict}
        expected: Any = kinds.get(shape.type_name, object)
        assert isinstance(value, expected), f"{where}: {value!r}"
