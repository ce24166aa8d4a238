"""Runs a task's container with the docker SDK, labelled so that whoever comes later finds it."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import docker
from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.types import Mount, Ulimit
from requests.exceptions import RequestException

from infra.local.ecs.interfaces import ContainerSpec, ContainerState, HealthCheck, StartedContainer, TaskFailedToStart
from infra.local.errors import DockerUnreachable
from infra.local.runtime.images import by_tag, digest_of, local_reference
from infra.local.runtime.pause import pause_image

COMMON_LABEL, INSTANCE_LABEL = "cutover", "cutover.local"
NANOSECONDS, MEBIBYTE, CPU_UNITS = 1_000_000_000, 1024 * 1024, 1024
LISTING_SECONDS, RECONNECT_SECONDS = 10.0, 1.0  # how old a listing may be while events come; pause after they stop
POOL_SIZE = 128  # each log that is followed holds a connection
KILLED = 137
EVENTS = ["die", "destroy", "oom", "health_status"]
TIMESTAMP_LENGTH = len("2026-11-25T20:00:00.123456")
API_VERSION = "1.41"  # Debian 12's Docker; asking for it leaves no half-made client when no engine answers
PAUSE_IMAGE = "/cutover/pause:1"  # never pushed
LOG_LIMITS = {"max-size": "10m", "max-file": "2"}
EXIT_CODE = re.compile(r"Exited \((\d+)\)")
log = logging.getLogger(__name__)
HEALTH = (("(healthy)", "HEALTHY"), ("(unhealthy)", "UNHEALTHY"))


def connect() -> docker.DockerClient:
    """A client of the engine that DOCKER_HOST names (default: the local socket); raises DockerUnreachable."""
    try:
        client = docker.from_env(version=API_VERSION, max_pool_size=POOL_SIZE)
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
    """Make the instance's network, unless it outlived a server that was killed."""
    if not client.networks.list(names=[network_name(port)], filters={"label": f"{INSTANCE_LABEL}={port}"}):
        client.networks.create(network_name(port), driver="bridge", labels=labels(port))


def remove_all(client: docker.DockerClient, port: int) -> int:
    """Remove the instance's containers, volumes, network and pulled images; gives how many containers and networks."""
    chosen: dict[str, str | list[str] | bool] = {"label": f"{INSTANCE_LABEL}={port}"}
    containers = client.containers.list(all=True, filters=chosen, ignore_removed=True)
    for container in containers:
        _ignore_missing(container.remove, force=True, v=True)
    for volume in client.volumes.list(filters=chosen):
        _ignore_missing(volume.remove, force=True)
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
    """The `Runtime` of the instance on `port`. `now` is a steady clock in seconds."""

    def __init__(self, client: docker.DockerClient, port: int, now: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._port = port
        self._now = now
        self._changed = threading.Event()
        self._watching = False
        self._stopped = threading.Event()
        self._listed: dict[str, ContainerState] = {}
        self._listed_at = 0.0
        self._killed: dict[str, bool] = {}  # containers that ended by SIGKILL, and whether that was for their memory

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
            address = "" if spec.joins else self._address(container)
        except (APIError, KeyError) as error:
            _ignore_missing(container.remove, force=True, v=True)
            raise TaskFailedToStart(f"CannotStartContainerError: {getattr(error, 'explanation', error)}") from error
        self._changed.set()
        return StartedContainer(str(container.id), address, self._digest(spec.image, image))

    def hold(self, name: str, labels: Mapping[str, str]) -> StartedContainer:
        """Start a container that does nothing but own a network."""
        image = pause_image(self._client, f"localhost:{self._port}{PAUSE_IMAGE}")
        return self.start(ContainerSpec(name=name, image=image, labels=labels))

    def stop(self, runtime_id: str, timeout: float) -> None:
        """`docker stop`."""
        try:
            self._client.api.stop(runtime_id, timeout=int(timeout))
        except NotFound:
            log.debug("container %s is gone already", runtime_id)
        self._changed.set()

    def discard(self, runtime_ids: Sequence[str], volumes: Sequence[str]) -> None:
        """`docker rm --force` and `docker volume rm`."""
        for runtime_id in runtime_ids:
            _ignore_missing(self._client.api.remove_container, container=runtime_id, force=True, v=True)
            self._killed.pop(runtime_id, None)
        for volume in volumes:
            _ignore_missing(self._client.api.remove_volume, name=volume, force=True)
        self._changed.set()

    def states(self) -> Mapping[str, ContainerState]:
        """What one listing of the instance's containers says. While Docker's events come in, it is taken anew only
        after one of them, or when it is old."""
        if self._watching and not self._changed.is_set() and self._now() - self._listed_at < LISTING_SECONDS:
            return self._listed
        self._changed.clear()
        chosen = {"label": f"{INSTANCE_LABEL}={self._port}"}
        entries = self._client.api.containers(all=True, filters=chosen)
        self._listed = {entry["Id"]: self._state(entry) for entry in entries}
        self._listed_at = self._now()
        return self._listed

    def address(self, runtime_id: str) -> str:
        """The container's address on the instance's network; empty where it has none."""
        try:
            return self._address(self._client.containers.get(runtime_id))
        except (NotFound, KeyError):
            return ""

    def lines(self, runtime_id: str, since: float) -> Iterator[tuple[float, str]]:
        """`docker logs --follow --timestamps`."""
        chunks = self._client.api.logs(runtime_id, stream=True, follow=True, timestamps=True, since=since or None)
        return log_lines(chunks)

    def stats(self, runtime_id: str) -> Mapping[str, Any]:
        """`docker stats --no-stream`."""
        try:
            found: Mapping[str, Any] = self._client.api.stats(runtime_id, stream=False)
        except NotFound:
            return {}
        return found

    def watch(self, happened: Callable[[], None]) -> None:
        """From now on, in a thread, call `happened` whenever a container ends or its health changes."""
        threading.Thread(target=self._watch, args=(happened,), name="docker-events", daemon=True).start()

    def unwatch(self) -> None:
        """Let the thread end with the next event."""
        self._stopped.set()

    def _watch(self, happened: Callable[[], None]) -> None:
        filters = {"label": f"{INSTANCE_LABEL}={self._port}", "type": "container", "event": EVENTS}
        while not self._stopped.is_set():
            try:
                events = self._client.events(decode=True, filters=filters)
                self._watching = True
                self._changed.set()
                for _ in events:
                    self._changed.set()
                    happened()
            except (DockerException, RequestException, OSError) as error:
                log.info("Docker's events stopped: %s", error)
            self._watching = False
            self._stopped.wait(RECONNECT_SECONDS)

    def _address(self, container: Any) -> str:
        address: str = container.attrs["NetworkSettings"]["Networks"][network_name(self._port)]["IPAddress"]
        return address

    def _image(self, image: str) -> str:
        """A tag may have moved in the registry, so it is always asked; anything else is looked for here first."""
        reference = local_reference(image, self._port)
        in_registry = reference.startswith(f"localhost:{self._port}/") and not reference.endswith(PAUSE_IMAGE)
        if in_registry and by_tag(reference):
            self._pull(reference)
            return reference
        try:
            self._client.images.get(reference)
        except ImageNotFound:
            self._pull(reference)
        return reference

    def _pull(self, reference: str) -> None:
        try:
            self._client.images.pull(reference if "@" in reference or by_tag(reference) else f"{reference}:latest")
        except APIError as error:
            raise TaskFailedToStart(f"CannotPullContainerError: {error.explanation}") from error

    def _digest(self, image: str, reference: str) -> str | None:
        """The digest in the reference, or in the registry, or for an image that was never in one its id."""
        if (named := digest_of(image)) is not None:
            return named
        found = self._client.images.get(reference)
        digests: list[str] = found.attrs.get("RepoDigests") or []
        return next((each.partition("@")[2] for each in digests), str(found.id))

    def _state(self, entry: Mapping[str, Any]) -> ContainerState:
        state, status = entry["State"], entry["Status"]
        health = next((name for mark, name in HEALTH if mark in status), "UNKNOWN")
        exited = EXIT_CODE.search(status)
        code = int(exited[1]) if exited else None
        running = state in ("running", "created", "restarting", "paused")
        memory = code == KILLED and self._out_of_memory(entry["Id"])
        return ContainerState(running, health, code, memory, entry.get("Labels") or {})

    def _out_of_memory(self, runtime_id: str) -> bool:
        if runtime_id not in self._killed:
            try:
                self._killed[runtime_id] = bool(self._client.api.inspect_container(runtime_id)["State"]["OOMKilled"])
            except NotFound:
                return False
        return self._killed[runtime_id]

    def _options(self, spec: ContainerSpec) -> dict[str, Any]:
        options: dict[str, Any] = {
            **spec.options,
            "name": f"cutover-{self._port}-{spec.name}",
            "labels": {**spec.labels, **labels(self._port)},
            "environment": dict(spec.environment),
            "user": spec.user,
            "working_dir": spec.working_directory,
            "read_only": spec.read_only,
            "log_config": {"Type": "json-file", "Config": LOG_LIMITS},
        }
        if spec.joins:
            options["network_mode"] = f"container:{spec.joins}"
        else:
            options["network"] = network_name(self._port)
        if spec.entry_point:
            options["entrypoint"] = list(spec.entry_point)
        if spec.command:
            options["command"] = list(spec.command)
        if spec.health_check:
            options["healthcheck"] = _health_check(spec.health_check)
        return {**options, **self._limits(spec), **self._volumes(spec)}

    @staticmethod
    def _limits(spec: ContainerSpec) -> dict[str, Any]:
        options: dict[str, Any] = {}
        if spec.cpu:
            options["nano_cpus"] = spec.cpu * NANOSECONDS // CPU_UNITS
        if spec.memory:
            options["mem_limit"] = options["memswap_limit"] = spec.memory * MEBIBYTE
        if spec.memory_reservation:
            options["mem_reservation"] = spec.memory_reservation * MEBIBYTE
        if "ulimits" in spec.options:
            options["ulimits"] = [
                Ulimit(name=each["name"], soft=each["softLimit"], hard=each["hardLimit"])
                for each in spec.options["ulimits"]
            ]
        return options

    def _volumes(self, spec: ContainerSpec) -> dict[str, Any]:
        mounts = [
            Mount(each.path, each.name, type="volume", read_only=each.read_only, labels=labels(self._port))
            for each in spec.mounts
        ]
        return {"mounts": mounts} if mounts else {}


def log_lines(chunks: Iterator[bytes]) -> Iterator[tuple[float, str]]:
    """Lines with their times from the chunks of a log with timestamps; Docker splits lines that are very long."""
    begun: tuple[float, str] | None = None
    for chunk in chunks:
        stamp, _, text = chunk.decode(errors="replace").partition(" ")
        at = datetime.fromisoformat(f"{stamp[:TIMESTAMP_LENGTH]}+00:00").timestamp()
        begun = (begun[0], begun[1] + text) if begun else (at, text)
        if text.endswith("\n"):
            yield begun[0], begun[1].rstrip("\r\n")
            begun = None
    if begun:
        yield begun


def _health_check(check: HealthCheck) -> dict[str, Any]:
    return {
        "test": list(check.command),
        "interval": int(check.interval * NANOSECONDS),
        "timeout": int(check.timeout * NANOSECONDS),
        "retries": check.retries,
        "start_period": int(check.start_period * NANOSECONDS),
    }
