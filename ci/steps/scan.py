"""The scanners, each a container of its own, all at once; what they leave is judged by `ci.scan` in one more step.

No credentials are handed to any of them, and each ends well or not without stopping the others: the judge says which.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import anyio
import dagger
from dagger import dag

from ci.scan import Rules
from ci.settings import Settings
from ci.steps import image, stage, version

TEMPLATES = ["**/*.yaml", "**/*.yml", "**/*.json", "**/*.template"]
TESTS = ["**/tests/**", "**/test_*.py", "**/conftest.py"]
ANY = dagger.ReturnType.ANY
SOURCE, IMAGE, BLOBS, CACHE, RAW, OUT = "/src", "/image.tar", "/blobs", "/trivy", "/raw", "/report"
TOOLS = "/venv/bin"
OPT = "/opt/cutover"
IGNORED_FOLDERS = ("node_modules", ".venv", "venv", "__pycache__")
TRIVY = (
    "trivy", "--cache-dir", CACHE, "--quiet", "--disable-telemetry", "--skip-version-check", "--offline-scan",
    "--skip-db-update", "--skip-java-db-update", "--skip-check-update",
)  # fmt: skip
# What a container may ask the network is asked anew each hour; all else is taken from what is kept.
HOUR = "%Y-%m-%dT%H"


@dataclass(frozen=True)
class Input:
    """What is scanned; `database` holds trivy-db's `trivy.db` and `metadata.json`, None: it is fetched where it can."""

    source: dagger.Directory
    history: dagger.Directory
    settings: Settings
    database: dagger.Directory | None
    now: datetime

    @property
    def hour(self) -> str:
        """The hour, UTC."""
        return self.now.strftime(HOUR)


Step = Callable[[Input, dagger.Directory], Awaitable[dagger.Directory]]


async def judged(given: Input, unscanned: str, expect: dagger.ReturnType) -> dagger.Container:
    """The step that judges, with `OUT` and its verdict; `unscanned` is what is done about what could not be scanned."""
    raw = await _raw(given)
    rules = asdict(_rules(given.settings, unscanned))
    lock = given.settings.lock
    told = json.dumps({"rules": rules, "lock": lock, "today": given.now.astimezone(UTC).date().isoformat()})
    module = dag.current_module().source().filter(include=["ci/__init__.py", "ci/errors.py", "ci/scan/*.py"])
    container = (
        image.base()
        .with_directory(OPT, module)
        .with_workdir(OPT)
        .with_directory(RAW, raw)
        .with_directory(SOURCE, given.source.filter(include=[".cutover-accepted.toml", lock]))
    )
    return stage.run(container, "scan", ["python", "-m", "ci.scan", RAW, SOURCE, OUT, told], expect)


def _rules(settings: Settings, unscanned: str) -> Rules:
    scan = settings.scan
    return Rules(scan.severity, scan.vulnerabilities, scan.unfixed, scan.licences, scan.database_days, unscanned)


async def _raw(given: Input) -> dagger.Directory:
    """A folder a scanner, all run at once."""
    database = given.database or await _fetched(given)
    folders: dict[str, dagger.Directory] = {"database": database.filter(include=["metadata.json"])}

    async def run(name: str, step: Step) -> None:
        folder = await step(given, database)
        folders[name] = await folder.sync()

    async with anyio.create_task_group() as group:
        for name, step in STEPS.items():
            group.start_soon(run, name, step)
    raw = dag.directory()
    for name in sorted(folders):
        raw = raw.with_directory(name, folders[name])
    return raw


async def _fetched(given: Input) -> dagger.Directory:
    """Trivy's vulnerability database of its registry; empty where it cannot be had."""
    words = [*TRIVY[:6], "image", "--download-db-only", "--no-progress"]
    if given.settings.scan.database:
        words += ["--db-repository", given.settings.scan.database]
    container = (
        _trivy()
        .with_exec(["mkdir", "-p", f"{CACHE}/db"])
        .with_env_variable("CUTOVER_HOUR", given.hour)
        .with_exec(words, expect=ANY)
    )
    return container.directory(f"{CACHE}/db")


def _trivy() -> dagger.Container:
    """Trivy alone over Python's base: the program is taken out of the locked package, by hash."""
    lock = dag.current_module().source().file("ci/scan/requirements-trivy.txt")
    made = _installed(lock)
    return image.base().with_file("/usr/local/bin/trivy", made.file(f"{TOOLS}/trivy"))


def _tools() -> dagger.Container:
    """The other scanners, in an environment of their own."""
    path = f"{TOOLS}:/usr/local/bin:/usr/bin:/bin"
    lock = dag.current_module().source().file("ci/scan/requirements.txt")
    return _installed(lock).with_env_variable("PATH", path)


def _installed(lock: dagger.File) -> dagger.Container:
    return (
        image.base()
        .with_exec(["python", "-m", "venv", "--without-pip", image.VENV])
        .with_mounted_cache("/root/.cache/pip", dag.cache_volume("pip"))
        .with_file("/tmp/requirements.txt", lock)
        .with_exec([*image.PIP, "/tmp/requirements.txt"])
    )


def _run(container: dagger.Container, name: str, words: Sequence[str]) -> dagger.Directory:
    """A scanner's folder: its report, what it said (stderr too), how long it took."""
    said = ["sh", "-c", 'exec "$@" 2>&1', "sh", *words]
    container = container.with_exec(["mkdir", "-p", stage.REPORT])
    return stage.run(container, name, said, ANY).directory(stage.REPORT)


async def _has_database(database: dagger.Directory) -> bool:
    return "trivy.db" in await database.entries()


async def _scanning(database: dagger.Directory, *scanners: str) -> tuple[dagger.Container, list[str]]:
    """Trivy with the database, and what it is to look for."""
    if not await _has_database(database):
        return _trivy(), ["--scanners", ",".join(scanners)]
    container = _trivy().with_directory(f"{CACHE}/db", database)
    return container, ["--scanners", ",".join((*scanners, "vuln"))]


async def _of_source(given: Input, database: dagger.Directory) -> dagger.Directory:
    container, scanners = await _scanning(database, "secret", "misconfig", "license")
    skipped = [word for name in IGNORED_FOLDERS for word in ("--skip-dirs", f"**/{name}")]
    words = [*TRIVY, "fs", *scanners, "--license-full", *skipped, "--format", "json",
             "--output", f"{OUT}/trivy-source.json", "."]  # fmt: skip
    return _run(container.with_directory(SOURCE, given.source).with_workdir(SOURCE), "trivy-source", words)


async def _of_image(given: Input, database: dagger.Directory) -> dagger.Directory:
    container, scanners = await _scanning(database, "secret", "license")
    words = [*TRIVY, "image", *scanners, "--image-config-scanners", "secret", "--input", IMAGE, "--format", "json",
             "--output", f"{OUT}/trivy-image.json"]  # fmt: skip
    return _run(container.with_mounted_file(IMAGE, _tarball(given)), "trivy-image", words)


async def _of_history(given: Input, database: dagger.Directory) -> dagger.Directory:
    """Secrets alone; Trivy passes `.git` over, so that it gets the blobs as files."""
    script = dag.current_module().source().file("ci/scan/blobs.py")
    read = (
        version.git(given.history)
        .with_file("/opt/blobs.py", script)
        .with_exec(["python", "/opt/blobs.py", BLOBS, "/blobs.json"])
    )
    words = [*TRIVY, "fs", "--scanners", "secret", "--format", "json", "--output", f"{OUT}/trivy-history.json", "."]
    container = _trivy().with_directory(BLOBS, read.directory(BLOBS)).with_workdir(BLOBS)
    return _run(container, "trivy-history", words).with_file("blobs.json", read.file("/blobs.json"))


async def _bill(given: Input, name: str, form: str) -> dagger.Directory:
    words = [*TRIVY, "image", "--input", IMAGE, "--format", form, "--output", f"{OUT}/{name}"]
    return _run(_trivy().with_mounted_file(IMAGE, _tarball(given)), f"sbom-{form}", words)


async def _cyclonedx(given: Input, database: dagger.Directory) -> dagger.Directory:
    return await _bill(given, "sbom.cdx.json", "cyclonedx")


async def _spdx(given: Input, database: dagger.Directory) -> dagger.Directory:
    return await _bill(given, "sbom.spdx.json", "spdx-json")


async def _files(given: Input, database: dagger.Directory) -> dagger.Directory:
    """Setuid and setgid files in the image's layers."""
    script = dag.current_module().source().file("ci/scan/files.py")
    container = image.base().with_file("/opt/files.py", script).with_mounted_file(IMAGE, _tarball(given))
    return _run(container, "files", ["python", "/opt/files.py", IMAGE, f"{OUT}/files.json"])


async def _bandit(given: Input, database: dagger.Directory) -> dagger.Directory:
    # The code that ships: of tests it would say that they assert.
    shipped = given.source.filter(include=list(given.settings.include))
    code = shipped.filter(include=["**/*.py"], exclude=[*TESTS, *given.settings.tests])
    words = ["bandit", "--recursive", "--format", "json", "--output", f"{OUT}/bandit.json", "--exit-zero", "--quiet",
             "."]  # fmt: skip
    return _run(_tools().with_directory(SOURCE, code).with_workdir(SOURCE), "bandit", words)


async def _pip_audit(given: Input, database: dagger.Directory) -> dagger.Directory:
    words = ["pip-audit", "--requirement", "/tmp/lock.txt", "--disable-pip", "--no-deps", "--format", "json",
             "--output", f"{OUT}/pip-audit.json", "--progress-spinner", "off"]  # fmt: skip
    container = _tools().with_file("/tmp/lock.txt", given.source.file(given.settings.lock))
    return _run(container.with_env_variable("CUTOVER_HOUR", given.hour), "pip-audit", words)


def _templates(given: Input, container: dagger.Container) -> dagger.Container:
    module = dag.current_module().source()
    needed = ["ci/__init__.py", "ci/errors.py", "ci/scan/*.py", "ci/scan/policies/*.rego"]
    return (
        container.with_directory(OPT, module.filter(include=needed))
        .with_env_variable("PYTHONPATH", OPT)
        .with_directory(SOURCE, given.source.filter(include=TEMPLATES))
        .with_workdir(SOURCE)
    )


async def _cfn_lint(given: Input, database: dagger.Directory) -> dagger.Directory:
    words = ["python", "-m", "ci.scan.templates", f"{OUT}/cfn-lint.json"]
    return _run(_templates(given, _tools()), "cfn-lint", words)


async def _policy(given: Input, database: dagger.Directory) -> dagger.Directory:
    words = ["python", "-m", "ci.scan.policy", f"{OUT}/policy.json", f"{OPT}/ci/scan/policies"]
    # What regopy is linked with and a slim image has not.
    container = _tools().with_exec(["sh", "-ec", f"{image.APT} libatomic1"])
    return _run(_templates(given, container), "policy", words)


def _tarball(given: Input) -> dagger.File:
    return image.build(given.source, given.settings).as_tarball(
        forced_compression=dagger.ImageLayerCompression.UNCOMPRESSED, media_types=dagger.ImageMediaTypes.OCI
    )


STEPS: dict[str, Step] = {
    "trivy-source": _of_source,
    "trivy-image": _of_image,
    "trivy-history": _of_history,
    "sbom-cyclonedx": _cyclonedx,
    "sbom-spdx": _spdx,
    "files": _files,
    "bandit": _bandit,
    "pip-audit": _pip_audit,
    "cfn-lint": _cfn_lint,
    "policy": _policy,
}
