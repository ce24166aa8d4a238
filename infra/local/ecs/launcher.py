"""Starting one container, in the background: its secrets first, then its log stream, then the container itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from infra.local.ecs.containers import Launch
from infra.local.ecs.interfaces import LogDriver, LogTarget, Runtime, SecretValues, StartedContainer


class Launcher:
    """Holds no state and no lock; everything in here may block."""

    def __init__(self, runtime: Runtime, secrets: SecretValues, logs: LogDriver) -> None:
        self._runtime = runtime
        self._secrets = secrets
        self._logs = logs

    def launch(self, wanted: Launch) -> StartedContainer:
        """Start it; raises TaskFailedToStart."""
        values = {name: self._secrets.value(reference) for name, reference in wanted.secrets}
        if wanted.log is not None:
            self._logs.open(wanted.log)
        started = self._runtime.start(replace(wanted.spec, environment={**wanted.spec.environment, **values}))
        if wanted.log is not None:
            self._logs.follow(started.runtime_id, wanted.log)
        return started

    def resume(self, runtime_id: str, target: LogTarget | None) -> None:
        """Take up the log of a container that an earlier server started."""
        if target is not None:
            self._logs.follow(runtime_id, target)

    def discard(self, runtime_ids: Sequence[str], volumes: Sequence[str]) -> None:
        """Remove what is left of a task, once its last lines are sent."""
        for runtime_id in runtime_ids:
            self._logs.finish(runtime_id)
        self._runtime.discard(runtime_ids, volumes)
