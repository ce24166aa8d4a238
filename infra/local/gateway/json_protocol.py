"""AWS's JSON protocol: a JSON body both ways, an error by its `__type`."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from infra.local.gateway.http import Answer

CONTENT_TYPE = "application/x-amz-json-1.1"


def success(output: Mapping[str, Any]) -> Answer:
    """An operation's output."""
    return _answer("200 OK", output)


def failure(code: str, message: str) -> Answer:
    """An error that the caller made."""
    return _answer("400 Bad Request", {"__type": code, "message": message})


def _answer(status: str, document: Mapping[str, Any]) -> Answer:
    return Answer(status, json.dumps(document).encode(), CONTENT_TYPE, {"x-amzn-RequestId": str(uuid.uuid4())})
