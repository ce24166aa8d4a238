"""ECS over Docker: the runtime, its events, and the metadata endpoint, brought up and taken down together."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import docker

from infra.local.clock import Clock
from infra.local.ecs.assembly import MotoNeighbours, make_ecs
from infra.local.ecs.interfaces import LoadBalancing
from infra.local.runtime.docker import DockerRuntime
from infra.local.runtime.metadata import MetadataServer, make_metadata_network, metadata_url
from infra.local.state import StateDirectory

TASK_THREADS = 32


class Tasks:
    """One instance's. `balancing` gives a region's load balancers, `alarm_state` the state of its alarm of a name."""

    def __init__(
        self,
        account: str,
        client: docker.DockerClient,
        state: StateDirectory,
        balancing: Callable[[str], LoadBalancing],
        alarm_state: Callable[[str, str], str | None],
        clock: Clock,
    ) -> None:
        reachable = make_metadata_network(client)
        self._runtime = DockerRuntime(client, state.port)
        self._neighbours = MotoNeighbours(account, self._runtime, balancing, alarm_state)
        background = ThreadPoolExecutor(TASK_THREADS, thread_name_prefix="tasks")
        url = metadata_url(state.port) if reachable else None
        self.ecs, metadata = make_ecs(account, self._runtime, self._neighbours, background, clock, metadata_url=url)
        self._metadata = MetadataServer(state.port, metadata.answer, state.api_socket) if reachable else None

    def start(self) -> None:
        """Follow Docker's events, and answer the tasks."""
        self._runtime.watch(self.ecs.wake)
        if self._metadata is not None:
            self._metadata.start()

    def stop(self) -> None:
        """End the control loops; containers stay as they are."""
        self.ecs.stop()
        self._runtime.unwatch()
        self._neighbours.close()
        if self._metadata is not None:
            self._metadata.stop()
