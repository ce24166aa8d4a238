"""Lifecycle policies (ECR user guide, "Lifecycle policy properties" and "How lifecycle policies work"), evaluated.

An image is expired by one rule or none. What a rule selects, no rule of a lower priority (a higher number) can expire;
a count still counts images that another rule expires.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True)
class StoredImage:
    """An image of a repository; `pushed_at` in seconds since the epoch."""

    digest: str
    tags: Sequence[str]
    pushed_at: float


@dataclass(frozen=True)
class Expiry:
    """An image that a policy expires, and the priority of the rule that does."""

    image: StoredImage
    priority: int


def expired(policy: str, images: Iterable[StoredImage], now: float, minutes: Callable[[float], float]) -> list[Expiry]:
    """What the policy's text expires at `now`; `minutes` gives the seconds that so many of AWS's minutes last."""
    newest_first = sorted(images, key=lambda each: each.pushed_at, reverse=True)
    settled: set[str] = set()
    found: list[Expiry] = []
    for rule in sorted(json.loads(policy)["rules"], key=lambda each: int(each["rulePriority"])):
        selected = [each for each in newest_first if _selects(rule["selection"], each)]
        doomed = [each for each in _doomed(rule["selection"], selected, now, minutes) if each.digest not in settled]
        found += [Expiry(each, int(rule["rulePriority"])) for each in doomed]
        settled |= {each.digest for each in selected}
    return found


def _selects(selection: Mapping[str, Any], image: StoredImage) -> bool:
    status = selection.get("tagStatus", "any")
    if status != "tagged":
        return status == "any" or not image.tags
    patterns = [f"{prefix}*" for prefix in selection.get("tagPrefixList", [])] + selection.get("tagPatternList", [])
    return bool(image.tags) and all(any(fnmatchcase(tag, each) for tag in image.tags) for each in patterns)


def _doomed(
    selection: Mapping[str, Any], selected: Sequence[StoredImage], now: float, minutes: Callable[[float], float]
) -> Sequence[StoredImage]:
    count = int(selection["countNumber"])
    if selection["countType"] == "imageCountMoreThan":
        return selected[count:]
    age = minutes(count * MINUTES_A_DAY)
    return [each for each in selected if now - each.pushed_at > age]
