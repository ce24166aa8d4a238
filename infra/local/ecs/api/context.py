"""What every operation needs, and the paging that the lists share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from infra.local.clock import Clock
from infra.local.ecs.errors import InvalidParameter
from infra.local.ecs.hooks import Hooks
from infra.local.ecs.interfaces import LoadBalancing
from infra.local.ecs.scheduler import ServiceScheduler
from infra.local.ecs.store import Store

Item = TypeVar("Item")
MAX_PAGE = 100


@dataclass(frozen=True)
class Context:
    """A region's records and what acts on them. `caller` is the ARN of whoever calls the operation."""

    store: Store
    clock: Clock
    balancing: LoadBalancing
    hooks: Hooks
    scheduler: ServiceScheduler
    caller: str = ""


def page(items: Sequence[Item], given: dict[str, Any], size: int) -> tuple[list[Item], dict[str, str]]:
    """One page by `nextToken` and `maxResults` (1 to 100, default `size`), and `nextToken` where there is more."""
    token, length = given.get("nextToken", "0"), given.get("maxResults", size)
    if not token.isdigit():
        raise InvalidParameter("Invalid token.")
    if not 1 <= length <= MAX_PAGE:
        raise InvalidParameter(f"maxResults must be between 1 and {MAX_PAGE}.")
    end = int(token) + length
    return list(items[int(token) : end]), {"nextToken": str(end)} if end < len(items) else {}


def at_most(limit: int, names: Sequence[str], what: str) -> None:
    """Refuse more names than one call may carry."""
    if len(names) > limit:
        raise InvalidParameter(f"You can describe at most {limit} {what}.")


def missing(arn: str) -> dict[str, str]:
    """An entry of `failures` for something that is not there."""
    return {"arn": arn, "reason": "MISSING"}
