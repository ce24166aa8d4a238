"""Everything ECS remembers of one region, behind one lock."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Iterator

from infra.local.ecs.errors import ClientError, ClusterNotFound, ServiceDeploymentNotFound, ServiceNotFound
from infra.local.ecs.model import ACTIVE, INACTIVE, Cluster, Deployment, Service, TaskDefinition

FIRST_REVISION_ID = 1_000_000_000_000_000_000  # AWS's are 19 digits: `ecs-svc/<n>` and the end of the revision's ARN


class Store:
    """The records of one account and region. Hold `lock` while reading or changing; `changed` wakes whoever waits."""

    def __init__(self, account: str, region: str, partition: str = "aws") -> None:
        self.account, self.region, self.partition = account, region, partition
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.clusters: dict[str, Cluster] = {}
        self.services: dict[str, Service] = {}
        self.families: dict[str, list[TaskDefinition]] = {}
        self._numbers = itertools.count(1)

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

    def wake(self) -> None:
        """Tell the control loop and all waiters that something changed."""
        with self.changed:
            self.changed.notify_all()

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

    def definition(self, reference: str) -> TaskDefinition:
        """A task definition by ARN, `family:revision`, or family (the latest active one); raises ClientError."""
        family, _, revision = reference.rpartition("/")[2].partition(":")
        known = self.families.get(family, [])
        if revision:
            found = next((each for each in known if str(each.revision) == revision), None)
        else:
            found = next((each for each in reversed(known) if each.status == ACTIVE), None)
        if found is None:
            raise ClientError("Unable to describe task definition.")
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
