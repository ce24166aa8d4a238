"""When the circuit breaker trips (developer guide, "deployment-circuit-breaker"; API: ThresholdConfiguration)."""

from __future__ import annotations

import math

from infra.local.ecs.model import Deployment

BREAKER_PERCENT, BREAKER_MINIMUM, BREAKER_MAXIMUM = 50, 3, 200


def breaker_threshold(deployment: Deployment) -> int:
    """How many failed tasks trip the circuit breaker."""
    settings = deployment.breaker.get("thresholdConfiguration") or {}
    kind, value = settings.get("type", "BOUNDED_PERCENT"), settings.get("value", BREAKER_PERCENT)
    if kind == "COUNT":
        return int(value)
    share: int = math.ceil(value * deployment.service.desired / 100)
    return share if kind == "UNBOUNDED_PERCENT" else min(max(share, BREAKER_MINIMUM), BREAKER_MAXIMUM)
