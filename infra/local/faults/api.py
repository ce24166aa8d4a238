"""The admin endpoint `/_cutover/faults`: POST orders a fault, GET lists the orders, DELETE takes them back.

POST wants `Content-Type: application/json`, which no web page of somebody else can send here without being asked first.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from infra.local.faults.book import Fault, FaultBook, FaultRefused, Order

PATH = "/_cutover/faults"
JSON = "application/json"


def answer(book: FaultBook, method: str, path: str, content_type: str, body: bytes) -> tuple[str, Any]:
    """(HTTP status, JSON document) of a request to PATH or below."""
    number = path.removeprefix(PATH).strip("/")
    if method == "GET" and not number:
        return "200 OK", {"faults": [_shown(order) for order in book.orders()]}
    if method == "DELETE" and (not number or number.isdigit()):
        return "200 OK", {"cancelled": book.cancel(int(number) if number else None)}
    if method == "POST" and not number:
        return _order(book, content_type, body)
    return "405 Method Not Allowed", {"message": f"{method} {path} is not served: GET, POST or DELETE {PATH}"}


def _order(book: FaultBook, content_type: str, body: bytes) -> tuple[str, Any]:
    if content_type.partition(";")[0].strip() != JSON:
        return "415 Unsupported Media Type", {"message": f"send the fault as {JSON}"}
    try:
        order = book.order(Fault.parse(json.loads(body)))
    except FaultRefused as error:
        return "400 Bad Request", {"message": str(error)}
    except ValueError as error:
        return "400 Bad Request", {"message": f"the body is no JSON: {error}"}
    return "201 Created", _shown(order)


def _shown(order: Order) -> dict[str, Any]:
    return {"id": order.id, **asdict(order.fault), "seen": order.seen, "met": order.met}
