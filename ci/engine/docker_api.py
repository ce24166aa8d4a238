"""The one door to Docker: the calls the engine makes of the Docker Engine API, its errors translated here.

Everything made carries the label `cutover=1`; what belongs to one call carries `cutover.call=ID` and
`cutover.pid=PID:START`, by
which a later call finds and removes what a killed one left.
"""

import contextlib
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import docker
import docker.errors
import docker.utils
import requests
from docker.utils.socket import STDOUT, frames_iter

from ci.engine.errors import DockerUnavailableError, EngineError
from ci.engine.usage import KeptImage

API_SECONDS = 600  # a commit of a large layer takes that long on a slow disk
LABEL, CALL_LABEL, PID_LABEL, STORE_LABEL = "cutover", "cutover.call", "cutover.pid", "cutover.store"


class DockerError(EngineError):
    """Docker refused a call; the message is Docker's own."""


class MissingImageError(DockerError):
    """Docker does not have an image."""


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Docker's and requests' exceptions as the engine's."""
    try:
        yield
    except docker.errors.ImageNotFound as error:
        raise MissingImageError(str(error.explanation)) from error
    except docker.errors.APIError as error:
        raise DockerError(f"Docker: {error.explanation or error}") from error
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        raise DockerUnavailableError(_short(error)) from error


def _short(error: Exception) -> str:
    text = str(error)
    return "connection refused or socket missing" if "Connection" in text or "Errno" in text else text[:200]


@contextlib.contextmanager
def _closing(attached: Any) -> Iterator[Any]:
    """The socket of an attachment, closed at the end with the response it is part of, which docker-py leaves open."""
    try:
        yield attached
    finally:
        attached._response.close()
        attached.close()


def process_mark(pid: int) -> str | None:
    """`PID:START` of a running process (start in clock ticks since boot, so a reused PID is another), None when it is
    gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    return f"{pid}:{stat.rpartition(')')[2].split()[19]}"


def _kept(row: Mapping[str, Any], parent: Mapping[str, Any] | None) -> KeptImage:
    size = max(row["Size"] - (parent["Size"] if parent else 0), 0)
    name = (row["RepoTags"] or [""])[0]
    return KeptImage(row["Id"], row["ParentId"], size, row["Created"], name, row["Labels"].get(STORE_LABEL, ""))


class Docker:
    """The engine's view of one Docker daemon, for one call."""

    def __init__(self, call_id: str) -> None:
        self.labels = {LABEL: "1", CALL_LABEL: call_id, PID_LABEL: process_mark(os.getpid()) or str(os.getpid())}
        with translated():
            self.api = docker.APIClient(timeout=API_SECONDS, **docker.utils.kwargs_from_env())
        self._closed = False
        self.remove_orphans()

    def image(self, reference: str) -> Mapping[str, Any] | None:
        """What `docker image inspect` says of an image, None where there is none."""
        try:
            with translated():
                found: Mapping[str, Any] = self.api.inspect_image(reference)  # type: ignore[no-untyped-call]
                return found
        except MissingImageError:
            return None

    def import_tar(self, path: Path, reference: str, environment: Mapping[str, str], command: list[str]) -> None:
        """Make an image of one layer from a tar file of a root file system."""
        name, _, tag = reference.rpartition(":")
        changes = [f'ENV {key}="{value}"' for key, value in environment.items()]
        changes += [f"CMD {list(command)!r}".replace("'", '"'), f"LABEL {LABEL}=1"]
        query = {"fromSrc": "-", "repo": name, "tag": tag, "changes": changes}
        with translated(), path.open("rb") as file:
            # docker-py's own import_image_from_stream sends no `changes`.
            api: Any = self.api
            api._raise_for_status(api._post(api._url("/images/create"), data=file, params=query))

    def load(self, archive: IO[bytes]) -> None:
        """Take in an image from a tar file as `docker save` writes it."""
        with translated():
            api: Any = self.api
            for event in api.load_image(archive):
                if "error" in event:
                    raise DockerError(f"Docker: {event['error']}")

    def tag(self, image: str, reference: str) -> None:
        """Give an image one more name."""
        repository, _, tag = reference.rpartition(":") if ":" in reference.rpartition("/")[2] else (reference, "", "")
        with translated():
            self.api.tag(image, repository, tag or "latest")

    def create(self, image: str, labels: Mapping[str, str] | None = None, **options: Any) -> str:
        """Create a container and give its id; `options` are docker-py's, `host` those of its create_host_config."""
        if self._closed:
            raise DockerError("the call has ended")
        host = options.pop("host", {})
        with translated():
            options["host_config"] = self.api.create_host_config(**host)
            created = self.api.create_container(image, labels={**self.labels, **(labels or {})}, **options)
            return str(created["Id"])

    def put(self, container: str, tar: IO[bytes], path: str = "/") -> None:
        """Unpack a tar stream into the container's file system."""
        with translated():
            self.api.put_archive(container, path, tar)

    def get(self, container: str, path: str) -> Iterator[bytes] | None:
        """A tar stream of `path` in the container, None where it is not there."""
        try:
            with translated():
                stream, _ = self.api.get_archive(container, path)
                return stream  # type: ignore[no-any-return]
        except DockerError as error:
            if isinstance(error.__cause__, docker.errors.NotFound):
                return None
            raise

    def stat(self, container: str, path: str) -> Mapping[str, Any] | None:
        """What lies at `path` in the container (Docker's path stat: `name`, `size`, `mode`, and `linkTarget`, where a
        link leads in the end), None where nothing does."""
        try:
            with translated():
                stream, found = self.api.get_archive(container, path)
                stream.close()
                return found  # type: ignore[no-any-return]
        except DockerError as error:
            if isinstance(error.__cause__, docker.errors.NotFound):
                return None
            raise

    def commit(self, container: str, tag: str) -> str:
        """Keep the container's file system as an image `cutover/layer:TAG`; gives the image's id."""
        with translated():
            done = self.api.commit(container, repository="cutover/layer", tag=tag, changes=f"LABEL {LABEL}=1")
            return str(done["Id"])

    def remove(self, container: str) -> None:
        """Remove a container, running or not, with its anonymous volumes; one that is gone is fine."""
        with contextlib.suppress(DockerError), translated():
            self.api.remove_container(container, v=True, force=True)

    def create_network(self, name: str) -> tuple[str, str]:
        """A bridge network of this call; gives its id and the host's own address on it."""
        with translated():
            network = self.api.create_network(name, driver="bridge", labels=self.labels)["Id"]
            config = self.api.inspect_network(network)["IPAM"]["Config"][0]
            return network, str(config["Gateway"])

    def remove_call(self) -> None:
        """Remove what this call made in Docker, but for images and cache volumes; nothing more can be made."""
        self._closed = True
        self._remove_labelled(f"{CALL_LABEL}={self.labels[CALL_LABEL]}")
        self.api.close()

    def remove_orphans(self) -> None:
        """Remove the containers and networks of calls whose process is gone."""
        with translated():
            rows = [
                *self.api.containers(all=True, filters={"label": PID_LABEL}),
                *(self.api.networks(filters={"label": PID_LABEL}) or ()),
            ]
        for row in rows:
            mark = row["Labels"][PID_LABEL]
            if process_mark(int(mark.partition(":")[0])) != mark:
                self._remove_labelled(f"{CALL_LABEL}={row['Labels'].get(CALL_LABEL, '')}")

    def _remove_labelled(self, label: str) -> None:
        with translated():
            containers = self.api.containers(all=True, filters={"label": label})
            networks = self.api.networks(filters={"label": label}) or ()
        for container in containers:
            self.remove(container["Id"])
        for network in networks:
            with contextlib.suppress(DockerError), translated():
                self.api.remove_network(network["Id"])

    def start(self, container: str) -> None:
        """Start a created container."""
        with translated():
            self.api.start(container)

    def run(self, container: str, stdin: bytes = b"") -> Iterator[tuple[str, bytes]]:
        """Start a created container and give its output as it comes, as (`stdout` or `stderr`, bytes), until it
        ends."""
        wanted = {"stdin": int(bool(stdin)), "stdout": 1, "stderr": 1, "stream": 1}
        with translated(), _closing(self.api.attach_socket(container, wanted)) as attached:
            self.api.start(container)
            if stdin:
                connection = getattr(attached, "_sock", attached)
                connection.sendall(stdin)
                connection.shutdown(socket.SHUT_WR)
            for channel, data in frames_iter(attached, tty=False):  # type: ignore[no-untyped-call]
                yield ("stdout" if channel == STDOUT else "stderr"), data

    def wait(self, container: str) -> int:
        """The exit code of a container that has ended or soon will."""
        with translated():
            return int(self.api.wait(container)["StatusCode"])

    def exit_code(self, container: str) -> int | None:
        """The exit code of a container that ran or could not start, None while it runs."""
        with translated():
            state = self.api.inspect_container(container)["State"]
        return None if state["Running"] else int(state["ExitCode"])

    def stop(self, container: str, seconds: int = 10) -> None:
        """SIGTERM, and SIGKILL after `seconds`; then remove it."""
        with contextlib.suppress(DockerError), translated():
            self.api.stop(container, timeout=seconds)
        self.remove(container)

    def logs(self, container: str, lines: int) -> str:
        """The end of what the container printed."""
        with translated():
            return str(self.api.logs(container, tail=lines).decode(errors="replace"))

    def address(self, container: str, network: str) -> str:
        """The container's address on a network."""
        with translated():
            networks = self.api.inspect_container(container)["NetworkSettings"]["Networks"]
        return next((str(n["IPAddress"]) for n in networks.values() if n["NetworkID"] == network), "")

    def create_volume(self, name: str, key: str) -> None:
        """Make the named volume of a cache, where it is not there yet."""
        with translated():
            self.api.create_volume(name, labels={LABEL: "1", "cutover.cache": key})

    def kept_images(self) -> list[KeptImage]:
        """The images that the engine made, with what each adds to its parent."""
        with translated():
            rows = {row["Id"]: row for row in self.api.images(all=True)}
        return [_kept(row, rows.get(row["ParentId"])) for row in rows.values() if LABEL in (row["Labels"] or {})]

    def kept_volumes(self) -> dict[str, int]:
        """The cache volumes' names, and their sizes in bytes (0 where Docker does not know)."""
        with translated():
            rows = self.api.df()["Volumes"] or ()
        return {row["Name"]: max((row.get("UsageData") or {}).get("Size", 0), 0) for row in rows}

    def remove_image(self, image: str) -> bool:
        """Remove an image with its tags; False where a container or another image needs it."""
        return self._removed(self.api.remove_image, image, force=True)

    def remove_volume(self, volume: str) -> bool:
        """Remove a volume; False where a container uses it."""
        return self._removed(self.api.remove_volume, volume)

    @staticmethod
    def _removed(remove: Callable[..., Any], name: str, **options: Any) -> bool:
        """Whether `name` is gone now."""
        try:
            with translated():
                remove(name, **options)
        except DockerError as error:
            return isinstance(error.__cause__, docker.errors.NotFound)
        return True

    def save(self, image: str) -> Iterator[bytes]:
        """The image as `docker save` writes it."""
        with translated():
            return self.api.get_image(image)  # type: ignore[no-any-return]
