"""Opens the embedded engine for one command: the store, a session, the module."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from ci.engine.api import Context
from ci.engine.functions import LoadedModule, find_config
from ci.engine.progress import Progress
from ci.engine.recipes import Recipe, RecipeBook
from ci.engine.server import Server
from ci.engine.session import opened
from ci.engine.store import Store
from ci.settings import Settings


@dataclass(frozen=True)
class Engine:
    """An open session with a module served."""

    server: Server
    module: LoadedModule


@contextlib.contextmanager
def engine(mod: str, progress: Progress) -> Iterator[Engine]:
    """The embedded engine with the module at `mod` (or the nearest above it), until the block ends.

    Raises:
        ModuleLoadError: there is no such module, or it cannot be loaded.
    """
    config = find_config(Path(mod))
    store = Store(Path(platformdirs.user_cache_dir("cutover")))
    with opened(store, progress, recipes(config.root), Path.cwd()) as session:
        server = Server(session)
        try:
            module = LoadedModule(Context(session), server, config)
            server.load(module)
            yield Engine(server, module)
        finally:
            server.close()


def recipes(root: Path) -> RecipeBook:
    """The recipes of `[tool.cutover.images]` where the folder has settings, over the built-in ones."""
    place = root / "pyproject.toml"
    if not place.is_file() or "[tool.cutover.images" not in (text := place.read_text(encoding="utf-8")):
        return RecipeBook()
    images = Settings.parse(text).images
    return RecipeBook({name: Recipe(row.suite, tuple(row.packages), tuple(row.setup)) for name, row in images.items()})


def is_quiet(environ: dict[str, str] | os._Environ[str] = os.environ) -> bool:
    """Whether the user's environment asks for no progress."""
    return environ.get("CUTOVER_PROGRESS") == "quiet"
