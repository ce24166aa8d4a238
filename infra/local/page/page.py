"""The page and the document that it shows, over HTTP: `/` for a browser, and PATH for its script."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from infra.local.page.balancers import Health, Urls, read_balancers, read_groups
from infra.local.page.services import Ask, read_services

PATH = "/_cutover/view"
# The page loads nothing from anywhere: style and script are its own.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


def is_for_a_browser(method: str, path: str, accept: str, access_key: str) -> bool:
    """Whether a request is a browser's for the page; S3's ListBuckets is the same path, signed."""
    return method == "GET" and path == "/" and "text/html" in accept and not access_key


@cache
def html() -> bytes:
    """The page."""
    return Path(__file__).with_name("index.html").read_bytes()


def document(
    endpoint: str,
    now: float,
    minute: float,
    backends: Sequence[Any],
    asks: Sequence[Ask],
    health: Health,
    url: Urls,
) -> dict[str, Any]:
    """What the page shows. `minute` in seconds; `backends` are ELBv2's, `asks` give ECS's of each region in use."""
    return {
        "endpoint": endpoint,
        "now": now,
        "minute": minute,
        "load_balancers": read_balancers(backends, url),
        "target_groups": read_groups(backends, health),
        "services": [service for ask in asks for service in read_services(ask)],
    }
