"""Makes recipes true: the state of containers, the keys of their steps, the images those steps give, and the trees of
folders.

A step's key is the digest of what it reads. A step whose key is in the store costs no container.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from ci.engine import containers, directories, paths, stats
from ci.engine.errors import EngineError, ExecError, InvalidArgumentError, NotFoundError, NotServedError
from ci.engine.images import Image
from ci.engine.nodes import Node, digest_of
from ci.engine.runner import Outcome, Runner
from ci.engine.secrets import Secrets
from ci.engine.services import Services, origin
from ci.engine.state import Container, Exec, Mount, Placed, Removed, Rootfs
from ci.engine.store import Store
from ci.engine.tar import read_tree
from ci.engine.trees import DIRECTORY_MODE, Entry, Tree, clean

EMPTY_KEY = digest_of("scratch")


class Evaluator:
    """Evaluates the recipes of one session."""

    def __init__(self, store: Store, secrets: Secrets, runner: Runner, services: Services) -> None:
        self._store = store
        self._secrets = secrets
        self._runner = runner
        self._services = services
        self._states: dict[str, Container] = {}
        self._keys: dict[int, tuple[Rootfs, str]] = {}
        self._trees: dict[str, Tree] = {}
        # Fields (`Type.name`) that stand for other recipes of a container, and those whose trees come from outside of
        # the store: what they need (registries, git, HTTP) is the session's to give.
        self.chains: dict[str, Callable[[Node], Node]] = {}
        self.makers: dict[str, Callable[[Node], Tree]] = {}

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
        return change(state, step.args)

    def run(self, node: Node) -> Outcome | None:
        """Run what the container's chain still has to run; gives the outcome of its last exec, None where it has
        none."""
        state = self.container(node)
        for step in state.rootfs.steps():
            if isinstance(step.step, Exec):
                self._outcome(step)
        return self._outcome(state.last_exec) if state.last_exec else None

    def image(self, node: Node) -> str:
        """Docker's id of the image that holds the container's root file system; runs what makes it."""
        self.run(node)
        return self._image(self.container(node).rootfs)

    # Keys

    def key(self, rootfs: Rootfs) -> str:
        """The digest of all that `rootfs` is made of. Evaluates the folders that are put into it."""
        key = EMPTY_KEY
        for layer in rootfs.steps():
            held = self._keys.get(id(layer))
            if held is None:
                key = self._step_key(key, layer)
                self._keys[id(layer)] = (layer, key)  # the layer is held, so its id stays its own
            else:
                key = held[1]
        return key

    def _step_key(self, parent: str, layer: Rootfs) -> str:
        step = layer.step
        if step is None:
            return EMPTY_KEY
        if isinstance(step, Image):
            return step.key
        if isinstance(step, Exec):
            return digest_of(["exec", parent, self.exec_key(step)])
        if isinstance(step, Removed):
            return digest_of(["remove", parent, step.paths])
        return digest_of(["place", parent, step.path, step.owner, step.mode, self._placed(step).digest])

    def exec_key(self, step: Exec) -> list[Any]:
        """What a command reads beside the root file system it runs over.

        Raises:
            InvalidArgumentError: there is no command.
        """
        if not step.args:
            raise InvalidArgumentError("no command has been set")
        return [
            step.args, sorted(step.config.env.items()), step.config.workdir, step.config.user, step.stdin,
            step.privileged,
            [[mount.path, mount.kind, mount.name, mount.owner, self._source_key(mount)] for mount in step.mounts],
            [[name, self._secrets.fingerprint(secret)] for name, secret in step.secret_env],
            [[alias, self.service_key(service)] for alias, service in step.bindings],
        ]  # fmt: skip

    def _source_key(self, mount: Mount) -> str:
        if mount.kind == "secret" and mount.source is not None:
            return self._secrets.fingerprint(mount.source)
        return self.tree(mount.source).digest if mount.source is not None else ""

    def service_key(self, service: Node) -> str:
        """What stands for a service in the key of a command bound to it."""
        service = origin(service)
        if service.parent is None or service.parent.type != "Container":
            return service.digest
        state = self.container(service.parent)
        step = self.service_exec(service)
        return digest_of([self.key(state.rootfs), self.exec_key(step)])

    def service_exec(self, service: Node) -> Exec:
        """The command of a service made from a container."""
        assert service.parent is not None
        state = self.container(service.parent)
        return containers.service_command(state, service)

    # Images and outcomes

    def _image(self, rootfs: Rootfs) -> str:
        """The image of a root file system; what has been put in since the last one becomes one layer."""
        if isinstance(rootfs.step, Image):
            return rootfs.step.id
        if isinstance(rootfs.step, Exec):
            return self._outcome(rootfs, need_image=True).image
        key = self.key(rootfs)
        with self._lock_of(key):
            if known := self._runner.known_image(key):
                return known
            if isinstance(rootfs.step, Removed) and rootfs.parent is not None:
                return self._runner.remove(key, self._image(rootfs.parent), rootfs.step.paths)
            base, placed = self._base(rootfs)
            return self._runner.place(key, self._image(base) if base else None, placed)

    def _base(self, rootfs: Rootfs) -> tuple[Rootfs | None, list[Tree]]:
        """The nearest root file system below that is an image, and what has been put over it since."""
        placed: list[Tree] = []
        at: Rootfs | None = rootfs
        while at is not None and isinstance(at.step, Placed):
            placed.append(self._owned(at))
            at = at.parent
        return (None if at is None or at.step is None else at), placed[::-1]

    def _outcome(self, rootfs: Rootfs, need_image: bool = False) -> Outcome:
        step = rootfs.step
        assert isinstance(step, Exec)
        assert rootfs.parent is not None
        key = self.key(rootfs)
        with self._lock_of(key):
            outcome = self._runner.known(key, step, need_image)
            if outcome is None:
                outcome = self._run_exec(rootfs, step, key)
        if not allowed(step.expect, outcome.exit_code):
            raise ExecError(step.args, outcome.exit_code, outcome.stdout, outcome.stderr)
        return outcome

    def _run_exec(self, rootfs: Rootfs, step: Exec, key: str) -> Outcome:
        assert rootfs.parent is not None
        base, placed = self._base(rootfs.parent)
        image = self._image(base) if base else None
        hosts = self._hosts(step)
        return self._runner.run(key, image, [*placed, *self._mounted(rootfs.parent, step)], step, hosts)

    def _mounted(self, rootfs: Rootfs, step: Exec) -> list[Tree]:
        """The directories and files that a command gets by its mounts, at their places over `rootfs`."""
        mounts = [mount for mount in step.mounts if mount.kind in ("directory", "file")]
        return [self._owned(Rootfs(rootfs, Placed(m.path, m.source, m.owner))) for m in mounts if m.source is not None]

    def _lock_of(self, key: str) -> AbstractContextManager[None]:
        return self._store.locked(f"step-{key}")

    def _hosts(self, step: Exec) -> dict[str, str]:
        """The names that a command can look up: the hostnames of what runs, and the aliases of its own services."""
        own = {alias: self._services.address(service, self) for alias, service in step.bindings}
        return self._services.names() | own

    def start_service(self, service: Node) -> tuple[str, str]:
        """Start the container of a service; gives its id and its address on the call's network."""
        assert service.parent is not None
        state = self.container(service.parent)
        step = self.service_exec(service)
        hosts = self._hosts(step)
        return self._runner.start(self._image(state.rootfs), self._mounted(state.rootfs, step), step, hosts)

    # Folders and files

    def tree(self, node: Node | None) -> Tree:
        """The tree of a Directory, or of a File as the one entry it is."""
        if node is None:
            return Tree()
        known = self._trees.get(node.digest)
        if known is None:
            known = self._trees.setdefault(node.digest, self._tree(node))
        return known

    def _tree(self, node: Node) -> Tree:
        if node.field == "snapshot":
            tree = self._store.get_tree(node.args["tree"])
            if tree is None:
                raise EngineError(f"the tree {node.args['tree'][:12]} is gone from the store; call again")
            return tree
        if maker := self.makers.get(f"{node.type}.{node.field}"):
            return maker(node)
        if node.parent is not None and node.parent.type == "Container":
            return self._from_container(node, node.parent)
        make = directories.TREES.get(f"{node.type}.{node.field}")
        if make is None:
            raise NotServedError(f"{node.type}.{node.field}")
        return make(directories.Inputs(self._store, self.tree), node)

    def _from_container(self, node: Node, container: Node) -> Tree:
        state = self.container(container)
        path = "/" if node.field == "rootfs" else containers.resolved(state, node.args)
        for mount in state.mounts:
            if mount.source is not None and mount.kind == "directory" and f"{path}/".startswith(f"{mount.path}/"):
                return self._part(self.tree(mount.source), node, path[len(mount.path) :], path)
        if (whole := self._pure(state.rootfs)) is not None:
            return self._part(whole, node, path, path)
        key = digest_of(["tree", self.key(state.rootfs), path])
        record = self._store.get_record("path", key)
        if record is None:
            record = self._archived(state.rootfs, path)
            self._store.put_record("path", key, record)
        if not record["found"]:
            raise NotFoundError(path)
        return self._checked(Tree.from_rows(record["rows"]), record["directory"], node, path)

    def stat(self, node: Node, path: str, follow: bool) -> Entry | None:
        """What lies at an absolute path of a container, with `follow` where a link leads; None where nothing does."""
        state = self.container(node)
        for mount in reversed(state.mounts):
            if mount.kind in ("directory", "file") and f"{path}/".startswith(f"{mount.path}/"):
                tree = self.tree(Node(mount.kind.capitalize(), mount.kind, node, {"path": mount.path}))
                inside = path[len(mount.path) :] or "/"
                return tree.entries[0] if mount.kind == "file" else stats.in_tree(tree, inside, follow)
        if (tree_of_all := self._pure(state.rootfs)) is not None:
            return stats.in_tree(tree_of_all, path, follow)
        key = digest_of(["stat", self.key(state.rootfs), path, follow])
        record = self._store.get_record("stat", key)
        if record is None:
            record = {"found": self._runner.stat(self._image(state.rootfs), path, follow)}
            self._store.put_record("stat", key, record)
        return stats.described(record["found"])

    def _pure(self, rootfs: Rootfs) -> Tree | None:
        """The tree of a root file system that no image and no command had a part in; None for others."""
        tree = Tree()
        for layer in rootfs.steps():
            if isinstance(layer.step, Placed):
                tree = directories.put(tree, self._owned(layer))
            elif isinstance(layer.step, Removed):
                tree = directories.left(tree, layer.step.paths)
            elif layer.step is not None:
                return None
        return tree

    def _archived(self, rootfs: Rootfs, path: str) -> dict[str, Any]:
        with self._runner.archive(self._image(rootfs), path) as stream:
            if stream is None:
                return {"found": False}
            tree, is_directory = read_tree(self._store, stream)
            return {"found": True, "directory": is_directory, "rows": tree.rows()}

    def _checked(self, tree: Tree, is_directory: bool, node: Node, path: str) -> Tree:
        if node.type == "File" and is_directory:
            raise EngineError(f"path {path} is a directory, not a file")
        if node.type == "Directory" and not is_directory:
            raise EngineError(f"path {path} is a file, not a directory")
        return tree

    def _part(self, tree: Tree, node: Node, inside: str, path: str) -> Tree:
        """What lies at `inside` of a mounted tree, which the container sees at `path`."""
        place = paths.resolved(tree, inside)
        if tree.holds_directory(place):
            return self._checked(tree.subtree(place), True, node, path)
        if (entry := tree.get(place)) is None:
            raise NotFoundError(path)
        return self._checked(Tree((replace(entry, path=path.rpartition("/")[2]),)), False, node, path)

    def _placed(self, step: Placed) -> Tree:
        """What `withDirectory` or `withFile` puts in, at its place, with the mode asked for."""
        tree = self.tree(step.source)
        if step.source.type == "File":
            entry = replace(tree.entries[0], path=clean(step.path))
            return Tree((replace(entry, mode=step.mode) if step.mode is not None else entry,))
        root = clean(step.path)
        moved = [replace(entry, path=f"{root}/{entry.path}" if root else entry.path) for entry in tree.entries]
        # The folder itself only where nothing else makes it: an existing one keeps its mode and owner.
        if root and (not moved or step.mode is not None):
            moved.insert(0, Entry(root, "d", step.mode or DIRECTORY_MODE))
        return Tree(tuple(moved))

    def _owned(self, rootfs: Rootfs) -> Tree:
        step = rootfs.step
        assert isinstance(step, Placed)
        tree = self._placed(step)
        if not step.owner:
            return tree
        uid, gid = self._owner(rootfs, step.owner)
        root = clean(step.path)
        if root and step.source.type == "Directory" and tree.get(root) is None:
            tree = Tree((Entry(root, "d", DIRECTORY_MODE), *tree.entries))
        return tree.mapped(lambda entry: replace(entry, uid=uid, gid=gid))

    def _owner(self, rootfs: Rootfs, owner: str) -> tuple[int, int]:
        """The numbers of `user[:group]`, names looked up in the image's own files."""
        user, _, group = owner.partition(":")
        uid = int(user) if user.isdigit() else self._lookup(rootfs, "/etc/passwd", user)
        if not group:
            return uid, uid
        return uid, int(group) if group.isdigit() else self._lookup(rootfs, "/etc/group", group)

    def _lookup(self, rootfs: Rootfs, path: str, name: str) -> int:
        assert rootfs.parent is not None
        record = self._archived(rootfs.parent, path)
        rows = Tree.from_rows(record["rows"]).entries if record["found"] else ()
        for line in (line for row in rows for line in self._store.read(row.blob).decode().splitlines()):
            fields = line.split(":")
            if fields[0] == name:
                return int(fields[2])
        raise EngineError(f"{path} of the image has no {name!r}")

    def file(self, node: Node) -> Entry:
        """The one entry of a File."""
        return self.tree(node).entries[0]

    def snapshot(self, tree: Tree, kind: str = "Directory") -> Node:
        """A tree of the store as an object."""
        return Node(kind, "snapshot", None, {"tree": self._store.put_tree(tree)})


def allowed(expect: str, exit_code: int) -> bool:
    """Whether `withExec(expect)` allows an exit code (Dagger's ReturnType)."""
    return expect == "ANY" or (exit_code == 0) == (expect == "SUCCESS")
