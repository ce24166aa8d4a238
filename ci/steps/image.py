"""The service's image: dependencies by hash, the service over them, and of the base only what they run with."""

import shlex
from collections.abc import Mapping

import dagger
from dagger import dag

from ci.settings import Settings
from ci.steps import stage

PYTHON = "3.13"  # of our own steps
VENV = "/venv"
ROOT = "/srv"
ARCHIVE = "/work/image.tar"
USER = "10001:10001"  # no name: nothing in the image belongs to it
KEEP_ALIVE_SECONDS = 75  # longer than the load balancer's idle timeout of 60 s
# pip stays outside of the environment that it fills.
PIP = [
    "python", "-m", "pip", "--python", f"{VENV}/bin/python", "install", "--no-compile", "--no-deps",
    "--require-hashes", "--requirement",
]  # fmt: skip
# For `minimal`: what the base image's own configuration sets otherwise.
ENVIRONMENT = {"PATH": f"{VENV}/bin:/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
APT = "apt-get update -qq && apt-get install -qq -y --no-install-recommends"
# The health check has no shell and no curl: Python is there in any case.
HEALTHCHECK = '''\
"""Ends 0 when the service says that it is healthy (container health check)."""
import os
import sys
import urllib.request

url = f"http://127.0.0.1:{os.environ['PORT']}{os.environ['HEALTH_PATH']}"
try:
    sys.exit(0 if urllib.request.urlopen(url, timeout=2).status < 400 else 1)
except OSError as error:
    sys.exit(f"{url}: {error}")
'''


def reference(python: str) -> str:
    """The base image of a version of Python."""
    return f"python:{python}-slim"


def base(python: str = PYTHON, again: str = "") -> dagger.Container:
    """Python of a version; another `again`, and the engine runs what follows anew."""
    container = dag.container().from_(reference(python))
    return quiet(container.with_env_variable("CUTOVER_AGAIN", again) if again else container)


def quiet(container: dagger.Container) -> dagger.Container:
    """The container with a Python that writes no bytecode and holds no output back."""
    return container.with_env_variable("PYTHONDONTWRITEBYTECODE", "1").with_env_variable("PYTHONUNBUFFERED", "1")


def system(container: dagger.Container, settings: Settings) -> dagger.Container:
    """The container with the Debian packages of the settings."""
    if not settings.apt:
        return container
    return container.with_exec(["sh", "-ec", f"{APT} {shlex.join(settings.apt)}"])


def variables(container: dagger.Container, values: Mapping[str, str]) -> dagger.Container:
    """The container with these environment variables."""
    for name, value in values.items():
        container = container.with_env_variable(name, value)
    return container


def dependencies(source: dagger.Directory, settings: Settings, lock: str, again: str = "") -> dagger.Container:
    """A virtual environment with exactly what the lock file names, without pip; depends on nothing else."""
    return (
        system(base(settings.python, again), settings)
        .with_exec(["python", "-m", "venv", "--without-pip", VENV])
        .with_mounted_cache("/root/.cache/pip", dag.cache_volume("pip"))
        .with_file("/tmp/requirements.txt", source.file(lock))
        .with_exec([*PIP, "/tmp/requirements.txt"])
    )


def compiled(source: dagger.Directory, settings: Settings, again: str = "") -> dagger.Container:
    """The same, compiled: in the image nothing is written, so that each start would compile it again."""
    way = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", f"{VENV}/lib"]
    # Without a fixed seed the bytes could depend on the order of a set.
    return (
        dependencies(source, settings, settings.lock, again)
        .with_env_variable("PYTHONHASHSEED", "0")
        .with_exec([f"{VENV}/bin/python", *way])
    )


def root(environment: dagger.Container, settings: Settings) -> dagger.Container:
    """What the service's files are put into: of the base only what Python and the environment's libraries need."""
    if not settings.minimal:
        return system(base(settings.python), settings)
    script = dag.current_module().source().file("ci/release/minimal.py")
    made = environment.with_file("/opt/minimal.py", script).with_exec(["python", "/opt/minimal.py", "/minimal", VENV])
    return variables(quiet(dag.container().with_rootfs(made.directory("/minimal"))), ENVIRONMENT)


def files(environment: dagger.Container, source: dagger.Directory, settings: Settings) -> dagger.Directory:
    """The service's own files, as the commands of `before` leave them: static files collected, messages compiled."""
    own = source.filter(include=list(settings.include))
    if not settings.before:
        return own
    container = variables(environment.with_directory(ROOT, own).with_workdir(ROOT), settings.env)
    container = importable(container, ROOT, settings).with_env_variable("PATH", ENVIRONMENT["PATH"])
    for line in settings.before:
        container = container.with_exec(["sh", "-ec", line])
    return container.directory(ROOT)


def build(source: dagger.Directory, settings: Settings, again: str = "") -> dagger.Container:
    """The image: non-root, nothing written at run time, `PORT` and `HEALTH_PATH` from the environment."""
    environment = compiled(source, settings, again)
    return (
        root(environment, settings)
        .with_directory(VENV, environment.directory(VENV))
        .with_new_file("/opt/cutover/healthcheck.py", HEALTHCHECK)
        .with_directory(ROOT, files(environment, source, settings))
        .with_workdir(ROOT)
        .with_(lambda container: variables(container, settings.env))
        .with_(lambda container: importable(container, ROOT, settings))
        .with_user(USER)
        .with_env_variable("PORT", str(settings.port))
        .with_env_variable("HEALTH_PATH", settings.health)
        .with_exposed_port(settings.port)
        .with_entrypoint(command(settings))
        .with_label("org.opencontainers.image.title", settings.name)
        .with_label("org.opencontainers.image.base.name", f"docker.io/library/{reference(settings.python)}")
    )


def importable(container: dagger.Container, root: str, settings: Settings) -> dagger.Container:
    """The container with `PYTHONPATH` set to the settings' folder below `root`, where they name one."""
    path = settings.python_path
    return container.with_env_variable("PYTHONPATH", f"{root}/{path}") if path else container


def canonical(built: dagger.Container, created: str, labels: Mapping[str, str]) -> dagger.Container:
    """A step that writes the image's bytes anew, the same for the same content, to `ARCHIVE`; prints their digest.

    `created` is the commit's time in seconds since 1970.
    """
    archive = built.as_tarball(
        forced_compression=dagger.ImageLayerCompression.UNCOMPRESSED, media_types=dagger.ImageMediaTypes.OCI
    )
    script = dag.current_module().source().file("ci/release/canonical.py")
    words = ["python", "/opt/canonical.py", "/work/built.tar", ARCHIVE, created]
    given = [f"{name}={value}" for name, value in sorted(labels.items())]
    return (
        base()
        .with_file("/opt/canonical.py", script)
        .with_mounted_file("/work/built.tar", archive)
        .with_(lambda container: stage.run(container, "image", [*words, *given]))
    )


def same(one: dagger.File, other: dagger.File) -> dagger.Container:
    """A step that compares two canonical images; prints their digest, and fails where they are not the same bytes."""
    module = dag.current_module().source()
    container = (
        base().with_workdir("/opt").with_mounted_file("/work/one.tar", one).with_mounted_file("/work/other.tar", other)
    )
    for name in ("ci/__init__.py", "ci/release/__init__.py"):
        container = container.with_new_file(f"/opt/{name}", "")
    for name in ("ci/release/canonical.py", "ci/release/compare.py"):
        container = container.with_file(f"/opt/{name}", module.file(name))
    return container.with_exec(["python", "-m", "ci.release.compare", "/work/one.tar", "/work/other.tar"])


def command(settings: Settings) -> list[str]:
    """What the container runs: gunicorn, by the service's own settings file where it has one."""
    words = [f"{VENV}/bin/python", "-m", "gunicorn"]
    words += (
        ["--config", settings.gunicorn]
        if settings.gunicorn
        else shlex.split(
            f"--bind 0.0.0.0:{settings.port} --worker-class gthread --threads 8 --keep-alive {KEEP_ALIVE_SECONDS} "
            "--worker-tmp-dir /dev/shm --graceful-timeout 25"
        )
    )
    return [*words, settings.wsgi]


def serve(container: dagger.Container) -> dagger.Service:
    """The image as a service on its port."""
    return container.as_service(use_entrypoint=True)
