"""The document a deploy or a rollback leaves, whichever way it ended."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from .analysis import Minute
from .evidence import Judgement
from .serving import Serving
from .shepherd import Stage
from .smoke import Result

DEPLOYED = "deployed"
UNCHANGED = "unchanged"
ROLLED_BACK = "rolled-back"
INCONCLUSIVE = "inconclusive"
FAILED = "failed"
REFUSED = "refused"
UNKNOWN = "unknown"
DRY_RUN = "dry-run"
DEPLOY, ROLLBACK = "deploy", "rollback"


@dataclass
class Report:
    """Filled in as the deploy goes.

    `outcome` is refused until something was begun, unknown until it is known, then deployed, unchanged, rolled-back,
    inconclusive or failed. `weights` are percent by rule and target group; `begun` and `ended` seconds since the epoch;
    `minutes` the load balancer's metrics by side; `logs` the last lines of tasks that failed;
    `kept` is where the report is kept, `inherited` what a runner before this one had written of the same deployment.
    """

    environment: str
    version: str
    commit: str
    image: str
    verb: str = DEPLOY
    strategy: str = ""
    digest: str = ""
    outcome: str = REFUSED
    message: str = ""
    service_deployment: str | None = None
    begun: float = 0.0
    ended: float = 0.0
    stages: list[Stage] = field(default_factory=list)
    judgements: list[Judgement] = field(default_factory=list)
    smoke: list[Result] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    foreign_hands: list[str] = field(default_factory=list)
    served_before: Serving | None = None
    serves: Serving | None = None
    weights: dict[str, dict[str, float]] = field(default_factory=dict)
    minutes: Mapping[str, list[Minute]] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)
    kept: str = ""
    inherited: dict[str, Any] | None = None

    @property
    def short(self) -> str:
        """The deployment as a person names it; empty where none was begun."""
        return (self.service_deployment or "").rsplit("/", 1)[-1]

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    def json(self) -> str:
        """The document's text, one key a line at the top."""
        return json.dumps(self.document(), indent=2)


def iso(seconds: float) -> str:
    """A moment in ISO 8601, UTC; empty for one that is not known."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if seconds else ""
