"""The routes: a greeting, and what a load balancer, a release and a monitor ask."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, g, request
from prometheus_client.exposition import choose_encoder
from werkzeug.exceptions import HTTPException

from app import state

GREETING = "Hello"

blueprint = Blueprint("greeter", __name__)

Answer = tuple[dict[str, Any], int]


@blueprint.get("/")
def greet() -> Answer:
    """The greeting, with the version that greets."""
    return {"message": f"{GREETING} from the greeter", "version": state.current().settings.version}, 200


@blueprint.get("/health")
def health() -> Answer:
    """200 while the service takes requests, 503 once it was told to stop."""
    if state.current().stopping:
        return {"status": "stopping"}, 503
    return {"status": "ok"}, 200


@blueprint.get("/version")
def version() -> Answer:
    """What runs here, as the environment told at start."""
    settings = state.current().settings
    return {"version": settings.version, "commit": settings.commit, "image_digest": settings.image_digest}, 200


@blueprint.get("/metrics")
def metrics() -> Response:
    """The metrics, in the text format or OpenMetrics, whichever `Accept` asks for."""
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    return Response(encode(state.current().registry), content_type=content_type)


@blueprint.app_errorhandler(HTTPException)
def failed(error: HTTPException) -> tuple[dict[str, Any], int, list[tuple[str, str]]]:
    """Every error in JSON, with the id to look for in the log; headers such as `Allow` stay."""
    headers = [(name, value) for name, value in error.get_headers() if name.lower() != "content-type"]
    return {"error": error.name, "request_id": g.get("request_id")}, error.code or 500, headers
