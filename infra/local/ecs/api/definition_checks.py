"""What a task definition has to be: ECS's own checks and words, and refusals of what containers here cannot do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from infra.local.ecs.api import sizes
from infra.local.ecs.errors import ClientError, NotServed

FAMILY = re.compile(r"[A-Za-z0-9_-]{1,255}")
CONDITIONS_OF_ENDED = frozenset({"COMPLETE", "SUCCESS"})
FARGATE_NETWORK = "Fargate only supports network mode \u2018awsvpc\u2019."
MAX_CONTAINERS, MAX_STOP_TIMEOUT = 10, 120
UNSERVED = ("pidMode", "ipcMode", "proxyConfiguration", "inferenceAccelerators", "enableFaultInjection")
UNSERVED_IN_CONTAINER = (
    "repositoryCredentials", "links", "volumesFrom", "environmentFiles", "disableNetworking", "privileged",
    "dockerSecurityOptions", "resourceRequirements", "firelensConfiguration", "credentialSpecs",
)  # fmt: skip
UNSERVED_IN_VOLUME = (
    "dockerVolumeConfiguration", "efsVolumeConfiguration", "fsxWindowsFileServerVolumeConfiguration",
    "configuredAtLaunch", "s3filesVolumeConfiguration",
)  # fmt: skip


def check_definition(given: Mapping[str, Any]) -> None:
    """Check RegisterTaskDefinition's input, its sizes in units; raises ClientError as ECS does, or NotServed."""
    if not FAMILY.fullmatch(given["family"]):
        raise ClientError("Invalid family name. Use up to 255 letters, numbers, underscores and hyphens.")
    containers = given["containerDefinitions"]
    if not containers:
        raise ClientError("TaskDefinition: Container list cannot be empty.")
    if len(containers) > MAX_CONTAINERS:
        raise ClientError(f"Too many containers. Only {MAX_CONTAINERS} containers are allowed per task definition.")
    _check_served(given)
    _check_fargate(given)
    for container in containers:
        _check_container(container, given)
    _check_names([each["name"] for each in containers])
    if not any(each.get("essential", True) for each in containers):
        raise ClientError("TaskDefinition: At least one essential container must be specified.")
    _check_dependencies({each["name"]: each for each in containers})


def _check_served(given: Mapping[str, Any]) -> None:
    for name in UNSERVED:
        if given.get(name):
            raise NotServed(f"the member {name} of task definitions")
    for volume in given.get("volumes") or ():
        wrong = next((name for name in UNSERVED_IN_VOLUME if volume.get(name)), None)
        if (volume.get("host") or {}).get("sourcePath"):
            wrong = "host.sourcePath"
        if wrong is not None:
            raise NotServed(f"the member {wrong} of volumes", "A volume lives as long as its task.")
    if str((given.get("runtimePlatform") or {}).get("operatingSystemFamily", "LINUX")).startswith("WINDOWS"):
        raise NotServed("tasks on Windows")


def _check_fargate(given: Mapping[str, Any]) -> None:
    if "FARGATE" not in given.get("requiresCompatibilities", ()):
        return
    if given.get("networkMode") != "awsvpc":
        raise ClientError(FARGATE_NETWORK)
    for name in ("cpu", "memory"):
        if not given.get(name):
            raise ClientError(f"Fargate requires that '{name}' be defined at the task level.")
    sizes.check_fargate(given["cpu"], given["memory"])


def _check_container(container: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    name = container.get("name")
    if not name:
        raise ClientError("Container.name should not be null or empty.")
    if not container.get("image"):
        raise ClientError("Container.image should not be null or empty.")
    for member in UNSERVED_IN_CONTAINER:
        if container.get(member):
            raise NotServed(f"the member {member} of container definitions")
    if (container.get("restartPolicy") or {}).get("enabled"):
        raise NotServed("restart policies of containers")
    if not (given.get("memory") or container.get("memory") or container.get("memoryReservation")):
        raise ClientError(f"Invalid setting for container '{name}'. At least one of 'memory' or 'memoryReservation' "
                          "must be specified.")  # fmt: skip
    if container.get("stopTimeout", 0) > MAX_STOP_TIMEOUT:
        raise ClientError(f"Invalid setting for container '{name}'. stopTimeout must be at most {MAX_STOP_TIMEOUT}.")
    check_variables(container)
    _check_log(name, container.get("logConfiguration"))
    _check_mounts(name, container, given)


def check_variables(container: Mapping[str, Any]) -> None:
    """Raise ClientError where a variable of a container, or of an override, has no name."""
    if not all(each.get("name") for each in container.get("environment") or ()):
        raise ClientError("Container environment variable names should not be null or empty.")


def _check_log(name: str, configuration: Mapping[str, Any] | None) -> None:
    if configuration is None:
        return
    if configuration["logDriver"] != "awslogs":
        raise NotServed(f"the log driver {configuration['logDriver']} (awslogs is)")
    options = configuration.get("options") or {}
    for option in ("awslogs-group", "awslogs-region"):
        if option not in options:
            raise ClientError(f"Log driver awslogs requires options: {option}, container {name}.")
    if configuration.get("secretOptions"):
        raise NotServed("secretOptions of the log driver awslogs")


def _check_mounts(name: str, container: Mapping[str, Any], given: Mapping[str, Any]) -> None:
    known = {each.get("name") for each in given.get("volumes") or ()}
    for mount in container.get("mountPoints") or ():
        if not mount.get("containerPath"):
            raise ClientError(f"Container path cannot be null or empty for a mount point of container '{name}'.")
        if mount.get("sourceVolume") not in known:
            raise ClientError(f"Unknown volume '{mount.get('sourceVolume')}' in container '{name}'.")


def _check_names(names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ClientError(f"Container names must be unique: {name}.")


def _check_dependencies(containers: Mapping[str, Mapping[str, Any]]) -> None:
    for name, container in containers.items():
        for each in container.get("dependsOn") or ():
            other = containers.get(each["containerName"])
            if other is None or each["containerName"] == name:
                raise ClientError(f"Invalid container dependency: {name} depends on {each['containerName']}.")
            if each["condition"] in CONDITIONS_OF_ENDED and other.get("essential", True):
                raise ClientError(f"A container with the dependency condition {each['condition']} on it must not be "
                                  f"essential: {each['containerName']}.")  # fmt: skip
            if each["condition"] == "HEALTHY" and not other.get("healthCheck"):
                raise ClientError(f"A container with the dependency condition HEALTHY on it needs a health check: "
                                  f"{each['containerName']}.")  # fmt: skip
    _check_cycles({name: _dependencies(container) for name, container in containers.items()})


def _dependencies(container: Mapping[str, Any]) -> list[str]:
    return [each["containerName"] for each in container.get("dependsOn") or ()]


def _check_cycles(edges: dict[str, list[str]]) -> None:
    while free := [name for name, others in edges.items() if not any(other in edges for other in others)]:
        for name in free:
            del edges[name]
    if edges:
        raise ClientError(f"Container dependencies form a cycle: {', '.join(sorted(edges))}.")
