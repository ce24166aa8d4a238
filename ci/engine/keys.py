"""Keys: the digests of all that steps read. Equal content gives equal keys, whoever has it, wherever and since when.

Host paths, owners on the host, times and the order of files are in no key; file contents, modes, names, arguments,
environment, mounts, secrets (by their fingerprints) and services are.
"""

from typing import Any, Protocol

from ci.engine.errors import InvalidArgumentError
from ci.engine.images import Image
from ci.engine.nodes import Node, digest_of
from ci.engine.secrets import Secrets
from ci.engine.state import Exec, Mount, Placed, Removed, Rootfs
from ci.engine.trees import Tree
from ci.engine.why import Inputs

EMPTY_KEY = digest_of("scratch")


class Contents(Protocol):
    """What keys need to know of other recipes."""

    def tree(self, node: Node | None) -> Tree:
        """The tree of a directory or file."""

    def placed(self, step: Placed) -> Tree:
        """What a step puts in, at its place."""

    def make(self, nodes: list[Node]) -> None:
        """Make several trees at once."""


class ServiceKeys(Protocol):
    """What stands for services."""

    def service_key(self, service: Node) -> str:
        """The digest of all that a service is made of."""


class Keys:
    """The keys of one session's steps."""

    def __init__(self, contents: Contents, secrets: Secrets, services: ServiceKeys) -> None:
        self._contents, self._secrets, self._services = contents, secrets, services
        self._known: dict[int, tuple[Rootfs, str]] = {}

    def key(self, rootfs: Rootfs) -> str:
        """The digest of all that `rootfs` is made of. Makes the folders that are put into it."""
        layers = rootfs.steps()
        self._contents.make([node for layer in layers if id(layer) not in self._known for node in _sources(layer)])
        key = EMPTY_KEY
        for layer in layers:
            held = self._known.get(id(layer))
            key = held[1] if held is not None else self._step_key(key, layer)
            self._known.setdefault(id(layer), (layer, key))  # the layer is held, so its id stays its own
        return key

    def _step_key(self, parent: str, layer: Rootfs) -> str:
        step = layer.step
        if step is None:
            return EMPTY_KEY
        if isinstance(step, Image):
            return step.key
        if isinstance(step, Exec):
            return digest_of(["exec", parent, self.exec_key(step)])
        return digest_of([parent, self._change_key(step)])

    def _change_key(self, step: Placed | Removed) -> list[Any]:
        if isinstance(step, Removed):
            return ["remove", step.paths]
        return ["place", step.path, step.owner, step.mode, self._contents.placed(step).digest]

    def exec_key(self, step: Exec) -> dict[str, Any]:
        """What a command reads beside the root file system it runs over, by name.

        Raises:
            InvalidArgumentError: there is no command.
        """
        if not step.args:
            raise InvalidArgumentError("no command has been set")
        config = step.config
        named: dict[str, Any] = {
            "args": step.args, "workdir": config.workdir, "user": config.user, "stdin": step.stdin,
            "redirects": [step.redirect_stdin, step.redirect_stdout, step.redirect_stderr],
            "privileges": step.privileged, "init": step.init,
        }  # fmt: skip
        named |= {f"environment variable {name}": value for name, value in config.env.items()}
        named |= {f"secret variable {name}": self._secrets.fingerprint(secret) for name, secret in step.secret_env}
        named |= {f"{mount.kind} {mount.path}": self.mount_key(mount) for mount in step.mounts}
        return named | {f"service {alias}": self._services.service_key(service) for alias, service in step.bindings}

    def mount_key(self, mount: Mount) -> list[Any]:
        """What a command can read of a mount."""
        changes = [self._change_key(change) for change in mount.changes]
        told = [mount.name, mount.owner, mount.read_only, changes]
        if mount.kind == "secret" and mount.source is not None:
            return [*told, mount.mode, self._secrets.fingerprint(mount.source)]
        if mount.after is not None:
            return [*told, "after", self.key(mount.after)]
        if mount.kind == "socket" or mount.source is None:
            return told
        return [*told, self._contents.tree(mount.source).digest]

    def inputs(self, rootfs: Rootfs, place: str) -> Inputs:
        """The inputs of a command by name, for telling why it ran."""
        assert isinstance(rootfs.step, Exec)
        named = {name: digest_of(value) for name, value in self.exec_key(rootfs.step).items()}
        trees: dict[str, Tree] = {}
        for mount in rootfs.step.mounts:
            if mount.kind == "directory" and mount.after is None and not mount.changes and mount.source is not None:
                trees[f"directory {mount.path}"] = self._contents.tree(mount.source)
        below = rootfs.parent
        while below is not None and isinstance(below.step, Placed | Removed):
            if isinstance(below.step, Placed):
                trees.setdefault(f"what is put at {below.step.path}", self._contents.tree(below.step.source))
            else:
                named[f"what is removed at {below.step.paths[0]}"] = ""
            below = below.parent
        named |= {name: tree.digest for name, tree in trees.items()}
        if below is not None:
            named[_below(below)] = self.key(below)
        return Inputs(place, named, trees)


def _below(rootfs: Rootfs) -> str:
    if isinstance(rootfs.step, Exec):
        return f"the step before it (withExec {' '.join(rootfs.step.args)[:60]})"
    return "the base image"


def _sources(layer: Rootfs) -> list[Node]:
    """The folders that a step reads."""
    if isinstance(layer.step, Placed):
        return [layer.step.source]
    if isinstance(layer.step, Exec):
        mounts = [mount for mount in layer.step.mounts if mount.kind in ("directory", "file", "cache")]
        return [mount.source for mount in mounts if mount.source is not None and mount.after is None]
    return []
