"""A request and an answer, as plain data between WSGI and the handlers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

CREDENTIAL = re.compile(
    r"(?P<key>[^/=\s]+)/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request"  # in a header, or in a presigned URL
)
DEFAULT_REGION = "us-east-1"
LOCAL_ADDRESS = "127.0.0.1"


@dataclass(frozen=True)
class Request:
    """What the handlers look at. `region`, `service` and `access_key` are those the request was signed with."""

    method: str
    path: str
    body: bytes
    content_type: str
    target: str
    region: str
    service: str
    access_key: str = ""
    session_token: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    source_ip: str = LOCAL_ADDRESS


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `status` as in `200 OK`. One that is `lost` reaches the caller only as a broken connection."""

    status: str
    body: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)
    lost: bool = False

    def send(self, start_response: StartResponse) -> Iterable[bytes]:
        """Give it to the WSGI server, which closes a connection on which less comes than its length promises."""
        length = len(self.body) + 1 if self.lost else len(self.body)
        kept = {name: value for name, value in self.headers.items() if name.lower() != "content-length"}
        headers = {"Content-Type": self.content_type, "Content-Length": str(length), **kept}
        start_response(self.status, list(headers.items()))
        return [] if self.lost else [self.body]


def read_request(environ: dict[str, Any]) -> Request:
    """Read the request, leaving its body readable for whoever comes next."""
    body: bytes = environ["wsgi.input"].read()
    environ["wsgi.input"] = BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
    signed = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", "") or query.get("X-Amz-Credential", ""))
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO", "/"),
        body=body,
        content_type=environ.get("CONTENT_TYPE", ""),
        target=environ.get("HTTP_X_AMZ_TARGET", ""),
        region=signed["region"] if signed else DEFAULT_REGION,
        service=signed["service"].lower() if signed else "",
        access_key=signed["key"] if signed else "",
        session_token=environ.get("HTTP_X_AMZ_SECURITY_TOKEN", "") or query.get("X-Amz-Security-Token", ""),
        query=query,
        headers={name[5:].replace("_", "-").lower(): value for name, value in environ.items() if name[:5] == "HTTP_"},
        source_ip=environ.get("HTTP_X_FORWARDED_FOR", LOCAL_ADDRESS).rpartition(",")[2].strip(),
    )


def ask(application: WSGIApplication, environ: dict[str, Any]) -> Answer:
    """A WSGI application's whole answer."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Any:
        started.append((status, headers))

    body = b"".join(application(environ, start_response))
    status, headers = started[-1]
    named = dict(headers)
    content_type = next((value for name, value in headers if name.lower() == "content-type"), "application/xml")
    others = {name: value for name, value in named.items() if name.lower() != "content-type"}
    if environ["REQUEST_METHOD"] == "HEAD":
        return HeadAnswer(status, body, content_type, others)
    return Answer(status, body, content_type, others)


@dataclass(frozen=True)
class HeadAnswer(Answer):
    """An answer to HEAD: its length is that of the body that GET would give."""

    def send(self, start_response: StartResponse) -> Iterable[bytes]:
        """Headers only, the application's own length among them."""
        start_response(self.status, [("Content-Type", self.content_type), *self.headers.items()])
        return []
