"""Opens the embedded engine for one command: the store, a session, the module."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ci.cli import interrupt
from ci.cli.options import Options
from ci.cli.types import Types
from ci.errors import CutoverError

if TYPE_CHECKING:
    from ci.engine.functions import ModuleConfig
    from ci.engine.recipes import RecipeBook
    from ci.engine.server import Server
    from ci.engine.store import Store

APPLICATION = "cutover"


@dataclass(frozen=True)
class Engine:
    """An open session, with a module served where there is one."""

    server: "Server"
    types: Types

    def ask(self, text: str, variables: Mapping[str, Any]) -> Any:
        """The data of the answer to a query.

        Raises:
            CallError: the answer is an error.
        """
        response = self.server.query(text, dict(variables))
        if response.get("errors"):
            raise CallError(response["errors"][0])
        return response["data"]


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
    from ci.engine.server import Server
    from ci.engine.session import opened

    config = found(options) if needs_module else None
    store = opened_store()
    with (
        shown(options) as showing,
        opened(store, showing.progress, recipes(config.root if config else Path.cwd()), Path.cwd()) as session,
        interrupt.current.reaching(session.interrupt, showing.steps.can_end),
        contextlib.closing(Server(session)) as server,
    ):
        yield Engine(server, Types(_loaded(server, config), store))


def _loaded(server: "Server", config: "ModuleConfig | None") -> Any:
    if config is None:
        return None
    from ci.engine.api import Context
    from ci.engine.functions import LoadedModule
    from ci.engine.modules.source import Source

    module = LoadedModule(Context(server.session), server, Source(server.session.store, config))
    server.load(module)
    return module.types


def found(options: Options) -> "ModuleConfig | None":
    """The module at `--mod`, None where it was not given and no folder from here up has one.

    Raises:
        ModuleLoadError: the module that was named is not there, or its dagger.json cannot be read.
    """
    from ci.engine.functions import find_config

    place = Path(options.mod).expanduser()
    if options.mod != Options.mod and not place.exists():
        raise CutoverError(_missing(options.mod))
    here = place.absolute()
    if options.mod == Options.mod and not any((at / "dagger.json").is_file() for at in (here, *here.parents)):
        return None
    return find_config(place)


def _missing(mod: str) -> str:
    if "://" in mod or mod.startswith(("github.com/", "git@")):
        return f"module {mod}: the embedded engine loads modules from folders; clone it, or use --engine dagger"
    return f"module {mod}: no such folder"


def recipes(root: Path) -> "RecipeBook":
    """The recipes of `[tool.cutover.images]` where the folder has settings, over the built-in ones."""
    from ci.engine.recipes import Recipe, RecipeBook

    place = root / "pyproject.toml"
    if not place.is_file() or "[tool.cutover.images" not in (text := place.read_text(encoding="utf-8")):
        return RecipeBook()
    from ci.settings import Settings

    images = Settings.parse(text).images
    return RecipeBook({name: Recipe(row.suite, tuple(row.packages), tuple(row.setup)) for name, row in images.items()})


def workers() -> int:
    """How many functions run at once where several are called: one a processor, at least two."""
    return max(2, os.cpu_count() or 1)
