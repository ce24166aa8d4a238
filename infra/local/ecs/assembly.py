"""ECS among its neighbours in this process: moto's backends of each region, and the load balancer's data plane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from infra.local.clock import Clock
from infra.local.ecs.interfaces import Background, LoadBalancing, Runtime
from infra.local.ecs.logs import AwsLogs
from infra.local.ecs.metadata import Metadata
from infra.local.ecs.neighbours import (
    MotoEvents,
    MotoLogs,
    MotoRoles,
    MotoSecrets,
    RegionAlarms,
    connect_autoscaling,
)
from infra.local.ecs.secrets import Secrets
from infra.local.ecs.service import Ecs
from infra.local.ecs.store import Store

HOME_REGION = "us-east-1"  # of STS, whose sessions are good in every region


class MotoNeighbours:
    """The `Neighbours`. `balancing` gives a region's load balancers, `alarm_state` the state of its alarm of a name."""

    def __init__(
        self,
        account: str,
        runtime: Runtime,
        balancing: Callable[[str], LoadBalancing],
        alarm_state: Callable[[str, str], str | None],
    ) -> None:
        self._account = account
        self._balancing = balancing
        self._alarm_state = alarm_state
        self._events: list[MotoEvents] = []
        self._logs = AwsLogs(MotoLogs(lambda region: self._backend("logs", region)), runtime.lines)

    def balancing(self, region: str) -> LoadBalancing:
        """ELBv2."""
        return self._balancing(region)

    def alarms(self, region: str) -> RegionAlarms:
        """CloudWatch's alarms."""
        return RegionAlarms(region, self._alarm_state)

    def notices(self, region: str) -> MotoEvents:
        """EventBridge."""
        events = MotoEvents(lambda: self._backend("events", region))
        self._events.append(events)
        return events

    def secrets(self, region: str) -> Secrets:
        """Secrets Manager and the Parameter Store."""
        return Secrets(
            region, lambda name: MotoSecrets(self._backend("secretsmanager", name), self._backend("ssm", name))
        )

    def logs(self) -> AwsLogs:
        """CloudWatch Logs, of all regions."""
        return self._logs

    def joined(self, region: str, store: Store) -> None:
        """Application Auto Scaling has to find our services."""

        def known(cluster: str, name: str) -> bool:
            with store.lock:
                return store.arn(f"service/{cluster}/{name}") in store.services

        connect_autoscaling(self._backend("applicationautoscaling", region), known)

    def close(self) -> None:
        """Put the events that wait."""
        for events in self._events:
            events.close()

    def _backend(self, service: str, region: str) -> Any:
        from moto.backends import get_backend

        return get_backend(service)[self._account][region]  # type: ignore[call-overload]


def make_ecs(
    account: str, runtime: Runtime, neighbours: MotoNeighbours, background: Background, clock: Clock, *,
    metadata_url: str | None,
) -> tuple[Ecs, Metadata]:  # fmt: skip
    """ECS, and what its tasks may ask at `metadata_url`."""
    from moto.sts.models import sts_backends
    from moto.utilities.utils import get_partition

    ecs = Ecs(account, runtime, neighbours, background, clock, partition=get_partition, metadata_url=metadata_url)
    roles = MotoRoles(sts_backends[account][get_partition(HOME_REGION)], HOME_REGION)
    return ecs, Metadata(ecs.stores, runtime, roles, clock)
