"""The doctor's checks of this machine: Docker, disk room, certificates, programs, AWS."""

import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ci.cli.cache import size
from ci.cli.findings import Finding, absent, ok, red
from ci.engine.errors import DockerUnavailableError

if TYPE_CHECKING:
    from ci.engine.docker_api import Docker

ROOM = 5 * 10**9  # bytes free below which a build may fill the disk
PROGRAM_SECONDS = 10
ANSWER_SECONDS = 5
LOCAL_AWS = "http://127.0.0.1:4566"
AWS_VARIABLES = (
    "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)  # fmt: skip
OPTIONAL = {
    "mmdebstrap": "builds base images where no registry answers",
    "uv": "makes the environments of modules with dependencies of their own",
}
PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy")


def _connected() -> "Docker":
    from ci.engine.docker_api import Docker

    return Docker("doctor")


def answered(url: str) -> str:
    """Ask a URL through the environment's proxies, with its certificates; gives an empty text, or why it failed."""
    import ssl

    from ci.engine.network import bundle

    context = ssl.create_default_context(cafile=bundle())
    request = urllib.request.Request(url, headers={"User-Agent": "cutover-doctor"})
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS, context=context):
            return ""
    except urllib.error.HTTPError as error:
        # A server that answers at all can be reached; only a failing one is no use.
        return "" if error.code < 500 else f"HTTP {error.code}"
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error))


def printed(*command: str) -> str | None:
    """The first line of what a program prints, None where it is not there or fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PROGRAM_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return (done.stdout.strip().splitlines() or [""])[0] if done.returncode == 0 else None


@dataclass(frozen=True)
class Machine:
    """What the doctor asks: faked in tests.

    Attributes:
        connect: gives Docker.
        answered: asks a URL; gives why that failed, nothing where it did not.
        printed: runs a program; gives its first line, None where it failed.
        free: the bytes free on the disk of a folder.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    home: Path = field(default_factory=Path.home)
    connect: Callable[[], Any] = _connected
    answered: Callable[[str], str] = answered
    printed: Callable[..., str | None] = printed
    free: Callable[[Path], int] = lambda place: shutil.disk_usage(place).free


class NoDocker:
    """Stands for a Docker that does not answer, and why."""

    def __init__(self, error: DockerUnavailableError) -> None:
        self.error = error

    def close(self) -> None:
        """Nothing is open."""

    def image(self, reference: str) -> None:
        """It has no image."""


def docker(machine: Machine, docker_api: Any) -> Finding:
    """Docker: its version and storage driver;"""
    if isinstance(docker_api, NoDocker):
        return red(
            "docker",
            str(docker_api.error),
            "start Docker (as root `make setup` does), or set DOCKER_HOST",
        )
    info = docker_api.api.info()
    return ok("docker", f"{info.get('ServerVersion', '?')}, storage driver {info.get('Driver', '?')}")


def disk(machine: Machine, store: Path, docker_api: Any) -> list[Finding]:
    """Room on the disks of the store and of Docker."""
    places = {"disk of the store": store}
    if not isinstance(docker_api, NoDocker):
        places["disk of docker"] = Path(docker_api.api.info().get("DockerRootDir") or "/var/lib/docker")
    return [_room(machine, name, place) for name, place in places.items()]


def _room(machine: Machine, name: str, place: Path) -> Finding:
    there = next(folder for folder in (place, *place.parents) if folder.exists())
    free = machine.free(there)
    if free < ROOM:
        todo = "`cutover cache prune` and `docker image prune` make room"
        return red(name, f"{size(free)} free at {place}, less than {size(ROOM)}", todo)
    return ok(name, f"{size(free)} free at {place}")


def certificates(machine: Machine) -> Finding:
    """The certificate bundle that containers and the engine trust."""
    from ci.engine.network import CA_SOURCES, bundle

    if place := bundle(machine.environ):
        name = next(name for name in CA_SOURCES if machine.environ.get(name) == place)
        return ok("certificates", f"{place} ({name}), mounted into every container")
    if wrong := next((name for name in CA_SOURCES if machine.environ.get(name)), None):
        return red(
            "certificates", f"{wrong} names {machine.environ[wrong]}, which is no file", f"set {wrong} to a bundle"
        )
    return ok("certificates", "the system's own (SSL_CERT_FILE names another)")


def proxies(machine: Machine) -> Finding:
    """The proxies that requests and containers use; no address is shown, for it may hold a password."""
    found = [name for name in PROXIES if machine.environ.get(name)]
    return ok("proxies", ", ".join(found) or "none set", needed=False)


def programs(machine: Machine) -> list[Finding]:
    """Programs on the PATH: git; mmdebstrap and uv, which only some pipelines need."""
    git = machine.printed("git", "--version")
    found = [ok("git", git) if git else red("git", "not on the PATH", "install git")]
    for name, why in OPTIONAL.items():
        version = machine.printed(name, "--version")
        missing = absent(name, f"not on the PATH; {why}", f"install {name}")
        found.append(ok(name, version or name, needed=False) if version is not None else missing)
    return found


def dagger(machine: Machine) -> Finding:
    """Dagger's command line, and whether its engine answers."""
    version = machine.printed("dagger", "version")
    if version is None:
        return absent("dagger", "not on the PATH: calls run on the embedded engine")
    from ci.cli.dagger import answers

    program = shutil.which("dagger")
    if program is None or not answers(program):
        return red(
            "dagger", f"{version}, whose engine does not answer", "calls run on the embedded engine", needed=False
        )
    return ok("dagger", f"{version}, its engine answers", needed=False)


def credentials(machine: Machine) -> Finding:
    """Where AWS credentials would be taken from: names only."""
    found = [name for name in AWS_VARIABLES if machine.environ.get(name)]
    place = Path(machine.environ.get("AWS_SHARED_CREDENTIALS_FILE") or machine.home / ".aws" / "credentials")
    if place.is_file():
        found.append(str(place))
    if not found:
        return absent("aws credentials", "none found; AWS on this machine takes any", "`aws configure`")
    return ok("aws credentials", f"found by {', '.join(found)}", needed=False)


def endpoint(machine: Machine) -> Finding:
    """AWS on this machine, or the endpoint that the environment names."""
    url = machine.environ.get("AWS_ENDPOINT_URL") or LOCAL_AWS
    if reason := machine.answered(url):
        return absent(
            "aws endpoint", f"{url} does not answer ({reason}): deploys go to the real AWS", "`cutover local up`"
        )
    return ok("aws endpoint", f"{url} answers", needed=False)
