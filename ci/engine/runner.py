"""Runs steps as containers: put files in, create, start, wait, commit; what a step gave is kept under its key."""

import contextlib
import posixpath
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ci.engine import network, platforms, terminal, why
from ci.engine.changes import Changes
from ci.engine.docker_api import Docker, DockerError
from ci.engine.errors import EngineError, InterruptedCallError, NotFoundError
from ci.engine.mounts import LOCK_POLL_SECONDS, Mounts, Taken, placed
from ci.engine.outcomes import Outcome, allowed
from ci.engine.output import Output, collected
from ci.engine.progress import Progress
from ci.engine.secrets import Secrets
from ci.engine.state import Exec
from ci.engine.store import Store
from ci.engine.tar import tar_of
from ci.engine.terminal import NoShellError, NoTerminalError, Shells
from ci.engine.trees import Entry, Tree
from ci.engine.why import Inputs

NOT_STARTED = 1  # the exit code Dagger gives a command whose program is missing
INIT_FAILED = re.compile(r"\[FATAL tini .*failed: (.*)")  # what the container's init says when it cannot start it
MOST_LAYERS = 100  # of an image; overlay2 takes 125, and users add to what is published
KILL_SECONDS = 5  # until what was killed has ended
INTERRUPT_SECONDS = 30  # between SIGINT and SIGKILL to what runs when the call is interrupted


@dataclass(frozen=True)
class Job:
    """One command, and all that its container is made of.

    Attributes:
        image: over which it runs, None: nothing.
        files: what is put into the root file system before.
        mounts: what its mounted directories and files hold, by path.
        hosts: names it can look up, and their addresses.
        hidden: environment variables that earlier steps had and it has not.
        inputs: what its key is made of, for telling why it ran.
    """

    step: Exec
    image: str | None
    files: Sequence[Tree] = ()
    mounts: Mapping[str, Tree] = field(default_factory=dict)
    hosts: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    inputs: Inputs | None = None

    @property
    def name(self) -> str:
        """How the step is shown."""
        return f"withExec {' '.join(self.step.args)}"


class Runner:
    """Runs the steps of one session.

    Args:
        docker: gives the session's Docker, connected at first use: a call that is answered from the store needs none.
        shells: where the user gets shells.
    """

    def __init__(
        self,
        docker: Callable[[], Docker],
        store: Store,
        secrets: Secrets,
        progress: Progress,
        shells: Shells | None = None,
    ) -> None:
        self._docker = docker
        self._store = store
        self._secrets = secrets
        self._progress = progress
        self._fresh: set[str] = set()
        self._present: set[str] = set()
        self._network: tuple[str, str] | None = None
        self._network_lock = threading.Lock()
        self._shells = shells or Shells()
        self._running: set[str] = set()
        self._interrupted = threading.Event()
        self._ended = threading.Condition()
        self._held = contextlib.ExitStack()
        self._mounts = Mounts(docker, store, secrets, self._empty_image, self._interrupted)

    def close(self) -> None:
        """Let go of what services hold, and remove the secrets' files."""
        with contextlib.suppress(EngineError):
            self._held.close()
        self._mounts.close()

    # What is known

    def known(self, key: str, step: Exec, need_image: bool) -> Outcome | None:
        """The outcome under a step's key. A failure is known only to those who expect one, or within its own
        session."""
        outcome = Outcome.find(self._store, key)
        if outcome is None or (key not in self._fresh and step.expect == "SUCCESS" and outcome.exit_code):
            return None
        if need_image and not self._has(outcome.image):
            return None
        if key not in self._fresh:
            self._fresh.add(key)
            self._progress.hit(Job(step, None).name)
        return outcome

    def known_image(self, key: str) -> str | None:
        """The image of a step that only changed files, None where it was not made or is gone."""
        record = self._store.get_record("image", key)
        return record if record and self._has(record) else None

    def _has(self, image: str) -> bool:
        if image not in self._present and self._docker().image(image) is not None:
            self._present.add(image)
        return image in self._present

    @contextlib.contextmanager
    def locked(self, key: str) -> Iterator[None]:
        """Hold a lock of the store.

        Raises:
            InterruptedCallError: the user ended the call while it was waited for.
        """
        while (file := self._store.try_lock(key)) is None:
            if self._interrupted.wait(LOCK_POLL_SECONDS):
                raise InterruptedCallError
        with file:
            yield

    # Steps

    def change(self, key: str, image: str | None, changes: Changes) -> str:
        """An image with `changes` made over `image` (None: over nothing)."""
        with self._container(self._shallow(image)) as container:
            self._put(container, [changes.tree()])
            made = self._docker().commit(container, key[:40], self._store.id)
        self._store.put_record("image", key, made)
        return made

    def run(self, key: str, job: Job) -> Outcome:
        """Run a command, and keep what it gave under `key`.

        Raises:
            InterruptedCallError: the user ended the call meanwhile.
        """
        with self._progress.step(job.name) as shown, self._mounts.taken(job.step, job.mounts) as taken:
            shown.why = why.explained(self._store, job.inputs) if job.inputs else ()
            with self._container(self._shallow(job.image), **self._options(job, taken)) as container:
                stdin = self._stdin(container, job, taken)
                with collected(self._store, self._secrets, shown.line) as output:
                    exit_code = self._executed(container, job.step, stdin, output)
                    outcome = self._outcome(key, container, job, taken, output, exit_code)
            self._fresh.add(key)
            outcome.keep(key, job.name)
            shown.failed = not allowed(job.step.expect, exit_code)
        return outcome

    def after_failure(self, job: Job, outcome: Outcome) -> None:
        """Give the user a shell in a failed step's container as it stood, where one is wanted."""
        if self._shells.on_failure:
            left = {path: self._store.get_tree(digest) or Tree() for path, digest in outcome.mounts.items()}
            as_it_stood = replace(job, image=outcome.image, files=(), mounts={**job.mounts, **left})
            self.terminal(as_it_stood, f"failed: {job.name}", self._shells.on_failure)

    def terminal(self, job: Job, title: str, command: Sequence[str]) -> None:
        """Give the user a shell in the place of a step's command, until it ends.

        Raises:
            NoTerminalError: the user has no terminal here.
            NoShellError: the image does not have the shell, nor the host one to lend.
        """
        screen, docker = self._shells.screen, self._docker()
        if screen is None:
            raise NoTerminalError
        image = self._shallow(job.image)
        lent = self._lent(lambda path: self.stat(image, path, follow=True), command[0])
        with self._mounts.taken(job.step, job.mounts) as taken:
            options = terminal.options(self._options(job, taken), command, lent)
            with self._container(image, **options) as container:
                self._put(container, [*job.files, *taken.trees])
                with docker.terminal(container) as connection:
                    screen.show(title, connection, lambda rows, columns: docker.resize(container, rows, columns))

    def terminal_in(self, container: str, title: str, command: Sequence[str]) -> None:
        """Give the user a shell in a container that runs, beside what it runs.

        Raises:
            NoTerminalError: the user has no terminal here.
            NoShellError: the container does not have the shell, nor the host one to lend.
        """
        screen, docker = self._shells.screen, self._docker()
        if screen is None:
            raise NoTerminalError
        if (lent := self._lent(lambda path: docker.stat(container, path), command[0])) is not None:
            blob, size = self._store.put_file(lent)
            entry = Entry(terminal.LENT.lstrip("/"), "f", 0o755, size=size, blob=blob)
            self._put(container, [Tree((entry,))])
            command = (terminal.LENT, "sh")
        with docker.terminal_in(container, command) as (connection, resize):
            screen.show(title, connection, resize)

    @staticmethod
    def _lent(stat: Callable[[str], object], program: str) -> Path | None:
        if not program.startswith("/") or stat(program) is not None:
            return None
        if (lent := terminal.busybox()) is None:
            raise NoShellError(program)
        return lent

    def _stdin(self, container: str, job: Job, taken: Taken) -> bytes:
        """Put the files in; gives what the command reads from its stdin."""
        self._put(container, [*job.files, *taken.trees])
        path = job.step.redirect_stdin
        if not path:
            return job.step.stdin.encode()
        if path in taken.files:
            return taken.files[path].read_bytes()
        stream = self._docker().get(container, path)
        if stream is None:
            raise NotFoundError(path)
        return self._docker().one_file(stream)

    def _executed(self, container: str, step: Exec, stdin: bytes, output: Output) -> int:
        """Start the container and collect what it prints; gives its exit code."""
        try:
            with self._interruptible(container):
                for channel, data in self._docker().run(container, stdin):
                    output.take(channel, data)
                exit_code = self._docker().wait(container)
        except DockerError as error:
            if "no such file" not in str(error) and "not found" not in str(error):
                raise
            return _not_started(step, output, "no such file or directory")
        output.finish()
        if exit_code and (found := INIT_FAILED.match(output.tail("stderr"))):
            output.clear()
            return _not_started(step, output, found[1].strip().lower())
        return exit_code

    def _outcome(self, key: str, container: str, job: Job, taken: Taken, output: Output, exit_code: int) -> Outcome:
        for path, stream in ((job.step.redirect_stdout, "stdout"), (job.step.redirect_stderr, "stderr")):
            if path:
                self._redirect(container, path, taken, output, stream)
        blank = {*self._environment(job), *job.hidden} - set(job.step.config.env)
        image = self._docker().commit(container, key[:40], self._store.id, sorted(blank))
        self._present.add(image)
        mounts = self._mounts.after(container, job.step, taken)
        return Outcome(self._store, image, exit_code, output.records(), mounts)

    def _redirect(self, container: str, path: str, taken: Taken, output: Output, stream: str) -> None:
        """Keep a stream as a file in the container."""
        if path in taken.files:
            taken.files[path].write_bytes(output.copy(stream).read())
            return
        blob, size = self._store.put_stream(output.copy(stream))
        self._put(
            container,
            [placed(Tree((Entry(posixpath.basename(path), "f", size=size, blob=blob),)), posixpath.dirname(path))],
        )

    def start(self, job: Job) -> tuple[str, str]:
        """Start a service's container on the call's network; gives its id and address."""
        docker = self._docker()
        taken = self._held.enter_context(self._mounts.taken(job.step, job.mounts))
        container = docker.create(self._shallow(job.image), **self._options(job, taken, networked=True))
        self._put(container, [*job.files, *taken.trees])
        with contextlib.suppress(DockerError):
            docker.start(container)
        return container, docker.address(container, self.network()[0])

    @contextlib.contextmanager
    def archive(self, image: str, path: str) -> Iterator[Iterator[bytes] | None]:
        """A tar stream of `path` in an image; None where nothing is there."""
        with self._container(image) as container:
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
        container = docker.create(image, **(options or {"command": ["/"]}))
        try:
            yield container
        finally:
            docker.remove(container)

    def _put(self, container: str, trees: Sequence[Tree]) -> None:
        """Put trees into a container, all in one stream, later ones over earlier ones."""
        changes = Changes()
        for tree in trees:
            changes.put(tree)
        if entries := changes.tree().entries:
            with tar_of(self._store, Tree(entries)) as tar:
                self._docker().put(container, tar)

    # Images

    def _empty_image(self) -> str:
        """An image with nothing in it, made once."""
        reference = "cutover/base:scratch"
        docker = self._docker()
        if not self._has(reference):
            with tar_of(self._store, Tree()) as file:
                docker.import_tar(Path(file.name), reference, {}, [])
        return reference

    def _shallow(self, image: str | None) -> str:
        """The image, or one with the same files in a single layer where one more would be too many for Docker, or where
        it declares volumes: what is written to those would be in no layer."""
        if image is None:
            return self._empty_image()
        docker = self._docker()
        if not docker.needs_flattening(image, MOST_LAYERS):
            return image
        key = image.removeprefix("sha256:")
        with self._store.locked(f"flat-{key}"):
            flat = self.known_image(f"flat-{key}")
            if flat is None:
                with self._progress.step("flatten the layers"):
                    flat = docker.flatten(image, f"flat-{key[:32]}", self._store.id)
                self._store.put_record("image", f"flat-{key}", flat)
        return flat

    # Interruption

    @contextlib.contextmanager
    def _interruptible(self, container: str) -> Iterator[None]:
        """Let an interruption reach the container while the block runs.

        Raises:
            InterruptedCallError: there was one.
        """
        self._running.add(container)
        try:
            if self._interrupted.is_set():
                raise InterruptedCallError
            yield
        finally:
            with self._ended:
                self._running.discard(container)
                self._ended.notify_all()
        if self._interrupted.is_set():
            raise InterruptedCallError

    def interrupt(self) -> None:
        """Send SIGINT to all that runs, and SIGKILL to what still runs INTERRUPT_SECONDS later; nothing more starts."""
        self._interrupted.set()
        self._signal("SIGINT")
        timer = threading.Timer(INTERRUPT_SECONDS, self.kill)
        timer.daemon = True
        timer.start()

    def kill(self) -> None:
        """SIGKILL all that runs; nothing more starts."""
        self._interrupted.set()
        self._signal("SIGKILL")

    def settle(self) -> None:
        """Interrupt what still runs, which nobody waits for any more, and wait until it has ended or was killed."""
        if self._running and not self._interrupted.is_set():
            self.interrupt()
        with self._ended:
            self._ended.wait_for(lambda: not self._running, INTERRUPT_SECONDS + KILL_SECONDS)

    def _signal(self, signal: str) -> None:
        for container in tuple(self._running):
            with contextlib.suppress(EngineError):
                self._docker().kill(container, signal)

    # What a container gets

    def network(self) -> tuple[str, str]:
        """The call's own network, made at first use: its id and the host's address on it."""
        with self._network_lock:
            if self._network is None:
                docker = self._docker()
                self._network = docker.create_network(f"cutover-{docker.labels['cutover.call']}")
            return self._network

    def _environment(self, job: Job) -> dict[str, str | None]:
        secret_env = {name: self._secrets.plaintext(secret) for name, secret in job.step.secret_env}
        hidden: dict[str, str | None] = dict.fromkeys(job.hidden)
        return {**hidden, **network.inherited(), **job.step.config.env, **secret_env, **dict(job.step.volatile_env)}

    def _options(self, job: Job, taken: Taken, networked: bool = False) -> dict[str, Any]:
        step, binds = job.step, list(taken.binds)
        if bundle := network.bundle():
            binds.append(f"{bundle}:{network.CA_PLACE}:ro")
        host_config = {
            **taken.host,
            "binds": binds,
            "extra_hosts": dict(job.hosts),
            "init": step.init,
            "privileged": step.privileged,
            "network_mode": self.network()[0] if job.hosts or networked else None,
            "log_config": {"type": "json-file" if networked else "none"},
        }
        return {
            "entrypoint": list(step.args[:1]),
            "command": list(step.args[1:]),
            "environment": self._environment(job),
            "working_dir": step.config.workdir or "/",
            "user": step.config.user,
            "stdin_open": bool(step.stdin or step.redirect_stdin),
            "host": {name: value for name, value in host_config.items() if value},
        }


def _not_started(step: Exec, output: Output, reason: str) -> int:
    if reason == "exec format error":
        reason += f" (is the image for {platforms.native()}? Others need QEMU: apt-get install qemu-user-static)"
    output.take("stderr", f"fork/exec {step.args[0]}: {reason}".encode())
    output.finish()
    return NOT_STARTED
