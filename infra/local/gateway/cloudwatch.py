"""CloudWatch's calls in the two protocols that its clients speak here: JSON, and the query protocol."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from moto.core.parse import JSONParser
from moto.core.serialize import JSONSerializer, SerializationContext
from moto.core.utils import get_service_model

from infra.local.gateway import query_protocol
from infra.local.gateway.calls import Call
from infra.local.gateway.failures import failure
from infra.local.gateway.http import Answer, Request
from infra.local.observe.errors import CloudWatchError, NotServed
from infra.local.observe.service import CloudWatch

MODEL = "cloudwatch"
JSON_TYPE = "application/x-amz-json-1.0"


def answer(cloudwatch: CloudWatch, call: Call, request: Request) -> Answer | None:
    """The call's answer, or None where moto is to answer."""
    try:
        if call.protocol not in ("json", "query"):
            raise NotServed(f"CloudWatch by the protocol {call.protocol}")
        given = _parse(call, request)
        output = None if given is None else cloudwatch.call(call.region, call.operation, given)
    except CloudWatchError as error:
        return failure(call, error.code, str(error))
    if output is None:
        return None
    if call.protocol == "query":
        return query_protocol.success(MODEL, call.operation, output)
    return _json(call.operation, output)


def _parse(call: Call, request: Request) -> dict[str, Any] | None:
    """The operation's input; None where botocore knows no such operation."""
    if call.protocol == "query":
        return query_protocol.parse(MODEL, call.operation, request.body)
    model = get_service_model(MODEL)
    if call.operation not in model.operation_names:
        return None
    asked: Any = {"body": request.body or b"{}", "headers": {}, "method": "POST", "url_path": "/"}
    parsed: dict[str, Any] = JSONParser(model.operation_model(call.operation)).parse(asked)
    return parsed


def _json(operation: str, output: Mapping[str, Any]) -> Answer:
    model = get_service_model(MODEL).operation_model(operation)
    number = str(uuid.uuid4())
    body = JSONSerializer(model, SerializationContext(number)).serialize(output)["body"]
    encoded = body if isinstance(body, bytes) else body.encode()
    return Answer("200 OK", encoded, JSON_TYPE, {"x-amzn-RequestId": number})
