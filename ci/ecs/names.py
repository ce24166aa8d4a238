"""What everything is called: one prefix and one environment make every name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .errors import BadName

CONTAINER = "app"

# As the templates' parameters allow.
_PREFIX = re.compile(r"[a-z][a-z0-9-]{0,14}[a-z0-9]")
_ENVIRONMENT = re.compile(r"[a-z][a-z0-9-]{0,11}")


@dataclass(frozen=True)
class Names:
    """Names of one environment's stacks and of its service; refuses a part that AWS would not take."""

    prefix: str
    environment: str

    def __post_init__(self) -> None:
        check_prefix(self.prefix)
        if not _ENVIRONMENT.fullmatch(self.environment):
            raise BadName(what="environment", value=self.environment, limit=12)

    def stack(self, concern: str) -> str:
        """The stack of a concern, such as ``cutover-demo-ingress``."""
        return registry_stack(self.prefix) if concern == "registry" else f"{self.prefix}-{self.environment}-{concern}"

    @property
    def service(self) -> str:
        """The service; its cluster and the family of its task definitions are called the same."""
        return f"{self.prefix}-{self.environment}"

    @property
    def cluster(self) -> str:
        """The cluster."""
        return self.service


def check_prefix(prefix: str) -> None:
    """Refuses a prefix that cannot be the first part of a name."""
    if not _PREFIX.fullmatch(prefix):
        raise BadName(what="prefix", value=prefix, limit=16)


def registry_stack(prefix: str) -> str:
    """The stack of the image repository, shared by all environments."""
    return f"{prefix}-registry"
