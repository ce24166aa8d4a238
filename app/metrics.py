"""Metrics of the requests: how many, how long, by route; and what runs.

They live in the memory of the one worker process, so no directory for several processes is needed.
"""

from __future__ import annotations

import time

from flask import Flask, Response, g, request
from prometheus_client import Counter, GCCollector, Histogram, Info, PlatformCollector, ProcessCollector

from app.state import State

# A path nobody serves must not make a time series of its own.
NO_ROUTE = "none"
KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def install(app: Flask, state: State) -> None:
    """Count and time every request of `app` in the registry of `state`."""
    registry = state.registry
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    info = Info("app", "What runs here.", registry=registry)
    settings = state.settings
    info.info({"version": settings.version, "commit": settings.commit, "image_digest": settings.image_digest})
    requests = Counter("http_requests", "Requests answered.", ["method", "route", "status"], registry=registry)
    seconds = Histogram("http_request_duration_seconds", "Time to answer.", ["method", "route"], registry=registry)

    @app.before_request
    def start() -> None:
        g.metrics_start = time.perf_counter()

    @app.after_request
    def count(response: Response) -> Response:
        method = request.method if request.method in KNOWN_METHODS else "OTHER"
        route = request.url_rule.rule if request.url_rule else NO_ROUTE
        requests.labels(method, route, str(response.status_code)).inc()
        seconds.labels(method, route).observe(time.perf_counter() - g.metrics_start)
        return response
