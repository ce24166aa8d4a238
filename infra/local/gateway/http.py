"""A request and an answer, as plain data between WSGI and the handlers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

CREDENTIAL = re.compile(r"Credential=[^/]+/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")
DEFAULT_REGION = "us-east-1"


@dataclass(frozen=True)
class Request:
    """What the handlers look at. `region` and `service` are those the request was signed for."""

    method: str
    path: str
    body: bytes
    content_type: str
    target: str
    region: str
    service: str


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `status` as in `200 OK`."""

    status: str
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def send(self, start_response: StartResponse) -> Iterable[bytes]:
        """Give it to the WSGI server."""
        headers = {"Content-Type": self.content_type, "Content-Length": str(len(self.body)), **self.headers}
        start_response(self.status, list(headers.items()))
        return [self.body]


def read_request(environ: dict[str, Any]) -> Request:
    """Read the request, leaving its body readable for whoever comes next."""
    body: bytes = environ["wsgi.input"].read()
    environ["wsgi.input"] = BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    signed = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO", "/"),
        body=body,
        content_type=environ.get("CONTENT_TYPE", ""),
        target=environ.get("HTTP_X_AMZ_TARGET", ""),
        region=signed["region"] if signed else DEFAULT_REGION,
        service=signed["service"].lower() if signed else "",
    )
