"""The faults that are ordered, and which call meets which of them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

THROTTLE, FAIL, DELAY, LOSE = "throttle", "fail", "delay", "lose"
KINDS = (THROTTLE, FAIL, DELAY, LOSE)
MAX_DELAY_SECONDS = 600.0
# Services whose throttling has another name than the query protocol's "Throttling".
THROTTLE_CODES = {"ecs": "ThrottlingException", "logs": "ThrottlingException", "ecr": "ThrottlingException",
                  "ssm": "ThrottlingException", "secretsmanager": "ThrottlingException",
                  "s3": "SlowDown", "ec2": "RequestLimitExceeded"}  # fmt: skip


class FaultRefused(ValueError):
    """An order that makes no sense; `str()` is one sentence that says what is wrong."""


@dataclass(frozen=True)
class Fault:
    """An order: calls `nth` to `nth + count - 1` of the operation, counted from when it was given, meet the fault.

    `service` is the prefix of its IAM actions; it and `operation` may hold `*`. `code`, `message` and `status` are the
    error of `fail`; `seconds` is how late the answer of `delay` comes.
    """

    service: str
    operation: str
    kind: str
    nth: int = 1
    count: int = 1
    code: str = "InternalFailure"
    message: str = "The request processing has failed because of an unknown error, exception or failure."
    status: int = 500
    seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise FaultRefused(f"kind is {self.kind!r}; it has to be one of {', '.join(KINDS)}")
        if self.nth < 1 or self.count < 1:
            raise FaultRefused("nth and count begin at 1")
        if not 0 <= self.seconds <= MAX_DELAY_SECONDS:
            raise FaultRefused(f"seconds has to be between 0 and {MAX_DELAY_SECONDS:.0f}")

    @classmethod
    def parse(cls, document: Any) -> Fault:
        """A fault of its JSON form; raises FaultRefused."""
        if not isinstance(document, Mapping):
            raise FaultRefused("a fault is a JSON object")
        try:
            return cls(**document)
        except TypeError as error:
            raise FaultRefused(f"this is no fault: {str(error).partition('() ')[2] or error}") from error

    def concerns(self, service: str, operation: str) -> bool:
        """Whether a call of that operation counts."""
        return fnmatchcase(service, self.service) and fnmatchcase(operation, self.operation)

    def error(self, service: str) -> tuple[str, str, int] | None:
        """(code, message, HTTP status) where the call is not to be carried out, else None."""
        if self.kind == THROTTLE:
            status = 503 if service in ("s3", "ec2") else 400
            return THROTTLE_CODES.get(service, "Throttling"), "Rate exceeded", status
        return (self.code, self.message, self.status) if self.kind == FAIL else None


@dataclass
class Order:
    """A fault that was ordered; `seen` calls of its operation since then, `met` of them met it."""

    id: int
    fault: Fault
    seen: int = 0
    met: int = 0

    @property
    def spent(self) -> bool:
        """Whether no later call will meet it."""
        return self.met >= self.fault.count


class FaultBook:
    """All orders. Thread-safe."""

    def __init__(self) -> None:
        self._orders: list[Order] = []
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def order(self, fault: Fault) -> Order:
        """Take an order; its counting begins now."""
        with self._lock:
            self._orders.append(Order(next(self._numbers), fault))
            return self._orders[-1]

    def meet(self, service: str, operation: str) -> Fault | None:
        """Count a call; gives the fault that it meets, the oldest order's where there are several."""
        with self._lock:
            concerned = [order for order in self._orders if order.fault.concerns(service, operation)]
            for order in concerned:
                order.seen += 1
            for order in concerned:
                if order.seen >= order.fault.nth and not order.spent:
                    order.met += 1
                    return order.fault
        return None

    def orders(self) -> list[Order]:
        """All orders, spent ones too, oldest first."""
        with self._lock:
            return list(self._orders)

    def cancel(self, number: int | None = None) -> int:
        """Forget one order, or all; gives how many there were."""
        with self._lock:
            kept = [] if number is None else [order for order in self._orders if order.id != number]
            gone = len(self._orders) - len(kept)
            self._orders = kept
            return gone
