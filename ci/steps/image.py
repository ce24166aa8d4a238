"""The service's image: dependencies by hash in one stage, the service over them in the other."""

import shlex
from collections.abc import Mapping

import dagger
from dagger import dag

from ci.settings import Settings

BASE = "python:3.13-slim"
VENV = "/venv"
ROOT = "/srv"
ARCHIVE = "/work/image.tar"
USER = "10001:10001"  # no name: nothing in the image belongs to it
KEEP_ALIVE_SECONDS = 75  # longer than the load balancer's idle timeout of 60 s
PIP = [f"{VENV}/bin/pip", "install", "--no-compile", "--no-deps", "--require-hashes", "--requirement"]
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


def base() -> dagger.Container:
    """Python, with a cache for what pip downloads."""
    return (
        dag.container()
        .from_(BASE)
        .with_env_variable("PYTHONDONTWRITEBYTECODE", "1")
        .with_env_variable("PYTHONUNBUFFERED", "1")
    )


def dependencies(source: dagger.Directory, lock: str) -> dagger.Container:
    """A virtual environment with exactly what the lock file names; depends on nothing else."""
    return (
        base()
        .with_exec(["python", "-m", "venv", VENV])
        .with_mounted_cache("/root/.cache/pip", dag.cache_volume("pip"))
        .with_file("/tmp/requirements.txt", source.file(lock))
        .with_exec([*PIP, "/tmp/requirements.txt"])
    )


def build(source: dagger.Directory, settings: Settings) -> dagger.Container:
    """The image: non-root, nothing written at run time, `PORT` and `HEALTH_PATH` from the environment."""
    compiled = dependencies(source, settings.lock).with_exec(
        [f"{VENV}/bin/python", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", f"{VENV}/lib"]
    )
    return (
        base()
        .with_directory(VENV, compiled.directory(VENV))
        .with_new_file("/opt/cutover/healthcheck.py", HEALTHCHECK)
        .with_directory(ROOT, source.filter(include=list(settings.include)))
        .with_workdir(ROOT)
        .with_(lambda container: importable(container, ROOT, settings))
        .with_user(USER)
        .with_env_variable("PORT", str(settings.port))
        .with_env_variable("HEALTH_PATH", settings.health)
        .with_exposed_port(settings.port)
        .with_entrypoint(command(settings))
        .with_label("org.opencontainers.image.title", settings.name)
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
        forced_compression=dagger.ImageLayerCompression.GZIP, media_types=dagger.ImageMediaTypes.OCI
    )
    script = dag.current_module().source().file("ci/release/canonical.py")
    return (
        base()
        .with_file("/opt/canonical.py", script)
        .with_file("/work/built.tar", archive)
        .with_exec(["python", "/opt/canonical.py", "/work/built.tar", ARCHIVE, created,
        *(f"{name}={value}" for name, value in sorted(labels.items()))])
    )  # fmt: skip


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
