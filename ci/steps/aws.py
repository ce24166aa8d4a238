"""The steps that talk to AWS: one container with the deployer and boto3, its result never from a cache."""

import json
import uuid
from dataclasses import asdict, dataclass

import dagger
from dagger import dag

from ci.settings import Environment, Settings
from ci.steps import image

ROOT = "/opt/cutover"
TEMPLATES = f"{ROOT}/infra/templates"
CREDENTIALS = "/run/credentials.json"
ALIAS = "aws"
SMOKE, ACCEPTANCE = "/work/smoke.json", "/work/acceptance"
# boto3's own way to take the JSON of `aws configure export-credentials`.
# https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html
CONFIG = f"[default]\ncredential_process = cat {CREDENTIALS}\n"


@dataclass(frozen=True)
class Target:
    """Where to, and as whom: an environment, AWS on this machine (None: the real one), credentials."""

    settings: Settings
    environment: Environment
    aws: dagger.Service | None
    credentials: dagger.Secret | None


async def deployer(target: Target) -> dagger.Container:
    """The container in which `python -m ci.ecs` runs against the target."""
    module = dag.current_module().source()
    # The service's own tests run there, in an environment of the service's Python.
    python = target.settings.python if target.settings.acceptance else image.PYTHON
    container = (
        image.base(python)
        .with_mounted_cache("/root/.cache/pip", dag.cache_volume("pip"))
        .with_file("/tmp/requirements.txt", module.file("ci/ecs/requirements.txt"))
        .with_exec(["python", "-m", "pip", "install", "--root-user-action=ignore", "--no-deps", "--require-hashes",
        "-r", "/tmp/requirements.txt"])
        .with_new_file(f"{ROOT}/ci/__init__.py", "")
        .with_directory(f"{ROOT}/ci/ecs", module.directory("ci/ecs"))
        .with_directory(TEMPLATES, module.directory("infra/templates"))
        .with_workdir(ROOT)
        .with_env_variable("AWS_DEFAULT_REGION", target.environment.region)
        # An exec whose inputs are the same would come from the cache, and deploy nothing.
        .with_env_variable("CUTOVER_RUN", uuid.uuid4().hex)
    )  # fmt: skip
    if target.credentials is not None:
        container = (
            container.with_new_file(f"{ROOT}/aws.ini", CONFIG)
            .with_env_variable("AWS_CONFIG_FILE", f"{ROOT}/aws.ini")
            .with_mounted_secret(CREDENTIALS, target.credentials)
        )
    if target.aws is not None:
        port = await (await target.aws.ports())[0].port()
        container = container.with_service_binding(ALIAS, target.aws).with_env_variable(
            "AWS_ENDPOINT_URL", f"http://{ALIAS}:{port}"
        )
    return container


def _verb(target: Target, verb: str, *words: str) -> list[str]:
    shared = ["python", "-m", "ci.ecs", verb, "--prefix", target.environment.prefix]
    return [*shared, *words]


def _placed(target: Target) -> list[str]:
    settings = target.settings
    return [
        "--environment", target.environment.name, "--templates", TEMPLATES, "--port", str(settings.port),
        "--health", settings.health,
    ]  # fmt: skip


async def publish(target: Target, archive: dagger.File, version: str) -> str:
    """Push the image in an OCI archive, byte for byte; gives its reference by digest."""
    pushed = (await deployer(target)).with_file("/work/image.tar", archive)
    words = _verb(target, "publish", "--archive", "/work/image.tar", "--version", version)
    return (await pushed.with_exec(words).stdout()).strip()


async def rollback(target: Target, source: dagger.Directory, reference: str, now: bool, dry_run: bool = False) -> str:
    """Go back to the release before, or to the one that is named; gives the report as JSON."""
    words = _verb(target, "rollback", *_strategy(target.environment, ""), *_gates(target))
    words += ["--environment", target.environment.name, *(["--image", reference] if reference else [])]
    words += [word for word, said in (("--now", now), ("--dry-run", dry_run)) if said]
    return await _judging(await deployer(target), target, source).with_exec(words).stdout()


async def shown(target: Target, verb: str, as_json: bool) -> str:
    """What `status` or `history` tells."""
    words = _verb(target, verb, "--environment", target.environment.name, *(["--json"] if as_json else []))
    return await (await deployer(target)).with_exec(words).stdout()


async def provision(target: Target, dry_run: bool, test_cidr: str, may_replace: bool) -> str:
    """Create or change the environment's stacks; gives what was done with each."""
    words = _verb(target, "provision", *_placed(target), *(["--dry-run"] if dry_run else []))
    words += ["--test-cidr", test_cidr] if test_cidr else []
    words += ["--allow-replacement"] if may_replace else []
    return await (await deployer(target)).with_exec(words).stdout()


@dataclass(frozen=True)
class Release:
    """What is deployed; `approved` is the version a person has approved, None where nobody has to."""

    reference: str
    version: str
    commit: str
    approved: str | None = None


async def deploy(
    target: Target, source: dagger.Directory, release: Release, strategy: str = "", dry_run: bool = False
) -> str:
    """Cut the environment over to an image; gives the report as JSON."""
    words = _verb(target, "deploy", *_placed(target), "--image", release.reference, "--version", release.version)
    words += ["--commit", release.commit, *_strategy(target.environment, strategy), *_gates(target)]
    words += [] if release.approved is None else ["--needs-approval", "--approve", release.approved]
    words += ["--dry-run"] if dry_run else []
    return await _judging(await deployer(target), target, source).with_exec(words).stdout()


def _strategy(environment: Environment, strategy: str) -> list[str]:
    numbers = {
        "--bake-minutes": environment.bake_minutes, "--canary-percent": environment.canary_percent,
        "--canary-bake-minutes": environment.canary_bake_minutes, "--step-percent": environment.step_percent,
        "--step-bake-minutes": environment.step_bake_minutes,
    }  # fmt: skip
    words = [word for name, value in numbers.items() for word in (name, f"{value:g}")]
    alarms = [word for name in environment.alarms for word in ("--alarm", name)]
    return ["--strategy", strategy or environment.strategy, *words, *alarms]


def _gates(target: Target) -> list[str]:
    gates = target.environment.gates
    words = [
        "--smoke", SMOKE, "--healthy-percent", f"{gates.healthy_percent:g}", "--requests", str(gates.requests),
        "--error-points", f"{gates.error_points:g}", "--slower-percent", f"{gates.slower_percent:g}",
        "--inconclusive", gates.inconclusive,
    ]  # fmt: skip
    if target.settings.acceptance:
        words += ["--tests-in", ACCEPTANCE, "--tests-python", f"{image.VENV}/bin/python"]
    return words + [word for path in target.settings.acceptance for word in ("--tests", path)]


def _judging(container: dagger.Container, target: Target, source: dagger.Directory) -> dagger.Container:
    """With the smoke checks, and with the service's own tests and what they need."""
    settings = target.settings
    container = container.with_new_file(SMOKE, json.dumps([asdict(row) for row in settings.smoke]))
    if not settings.acceptance:
        return container
    needed = image.dependencies(source, settings, settings.test_lock or settings.lock).directory(image.VENV)
    tests = source.filter(include=[*settings.acceptance, "pyproject.toml"])
    return container.with_directory(image.VENV, needed).with_directory(ACCEPTANCE, tests)
