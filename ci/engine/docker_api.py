"""The one door to Docker: the calls the engine makes of the Docker Engine API, its errors translated here.

Everything made carries the label `cutover=1`; what belongs to one call carries `cutover.call=ID` and
`cutover.pid=PID:START`, by
which a later call finds and removes what a killed one left.
"""

import contextlib
import io
import os
import socket
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import docker
import docker.errors
import docker.utils
import requests
from docker.utils.socket import STDOUT, frames_iter

from ci.engine import committed
from ci.engine.errors import DockerFullError, DockerUnavailableError, EngineError
from ci.engine.output import Stream
from ci.engine.usage import KeptImage

API_SECONDS = 600  # a commit of a large layer takes that long on a slow disk
CONNECTIONS = 32  # steps that run at once; more wait for a connection
PULL_SECONDS = 60  # without a word from a registry
COUNTING = "disk usage operation is already running"  # Docker counts for one at a time
LOADED = "cutover/image:"  # images that were pulled or imported
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
        if "no space left on device" in str(error.explanation):
            raise DockerFullError from error
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


def _made(row: Mapping[str, Any]) -> bool:
    """Whether the engine made an image, or loaded it from elsewhere, where its labels are not the engine's."""
    return LABEL in (row["Labels"] or {}) or any(tag.startswith(LOADED) for tag in row["RepoTags"] or ())


def _kept(row: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]]) -> KeptImage:
    labels = row["Labels"] or {}
    parent = row["ParentId"] or labels.get(committed.PARENT_LABEL, "")
    size = max(row["Size"] - (rows[parent]["Size"] if parent in rows else 0), 0)
    name = (row["RepoTags"] or [""])[0]
    return KeptImage(row["Id"], parent, size, row["Created"], name, labels.get(STORE_LABEL, ""))


class Docker:
    """The engine's view of one Docker daemon, for one call."""

    def __init__(self, call_id: str) -> None:
        self.labels = {LABEL: "1", CALL_LABEL: call_id, PID_LABEL: process_mark(os.getpid()) or str(os.getpid())}
        with translated():
            self.api = docker.APIClient(
                timeout=API_SECONDS, max_pool_size=CONNECTIONS, **docker.utils.kwargs_from_env()
            )
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
        """Create a container and give its id; `options` are docker-py's, `host` those of its create_host_config.

        An environment variable whose value is None is taken away, also where the image sets it; an image's health check
        is not run.
        """
        if self._closed:
            raise DockerError("the call has ended")
        host = options.pop("host", {})
        environment = options.pop("environment", {})
        with translated():
            options["environment"] = [k if v is None else f"{k}={v}" for k, v in environment.items()]
            options["host_config"] = self.api.create_host_config(**host)
            options["healthcheck"] = {"test": ["NONE"]}
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

    @staticmethod
    def one_file(stream: Iterator[bytes]) -> bytes:
        """What the file holds that `get` gave a tar stream of."""
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
            member = archive.next()
            content = archive.extractfile(member) if member and member.isreg() else None
            return content.read() if content else b""

    def commit(self, container: str, tag: str, store: str, blank: Iterable[str] = ()) -> str:
        """Keep the container's file system as an image `cutover/layer:TAG` of a store; gives the image's id.

        Args:
            blank: names of environment variables whose values are not to be kept.
        """
        config = {"Env": [f"{name}=" for name in blank], "Labels": {LABEL: "1", STORE_LABEL: store}}
        with translated():
            image = str(self.api.commit(container, repository="cutover/layer", tag=tag, conf=config)["Id"])
            found = self.api.inspect_image(image)  # type: ignore[no-untyped-call]
        return self._alone(found, f"cutover/layer:{tag}") if committed.tells(found) else image

    def _alone(self, image: Mapping[str, Any], name: str) -> str:
        """An image in place of `image`, without the container it was committed from."""
        made, tar = committed.archive(image, name)
        self.load(io.BytesIO(tar))
        self.remove_image(image["Id"])
        return made

    def needs_flattening(self, image: str, layers: int) -> bool:
        """Whether an image has so many layers, or declares volumes."""
        found = self.image(image)
        return found is not None and (
            len(found["RootFS"].get("Layers") or ()) >= layers or bool((found["Config"] or {}).get("Volumes"))
        )

    def flatten(self, image: str, tag: str, store: str) -> str:
        """An image of one layer with the same files, `cutover/layer:TAG`; gives its id."""
        container = self.create(image, command=["/"])
        changes = [f"LABEL {LABEL}=1", f"LABEL {STORE_LABEL}={store}"]
        query = {"fromSrc": "-", "repo": "cutover/layer", "tag": tag, "changes": changes}
        try:
            with translated():
                api: Any = self.api
                stream = self.api.export(container)
                api._raise_for_status(api._post(api._url("/images/create"), data=stream, params=query))
        finally:
            self.remove(container)
        found = self.image(f"cutover/layer:{tag}")
        if found is None:
            raise MissingImageError(f"cutover/layer:{tag} is gone as soon as it was made")
        return str(found["Id"])

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

    def close(self) -> None:
        """Let go of the connections."""
        self.api.close()

    def remove_orphans(self) -> None:
        """Remove the containers, networks and volumes of calls whose process is gone."""
        with translated():
            rows = [
                *self.api.containers(all=True, filters={"label": PID_LABEL}),
                *(self.api.networks(filters={"label": PID_LABEL}) or ()),
                *(self.api.volumes(filters={"label": PID_LABEL})["Volumes"] or ()),
            ]
        for row in rows:
            mark = row["Labels"][PID_LABEL]
            if process_mark(int(mark.partition(":")[0])) != mark:
                self._remove_labelled(f"{CALL_LABEL}={row['Labels'].get(CALL_LABEL, '')}")

    def _remove_labelled(self, label: str) -> None:
        with translated():
            containers = self.api.containers(all=True, filters={"label": label})
            networks = self.api.networks(filters={"label": label}) or ()
            volumes = self.api.volumes(filters={"label": label})["Volumes"] or ()
        for container in containers:
            self.remove(container["Id"])
        for volume in volumes:
            self.remove_volume(volume["Name"])
        for network in networks:
            with contextlib.suppress(DockerError), translated():
                self.api.remove_network(network["Id"])

    def start(self, container: str) -> None:
        """Start a created container."""
        with translated():
            self.api.start(container)

    def run(self, container: str, stdin: bytes = b"") -> Iterator[tuple[Stream, bytes]]:
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

    @contextlib.contextmanager
    def terminal(self, container: str) -> Iterator[socket.socket]:
        """Start a created container that has a terminal; gives the connection with it, both ways."""
        wanted = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        with translated(), _closing(self.api.attach_socket(container, wanted)) as attached:
            self.api.start(container)
            yield getattr(attached, "_sock", attached)

    @contextlib.contextmanager
    def terminal_in(
        self, container: str, command: Sequence[str]
    ) -> Iterator[tuple[socket.socket, Callable[[int, int], None]]]:
        """Run a command with a terminal in a container that runs; gives the connection with it, and what resizes it."""
        with translated():
            run = self.api.exec_create(container, list(command), stdin=True, tty=True)["Id"]
            attached: Any = self.api.exec_start(run, tty=True, socket=True)

        def resize(rows: int, columns: int) -> None:
            with contextlib.suppress(DockerError), translated():
                self.api.exec_resize(run, rows, columns)

        with translated(), _closing(attached):
            yield getattr(attached, "_sock", attached), resize

    def resize(self, container: str, rows: int, columns: int) -> None:
        """Tell a container's terminal its size; one that has ended is fine."""
        with contextlib.suppress(DockerError), translated():
            self.api.resize(container, rows, columns)

    def wait(self, container: str) -> int:
        """The exit code of a container that has ended or soon will."""
        with translated():
            return int(self.api.wait(container)["StatusCode"])

    def kill(self, container: str, signal: str) -> None:
        """Send a signal to the container's main process; one that has ended is fine."""
        with contextlib.suppress(DockerError), translated():
            self.api.kill(container, signal)

    def volume_of(self, container: str, path: str) -> str:
        """The name of the volume that is mounted at `path`, empty where none is."""
        with translated():
            mounts = self.api.inspect_container(container)["Mounts"]
        return next((str(m["Name"]) for m in mounts if m["Destination"] == path and m["Type"] == "volume"), "")

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

    def create_volume(self, name: str, key: str) -> bool:
        """Make the named volume of a cache; False where it is there already."""
        try:
            with translated():
                self.api.inspect_volume(name)
                return False
        except DockerError as error:
            if not isinstance(error.__cause__, docker.errors.NotFound):
                raise
        with translated():
            self.api.create_volume(name, labels={LABEL: "1", "cutover.cache": key})
        return True

    def kept_images(self) -> list[KeptImage]:
        """The images that the engine made, with what each adds to its parent."""
        with translated():
            rows = {row["Id"]: row for row in self.api.images(all=True)}
        return [_kept(row, rows) for row in rows.values() if _made(row)]

    def kept_volumes(self) -> dict[str, int]:
        """The cache volumes' names, and their sizes in bytes (0 where Docker does not know, or counts for another)."""
        with translated():
            try:
                rows = self.api.df()["Volumes"] or ()
            except docker.errors.APIError as error:
                if COUNTING not in str(error.explanation):
                    raise
                rows = self.api.volumes()["Volumes"] or ()
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

    def scratch_volume(self) -> str:
        """A volume of this call, removed with it at the latest; gives its name."""
        with translated():
            return str(self.api.create_volume(labels=self.labels)["Name"])

    def save(self, image: str) -> Iterator[bytes]:
        """The image as `docker save` writes it."""
        with translated():
            return self.api.get_image(image)  # type: ignore[no-any-return]
