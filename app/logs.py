"""One line of JSON a request on stdout, and the request's id in its answer."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.datastructures import Headers

ID_HEADER = "X-Request-Id"
# The load balancer's own: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-request-tracing.html
TRACE_HEADER = "X-Amzn-Trace-Id"
# What may be echoed and logged of what a stranger sends: no spaces, no quotes, not long.
_ID = re.compile(r"[A-Za-z0-9._:;=,/+@-]{1,200}")
MAX_TEXT = 500

_one_at_a_time = threading.Lock()


def request_id(headers: Headers) -> str:
    """The id the client or the load balancer gave, else a new one; what is not a plain word counts as none."""
    for name in (ID_HEADER, TRACE_HEADER):
        given = headers.get(name, "").strip()
        if _ID.fullmatch(given):
            return given
    return uuid.uuid4().hex


def install(app: Flask, version: str) -> None:
    """Log every request of `app`, each line with `version`, and echo the request's id.

    Called before anything else adds functions that run after a request, so that this one runs last.
    """

    @app.before_request
    def start() -> None:
        g.request_id = request_id(request.headers)
        g.log_start = time.perf_counter()

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers[ID_HEADER] = g.request_id
        duration = round((time.perf_counter() - g.log_start) * 1000, 3)
        _write(_fields(response, version) | {"duration_ms": duration})
        return response


def _fields(response: Response, version: str) -> dict[str, Any]:
    return {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": "error" if response.status_code >= 500 else "info",
        "request_id": g.request_id,
        "method": request.method[:MAX_TEXT],
        "path": request.path[:MAX_TEXT],
        "status": response.status_code,
        "bytes": response.calculate_content_length(),
        "client": request.remote_addr,
        "forwarded_for": request.headers.get("X-Forwarded-For", "")[:MAX_TEXT] or None,
        "user_agent": request.headers.get("User-Agent", "")[:MAX_TEXT] or None,
        "version": version,
    }


def _write(fields: Mapping[str, Any]) -> None:
    line = json.dumps(fields) + "\n"
    # One write a line, one thread at a time: lines must not run into each other.
    with _one_at_a_time:
        sys.stdout.write(line)
        sys.stdout.flush()
