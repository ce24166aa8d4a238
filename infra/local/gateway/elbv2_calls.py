"""What moto's answers of ELBv2 lack: pages of lists that moto gives whole, and creating again what is there.

Source: ELBv2 API reference: PageSize and Marker of DescribeTargetGroups and DescribeListeners; CreateLoadBalancer and
CreateTargetGroup are idempotent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from io import BytesIO
from typing import Any
from urllib.parse import urlencode

from botocore.parsers import create_parser
from moto.core.utils import get_service_model

from infra.local.alb.errors import Invalid
from infra.local.gateway import query_protocol
from infra.local.gateway.http import Answer

MODEL = "elbv2"
PAGED = {"DescribeTargetGroups": "TargetGroups", "DescribeListeners": "Listeners"}
DESCRIBED = {"CreateLoadBalancer": "DescribeLoadBalancers", "CreateTargetGroup": "DescribeTargetGroups"}
MAX_PAGE = 400

Given = Mapping[str, Any]
Environ = dict[str, Any]


def paged(operation: str, given: Given, answer: Answer) -> Answer:
    """The page of a list that was asked for; raises Invalid."""
    member = PAGED.get(operation)
    if member is None or not answer.status.startswith("200") or not given.keys() & {"PageSize", "Marker"}:
        return answer
    marker, size = given.get("Marker", "0"), int(given.get("PageSize", MAX_PAGE))
    if not marker.isdigit():
        raise Invalid(f"'{marker}' is not a valid marker")
    if not 1 <= size <= MAX_PAGE:
        raise Invalid(f"Page size '{size}' must be between '1-{MAX_PAGE}' inclusive")
    items, end = _read(operation, answer)[member], int(marker) + size
    more = {"NextMarker": str(end)} if end < len(items) else {}
    return query_protocol.success(MODEL, operation, {member: items[int(marker) : end], **more})


def made_before(
    operation: str, name: str, environ: Mapping[str, Any], ask: Callable[[dict[str, Any]], Answer]
) -> Answer:
    """The answer to making once more what is there: `ask` answers a request as moto does."""
    describe = DESCRIBED[operation]
    body = urlencode({"Action": describe, "Version": _model().api_version, "Names.member.1": name}).encode()
    shown = ask({**environ, "wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))})
    if not shown.status.startswith("200"):
        return replace(shown)
    output = {key: each for key, each in _read(describe, shown).items() if key != "ResponseMetadata"}
    return query_protocol.success(MODEL, operation, output)


def _read(operation: str, answer: Answer) -> dict[str, Any]:
    shape = _model().operation_model(operation).output_shape
    response = {"body": answer.body, "headers": {}, "status_code": 200}
    parsed: dict[str, Any] = create_parser("query").parse(response, shape)
    return parsed


def _model() -> Any:
    return get_service_model(MODEL)
