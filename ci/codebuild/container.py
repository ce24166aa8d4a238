"""The container that a build runs in, and its commands: each a shell of its own, the environment and the folder handed
from one to the next by files, as CodeBuild's agent does.

It shares this machine's Docker, network, processes and memory file system, and has its folders at their own paths: what
the engine inside asks Docker to mount, or finds running, is the same for both.
"""

import contextlib
import os
import shlex
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ci.codebuild import mask
from ci.codebuild.errors import BuildTimeoutError
from ci.codebuild.phases import Ran
from ci.engine import network, recipes
from ci.engine.docker_api import Docker, translated
from ci.engine.errors import EngineError
from ci.engine.images import KEPT_IN_TAG, RECIPE_REPOSITORY
from ci.engine.recipes import Recipe
from ci.engine.store import Store

if TYPE_CHECKING:
    from ci.codebuild.build import Host

# What AWS's images for CodeBuild have of it: git, curl, Python, and Docker's socket; mmdebstrap makes base images.
RECIPE = Recipe(
    "trixie",
    ("ca-certificates", "curl", "git", "mmdebstrap", "python3", "python3-pip", "python3-venv"),
    environment=(("PATH", recipes.PATH_VARIABLE), ("LANG", "C.UTF-8"), ("HOME", "/root")),
)
SOCKET = "/var/run/docker.sock"
MEMORY = "/dev/shm"
GRACE_SECONDS = 35.0  # a call that is interrupted gives its containers 30
POLL_SECONDS = 0.1
TAIL = 1 << 16  # characters of a command's output that are kept
SCRIPT = """\
cd "$(cat {folder}/dir)" || exit 1
. {folder}/env
export CODEBUILD_BUILD_SUCCEEDING={succeeding}
{command}
CODEBUILD_LAST_EXIT=$?
export -p > {folder}/env
pwd > {folder}/dir
exit $CODEBUILD_LAST_EXIT
"""


@dataclass(frozen=True)
class Shape:
    """A container's folder, at its own path; the folders that outlive it, by their paths inside; its shell, and the
    seconds after which it is ended."""

    work: Path
    caches: Mapping[str, Path]
    shell: str
    seconds: float


def image(docker: Docker, store: Store) -> str:
    """The image's name; it is made by its recipe where Docker does not have it.

    Raises:
        RecipeError: it cannot be made.
    """
    tag = f"{RECIPE_REPOSITORY}:{RECIPE.key[:KEPT_IN_TAG]}"
    with store.locked(f"recipe-{RECIPE.key}"):
        if docker.image(tag) is None:
            with store.writing() as file:
                recipes.build(RECIPE, Path(file.name))
                docker.import_tar(Path(file.name), tag, dict(RECIPE.environment), list(RECIPE.command))
    return tag


class Container:
    """A container that runs until it is left.

    Args:
        say: is given each line of output.
        secrets: what is not to be shown in it.
    """

    def __init__(
        self, docker: Docker, made: str, shape: Shape, say: Callable[[str], None], secrets: Sequence[str]
    ) -> None:
        self._docker, self._id, self._shape = docker, made, shape
        self._say, self._secrets = say, secrets
        self._files = shape.work / "tmp"
        self._until = time.monotonic() + shape.seconds

    def prepare(self, source: Path) -> None:
        """Let the first command begin in the source, with what the container has as its environment."""
        self._files.mkdir(exist_ok=True)
        self._files.chmod(0o1777)
        (self._files / "dir").write_text(f"{source}\n", encoding="utf-8")
        (self._files / "env").write_text("", encoding="utf-8")
        for name in ("dir", "env"):
            (self._files / name).chmod(0o666)

    def run(self, command: str, user: str = "", succeeding: bool = True) -> Ran:
        """Run one command of the buildspec.

        Raises:
            BuildTimeoutError: the build's time is over; the command was ended.
        """
        script = self._files / "script.sh"
        text = SCRIPT.format(folder=shlex.quote(str(self._files)), command=command, succeeding=int(succeeding))
        script.write_text(text, encoding="utf-8")
        script.chmod(0o755)
        self._say(f"$ {command.rstrip()}\n")
        return self._exec([self._shape.shell, str(script)], user)

    def exported(self, names: Sequence[str]) -> dict[str, str]:
        """The values of variables as the last command left them; of those that are set."""
        if not names:
            return {}
        asked = "; ".join(f"printf '%s\\0' \"${{{name}+{name}=${name}}}\"" for name in names)
        text = self._quietly([self._shape.shell, "-c", f". {shlex.quote(str(self._files / 'env'))}; {asked}"])
        return dict(row.partition("=")[::2] for row in text.split("\0") if row)

    def _exec(self, words: Sequence[str], user: str) -> Ran:
        api = self._docker.api
        with translated():
            made = api.exec_create(self._id, list(words), user=user or "root")["Id"]
            stream = api.exec_start(made, stream=True)
        timer = threading.Timer(max(self._until - time.monotonic(), 0), self._end, (made,))
        timer.start()
        try:
            said = self._told(stream)
        except BaseException:
            self._end(made)
            raise
        finally:
            timer.cancel()
        if time.monotonic() >= self._until:
            raise BuildTimeoutError(self._shape.seconds)
        with translated():
            return Ran(int(api.exec_inspect(made)["ExitCode"] or 0), said)

    def _told(self, stream: Iterator[bytes]) -> str:
        """Pass output on; gives the end of it."""
        said = ""
        for line in mask.lines(stream, self._secrets):
            self._say(line)
            said = (said + line)[-TAIL:]
        return said

    def _end(self, running: str) -> None:
        """Interrupt a command and what it started, which removes what it made; kill what has not ended in time."""
        with contextlib.suppress(EngineError), translated():
            pid = int(self._docker.api.exec_inspect(running)["Pid"])
            self._quietly(["sh", "-c", f"kill -s INT -- -{pid}"])
            until = time.monotonic() + GRACE_SECONDS
            while self._docker.api.exec_inspect(running)["Running"] and time.monotonic() < until:
                time.sleep(POLL_SECONDS)
            if self._docker.api.exec_inspect(running)["Running"]:
                self._quietly(["sh", "-c", f"kill -s KILL -- -{pid}"])

    def _quietly(self, words: Sequence[str]) -> str:
        """Run words beside the build; gives what they printed."""
        with translated():
            made = self._docker.api.exec_create(self._id, list(words), stderr=False)["Id"]
            return str(self._docker.api.exec_start(made).decode(errors="replace"))

    def give_back(self) -> None:
        """Let the files that the build made belong to the user who started it."""
        with contextlib.suppress(EngineError):
            self._quietly(["chown", "-R", f"{os.getuid()}:{os.getgid()}", str(self._shape.work)])


@contextlib.contextmanager
def started(host: "Host", shape: Shape, environment: Mapping[str, str], secrets: Sequence[str]) -> Iterator[Container]:
    """A container, until the block ends; then it is removed with everything that runs in it.

    Raises:
        RecipeError: its image cannot be made.
        EngineError: Docker refused it.
    """
    bundle, docker = network.bundle(), host.docker
    binds = [f"{shape.work}:{shape.work}", f"{SOCKET}:{SOCKET}", f"{MEMORY}:{MEMORY}"]
    binds += [f"{bundle}:{bundle}:ro"] if bundle else []
    binds += [f"{place}:{inside}" for inside, place in shape.caches.items()]
    certificates = dict.fromkeys(network.CA_VARIABLES, bundle) if bundle else {}
    proxies = {name: os.environ[name] for name in network.PROXY_VARIABLES if os.environ.get(name)}
    made = docker.create(
        image(docker, host.store),
        command=["sleep", "infinity"],
        environment={**certificates, **proxies, **environment},
        host={"binds": binds, "network_mode": "host", "pid_mode": "host", "cap_add": ["SYS_ADMIN"], "init": True},
    )
    try:
        docker.start(made)
        yield Container(docker, made, shape, host.say, secrets)
    finally:
        docker.remove(made)
