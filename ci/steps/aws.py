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
    container = (
        image.base()
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


async def publish(target: Target, built: dagger.Container, version: str) -> str:
    """Push the image; gives its reference by digest."""
    pushed = (await deployer(target)).with_file("/work/image.tar", built.as_tarball())
    words = _verb(target, "publish", "--archive", "/work/image.tar", "--version", version)
    return (await pushed.with_exec(words).stdout()).strip()


async def provision(target: Target, dry_run: bool, test_cidr: str) -> str:
    """Create or change the environment's stacks; gives what was done with each."""
    words = _verb(target, "provision", *_placed(target), *(["--dry-run"] if dry_run else []))
    words += ["--test-cidr", test_cidr] if test_cidr else []
    return await (await deployer(target)).with_exec(words).stdout()


async def deploy(target: Target, reference: str, version: str, commit: str) -> str:
    """Cut the environment over to an image; gives the report as JSON."""
    smoke = json.dumps([asdict(row) for row in target.settings.smoke])
    words = _verb(target, "deploy", *_placed(target), "--image", reference, "--version", version, "--commit", commit)
    words += ["--smoke", "/work/smoke.json", "--bake-minutes", str(target.environment.bake_minutes)]
    return await (await deployer(target)).with_new_file("/work/smoke.json", smoke).with_exec(words).stdout()
