"""What a container is at one point of its chain: a root file system still to be made, and the configuration around
it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ci.engine.images import Image
from ci.engine.nodes import Node

Protocol = Literal["TCP", "UDP"]
EXTRA = ("StopSignal", "Volumes", "OnBuild", "Shell", "Healthcheck")


@dataclass(frozen=True)
class Port:
    """A port a container listens on."""

    port: int
    protocol: Protocol = "TCP"
    description: str | None = None
    skip_healthcheck: bool = False


@dataclass(frozen=True)
class Config:
    """An image's configuration (OCI image-spec's `config`); `extra` holds what no field of the API reads
    (`StopSignal`, `Volumes`, `OnBuild`, `Shell`) and Docker's `Healthcheck`; `annotations` are the manifest's."""

    env: Mapping[str, str] = field(default_factory=dict)
    workdir: str = ""
    user: str = ""
    entrypoint: tuple[str, ...] = ()
    default_args: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[Port, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, image: Image) -> "Config":
        """The configuration of an image that Docker has, without Cutover's own label."""
        raw = image.config
        env = dict(item.partition("=")[::2] for item in raw.get("Env") or ())
        labels = {key: value for key, value in (raw.get("Labels") or {}).items() if key != "cutover"}
        ports = [_port(text) for text in raw.get("ExposedPorts") or {}]
        entrypoint, command = tuple(raw.get("Entrypoint") or ()), tuple(raw.get("Cmd") or ())
        extra = {name: raw[name] for name in EXTRA if raw.get(name)}
        user, workdir = raw.get("User") or "", raw.get("WorkingDir") or ""
        return cls(env, workdir, user, entrypoint, command, labels, tuple(ports), extra)


def _port(text: str) -> Port:
    number, _, protocol = text.partition("/")
    return Port(int(number), "UDP" if protocol == "udp" else "TCP")


MountKind = Literal["cache", "temp", "secret", "directory", "file", "socket"]


@dataclass(frozen=True)
class Mount:
    """Something mounted at `path`: a cache volume's key, a secret, a directory, a file or a socket as `source`.

    What commands and later steps change in a mounted directory or file stays with the mount, not with the root file
    system: it holds what it held `after` that command (None: its source), with `changes` made since.
    """

    path: str
    kind: MountKind
    source: Node | None = None
    name: str = ""
    sharing: str = "SHARED"
    owner: str = ""
    mode: int = 0o400
    read_only: bool = False
    after: "Rootfs | None" = None
    changes: "tuple[Placed | Removed, ...]" = ()

    @property
    def written(self) -> bool:
        """Whether commands can change the directory or file that is mounted."""
        return self.kind in ("directory", "file") and not self.read_only

    def covers(self, path: str) -> bool:
        """Whether an absolute path lies at or under this mount."""
        return f"{path}/".startswith(f"{self.path}/")


@dataclass(frozen=True)
class Exec:
    """One command to run over a root file system, with everything that it can see."""

    args: tuple[str, ...]
    config: Config
    mounts: tuple[Mount, ...] = ()
    secret_env: tuple[tuple[str, Node], ...] = ()
    bindings: tuple[tuple[str, Node], ...] = ()
    volatile_env: tuple[tuple[str, str], ...] = ()
    stdin: str = ""
    redirect_stdin: str = ""
    redirect_stdout: str = ""
    redirect_stderr: str = ""
    expect: str = "SUCCESS"
    privileged: bool = False
    init: bool = True


@dataclass(frozen=True)
class Placed:
    """A directory or file put at `path`; `mode` is that of the file, or of the directory at `path` itself."""

    path: str
    source: Node
    owner: str = ""
    mode: int | None = None


@dataclass(frozen=True)
class Removed:
    """Paths taken away."""

    paths: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Rootfs:
    """A root file system as the step that makes it out of the one before (`step` None: an empty one)."""

    parent: "Rootfs | None" = None
    step: Image | Exec | Placed | Removed | None = None

    def steps(self) -> list["Rootfs"]:
        """This one and those below it, the lowest first."""
        chain: list[Rootfs] = []
        at: Rootfs | None = self
        while at is not None:
            chain.append(at)
            at = at.parent
        return chain[::-1]


@dataclass(frozen=True)
class Container:
    """A container's state; each method of the API that returns a container makes a new one."""

    rootfs: Rootfs = field(default_factory=Rootfs)
    config: Config = field(default_factory=Config)
    mounts: tuple[Mount, ...] = ()
    secret_env: tuple[tuple[str, Node], ...] = ()
    bindings: tuple[tuple[str, Node], ...] = ()
    volatile_env: tuple[tuple[str, str], ...] = ()
    registry_auth: tuple[tuple[str, str, Node], ...] = ()
    image_ref: str = ""
    terminal_cmd: tuple[str, ...] = ()
    platform: str = ""
    last_exec: Rootfs | None = None

    def configured(self, **changes: Any) -> "Container":
        """This container with its configuration changed."""
        return replace(self, config=replace(self.config, **changes))

    def mount_over(self, path: str) -> Mount | None:
        """The innermost mount at or above an absolute path."""
        return max((m for m in self.mounts if m.covers(path)), key=lambda m: len(m.path), default=None)

    def stepped(self, step: Exec | Placed | Removed) -> "Container":
        """This container with one more step: on its root file system, or on the mounted directory it is for."""
        if isinstance(step, Exec):
            rootfs = Rootfs(self.rootfs, step)
            mounts = (replace(m, after=rootfs, changes=()) if m.written else m for m in self.mounts)
            return replace(self, rootfs=rootfs, mounts=tuple(mounts), image_ref="")
        path = step.path if isinstance(step, Placed) else step.paths[0]
        mount = self.mount_over(path)
        if mount is None or mount.kind != "directory":
            return replace(self, rootfs=Rootfs(self.rootfs, step), image_ref="")
        changed = replace(mount, changes=(*mount.changes, step))
        return replace(self, mounts=tuple(changed if m is mount else m for m in self.mounts))
