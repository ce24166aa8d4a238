"""How a call's progress is shown."""

import contextlib
from collections.abc import Iterator

from ci.cli.options import Options
from ci.engine.progress import Progress


@contextlib.contextmanager
def shown(options: Options) -> Iterator[Progress]:
    """The engine's progress, shown as the options say until the block ends."""
    yield Progress(quiet=options.progress == "quiet")
