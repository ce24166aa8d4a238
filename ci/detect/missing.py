"""What settings name and the repository does not have."""

from collections.abc import Iterator
from pathlib import Path

from ci.detect import django
from ci.detect.dependencies import LOCK, RELOCK, hashed, names, unfound
from ci.detect.repository import TEST_LOCK, TEST_TOOLS
from ci.settings import Settings

SERVER = "gunicorn"
ANEW = "make it anew"


def missing(root: Path, settings: Settings) -> Iterator[str]:
    """One sentence for each thing that a release would fail for: what is missing, and what to do."""
    yield from _application(root, settings)
    if file := django.refusing(root):
        yield (
            f"{file} has ALLOWED_HOSTS = [], so requests by another name get a 400, health checks too: "
            'ALLOWED_HOSTS = ["*"], behind the load balancer'
        )
    if not settings.requirements and not (root / settings.lock).is_file() and (why := unfound(root)):
        yield why
    yield from _lock(root, settings, settings.lock, (SERVER,))
    if settings.tests:
        yield from _lock(root, settings, settings.test_lock or settings.lock, TEST_TOOLS)
    for path in settings.tests:
        if not (root / path).exists():
            yield f'tests names "{path}", which is not there; a service without tests says tests = []'


def _application(root: Path, settings: Settings) -> Iterator[str]:
    module = settings.wsgi.partition(":")[0]
    base = root / (settings.python_path or "") / module.replace(".", "/")
    if not base.with_name(f"{base.name}.py").is_file() and not base.is_dir():
        yield f'wsgi names the module "{module}", which is not in {settings.python_path or "the root"}: see python-path'


def _lock(root: Path, settings: Settings, lock: str, wanted: tuple[str, ...]) -> Iterator[str]:
    path = root / lock
    if not path.is_file():
        yield f"the lock file {lock} is not there; make it: {RELOCK}"
    elif not hashed(path):
        yield f'{lock} has no hashes: set lock = "{LOCK}", and make it: {RELOCK}'
    else:
        absent = [name for name in wanted if not names(path, name)]
        way = f'set test-lock = "{TEST_LOCK}" and make it' if wanted == TEST_TOOLS and not settings.test_lock else ANEW
        if absent:
            yield f"{lock} lacks {', '.join(absent)}; {way}: {RELOCK}"
