"""Makes recipes true: the state of containers, the keys of their steps, and the images those steps give.

A step's key is the digest of what it reads. A step whose key is in the store costs no container.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from ci.engine import containers, network, why
from ci.engine.changes import Changes
from ci.engine.errors import NotServedError
from ci.engine.folders import Folders
from ci.engine.images import Image
from ci.engine.keys import Keys
from ci.engine.nodes import Node, digest_of, snapshot
from ci.engine.outcomes import Outcome, allowed
from ci.engine.progress import Progress
from ci.engine.runner import Job, Runner
from ci.engine.secrets import Secrets
from ci.engine.services import Services, origin
from ci.engine.state import Container, Exec, Mount, Placed, Removed, Rootfs
from ci.engine.store import Store
from ci.engine.terminal import FOLDER, SHELL
from ci.engine.trees import Entry, Tree


class Evaluator:
    """Evaluates the recipes of one session.

    Attributes:
        chains: fields (`Type.name`) that stand for other recipes of a container: the session gives what they need.
        makers: gives the trees of fields that come from outside of the store.
    """

    def __init__(self, store: Store, secrets: Secrets, runner: Runner, services: Services) -> None:
        self._store = store
        self._runner = runner
        self._services = services
        self._states: dict[str, Container] = {}
        self._folders = Folders(store, runner, self)
        self._keys = Keys(self._folders, secrets, self)
        self._places: Counter[str] = Counter()
        self.chains: dict[str, Callable[[Node], Node]] = {}
        self.makers = self._folders.makers
        self.tree = self._folders.tree
        self.stat = self._folders.stat
        self.key = self._keys.key

    # Containers

    def container(self, node: Node) -> Container:
        """The state of a container, without running anything."""
        state = Container()
        for step in containers.steps_of(node):
            known = self._states.get(step.digest)
            state = known or self._states.setdefault(step.digest, self._changed(state, step))
        return state

    def _changed(self, state: Container, step: Node) -> Container:
        if step.field == "container":
            return replace(state, platform=step.args.get("platform") or "")
        if stands_for := self.chains.get(f"{step.type}.{step.field}"):
            return self.container(stands_for(step))
        if step.field == "image":
            image = Image(step.args["id"], tuple(step.args["layers"]), step.args["config"])
            return containers.initial(image, step.args["reference"], state)
        change = containers.CHANGES.get(step.field)
        if change is None:
            raise NotServedError(f"Container.{step.field}")
        return replace(change(state, step.args), image_ref="")

    def run(self, node: Node) -> Outcome | None:
        """Run what the container's chain still has to run; gives the outcome of its last exec, None where it has
        none."""
        state = self.container(node)
        for step in state.rootfs.steps():
            if isinstance(step.step, Exec):
                self.outcome(step)
        return self.outcome(state.last_exec) if state.last_exec else None

    def image(self, node: Node) -> str:
        """Docker's id of the image that holds the container's root file system; runs what makes it."""
        self.run(node)
        return self.rootfs_image(self.container(node).rootfs)

    def service_key(self, service: Node) -> str:
        """What stands for a service in the key of a command bound to it."""
        service = origin(service)
        if service.parent is None or service.parent.type != "Container":
            return service.digest
        state = self.container(service.parent)
        return digest_of([self.key(state.rootfs), self._keys.exec_key(self.service_exec(service))])

    def service_exec(self, service: Node) -> Exec:
        """The command of a service made from a container."""
        assert service.parent is not None
        return containers.service_command(self.container(service.parent), service)

    # Images and outcomes

    def rootfs_image(self, rootfs: Rootfs) -> str:
        """Docker's id of the image of a root file system; what was changed since the last command becomes one layer."""
        if isinstance(rootfs.step, Image):
            return rootfs.step.id
        if isinstance(rootfs.step, Exec):
            return self.outcome(rootfs, need_image=True).image
        key = self.key(rootfs)
        with self._lock_of(key):
            if known := self._runner.known_image(key):
                return known
            base, changes = self._changes(rootfs)
            return self._runner.change(key, self.rootfs_image(base) if base else None, changes)

    def _changes(self, rootfs: Rootfs) -> tuple[Rootfs | None, Changes]:
        """The nearest root file system below that is an image, and what was put in and taken out since."""
        steps: list[tuple[Rootfs, Placed | Removed]] = []
        at: Rootfs | None = rootfs
        while at is not None and isinstance(at.step, Placed | Removed):
            steps.append((at, at.step))
            at = at.parent
        changes = Changes()
        for layer, step in reversed(steps):
            if isinstance(step, Removed):
                for path in step.paths:
                    changes.take(path)
            else:
                changes.put(self._folders.owned(step, layer.parent or Rootfs()))
        return (None if at is None or at.step is None else at), changes

    def outcome(self, rootfs: Rootfs, need_image: bool = False) -> Outcome:
        """What a command gave, run where that is not known.

        Raises:
            ExecError: its exit code is not the one expected.
        """
        step = rootfs.step
        assert isinstance(step, Exec)
        key = self.key(rootfs)
        job, outcome = None, self._runner.known(key, step, need_image)
        if outcome is None:
            job, outcome = self._ran(rootfs, step, key, need_image)
        if not allowed(step.expect, outcome.exit_code):
            if job is not None:
                self._runner.after_failure(job, outcome)
            raise outcome.error(step)
        return outcome

    def _ran(self, rootfs: Rootfs, step: Exec, key: str, need_image: bool) -> tuple[Job | None, Outcome]:
        """The command's outcome, and the job it was where it ran now."""
        # Services first: starting one runs steps, whose locks are not to be waited for while this one is held.
        hosts = self._hosts(step)
        with self._lock_of(key):
            if (known := self._runner.known(key, step, need_image)) is not None:
                return None, known
            job = self._job(rootfs.parent or Rootfs(), step)
            job = replace(job, hosts=hosts, inputs=self._inputs(rootfs, step))
            return job, self._runner.run(key, job)

    def _job(self, below: Rootfs, step: Exec) -> Job:
        """A command as it runs over the root file system `below`."""
        base, changes = self._changes(below)
        files = [changes.tree()]
        if changes.takes_out:
            base, files = below, []
        image = self.rootfs_image(base) if base else None
        hidden = _variables(below) - set(step.config.env)
        return Job(step, image, files, self._folders.for_mounts(step.mounts, below), hidden=frozenset(hidden))

    def _inputs(self, rootfs: Rootfs, step: Exec) -> why.Inputs:
        position = sum(isinstance(layer.step, Exec) for layer in rootfs.steps())
        place = why.place(Progress.path(), position, step.args[:1])
        self._places[place] += 1
        return self._keys.inputs(rootfs, why.place(place, self._places[place]))

    def _lock_of(self, key: str) -> AbstractContextManager[None]:
        return self._runner.locked(f"step-{key}")

    def _hosts(self, step: Exec) -> dict[str, str]:
        """The names that a command can look up: the hostnames of what runs, and the aliases of its own services."""
        own = {alias: self._services.address(service, self) for alias, service in step.bindings}
        return self._services.names() | own

    def start_service(self, service: Node) -> tuple[str, str]:
        """Start the container of a service; gives its id and its address on the call's network."""
        assert service.parent is not None
        state = self.container(service.parent)
        step = self.service_exec(service)
        return self._runner.start(replace(self._job(state.rootfs, step), hosts=self._hosts(step)))

    # Shells

    def terminal(self, node: Node, command: Sequence[str], privileged: bool) -> None:
        """Give the user a shell in a container: the command, else the container's own for that, else `/bin/sh`."""
        self._terminal(self.container(node), command, privileged)

    def folder_terminal(self, folder: Node, node: Node | None, command: Sequence[str], privileged: bool) -> None:
        """Give the user a shell in a container (by default an empty one) with a directory mounted, and in it."""
        state = self.container(node) if node is not None else Container()
        mounts = (*state.mounts, Mount(FOLDER, "directory", folder))
        config = replace(state.config, workdir=FOLDER)
        self._terminal(replace(state, mounts=mounts, config=config), command, privileged)

    def service_terminal(self, service: Node, command: Sequence[str]) -> None:
        """Give the user a shell in a service's container, which is started if it was not.

        Raises:
            NotServedError: the service is no container's.
        """
        made_by = origin(service)
        container = self._services.start(service, self).container
        if not container or made_by.parent is None:
            raise NotServedError(f"Service.terminal of {made_by.type}.{made_by.field}")
        args = tuple(command) or self.container(made_by.parent).terminal_cmd or (SHELL,)
        self._runner.terminal_in(container, " ".join(args), args)

    def _terminal(self, state: Container, command: Sequence[str], privileged: bool) -> None:
        args = tuple(command) or state.terminal_cmd or (SHELL,)
        settings = {"useEntrypoint": False, "noInit": False, "insecureRootCapabilities": privileged, "expand": False}
        step = containers.command(state, settings, args)
        job = replace(self._job(state.rootfs, step), hosts=self._hosts(step))
        self._runner.terminal(job, " ".join(args), args)

    # Folders and files

    def file(self, node: Node) -> Entry:
        """The one entry of a File."""
        return self.tree(node).entries[0]

    def snapshot(self, tree: Tree, kind: str = "Directory") -> Node:
        """A tree of the store as an object."""
        return snapshot(self._store.put_tree(tree), kind)


def _variables(rootfs: Rootfs) -> set[str]:
    """The environment variables that images of this chain may carry."""
    names = {*network.CA_VARIABLES, *network.PROXY_VARIABLES}
    for layer in rootfs.steps():
        if isinstance(layer.step, Image):
            names |= {item.partition("=")[0] for item in layer.step.config.get("Env") or ()}
        elif isinstance(layer.step, Exec):
            names |= set(layer.step.config.env)
            names |= {name for name, _ in (*layer.step.secret_env, *layer.step.volatile_env)}
    return names
