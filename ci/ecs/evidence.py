"""What a gate finds at a pause, and the one interface that all gates have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from .deployments import Deployment

PASSED: Final = "passed"
FAILED: Final = "failed"
INCONCLUSIVE: Final = "inconclusive"


@dataclass(frozen=True)
class Finding:
    """`outcome` is passed, failed or inconclusive; `why` says it in words, `numbers` are what it rests on."""

    outcome: str
    why: str
    numbers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Judgement:
    """A finding with the gate it is of, the pause it was made at, and when (seconds since the epoch)."""

    gate: str
    stage: str
    percent: float | None
    at: float
    finding: Finding


Gate = Callable[[Deployment], Finding]
