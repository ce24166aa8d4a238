"""Runs a task's container with the docker SDK, labelled so that whoever comes later finds it."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from requests.exceptions import RequestException

from infra.local.ecs.interfaces import ContainerSpec, ContainerState, HealthCheck, StartedContainer, TaskFailedToStart
from infra.local.errors import DockerUnreachable
from infra.local.runtime.images import digest_of, local_reference

COMMON_LABEL, INSTANCE_LABEL = "cutover", "cutover.local"
NANOSECONDS, MEBIBYTE, CPU_UNITS = 1_000_000_000, 1024 * 1024, 1024
REQUEST_SLACK_SECONDS = 60
API_VERSION = "1.41"  # Debian 12's Docker; asking for it leaves no half-made client when no engine answers
LOG_LIMITS = {"max-size": "10m", "max-file": "2"}
EXIT_CODE = re.compile(r"Exited \((\d+)\)")
log = logging.getLogger(__name__)
HEALTH = (("(healthy)", "HEALTHY"), ("(unhealthy)", "UNHEALTHY"))


def connect() -> docker.DockerClient:
    """A client of the engine that DOCKER_HOST names (default: the local socket); raises DockerUnreachable."""
    try:
        client = docker.from_env(version=API_VERSION)
    except DockerException as error:
        raise DockerUnreachable(str(error)) from error
    try:
        client.ping()
    except (DockerException, RequestException) as error:
        client.close()
        raise DockerUnreachable(str(error)) from error
    return client


def network_name(port: int) -> str:
    """The network of an instance's tasks."""
    return f"cutover-local-{port}"


def labels(port: int) -> dict[str, str]:
    """The labels of everything an instance makes in Docker."""
    return {COMMON_LABEL: "1", INSTANCE_LABEL: str(port)}


def make_network(client: docker.DockerClient, port: int) -> None:
    """Make the instance's network; there is none of that name."""
    client.networks.create(network_name(port), driver="bridge", labels=labels(port))


def remove_all(client: docker.DockerClient, port: int) -> int:
    """Remove the instance's containers, network and pulled images; gives how many of the first two there were."""
    chosen: dict[str, str | list[str] | bool] = {"label": f"{INSTANCE_LABEL}={port}"}
    containers = client.containers.list(all=True, filters=chosen, ignore_removed=True)
    for container in containers:
        _ignore_missing(container.remove, force=True, v=True)
    networks = client.networks.list(filters=chosen)
    for network in networks:
        _ignore_missing(network.remove)
    _remove_images(client, f"localhost:{port}/")
    return len(containers) + len(networks)


def _remove_images(client: docker.DockerClient, prefix: str) -> None:
    """Take away the names that point to a registry which is gone; an image without another name goes with them."""
    for image in client.api.images():  # one call: an image that somebody removes meanwhile is no error
        names = (*(image.get("RepoTags") or ()), *(image.get("RepoDigests") or ()))
        for name in [each for each in names if each.startswith(prefix)]:
            try:
                client.images.remove(name)
            except APIError as error:  # its last name, and something else of the user's runs on it
                log.debug("image %s stays: %s", name, error)


def _ignore_missing(call: Any, **arguments: Any) -> None:
    try:
        call(**arguments)
    except NotFound:
        return


class DockerRuntime:
    """The `Runtime` of the instance on `port`."""

    def __init__(self, client: docker.DockerClient, port: int) -> None:
        self._client = client
        self._port = port

    def start(self, spec: ContainerSpec) -> StartedContainer:
        """Create and start the container on the instance's network, pulling its image if need be."""
        image = self._image(spec.image)
        try:
            container = self._client.containers.create(image, **self._options(spec))
        except APIError as error:
            raise TaskFailedToStart(f"CannotCreateContainerError: {error.explanation}") from error
        try:
            container.start()
            container.reload()
            address: str = container.attrs["NetworkSettings"]["Networks"][network_name(self._port)]["IPAddress"]
        except (APIError, KeyError) as error:
            _ignore_missing(container.remove, force=True, v=True)
            raise TaskFailedToStart(f"CannotStartContainerError: {getattr(error, 'explanation', error)}") from error
        return StartedContainer(str(container.id), address, digest_of(spec.image))

    def stop(self, runtime_id: str, timeout: float) -> int | None:
        """`docker stop`, then `docker rm`."""
        try:
            container = self._client.containers.get(runtime_id)
            self._client.api.stop(runtime_id, timeout=int(timeout))
            container.reload()
            code: int = container.attrs["State"]["ExitCode"]
            container.remove(force=True, v=True)
        except NotFound:
            return None
        return code

    def states(self) -> Mapping[str, ContainerState]:
        """What one listing of the instance's containers says."""
        chosen = {"label": f"{INSTANCE_LABEL}={self._port}"}
        entries = self._client.api.containers(all=True, filters=chosen)
        return {entry["Id"]: _state(entry["State"], entry["Status"]) for entry in entries}

    def _image(self, image: str) -> str:
        reference = local_reference(image, self._port)
        try:
            self._client.images.get(reference)
        except ImageNotFound:
            self._pull(reference)
        return reference

    def _pull(self, reference: str) -> None:
        try:
            repository, at, digest = reference.partition("@")
            if at:
                self._client.images.pull(f"{repository}@{digest}")
            else:
                self._client.images.pull(reference)
        except APIError as error:
            raise TaskFailedToStart(f"CannotPullContainerError: {error.explanation}") from error

    def _options(self, spec: ContainerSpec) -> dict[str, Any]:
        options: dict[str, Any] = {
            "name": f"cutover-{self._port}-{spec.name}",
            "labels": {**labels(self._port), **spec.labels},
            "environment": dict(spec.environment),
            "network": network_name(self._port),
            "user": spec.user,
            "working_dir": spec.working_directory,
            "read_only": spec.read_only,
            "log_config": {"Type": "json-file", "Config": LOG_LIMITS},
        }
        if spec.entry_point:
            options["entrypoint"] = list(spec.entry_point)
        if spec.command:
            options["command"] = list(spec.command)
        if spec.cpu:
            options["nano_cpus"] = spec.cpu * NANOSECONDS // CPU_UNITS
        if spec.memory:
            options["mem_limit"] = spec.memory * MEBIBYTE
        if spec.health_check:
            options["healthcheck"] = _health_check(spec.health_check)
        return options


def _health_check(check: HealthCheck) -> dict[str, Any]:
    return {
        "test": list(check.command),
        "interval": int(check.interval * NANOSECONDS),
        "timeout": int(check.timeout * NANOSECONDS),
        "retries": check.retries,
        "start_period": int(check.start_period * NANOSECONDS),
    }


def _state(state: str, status: str) -> ContainerState:
    """From what `docker ps` shows, e.g. `running` and `Up 3 seconds (healthy)`."""
    health = next((name for mark, name in HEALTH if mark in status), "UNKNOWN")
    exited = EXIT_CODE.search(status)
    return ContainerState(state in ("running", "created", "restarting"), health, int(exited[1]) if exited else None)
