"""Orders faults of a running instance over HTTP, for tests, and reads what was called."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import asdict
from typing import Any

from infra.local.faults.api import JSON, PATH
from infra.local.faults.book import Fault, FaultRefused

CALLS_PATH = "/_cutover/calls"
TIMEOUT_SECONDS = 10.0


class FaultClient:
    """Of the instance at `endpoint`, such as `http://127.0.0.1:4566`."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def order(self, fault: Fault) -> int:
        """Order a fault; gives the order's id. Raises FaultRefused where the server does not take it."""
        number: int = self._ask("POST", PATH, asdict(fault))["id"]
        return number

    def faults(self) -> list[dict[str, Any]]:
        """All orders, with how many calls they saw and how many met them."""
        found: list[dict[str, Any]] = self._ask("GET", PATH)["faults"]
        return found

    def cancel(self, number: int | None = None) -> None:
        """Take back one order, or all."""
        self._ask("DELETE", PATH if number is None else f"{PATH}/{number}")

    def calls(self) -> list[dict[str, Any]]:
        """The calls that the instance recorded, oldest first (see `iam.calls`)."""
        found: list[dict[str, Any]] = self._ask("GET", CALLS_PATH)["calls"]
        return found

    def forget_calls(self) -> None:
        """Empty the record of calls."""
        self._ask("DELETE", CALLS_PATH)

    def _ask(self, method: str, path: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
        body = None if document is None else json.dumps(document).encode()
        headers = {} if body is None else {"Content-Type": JSON}
        request = urllib.request.Request(self._endpoint + path, data=body, headers=headers, method=method)
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
                given: dict[str, Any] = json.load(answer)
                return given
        except urllib.error.HTTPError as error:
            with error:
                raise FaultRefused(json.load(error)["message"]) from error
