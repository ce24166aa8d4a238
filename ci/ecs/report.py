"""The document a deploy leaves, whichever way it ended."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from .serving import Serving
from .shepherd import Stage
from .smoke import Result

DEPLOYED = "deployed"
UNCHANGED = "unchanged"
ROLLED_BACK = "rolled-back"
FAILED = "failed"
REFUSED = "refused"
UNKNOWN = "unknown"


@dataclass
class Report:
    """Filled in as the deploy goes.

    `outcome` is refused until something was begun, unknown until it is known, then deployed, unchanged, rolled-back or
    failed. `weights` are percent by rule and target group.
    """

    environment: str
    version: str
    commit: str
    image: str
    digest: str = ""
    outcome: str = REFUSED
    message: str = ""
    service_deployment: str | None = None
    stages: list[Stage] = field(default_factory=list)
    smoke: list[Result] = field(default_factory=list)
    serves: Serving | None = None
    weights: dict[str, dict[str, float]] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    def json(self) -> str:
        """The document's text, one key a line at the top."""
        return json.dumps(self.document(), indent=2)
