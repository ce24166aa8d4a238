"""An error in the protocol of the call that it answers (Smithy specification, "AWS protocols")."""

from __future__ import annotations

import json
import uuid
from xml.sax.saxutils import escape

from infra.local.gateway.calls import Call
from infra.local.gateway.http import Answer

REASONS = {400: "Bad Request", 403: "Forbidden", 404: "Not Found", 500: "Internal Server Error",
           503: "Service Unavailable"}  # fmt: skip


def failure(call: Call, code: str, message: str, status: int = 400) -> Answer:
    """The error `code` with `message`, as the call's caller can read it; `status` is that of HTTP."""
    body, content_type = RENDERERS.get(call.protocol, _json)(code, message)
    headers = {"x-amzn-RequestId": str(uuid.uuid4())}
    if call.protocol == "rest-json":
        headers["x-amzn-ErrorType"] = code
    if call.protocol == "smithy-rpc-v2-cbor":
        headers["smithy-protocol"] = "rpc-v2-cbor"
    return Answer(f"{status} {REASONS.get(status, 'Error')}", body, content_type, headers)


def _json(code: str, message: str) -> tuple[bytes, str]:
    return json.dumps({"__type": code, "message": message}).encode(), "application/x-amz-json-1.1"


def _query(code: str, message: str) -> tuple[bytes, str]:
    text = (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        f"</Error><RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    )
    return text.encode(), "text/xml"


def _ec2(code: str, message: str) -> tuple[bytes, str]:
    text = (
        f"<Response><Errors><Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error></Errors>"
        f"<RequestID>{uuid.uuid4()}</RequestID></Response>"
    )
    return text.encode(), "text/xml"


def _rest_xml(code: str, message: str) -> tuple[bytes, str]:
    text = (
        f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        f"<RequestId>{uuid.uuid4()}</RequestId></Error>"
    )
    return text.encode(), "application/xml"


def _cbor(code: str, message: str) -> tuple[bytes, str]:
    """A map of two texts (RFC 8949, section 3.1: major type 5 of length 2, then major type 3)."""
    texts = b"".join(_cbor_text(each) for each in ("__type", code, "message", message))
    return b"\xa2" + texts, "application/cbor"


def _cbor_text(text: str) -> bytes:
    """With its length in two bytes."""
    encoded = text.encode()[:0xFFFF]
    return b"\x79" + len(encoded).to_bytes(2, "big") + encoded


RENDERERS = {
    "json": _json,
    "rest-json": _json,
    "query": _query,
    "ec2": _ec2,
    "rest-xml": _rest_xml,
    "smithy-rpc-v2-cbor": _cbor,
}
