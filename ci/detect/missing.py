"""What settings name and the repository does not have."""

from collections.abc import Iterator
from pathlib import Path

from ci.detect.dependencies import dependencies, hashed, names
from ci.settings import Settings

SERVER = "gunicorn"
TEST_TOOLS = ("pytest", "pytest-cov")


def missing(root: Path, settings: Settings) -> Iterator[str]:
    """One sentence for each thing that a release would fail for: what is missing, and what to do."""
    yield from _application(root, settings)
    yield from _lock(root, settings.lock, (SERVER,))
    if settings.tests:
        yield from _lock(root, settings.test_lock or settings.lock, TEST_TOOLS)
    for path in settings.tests:
        if not (root / path).exists():
            yield f'tests names "{path}", which is not there; a service without tests says tests = []'


def _application(root: Path, settings: Settings) -> Iterator[str]:
    module = settings.wsgi.partition(":")[0]
    base = root / (settings.python_path or "") / module.replace(".", "/")
    if not base.with_name(f"{base.name}.py").is_file() and not base.is_dir():
        yield f'wsgi names the module "{module}", which is not in {settings.python_path or "the root"}: see python-path'


def _lock(root: Path, lock: str, wanted: tuple[str, ...]) -> Iterator[str]:
    path = root / lock
    if not path.is_file():
        found = dependencies(root)
        how = f"; make it: {found.command}" if found and found.command else ""
        yield f"the lock file {lock} is not there{how}"
    elif not hashed(path):
        yield f"{lock} has no hashes; make one that has: uv pip compile --generate-hashes --universal {lock} -o NAME"
    else:
        absent = [name for name in wanted if not names(path, name)]
        if absent:
            yield f"{lock} lacks {', '.join(absent)}: add to the dependencies, and lock them anew"
