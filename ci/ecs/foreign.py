"""Foreign hands: what somebody else does to a service while it is deployed. It is told of, and never overwritten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from . import deployments, serving, stacks
from .clients import Aws
from .deployments import Deployment
from .names import Names


@dataclass
class ForeignHands:
    """Compares the service with what it was at the first look; each change is passed on once, as a sentence."""

    aws: Aws
    names: Names
    tell: Callable[[str], None]
    _seen: dict[str, str] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def __call__(self, deployment: Deployment) -> None:
        """One look: the wanted count, the task definition, the stack, and the newest deployment."""
        service = serving.service_of(self.aws, self.names)
        if service is None:
            return
        for what, now in (
            ("the wanted number of tasks", str(service.get("desiredCount", ""))),
            ("the service's task definition", str(service.get("taskDefinition", "")).rpartition("/")[2]),
        ):
            if self._seen.setdefault(what, now) != now:
                self._once(f"somebody changed {what} from {self._seen[what]} to {now}")
                self._seen[what] = now
        stack = stacks.look(self.aws, self.names.stack("service"))
        if stack and stack.status == "UPDATE_IN_PROGRESS":
            self._once(f"somebody updates the stack {stack.name}")
        if newer := started_over(self.aws, self.names, deployment):
            self._once(newer)

    def _once(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            self.aws.progress(f"foreign hands: {sentence}")
            self.tell(sentence)


def started_over(aws: Aws, names: Names, deployment: Deployment) -> str:
    """That a newer deployment was started over this one, in words; empty where none was."""
    found = deployments.briefs(aws, names)
    if found and found[-1].arn != deployment.arn:
        return f"the deployment {found[-1].short} was started over {deployment.short}"
    return ""
