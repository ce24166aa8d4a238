"""What every operation needs, and the paging that the lists share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from infra.local.clock import Clock
from infra.local.ecs.errors import InvalidParameter
from infra.local.ecs.interfaces import LoadBalancing
from infra.local.ecs.store import Store

Item = TypeVar("Item")


@dataclass(frozen=True)
class Context:
    """A region's records, the clock, and the load balancer (for checks at CreateService)."""

    store: Store
    clock: Clock
    balancing: LoadBalancing


def page(items: Sequence[Item], given: dict[str, Any], size: int) -> tuple[list[Item], dict[str, str]]:
    """One page by `nextToken` and `maxResults`, and the member `nextToken` where there is more."""
    token = given.get("nextToken", "0")
    if not token.isdigit():
        raise InvalidParameter("Invalid token.")
    start, length = int(token), given.get("maxResults", size)
    end = start + length
    return list(items[start:end]), {"nextToken": str(end)} if end < len(items) else {}


def missing(arn: str) -> dict[str, str]:
    """An entry of `failures` for something that is not there."""
    return {"arn": arn, "reason": "MISSING"}
