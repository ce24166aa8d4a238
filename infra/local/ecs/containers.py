"""From a container definition to what the runtime is asked to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.ecs.interfaces import ContainerSpec, HealthCheck, LogTarget, VolumeMount
from infra.local.ecs.model import Container, Task

DEFAULT_INTERVAL, DEFAULT_TIMEOUT, DEFAULT_RETRIES = 30, 5, 3  # API: HealthCheck
DEFAULT_STOP_TIMEOUT = 30.0
TASK_LABEL, CONTAINER_LABEL = "cutover.ecs.task", "cutover.ecs.container"
NETWORK = "~network"  # no container definition can have that name


@dataclass(frozen=True)
class Place:
    """Where tasks run. `metadata_url` is where containers reach this machine, None where there is no such address."""

    region: str
    account: str
    metadata_url: str | None = None


@dataclass(frozen=True)
class Launch:
    """A container to start: `secrets` are (variable, valueFrom), resolved only when it starts."""

    spec: ContainerSpec
    secrets: tuple[tuple[str, str], ...] = ()
    log: LogTarget | None = None


def launch(task: Task, container: Container, place: Place) -> Launch:
    """What to start for one container of a task, its overrides applied."""
    definition = overridden(task, container.name)
    spec = ContainerSpec(
        name=container_name(task, container.name),
        image=definition["image"],
        labels={**labels(task, container.name), **(definition.get("dockerLabels") or {})},
        environment={**_ambient(task, container, place), **_variables(definition.get("environment"))},
        entry_point=_words(definition.get("entryPoint")),
        command=_words(definition.get("command")),
        user=definition.get("user"),
        working_directory=definition.get("workingDirectory"),
        read_only=bool(definition.get("readonlyRootFilesystem")),
        cpu=int(_limit(task, "cpu") or definition.get("cpu") or 0),
        memory=int(definition.get("memory") or _limit(task, "memory") or 0),
        memory_reservation=int(definition.get("memoryReservation") or 0),
        health_check=_health_check(definition.get("healthCheck")),
        mounts=tuple(_mounts(task, definition)),
        joins=task.network,
        options=linux_options(definition, joined=task.network is not None),
    )
    secrets = tuple((each["name"], each["valueFrom"]) for each in definition.get("secrets") or ())
    return Launch(spec, secrets, log_target(task, container.name, place.region))


def overridden(task: Task, name: str) -> dict[str, Any]:
    """The container definition with RunTask's overrides: variables are added, everything else is replaced."""
    definition = dict(task.definition.container(name))
    for override in task.overrides.get("containerOverrides") or ():
        if override.get("name") == name:
            variables = [*(definition.get("environment") or ()), *(override.get("environment") or ())]
            definition.update({key: value for key, value in override.items() if key != "name"})
            definition["environment"] = variables
    return definition


def container_name(task: Task, name: str) -> str:
    """A readable name, unique on an instance."""
    return f"{task.cluster.name}-{task.definition.family}-{task.definition.revision}-{name.strip('~')}-{task.id[:12]}"


def labels(task: Task, name: str) -> dict[str, str]:
    """By which a container is found again, and the labels that ECS's agent sets."""
    own = {TASK_LABEL: task.arn, CONTAINER_LABEL: name}
    if task.revision is not None:
        own["cutover.ecs.revision"] = task.revision.arn
    return {
        **own,
        "com.amazonaws.ecs.cluster": task.cluster.name,
        "com.amazonaws.ecs.container-name": name,
        "com.amazonaws.ecs.task-arn": task.arn,
        "com.amazonaws.ecs.task-definition-family": task.definition.family,
        "com.amazonaws.ecs.task-definition-version": str(task.definition.revision),
    }


def volumes(task: Task) -> list[str]:
    """Names of the task's volumes on this machine."""
    return [_volume(task, each["name"]) for each in task.definition.body.get("volumes") or ()]


def log_target(task: Task, name: str, region: str) -> LogTarget | None:
    """Where the container's output goes: `prefix/container/task`, as the driver awslogs names its streams."""
    configuration = task.definition.container(name).get("logConfiguration") or {}
    if configuration.get("logDriver") != "awslogs":
        return None
    options: Mapping[str, str] = configuration.get("options") or {}
    prefix = options.get("awslogs-stream-prefix")
    stream = f"{prefix}/{name}/{task.id}" if prefix else task.id
    create = str(options.get("awslogs-create-group", "")).lower() == "true"
    return LogTarget(options.get("awslogs-region", region), options.get("awslogs-group", ""), stream, create)


def stop_timeout(task: Task, name: str) -> float:
    """Seconds between SIGTERM and SIGKILL."""
    return float(task.definition.container(name).get("stopTimeout") or DEFAULT_STOP_TIMEOUT)


def role(task: Task) -> str | None:
    """The task's role, as its overrides or its definition name it."""
    return task.overrides.get("taskRoleArn") or task.definition.body.get("taskRoleArn") or None


def linux_options(definition: Mapping[str, Any], *, joined: bool) -> dict[str, Any]:
    """The rest of a container definition, as keyword arguments of the docker SDK."""
    linux = definition.get("linuxParameters") or {}
    capabilities = linux.get("capabilities") or {}
    options = {
        "cap_add": capabilities.get("add"),
        "cap_drop": capabilities.get("drop"),
        "init": linux.get("initProcessEnabled"),
        "shm_size": f"{linux['sharedMemorySize']}m" if linux.get("sharedMemorySize") else None,
        "tmpfs": {each["containerPath"]: _tmpfs(each) for each in linux.get("tmpfs") or ()},
        "ulimits": definition.get("ulimits"),
        "tty": definition.get("pseudoTerminal"),
        "stdin_open": definition.get("interactive"),
    }
    if not joined:  # Docker takes these from the container whose network is joined
        options["hostname"] = definition.get("hostname")
        options["dns"] = definition.get("dnsServers")
        options["dns_search"] = definition.get("dnsSearchDomains")
        options["extra_hosts"] = {each["hostname"]: each["ipAddress"] for each in definition.get("extraHosts") or ()}
        options["sysctls"] = {each["namespace"]: each["value"] for each in definition.get("systemControls") or ()}
    return {name: value for name, value in options.items() if value}


def _tmpfs(entry: Mapping[str, Any]) -> str:
    return ",".join([f"size={entry['size']}m", *(entry.get("mountOptions") or ())])


def _limit(task: Task, name: str) -> Any:
    return task.overrides.get(name) or task.definition.body.get(name)


def _ambient(task: Task, container: Container, place: Place) -> dict[str, str]:
    """What Fargate's agent sets, and AWS_ENDPOINT_URL, without which the SDKs would ask the real AWS."""
    given = {
        "AWS_REGION": place.region,
        "AWS_DEFAULT_REGION": place.region,
        "AWS_EXECUTION_ENV": "AWS_ECS_FARGATE",
    }
    if place.metadata_url is not None:
        given["AWS_ENDPOINT_URL"] = place.metadata_url
        given["ECS_CONTAINER_METADATA_URI_V4"] = f"{place.metadata_url}/v4/{container.key}"
        if role(task) is not None:
            given["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = f"{place.metadata_url}/credentials/{task.credentials_key}"
    return given


def _variables(pairs: list[dict[str, str]] | None) -> dict[str, str]:
    return {each["name"]: each.get("value", "") for each in pairs or ()}


def _words(words: list[str] | None) -> tuple[str, ...] | None:
    return tuple(words) if words else None


def _mounts(task: Task, definition: Mapping[str, Any]) -> list[VolumeMount]:
    return [
        VolumeMount(_volume(task, each["sourceVolume"]), each["containerPath"], bool(each.get("readOnly")))
        for each in definition.get("mountPoints") or ()
    ]


def _volume(task: Task, name: str) -> str:
    return f"ecs-{task.id}-{name}"


def _health_check(check: Mapping[str, Any] | None) -> HealthCheck | None:
    if not check:
        return None
    return HealthCheck(
        command=tuple(check["command"]),
        interval=float(check.get("interval") or DEFAULT_INTERVAL),
        timeout=float(check.get("timeout") or DEFAULT_TIMEOUT),
        retries=int(check.get("retries") or DEFAULT_RETRIES),
        start_period=float(check.get("startPeriod") or 0),
    )
