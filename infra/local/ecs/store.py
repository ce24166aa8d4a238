"""Everything ECS remembers of one region, behind one lock."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Iterator
from typing import Any

from infra.local.ecs.errors import (
    ClientError,
    ClusterNotFound,
    ServiceDeploymentNotFound,
    ServiceNotFound,
    TaskNotFound,
)
from infra.local.ecs.model import ACTIVE, INACTIVE, Cluster, Deployment, Service, Task, TaskDefinition
from infra.local.ecs.snapshot import dump, load

FIRST_REVISION_ID = 1_000_000_000_000_000_000  # AWS's are 19 digits: `ecs-svc/<n>` and the end of the revision's ARN


class Store:
    """The records of one account and region. Hold `lock` while reading or changing.

    `changed` wakes whoever waits for records, `woken` the control loop. `changes` counts what may have been changed.
    """

    def __init__(self, account: str, region: str, partition: str = "aws") -> None:
        self.account, self.region, self.partition = account, region, partition
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.woken = threading.Event()
        self.changes = 0
        self.clusters: dict[str, Cluster] = {}
        self.services: dict[str, Service] = {}
        self.families: dict[str, list[TaskDefinition]] = {}
        self.tasks: list[Task] = []  # those of RunTask; a service keeps its own
        self.account_settings: dict[str, str] = {}
        self._numbers = itertools.count(1)

    def snapshot(self) -> dict[str, Any]:
        """All of it as JSON takes it; `restore` reads it back."""
        with self.lock:
            return {**dump(self), "number": self.number()}

    def restore(self, document: dict[str, Any]) -> None:
        """Take over what `snapshot` gave, in place of what is there."""
        with self.changed:
            load(self, document)
            self._numbers = itertools.count(document["number"] + 1)
            self.touch()

    def arn(self, resource: str) -> str:
        """An ECS ARN, e.g. for `service/CLUSTER/NAME`."""
        return f"arn:{self.partition}:ecs:{self.region}:{self.account}:{resource}"

    def number(self) -> int:
        """A number not given before."""
        return next(self._numbers)

    def long_id(self) -> str:
        """An id in the form of a service revision's."""
        return str(FIRST_REVISION_ID + self.number() * 7919)

    @staticmethod
    def hex_id() -> str:
        """An id in the form of a task's."""
        return uuid.uuid4().hex

    def touch(self) -> None:
        """Tell all waiters that records changed."""
        with self.changed:
            self.changes += 1
            self.changed.notify_all()

    def wake(self) -> None:
        """Have the control loop turn soon."""
        self.woken.set()

    def cluster(self, name_or_arn: str | None) -> Cluster:
        """An active cluster, `default` where none is named; raises ClusterNotFound."""
        cluster = self.clusters.get((name_or_arn or "default").rpartition("/")[2])
        if cluster is None or cluster.status != ACTIVE:
            raise ClusterNotFound
        return cluster

    def service(self, cluster: Cluster, name_or_arn: str) -> Service:
        """A service of the cluster, whatever its status; raises ServiceNotFound."""
        service = self.services.get(self.arn(f"service/{cluster.name}/{name_or_arn.rpartition('/')[2]}"))
        if service is None:
            raise ServiceNotFound
        return service

    def definition(self, reference: str, missing: str = "Unable to describe task definition.") -> TaskDefinition:
        """A task definition by ARN, `family:revision`, or family (the latest active one); raises ClientError."""
        family, _, revision = reference.rpartition("/")[2].partition(":")
        known = self.families.get(family, [])
        if revision:
            found = next((each for each in known if str(each.revision) == revision), None)
        else:
            found = next((each for each in reversed(known) if each.status == ACTIVE), None)
        if found is None:
            raise ClientError(missing)
        return found

    def deployment(self, arn: str) -> Deployment:
        """A service deployment by ARN; raises ServiceDeploymentNotFound."""
        for deployment in self.deployments():
            if deployment.arn == arn:
                return deployment
        raise ServiceDeploymentNotFound(arn)

    def deployments(self) -> Iterator[Deployment]:
        """All service deployments."""
        for service in self.services.values():
            yield from service.deployments

    def live_services(self) -> list[Service]:
        """Services that are not deleted yet."""
        return [service for service in self.services.values() if service.status != INACTIVE]

    def all_tasks(self) -> Iterator[Task]:
        """All tasks that are still known, those of services first."""
        for service in self.services.values():
            yield from service.tasks
        yield from self.tasks

    def task(self, cluster: Cluster, name_or_arn: str) -> Task:
        """A task of the cluster; raises TaskNotFound."""
        wanted = name_or_arn.rpartition("/")[2]
        for task in self.all_tasks():
            if task.id == wanted and task.cluster is cluster:
                return task
        raise TaskNotFound
