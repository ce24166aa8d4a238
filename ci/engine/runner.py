"""Runs steps as containers: put files in, create, start, wait, commit; what a step gave is kept under its key."""

import contextlib
import hashlib
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ci.engine import network
from ci.engine.docker_api import Docker, DockerError
from ci.engine.errors import EngineError, NotServedError
from ci.engine.progress import Progress, Step
from ci.engine.secrets import Secrets
from ci.engine.state import Exec, Mount
from ci.engine.store import Store
from ci.engine.tar import write_tree
from ci.engine.trees import Tree

NOT_STARTED = 1  # the exit code Dagger gives a command whose program is missing
INIT_FAILED = 127  # what the container's init ends with when it cannot start the command


@dataclass(frozen=True)
class Outcome:
    """What a command gave: the image of its file system afterwards, its exit code and output."""

    image: str
    exit_code: int
    stdout: str
    stderr: str
    combined: str


class Runner:
    """Runs the steps of one session.

    Args:
        docker: gives the session's Docker, connected at first use: a call that is answered from the store needs none.
    """

    def __init__(self, docker: Callable[[], Docker], store: Store, secrets: Secrets, progress: Progress) -> None:
        self._docker = docker
        self._store = store
        self._secrets = secrets
        self._progress = progress
        self._fresh: set[str] = set()
        self._network: tuple[str, str] | None = None
        self._network_lock = threading.Lock()
        self._scratch = tempfile.TemporaryDirectory(prefix="cutover-secrets-", dir=_memory())

    def close(self) -> None:
        """Remove the secrets' files."""
        self._scratch.cleanup()

    # What is known

    def known(self, key: str, step: Exec, need_image: bool) -> Outcome | None:
        """The outcome under a step's key. A failure is known only to those who expect one, or within its own
        session."""
        record = self._store.get_record("exec", key)
        if record is None or (record["exit_code"] and step.expect == "SUCCESS" and key not in self._fresh):
            return None
        if need_image and self._docker().image(record["image"]) is None:
            return None
        if key not in self._fresh:
            self._fresh.add(key)
            self._progress.hit(f"withExec {' '.join(step.args)}")
        return Outcome(**record)

    def known_image(self, key: str) -> str | None:
        """The image of a step that only put files in, None where it was not made or is gone."""
        record = self._store.get_record("image", key)
        return record if record and self._docker().image(record) else None

    # Steps

    def place(self, key: str, image: str | None, trees: Sequence[Tree]) -> str:
        """An image with `trees` put over `image` (None: over nothing)."""
        docker = self._docker()
        with self._container(image or self._empty_image(), command=["/"]) as container:
            self._put(container, trees)
            made = docker.commit(container, key[:40])
        self._store.put_record("image", key, made)
        return made

    def remove(self, key: str, image: str, paths: Sequence[str]) -> str:
        """An image without `paths`; the image's own `rm` takes them away.

        Raises:
            EngineError: it has none, or could not.
        """
        docker = self._docker()
        with self._container(image, entrypoint=["rm"], command=["-rf", "--", *paths], user="0") as container:
            docker.start(container)
            if docker.wait(container):
                raise EngineError(f"{', '.join(paths)} could not be removed: {docker.logs(container, 1).strip()}")
            made = docker.commit(container, key[:40])
        self._store.put_record("image", key, made)
        return made

    def run(self, key: str, image: str | None, trees: Sequence[Tree], step: Exec, hosts: Mapping[str, str]) -> Outcome:
        """Run a command over `image` with `trees` put in, and keep what it gave under `key`."""
        with self._progress.step(f"withExec {' '.join(step.args)}") as shown:
            options = self._options(step, hosts)
            with self._container(image or self._empty_image(), **options) as container:
                self._put(container, trees)
                outcome = self._started(container, step, shown, key)
        self._fresh.add(key)
        self._store.put_record("exec", key, asdict(outcome))
        return outcome

    def start(self, image: str, trees: Sequence[Tree], step: Exec, hosts: Mapping[str, str]) -> tuple[str, str]:
        """Start a service's container on the call's network, with `trees` put in; gives its id and address."""
        docker = self._docker()
        container = docker.create(image, **self._options(step, hosts, networked=True))
        self._put(container, trees)
        with contextlib.suppress(DockerError):
            docker.start(container)
        return container, docker.address(container, self.network()[0])

    def _started(self, container: str, step: Exec, shown: Step, key: str) -> Outcome:
        docker = self._docker()
        collected = _Output(lambda line: shown.line(self._secrets.scrub(line)))
        try:
            for channel, data in docker.run(container, step.stdin.encode()):
                collected.take(channel, data)
            exit_code = docker.wait(container)
        except DockerError as error:
            if "no such file" not in str(error) and "not found" not in str(error):
                raise
            collected.take("stderr", f"fork/exec {step.args[0]}: no such file or directory".encode())
            exit_code = NOT_STARTED
        collected.finish()
        if exit_code == INIT_FAILED and collected.text("stderr").startswith("[FATAL tini"):
            collected, exit_code = _Output(lambda _: None), NOT_STARTED
            collected.take("stderr", f"fork/exec {step.args[0]}: no such file or directory".encode())
        texts = (self._secrets.scrub(collected.text(name)) for name in ("stdout", "stderr", "combined"))
        return Outcome(docker.commit(container, key[:40]), exit_code, *texts)

    @contextlib.contextmanager
    def archive(self, image: str, path: str) -> Iterator[Iterator[bytes] | None]:
        """A tar stream of `path` in an image; None where nothing is there."""
        with self._container(image, command=["/"]) as container:
            yield self._docker().get(container, path)

    def stat(self, image: str, path: str, follow: bool) -> Mapping[str, Any] | None:
        """What lies at `path` in an image (Docker's path stat), with `follow` where a link leads."""
        with self._container(image, command=["/"]) as container:
            found = self._docker().stat(container, path)
            if follow and found and found["linkTarget"]:
                found = self._docker().stat(container, found["linkTarget"])
            return found

    @contextlib.contextmanager
    def _container(self, image: str, **options: Any) -> Iterator[str]:
        docker = self._docker()
        container = docker.create(image, **options)
        try:
            yield container
        finally:
            docker.remove(container)

    def _put(self, container: str, trees: Sequence[Tree]) -> None:
        for tree in trees:
            if tree.entries:
                with self._store.writing() as file:
                    write_tree(self._store, tree, file)
                    file.seek(0)
                    self._docker().put(container, file)

    def _empty_image(self) -> str:
        """An image with nothing in it, made once."""
        reference = "cutover/base:scratch"
        docker = self._docker()
        if docker.image(reference) is None:
            with self._store.writing() as file:
                write_tree(self._store, Tree(), file)
                file.flush()
                docker.import_tar(Path(file.name), reference, {}, [])
        return reference

    # What a container gets

    def network(self) -> tuple[str, str]:
        """The call's own network, made at first use: its id and the host's address on it."""
        with self._network_lock:
            if self._network is None:
                docker = self._docker()
                self._network = docker.create_network(f"cutover-{docker.labels['cutover.call']}")
            return self._network

    def _options(self, step: Exec, hosts: Mapping[str, str], networked: bool = False) -> dict[str, Any]:
        secret_env = {name: self._secrets.plaintext(secret) for name, secret in step.secret_env}
        environment = {**network.inherited(), **step.config.env, **secret_env, **dict(step.volatile_env)}
        binds = [self._bind(mount) for mount in step.mounts if mount.kind in ("cache", "secret")]
        if bundle := network.bundle():
            binds.append(f"{bundle}:{network.CA_PLACE}:ro")
        host_config = {
            "binds": binds,
            "tmpfs": {m.path: f"size={m.name}" if m.name else "" for m in step.mounts if m.kind == "temp"},
            "extra_hosts": dict(hosts),
            "init": step.init,
            "privileged": step.privileged,
            "network_mode": self.network()[0] if hosts or networked else None,
            "log_config": {"type": "json-file" if networked else "none"},
        }
        return {
            "entrypoint": list(step.args[:1]),
            "command": list(step.args[1:]),
            "environment": environment,
            "working_dir": step.config.workdir or "/",
            "user": step.config.user,
            "stdin_open": bool(step.stdin),
            "host": {name: value for name, value in host_config.items() if value},
        }

    def _bind(self, mount: Mount) -> str:
        if mount.kind == "cache":
            if mount.sharing == "PRIVATE":
                raise NotServedError("Container.withMountedCache(sharing: PRIVATE)")
            volume = "cutover-cache-" + hashlib.sha256(mount.name.encode()).hexdigest()[:16]
            self._docker().create_volume(volume, mount.name)
            return f"{volume}:{mount.path}"
        assert mount.source is not None
        return f"{self._secret_file(mount)}:{mount.path}:ro"

    def _secret_file(self, mount: Mount) -> Path:
        assert mount.source is not None
        path = Path(self._scratch.name) / hashlib.sha256(f"{mount.source.digest}{mount.path}".encode()).hexdigest()
        path.write_text(self._secrets.plaintext(mount.source), encoding="utf-8")
        path.chmod(mount.mode if not mount.owner else mount.mode | (mount.mode >> 6))
        return path


def _memory() -> str | None:
    """A folder that never reaches a disk, where the host has one."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


class _Output:
    """Collects a command's output, and hands its whole lines on as they come."""

    def __init__(self, line: Callable[[str], None]) -> None:
        self._line = line
        self._parts: dict[str, list[bytes]] = {"stdout": [], "stderr": [], "combined": []}
        self._rest = {"stdout": b"", "stderr": b""}

    def take(self, channel: str, data: bytes) -> None:
        self._parts[channel].append(data)
        self._parts["combined"].append(data)
        *lines, self._rest[channel] = (self._rest[channel] + data).split(b"\n")
        for line in lines:
            self._line(line.decode(errors="replace"))

    def finish(self) -> None:
        for rest in self._rest.values():
            if rest:
                self._line(rest.decode(errors="replace"))

    def text(self, channel: str) -> str:
        return b"".join(self._parts[channel]).decode(errors="replace")
