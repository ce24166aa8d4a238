"""AWS's query protocol: a form in, XML out, by moto's parser and serializer over botocore's models."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from moto.core.parse import QueryParser
from moto.core.serialize import QuerySerializer, SerializationContext
from moto.core.utils import get_service_model

from infra.local.gateway.http import Answer

CONTENT_TYPE = "text/xml"


def action(body: bytes) -> str:
    """The operation that a form asks for, or an empty text."""
    return dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True)).get("Action", "")


def parse(service: str, operation: str, body: bytes) -> dict[str, Any] | None:
    """The operation's input; None where botocore knows no such operation."""
    model = get_service_model(service)
    if operation not in model.operation_names:
        return None
    form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
    request: Any = {"values": form}
    parsed: dict[str, Any] = QueryParser(model.operation_model(operation)).parse(request)
    return parsed


def success(service: str, operation: str, output: Mapping[str, Any]) -> Answer:
    """An operation's output."""
    model = get_service_model(service).operation_model(operation)
    rendered = QuerySerializer(model, SerializationContext(str(uuid.uuid4()))).serialize(output)
    body = rendered["body"]
    return Answer("200 OK", body if isinstance(body, bytes) else body.encode(), CONTENT_TYPE)


def failure(code: str, message: str) -> Answer:
    """An error that the caller made."""
    body = (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
        f"<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    )
    return Answer("400 Bad Request", body.encode(), CONTENT_TYPE)
