"""Rolling updates: the counts of old and new tasks, turn by turn (API: DeploymentConfiguration)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from infra.local.clock import Clock
from infra.local.ecs.model import Deployment, Revision, Service, Task
from infra.local.ecs.strategy import Counts, roll
from infra.local.ecs.traffic import attachments

STUCK = ("was unable to stop or start tasks during a deployment because of the service deployment configuration. "
         "Update the minimumHealthyPercent or maximumPercent value and try again.")  # fmt: skip


class Rolling:
    """`counted` says whether a task counts as healthy."""

    def __init__(self, counted: Callable[[Task], bool], clock: Clock) -> None:
        self._counted = counted
        self._clock = clock

    @staticmethod
    def choose_groups(deployment: Deployment) -> None:
        """New tasks join the old ones in their target groups; a first deployment takes those of the service."""
        entries = attachments(deployment.target.settings)
        old = deployment.source.target_groups if deployment.source is not None else []
        known = [group for group, entry in zip(old, entries, strict=False) if group in entry.groups]
        deployment.target.target_groups = known if len(known) == len(entries) else [e.target_group for e in entries]
        deployment.production_weights = deployment.test_weights = {}

    def replace(self, deployment: Deployment, wanted: Revision) -> bool:
        """Want so many tasks of `wanted`, and so few of all others, as is allowed now; says whether that is the end."""
        service = deployment.service
        others = list(service.others(wanted))
        new = self._counts(service.tasks_of(wanted))
        old = self._counts(task for each in others for task in service.tasks_of(each))
        wanted.desired, keep = roll(deployment.configuration, service.desired, new, old)
        for revision in others:
            revision.desired = min(keep, revision.desired, self._counts(service.tasks_of(revision)).active)
            keep -= revision.desired
        if old.active and not old.active - old.healthy and self._is_stuck(service, wanted, new, old):
            self._note_once(service)
        return not others and new.healthy >= service.desired and new.active == service.desired

    def _counts(self, tasks: Iterable[Task]) -> Counts:
        active = [task for task in tasks if task.active]
        return Counts(len(active), sum(self._counted(task) for task in active))

    @staticmethod
    def _is_stuck(service: Service, wanted: Revision, new: Counts, old: Counts) -> bool:
        kept = sum(each.desired for each in service.others(wanted))
        return new.active == new.healthy == wanted.desired < service.desired and kept == old.active

    def _note_once(self, service: Service) -> None:
        if not service.events or STUCK not in service.events[0]["message"]:
            service.note(self._clock.now(), STUCK)
