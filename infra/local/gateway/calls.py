"""Which operation of which service a request asks for, whatever AWS protocol it comes in.

Names: `service` is the service's prefix in IAM (service authorization reference), `operation` its API's own name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import unquote

from botocore.exceptions import UnknownServiceError
from moto.core.utils import get_service_model

from infra.local.gateway import query_protocol, s3_calls
from infra.local.gateway.http import Request

IAM_PREFIXES = {"monitoring": "cloudwatch", "email": "ses"}
MODELS = {"elasticloadbalancing": "elbv2", "monitoring": "cloudwatch", "states": "stepfunctions", "email": "ses"}
RPC_PATH = re.compile(r"/service/(?P<shape>[^/]+)/operation/(?P<operation>[^/]+)")
URI_PARAMETER = re.compile(r"\{(?P<name>[^}+]+)(?P<greedy>\+?)\}")


@dataclass(frozen=True)
class Call:
    """An operation and its input, as far as its protocol tells; `protocol` as in botocore's models."""

    service: str
    operation: str
    protocol: str
    region: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def action(self) -> str:
        """The call's name in a policy."""
        return f"{self.service}:{self.operation}"


def identify(request: Request) -> Call | None:
    """The request's call, or None for what is no AWS API call."""
    prefix = IAM_PREFIXES.get(request.service, request.service)
    if not request.service:
        return None
    if "." in request.target:
        return Call(prefix, request.target.rpartition(".")[2], "json", request.region, _document(request.body))
    if match := RPC_PATH.fullmatch(request.path):
        return Call(prefix, match["operation"], "smithy-rpc-v2-cbor", request.region)
    if operation := query_protocol.action(request.body) or request.query.get("Action", ""):
        protocol = "ec2" if request.service == "ec2" else "query"
        return Call(prefix, operation, protocol, request.region, _form(request, operation))
    if request.service == "s3":
        operation, parameters = s3_calls.identify(request)
        return Call("s3", operation, "rest-xml", request.region, parameters)
    return _rest(request, prefix)


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _form(request: Request, operation: str) -> Mapping[str, Any]:
    model = MODELS.get(request.service, request.service)
    try:
        return query_protocol.parse(model, operation, request.body) or {}
    except (UnknownServiceError, ValueError):
        return {}


def _rest(request: Request, prefix: str) -> Call | None:
    """By the paths of botocore's model, the longest one first."""
    for method, pattern, operation in _routes(MODELS.get(request.service, request.service)):
        match = pattern.fullmatch(request.path)
        if match is not None and method == request.method:
            named = {name: unquote(value) for name, value in match.groupdict().items()}
            return Call(prefix, operation, "rest-json", request.region, {**_document(request.body), **named})
    return None


@cache
def _routes(service: str) -> tuple[tuple[str, re.Pattern[str], str], ...]:
    try:
        model = get_service_model(service)
    except UnknownServiceError:
        return ()
    found = []
    for name in model.operation_names:
        http = model.operation_model(name).http
        path = str(http.get("requestUri", "/")).partition("?")[0]
        found.append((str(http.get("method", "POST")), _pattern(path), name, len(path)))
    found.sort(key=lambda each: -each[3])
    return tuple((method, pattern, name) for method, pattern, name, _ in found)


def _pattern(uri: str) -> re.Pattern[str]:
    parts, end = [], 0
    for match in URI_PARAMETER.finditer(uri):
        parts.append(re.escape(uri[end : match.start()]))
        name = re.sub(r"\W", "_", match["name"])
        parts.append(f"(?P<{name}>{'.+' if match['greedy'] else '[^/]+'})")
        end = match.end()
    return re.compile("".join([*parts, re.escape(uri[end:]), "/?"]))
