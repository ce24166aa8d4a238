"""Lock files with hashes, made by uv: what is pinned already stays, unless an upgrade is wanted."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ci.detect import hashed
from ci.locker.errors import SameFileError, UvError
from ci.locker.needs import Needs, of_service, of_tests
from ci.settings import Settings

COMPILE = ("pip", "compile", "--quiet", "--generate-hashes", "--universal", "--no-header", "--no-annotate")
Uv = Callable[[Sequence[str], str], str]


def uv(folder: Path) -> Uv:
    """A door to uv in a folder: its words and what it reads from stdin go in, what it prints comes out.

    Raises:
        UvError: it ended otherwise than with 0.
    """

    def run(words: Sequence[str], given: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "uv", *words], cwd=folder, input=given, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise UvError(done.stderr)
        return done.stdout

    return run


def lock(root: Path, settings: Settings, target: Path, run: Uv, upgrade: bool = False) -> list[str]:
    """Write the service's lock and, where its tests have one of their own, theirs into `target`; gives their names.

    The tests' lock has the service's versions: the tests run what is shipped.

    Raises:
        LockError: a file cannot be read, or uv found no versions that fit.
    """
    service = of_service(root, settings)
    if settings.lock in service.words and not hashed(root / settings.lock):
        raise SameFileError(settings.lock)
    job = _Job(root, target, settings.python, run, upgrade)
    job.compile(service, settings.lock)
    tests = settings.test_lock
    if not settings.tests or tests in (None, settings.lock):
        return [settings.lock]
    job.compile(service + of_tests(root, settings), tests, "--constraints", str(target / settings.lock))
    return [settings.lock, tests]


@dataclass(frozen=True)
class _Job:
    root: Path
    target: Path
    python: str
    run: Uv
    upgrade: bool

    def compile(self, needs: Needs, name: str, *words: str) -> None:
        """Lock what is needed in the file of this name."""
        place = self.target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if hashed(self.root / name):
            shutil.copyfile(self.root / name, place)  # uv keeps the versions that the output file has
        limits = self.target.with_name(f"{self.target.name}.constraints")
        limits.write_text("\n".join(needs.constraints), encoding="utf-8")
        asked = [*needs.lines, *(self.run(export, "") for export in needs.exports)]
        upgrade = ("--upgrade",) if self.upgrade else ()
        self.run(
            [*COMPILE, "--python-version", self.python, "--constraints", str(limits), *words, *upgrade,
             "--output-file", str(place), *needs.words, "-"],
            "\n".join(asked),
        )  # fmt: skip
