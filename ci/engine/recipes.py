"""Base images by recipe, for where no container registry answers: a Debian suite and packages, built by mmdebstrap."""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ci.engine.errors import RecipeError
from ci.engine.nodes import digest_of
from ci.engine.tar import TIMESTAMP

BUILD_SECONDS = 900
TAIL_LINES = 5
PATH_VARIABLE = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEBIAN_SUITES = {"13": "trixie", "12": "bookworm", "11": "bullseye"}
PYTHON_SUITES = {"3.13": "trixie", "3.11": "bookworm", "3.9": "bullseye"}
MEMORY = Path("/dev/shm")  # where Linux keeps files in memory
MEMORY_INFO = Path("/proc/meminfo")
AVAILABLE = re.compile(r"^MemAvailable: +(\d+) kB$", re.MULTILINE)
MEMORY_BYTES = 2 << 30  # free, for a root to be built there
# What Docker's own images of Debian have as /etc/dpkg/dpkg.cfg.d/docker: packages unpack without a sync of each file,
# and slim ones leave out what only a reader at a terminal needs.
# https://github.com/debuerreotype/debuerreotype/blob/master/scripts/.slimify-excludes
DPKG = (
    "force-unsafe-io",
    "path-exclude /usr/share/doc/*",
    "path-include /usr/share/doc/*/copyright",
    "path-exclude /usr/share/info/*",
    "path-exclude /usr/share/lintian/overrides/*",
    "path-exclude /usr/share/locale/*",
    "path-include /usr/share/locale/locale.alias",
    "path-exclude /usr/share/man/*",
)
# For the essential packages, which are unpacked before dpkg is there to read it.
SLIM = """cd "$1" && printf '%s\\n' {options} > etc/dpkg/dpkg.cfg.d/docker && \
rm -rf usr/share/man/* usr/share/info/* usr/share/lintian/overrides/* && \
find usr/share/locale -mindepth 1 ! -name locale.alias -delete && \
find usr/share/doc ! -type d ! -name copyright -delete"""
REFERENCE = re.compile(r"(?:docker\.io/)?(?:library/)?(?P<name>debian|python):(?P<tag>[a-z0-9.]+)-slim$")


@dataclass(frozen=True)
class Recipe:
    """How a base image is made: a Debian suite, packages, and shell lines run in the finished root (as root)."""

    suite: str
    packages: tuple[str, ...] = ()
    setup: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = (("PATH", PATH_VARIABLE),)
    command: tuple[str, ...] = ("bash",)

    @property
    def key(self) -> str:
        """The recipe's digest: another recipe, another image."""
        return digest_of([self.suite, self.packages, self.setup, self.environment, self.command])


@dataclass(frozen=True)
class RecipeBook:
    """The recipes of the settings over the built-in ones for `debian:*-slim` and `python:X.Y-slim`; `mirrors` are the
    registry mirrors of the settings."""

    own: Mapping[str, Recipe] = field(default_factory=dict)
    mirrors: tuple[str, ...] = ()

    def find(self, reference: str) -> Recipe | None:
        """The recipe for an image reference, None where there is none."""
        return self.own.get(reference) or _built_in(reference)


def _built_in(reference: str) -> Recipe | None:
    match = REFERENCE.match(reference.partition("@")[0])
    if not match:
        return None
    tag = match["tag"]
    if match["name"] == "debian":
        suite = DEBIAN_SUITES.get(tag, tag)
        return Recipe(suite) if suite in DEBIAN_SUITES.values() else None
    return _python(tag) if tag in PYTHON_SUITES else None


def _python(version: str) -> Recipe:
    """What python:X.Y-slim promises: `python`, `pip` and `venv` on the PATH, pip free to install, UTF-8."""
    setup = (
        f"ln -s /usr/bin/python{version} /usr/local/bin/python",
        f"ln -s /usr/bin/python{version} /usr/local/bin/python3",
        f"rm -f /usr/lib/python{version}/EXTERNALLY-MANAGED",
    )
    return Recipe(
        PYTHON_SUITES[version],
        ("ca-certificates", "python3", "python3-pip", "python3-venv"),
        setup,
        (("PATH", PATH_VARIABLE), ("LANG", "C.UTF-8"), ("PYTHON_VERSION", version)),
        ("python3",),
    )


def build(recipe: Recipe, target: Path) -> None:
    """Write the root file system of `recipe` as a tar file to `target`.

    Raises:
        RecipeError: mmdebstrap is missing or failed; the message carries the end of what it printed.
    """
    program = shutil.which("mmdebstrap")
    if program is None:
        raise RecipeError(
            f"no registry answers and mmdebstrap is missing, so the Debian {recipe.suite} base image cannot be built; "
            "install it (apt-get install mmdebstrap) or set a registry mirror in Docker"
        )
    command = [program, "--quiet", "--variant=apt", "--format=tar"]
    command += [f"--include={','.join(recipe.packages)}"] if recipe.packages else []  # it refuses an empty one
    command.append(f"--extract-hook={slim()}")
    command += [f"--customize-hook=chroot \"$1\" sh -c '{line}'" for line in recipe.setup]
    command += [recipe.suite, str(target)]
    try:
        # With a fixed time mmdebstrap's result is the same each time.
        environment = {**os.environ, **in_memory(), "SOURCE_DATE_EPOCH": str(TIMESTAMP)}
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False, env=environment
        )
    except subprocess.TimeoutExpired as error:
        raise RecipeError(f"mmdebstrap {recipe.suite} did not end within {BUILD_SECONDS} s") from error
    if done.returncode != 0:
        tail = " / ".join(done.stderr.strip().splitlines()[-TAIL_LINES:])
        raise RecipeError(f"mmdebstrap {recipe.suite} failed with exit code {done.returncode}: {tail}")


def slim() -> str:
    """Shell that leaves out of the root `$1` what a slim image does not have, and has dpkg do so from then on."""
    return SLIM.format(options=" ".join(map(shlex.quote, DPKG)))


def in_memory(folder: Path = MEMORY, size: int = MEMORY_BYTES) -> dict[str, str]:
    """Where mmdebstrap is to build: in memory where that has `size` bytes to spare, for on a disk half of the time goes
    into syncs and into the removal of what was built."""
    try:
        room = os.statvfs(folder)
        found = AVAILABLE.search(MEMORY_INFO.read_text(encoding="utf-8"))
    except OSError:
        return {}
    spare = min(room.f_bavail * room.f_frsize, int(found[1]) * 1024 if found else 0)
    return {} if spare < size or room.f_flag & os.ST_NOEXEC else {"TMPDIR": str(folder)}
