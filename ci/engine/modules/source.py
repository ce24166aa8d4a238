"""A module before anything is asked of it: the digest of its files, its types where they are known, and its process."""

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ci.engine import hostfs
from ci.engine.modules.config import ModuleConfig
from ci.engine.nodes import digest_of
from ci.engine.store import Store
from ci.engine.typedefs import ModuleTypes, restored

if TYPE_CHECKING:
    from ci.engine.modules.runtime import Runtime

FORMAT = 3  # of what is kept of types and results


class Source:
    """A module's files as they are now.

    Attributes:
        tree: the digest of the files.
        digest: what its types and results go by: its files, its name, and the SDK's version.
    """

    def __init__(self, store: Store, config: ModuleConfig) -> None:
        self.store = store
        self.config = config
        self.tree = self._tree()
        inside = config.source.relative_to(config.root).as_posix()
        self.digest = digest_of([FORMAT, self.tree, config.name, inside, sdk_version()])
        self._runtime: Runtime | None = None
        self._lock = threading.Lock()

    def _tree(self) -> str:
        return hostfs.digest(self.store, self.config.root, self.config.included, self.config.ignored)

    @property
    def is_current(self) -> bool:
        """Whether the files are still what they were: what a process that imported others gave is not to be kept."""
        return self._tree() == self.tree

    def types(self) -> ModuleTypes | None:
        """The module's types, None where it has not been registered yet."""
        record = self.store.get_record("types", self.digest)
        return None if record is None else restored(record)

    def keep(self, types: ModuleTypes) -> None:
        """Keep the module's types."""
        if self.is_current:
            self.store.put_record("types", self.digest, types.json())

    def runtime(self, say: Callable[[str], None]) -> "Runtime":
        """The module's process, started when it is first asked for.

        Raises:
            ModuleLoadError: it has no main object, or its environment cannot be made.
        """
        from ci.engine.modules.environment import Environments
        from ci.engine.modules.runtime import Runtime

        with self._lock:
            if self._runtime is None:
                interpreter = Environments(self.store, say).interpreter(self.config)
                bytecode = self.store.root / "bytecode"
                self._runtime = Runtime(self.config.name, self.config.main_object, interpreter, bytecode)
            return self._runtime

    def close(self) -> None:
        """End the process where one was started."""
        with self._lock:
            if self._runtime is not None:
                self._runtime.close()
                self._runtime = None


def sdk_version() -> str:
    """The version of the SDK beside this interpreter, read off its metadata's name: importlib.metadata takes longer
    than a known answer may."""
    for folder in sys.path:
        if folder.endswith("site-packages") and Path(folder).is_dir():
            found = [entry.name for entry in Path(folder).glob("dagger_io-*")]
            if found:
                return found[0].removeprefix("dagger_io-").removesuffix(".dist-info")
    return "none"
