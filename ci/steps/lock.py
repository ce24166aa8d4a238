"""The step that locks dependencies: uv, itself locked by hash, in a container of its own."""

import uuid

import dagger
from dagger import dag

from ci.settings import Settings
from ci.steps import image

ROOT = "/opt/cutover"
SOURCE, TARGET = "/src", "/locked"
NEEDED = ["ci/__init__.py", "ci/errors.py", "ci/settings*", "ci/detect/**", "ci/locker/**"]
INDEX_SECONDS = 120  # how long an index may take to answer


def relock(source: dagger.Directory, settings: Settings, upgrade: bool) -> dagger.Directory:
    """The lock files under their names; with `upgrade` by what the index has now."""
    module = dag.current_module().source()
    container = (
        image.base(settings.python)
        .with_mounted_cache("/root/.cache/pip", dag.cache_volume("pip"))
        .with_file("/tmp/requirements.txt", module.file("ci/locker/requirements.txt"))
        .with_exec(["python", "-m", "pip", "install", "--root-user-action=ignore", "--no-deps", "--require-hashes",
        "-r", "/tmp/requirements.txt"])
        .with_directory(ROOT, module.filter(include=NEEDED))
        .with_env_variable("PYTHONPATH", ROOT)
        .with_env_variable("UV_HTTP_TIMEOUT", str(INDEX_SECONDS))
        .with_mounted_cache("/root/.cache/uv", dag.cache_volume("uv"))
        .with_directory(SOURCE, source)
    )  # fmt: skip
    if upgrade:
        # The same files have another answer tomorrow.
        container = container.with_env_variable("CUTOVER_RUN", uuid.uuid4().hex)
    words = ["python", "-m", "ci.locker", SOURCE, TARGET, *(["--upgrade"] if upgrade else [])]
    return container.with_exec(words).directory(TARGET)
