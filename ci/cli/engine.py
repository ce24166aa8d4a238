"""Opens the embedded engine for one command: the store, a session, the module."""

import contextlib
import json
import os
import shlex
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ci.cli import interrupt, own, tty
from ci.cli.options import Options
from ci.cli.types import Types
from ci.engine.errors import EngineError
from ci.errors import CutoverError

if TYPE_CHECKING:
    from ci.cli.progress import Shown
    from ci.engine.functions import LoadedModule, ModuleConfig
    from ci.engine.recipes import RecipeBook
    from ci.engine.server import Server
    from ci.engine.session import Session
    from ci.engine.store import Store
    from ci.engine.terminal import Shells

APPLICATION = "cutover"


class Engine:
    """An open session, with a module served where there is one.

    Attributes:
        module: the module, None where there is none.
        types: what can be called.
    """

    def __init__(self, session: "Session", config: "ModuleConfig | None") -> None:
        self.session = session
        self._server: Server | None = None
        self._lock = threading.Lock()
        self.module = None if config is None else self._loaded(config)
        self.types = Types(self.module.types if self.module else None, session.store)

    def _loaded(self, config: "ModuleConfig") -> "LoadedModule":
        from ci.engine.functions import LoadedModule
        from ci.engine.modules.source import Source

        return LoadedModule(self.session, self._core, Source(self.session.store, config))

    def _core(self) -> "Server":
        """The server, which a module's process asks for the core only."""
        with self._lock:
            if self._server is None:
                from ci.engine.server import Server

                self._server = Server(self.session)
            return self._server

    @property
    def server(self) -> "Server":
        """The server with the module's functions, started when something is first asked of it."""
        server = self._core()
        with self._lock:
            if self.module is not None and server.module is None:
                server.load(self.module)
        return server

    def close(self) -> None:
        """End the server and the module's process."""
        if self._server is not None:
            self._server.close()
        if self.module is not None:
            self.module.close()

    def ask(self, text: str, variables: Mapping[str, Any]) -> Any:
        """The data of the answer to a query.

        Raises:
            CallError: the answer is an error.
        """
        response = self.server.query(text, dict(variables))
        if response.get("errors"):
            raise CallError(response["errors"][0])
        return response["data"]

    def host(self, kind: str, text: str, exclude: Sequence[str]) -> str:
        """The id of a Directory or File of this machine at the path `text`, or of a Secret with that URI.

        Raises:
            CallError: there is none.
        """
        session = self.session
        with self.telling():
            if kind == "Secret":
                node = session.secrets.from_uri(text)
            else:
                is_file = kind == "File"
                node = session.host_file(text) if is_file else session.host_directory(text, [], list(exclude))
            return session.nodes.add(node).id

    @contextlib.contextmanager
    def telling(self) -> Iterator[None]:
        """Turn an error of the engine into what the API would answer, without secrets.

        Raises:
            CallError: the block raised one.
        """
        try:
            yield
        except EngineError as error:
            told = json.dumps({"message": str(error), "extensions": dict(error.extensions)})
            raise CallError(json.loads(self.session.secrets.scrub(told))) from error


class CallError(CutoverError):
    """What a function answered instead of a result; a failed exec's exit code is the command's."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        extensions = error.get("extensions") or {}
        message = str(error["message"])
        if extensions.get("_type") == "EXEC_ERROR":
            self.exit_code = int(extensions["exitCode"]) or 1
            for name in ("stdout", "stderr"):
                if extensions.get(name):
                    message += f"\n{name.capitalize()}:\n{extensions[name]}"
        super().__init__(message)


def cache_folder() -> Path:
    """Where the store is: `$XDG_CACHE_HOME/cutover`, by default `~/.cache/cutover` (on a Mac, `~/Library/Caches`)."""
    import platformdirs

    return Path(platformdirs.user_cache_dir(APPLICATION))


def opened_store() -> "Store":
    """The store of this user."""
    from ci.engine.store import Store

    return Store(cache_folder())


@contextlib.contextmanager
def engine(options: Options, needs_module: bool = True) -> Iterator[Engine]:
    """The embedded engine with the module at `--mod` (or the nearest above it), until the block ends.

    Args:
        needs_module: whether to look for a module at all; where none is found, none is served.

    Raises:
        ModuleLoadError: it is named and not there, or it cannot be loaded.
    """
    from ci.cli.progress import shown
    from ci.engine.session import opened

    if options.interactive and not tty.there_is_one():
        raise CutoverError("--interactive needs a terminal: stdin and stdout of this command are none")
    config = found(options) if needs_module else None
    store = opened_store()
    with (
        shown(options) as showing,
        opened(
            store,
            showing.progress,
            recipes((config.called_for or config.root) if config else Path.cwd()),
            Path.cwd(),
            shells=_shells(options, showing),
        ) as session,
        interrupt.current.reaching(session.interrupt, showing.steps.can_end),
        contextlib.closing(Engine(session, config)) as running,
    ):
        yield running


def _shells(options: Options, showing: "Shown") -> "Shells | None":
    """Where `terminal` gives a shell, and a failed step at `--interactive`."""
    if not tty.there_is_one():
        return None
    from ci.engine.terminal import Shells

    on_failure = tuple(shlex.split(options.interactive_command)) if options.interactive else ()
    return Shells(tty.Tty(showing.view.paused), on_failure)


def found(options: Options) -> "ModuleConfig | None":
    """The module at `--mod`; where it was not given and no folder from here up has one, Cutover's own, called for the
    service here or above; None where there is no service either.

    Raises:
        ModuleLoadError: the module that was named is not there, or its dagger.json cannot be read.
    """
    from ci.engine.functions import find_config

    place = Path(options.mod).expanduser()
    if options.mod != Options.mod and not place.exists():
        raise CutoverError(_missing(options.mod))
    here = place.absolute()
    if options.mod == Options.mod and not any((at / "dagger.json").is_file() for at in (here, *here.parents)):
        service = service_folder(here)
        return replace(find_config(own.module()), called_for=service) if service else None
    return find_config(place)


def service_folder(here: Path) -> Path | None:
    """The folder here or above whose pyproject.toml has a [tool.cutover], None where there is none."""
    return next((at for at in (here, *here.parents) if "[tool.cutover" in _settings(at)), None)


def _settings(folder: Path) -> str:
    """The text of a folder's pyproject.toml, empty where it has none."""
    try:
        return (folder / "pyproject.toml").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _missing(mod: str) -> str:
    if "://" in mod or mod.startswith(("github.com/", "git@")):
        return f"module {mod}: the embedded engine loads modules from folders; clone it, or use --engine dagger"
    return f"module {mod}: no such folder"


def recipes(root: Path) -> "RecipeBook":
    """The recipes of `[tool.cutover.images]` and the `registry-mirrors`, where the folder has settings, over the
    built-in recipes."""
    from ci.engine.recipes import Recipe, RecipeBook

    text = _settings(root)
    if "[tool.cutover.images" not in text and "registry-mirrors" not in text:
        return RecipeBook()
    from ci import settings

    images, mirrors = settings.base_images(text)
    return RecipeBook({name: Recipe(row.suite, row.packages, row.setup) for name, row in images.items()}, mirrors)


def workers() -> int:
    """How many functions run at once where several are called: one a processor, at least two."""
    return max(2, os.cpu_count() or 1)
