"""Where files are written to: the client's host, or for a module's function the working folder of its call."""

from pathlib import Path

from ci.engine.api import Context
from ci.engine.errors import EngineError


def destination(context: Context, path: str) -> Path:
    """The place that an export's `path` names.

    Raises:
        EngineError: a function's path leads out of its working folder.
    """
    return context.session.host_path(path) if context.call is None else inside(context, path)


def inside(context: Context, path: str) -> Path:
    """A path of the function's working folder.

    Raises:
        EngineError: no function is being called, or the path leads out of the folder.
    """
    if context.call is None:
        raise EngineError("no function is being called")
    root = context.call.workdir.resolve()
    place = (root / path).resolve()
    if not place.is_relative_to(root):
        raise EngineError(f"workdir path {path!r} escapes workdir; use a path inside of it")
    return place
