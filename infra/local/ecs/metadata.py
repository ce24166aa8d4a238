"""The task metadata endpoint, version 4, and the task role's credentials: documents, without the HTTP around them.

Source: developer guide, "task-metadata-endpoint-v4" and "task-iam-roles". Times are ISO 8601, as the agent writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from infra.local.clock import Clock
from infra.local.ecs.containers import container_name, labels, log_target, overridden, role
from infra.local.ecs.interfaces import Credentials, Roles, Runtime
from infra.local.ecs.model import Container, Task
from infra.local.ecs.notices import iso
from infra.local.ecs.store import Store

CPU_UNITS = 1024
REFRESH_SECONDS = 15 * 60  # before they expire, a session's credentials are exchanged
Json = dict[str, Any]


class Metadata:
    """Answers the paths that a task's containers ask, from the stores of all regions."""

    def __init__(self, stores: Callable[[], Iterable[Store]], runtime: Runtime, roles: Roles, clock: Clock) -> None:
        self._stores = stores
        self._runtime = runtime
        self._roles = roles
        self._clock = clock
        self._sessions: dict[str, Credentials] = {}

    def answer(self, path: str) -> Json | None:
        """The document at `/v4/KEY…` or `/credentials/KEY`; None where there is none, or nobody holds the key."""
        match path.strip("/").split("/"):
            case ["credentials", key]:
                return self._credentials(key)
            case ["v4", key]:
                return self._of(key, lambda store, task, container: _container(store, task, container))
            case ["v4", key, "task" | "taskWithTags" as what]:
                return self._of(key, lambda store, task, _: _task(store, task, with_tags=what != "task"))
            case ["v4", key, "stats"]:
                found = self._find(key)
                return self._stats(found[2]) if found else None
            case ["v4", key, "task", "stats"]:
                found = self._find(key)
                return {str(each.runtime_id): self._stats(each) for each in found[1].containers} if found else None
            case _:
                return None

    def _of(self, key: str, shown: Callable[[Store, Task, Container], Json]) -> Json | None:
        found = self._find(key)
        if found is None:
            return None
        with found[0].lock:
            return shown(*found)

    def _find(self, key: str) -> tuple[Store, Task, Container] | None:
        for store in self._stores():
            with store.lock:
                for task in store.all_tasks():
                    for container in task.containers:
                        if container.key == key:
                            return store, task, container
        return None

    def _stats(self, container: Container) -> Json:
        return dict(self._runtime.stats(container.runtime_id)) if container.runtime_id else {}

    def _credentials(self, key: str) -> Json | None:
        task = self._holder(key)
        arn = role(task) if task is not None else None
        if task is None or arn is None:
            return None
        session = self._sessions.get(key)
        if session is None or session.expiration - self._clock.now() < REFRESH_SECONDS:
            session = self._sessions[key] = self._roles.assume(arn, task.id)
        return {
            "RoleArn": arn,
            "AccessKeyId": session.access_key,
            "SecretAccessKey": session.secret_key,
            "Token": session.token,
            "Expiration": iso(session.expiration),
        }

    def _holder(self, key: str) -> Task | None:
        for store in self._stores():
            with store.lock:
                for task in store.all_tasks():
                    if task.credentials_key == key and not task.gone:
                        return task
        return None


def _task(store: Store, task: Task, *, with_tags: bool) -> Json:
    document = {
        "Cluster": task.cluster.arn,
        "TaskARN": task.arn,
        "Family": task.definition.family,
        "Revision": str(task.definition.revision),
        "ServiceName": task.group.removeprefix("service:") if task.revision else None,
        "DesiredStatus": task.desired_status,
        "KnownStatus": task.last_status,
        "Limits": _task_limits(task),
        "PullStartedAt": _iso(task.pull_started_at),
        "PullStoppedAt": _iso(task.pull_stopped_at),
        "AvailabilityZone": f"{store.region}a",
        "LaunchType": task.launch.get("launchType", "FARGATE"),
        "Containers": [_container(store, task, each) for each in task.containers if each.runtime_id],
        "TaskTags": {each["key"]: each["value"] for each in task.tags} if with_tags else None,
    }
    return _present(document)


def _container(store: Store, task: Task, container: Container) -> Json:
    definition = overridden(task, container.name)
    target = log_target(task, container.name, store.region)
    document = {
        "DockerId": container.runtime_id,
        "Name": container.name,
        "DockerName": container_name(task, container.name),
        "Image": definition["image"],
        "ImageID": container.image_digest,
        "Labels": labels(task, container.name),
        "DesiredStatus": task.desired_status,
        "KnownStatus": container.last_status,
        "ExitCode": container.exit_code,
        "Limits": {"CPU": definition.get("cpu", 0), "Memory": definition.get("memory")},
        "CreatedAt": _iso(task.created_at),
        "StartedAt": _iso(container.started_at),
        "FinishedAt": _iso(container.stopped_at),
        "Type": "NORMAL",
        "Health": {"status": container.health} if definition.get("healthCheck") else None,
        "LogDriver": "awslogs" if target else None,
        "LogOptions": _log_options(definition, target.stream) if target else None,
        "ContainerARN": task.arn.replace(":task/", ":container/"),
        "Networks": [{"NetworkMode": "awsvpc", "IPv4Addresses": [task.ip]}],
        "Snapshotter": "overlayfs",
    }
    return _present(document)


def _log_options(definition: Mapping[str, Any], stream: str) -> Json:
    options = definition["logConfiguration"].get("options") or {}
    return {**{name: options[name] for name in ("awslogs-group", "awslogs-region") if name in options},
            "awslogs-stream": stream}  # fmt: skip


def _task_limits(task: Task) -> Json | None:
    body = task.definition.body
    limits = {
        "CPU": int(body["cpu"]) / CPU_UNITS if "cpu" in body else None,
        "Memory": int(body["memory"]) if "memory" in body else None,
    }
    return _present(limits) or None


def _iso(at: float | None) -> str | None:
    return iso(at) if at is not None else None


def _present(values: Json) -> Json:
    return {name: value for name, value in values.items() if value is not None}
