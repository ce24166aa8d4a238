"""The stock AWS CLI, and docker's, against AWS on this machine: a release by nothing but their commands."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.docker
PREFIX, NAME = "cli", "cli-demo"
AWS = str(Path(sys.executable).with_name("aws"))
PATIENCE = 120.0


class Shell:
    """Runs commands as a user who has configured the CLI for the endpoint."""

    def __init__(self, instance: Any, home: Path) -> None:
        self.instance = instance
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(home), "DOCKER_CONFIG": str(home / "docker"), "AWS_PAGER": "",
            "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "eu-north-1",
            "AWS_ENDPOINT_URL": instance.endpoint, "AWS_DEFAULT_OUTPUT": "json",
        }  # fmt: skip

    def run(self, *words: str, given: str | None = None) -> str:
        """The command's stdout; a failure shows its stderr."""
        result = subprocess.run(
            words, input=given, capture_output=True, text=True, env=self.environment, timeout=PATIENCE, check=False
        )
        assert result.returncode == 0, f"{' '.join(words)}: {result.stderr}"
        return result.stdout

    def aws(self, *words: str) -> Any:
        """The command's JSON, or None where it prints nothing."""
        text = self.run(AWS, *words)
        return json.loads(text) if text.strip().startswith(("{", "[", '"')) else None

    def start(self, *words: str) -> "subprocess.Popen[str]":
        """Leave a command running."""
        return subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=self.environment
        )

    def deploy(self, concern: str, stack: str, *parameters: str) -> list[str]:
        """The words of `aws cloudformation deploy` of one of the templates."""
        template = self.instance.template_path(concern)
        options = ["--parameter-overrides", *parameters, "--capabilities", "CAPABILITY_IAM"]
        return [AWS, "cloudformation", "deploy", "--stack-name", stack, "--template-file", template, *options]


@pytest.fixture(scope="module")
def shell(instance: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """The stacks that its commands make are removed at the end."""
    made = Shell(instance, tmp_path_factory.mktemp("home"))
    yield made
    instance.client("ecr").delete_repository(repositoryName=PREFIX, force=True)
    cloudformation = instance.client("cloudformation")
    for stack in (
        *(f"{NAME}-{concern}" for concern in ("service", "ingress", "roles", "network")),
        f"{PREFIX}-registry",
    ):
        cloudformation.delete_stack(StackName=stack)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig={"Delay": 1})


@pytest.fixture(scope="module")
def digest(shell: Shell, instance: Any, build: Callable[[str], str]) -> str:
    """The digest of an image that docker pushed, to the repository that a stack made."""
    shell.run(*shell.deploy("registry", f"{PREFIX}-registry", f"Prefix={PREFIX}"))
    return push(shell, instance, build("blue"))


def test_docker_pulls_what_it_pushed(shell: Shell, instance: Any, digest: str) -> None:
    reference = f"localhost:{instance.port}/{PREFIX}@{digest}"
    assert digest in shell.run("docker", "pull", "--quiet", reference)


@pytest.fixture
def service(shell: Shell, digest: str) -> Iterator[str]:
    """The name of a service, cluster, family and log group whose one task logs a line."""
    name = f"{PREFIX}-small"
    container = {
        "name": "web", "image": f"123456789012.dkr.ecr.eu-north-1.amazonaws.com/{PREFIX}@{digest}", "stopTimeout": 2,
        "command": ["/usr/bin/python3", "-c", "print('ERROR lost', flush=True); import time; time.sleep(600)"],
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {"awslogs-group": name, "awslogs-region": "eu-north-1", "awslogs-stream-prefix": "task"},
        },
    }  # fmt: skip
    shell.aws("logs", "create-log-group", "--log-group-name", name)
    shell.aws("ecs", "create-cluster", "--cluster-name", name)
    definition = ("--family", name, "--container-definitions", json.dumps([container]), "--memory", "128")
    shell.aws("ecs", "register-task-definition", *definition)
    where = ("--cluster", name, "--service-name", name)
    shell.aws("ecs", "create-service", *where, "--task-definition", name, "--desired-count", "1")
    yield name
    shell.aws("ecs", "delete-service", "--cluster", name, "--service", name, "--force")
    shell.aws("ecs", "wait", "services-inactive", "--cluster", name, "--services", name)
    shell.aws("ecs", "delete-cluster", "--cluster", name)
    shell.aws("logs", "delete-log-group", "--log-group-name", name)


def test_the_stock_commands_wait_for_a_service_and_read_its_deployment_and_logs(
    shell: Shell, service: str, wait_for: Callable[..., Any]
) -> None:
    shell.aws("ecs", "wait", "services-stable", "--cluster", service, "--services", service)

    (brief,) = shell.aws("ecs", "list-service-deployments", "--cluster", service, "--service", service)[
        "serviceDeployments"
    ]
    arn = brief["serviceDeploymentArn"]
    (deployment,) = shell.aws("ecs", "describe-service-deployments", "--service-deployment-arns", arn)[
        "serviceDeployments"
    ]
    assert deployment["status"] in ("IN_PROGRESS", "SUCCESSFUL")
    assert deployment["targetServiceRevision"]["requestedTaskCount"] == 1
    words = ("logs", "filter-log-events", "--log-group-name", service, "--filter-pattern", "ERROR")
    events = wait_for(lambda: shell.aws(*words)["events"], "the task's line in CloudWatch Logs")
    assert [each["message"] for each in events] == ["ERROR lost"]


@pytest.mark.prove  # the stock commands look at a stack every 30 s
def test_a_release_by_the_stock_commands(shell: Shell, instance: Any, digest: str) -> None:
    both = (f"Prefix={PREFIX}", "Environment=demo")
    for concern in ("network", "roles", "ingress"):
        shell.run(*shell.deploy(concern, f"{NAME}-{concern}", *both))
    again = shell.run(*shell.deploy("network", f"{NAME}-network", *both), "--no-fail-on-empty-changeset")
    assert "No changes to deploy" in again

    image = f"123456789012.dkr.ecr.eu-north-1.amazonaws.com/{PREFIX}@{digest}"
    parameters = (*both, f"Image={image}", f"ImageDigest={digest}", "Version=1.0.0", "Commit=c0ffee")
    deploying = shell.start(*shell.deploy("service", f"{NAME}-service", *parameters, "BakeTimeInMinutes=1"))
    proceed(shell, deploying)
    output, _ = deploying.communicate(timeout=PATIENCE)
    assert deploying.returncode == 0, f"{output}{instance.failures(f'{NAME}-service')}"
    assert "Successfully created/updated stack" in output

    shell.aws("ecs", "wait", "services-stable", "--cluster", NAME, "--services", NAME)
    arn = deployments(shell)[0]["serviceDeploymentArn"]
    (deployment,) = shell.aws("ecs", "describe-service-deployments", "--service-deployment-arns", arn)[
        "serviceDeployments"
    ]
    assert deployment["status"] == "SUCCESSFUL"
    (stack,) = shell.aws("cloudformation", "describe-stacks", "--stack-name", f"{NAME}-service")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"


def push(shell: Shell, instance: Any, image: str) -> str:
    """Log docker in with ECR's password, and push; gives the digest that ECR lists."""
    registry = f"localhost:{instance.port}"
    password = shell.run(AWS, "ecr", "get-login-password")
    login = shell.run("docker", "login", "--username", "AWS", "--password-stdin", registry, given=password.strip())
    assert "Login Succeeded" in login
    shell.run("docker", "tag", image, f"{registry}/{PREFIX}:1.0.0")
    shell.run("docker", "push", "--quiet", f"{registry}/{PREFIX}:1.0.0")
    images = shell.aws("ecr", "list-images", "--repository-name", PREFIX)["imageIds"]
    return str(next(each["imageDigest"] for each in images if each.get("imageTag") == "1.0.0"))


def deployments(shell: Shell) -> list[Any]:
    """The service's deployments; none while there is no service."""
    if not shell.aws("ecs", "list-services", "--cluster", NAME)["serviceArns"]:
        return []
    found: list[Any] = shell.aws("ecs", "list-service-deployments", "--cluster", NAME, "--service", NAME)[
        "serviceDeployments"
    ]
    return found


def proceed(shell: Shell, deploying: "subprocess.Popen[str]") -> None:
    """Answer every PAUSE hook with CONTINUE, for as long as the deploying command runs."""
    deadline = time.monotonic() + PATIENCE
    while deploying.poll() is None and time.monotonic() < deadline:
        for brief in deployments(shell) if NAME in clusters(shell) else []:
            arn = brief["serviceDeploymentArn"]
            answer = shell.aws("ecs", "describe-service-deployments", "--service-deployment-arns", arn)
            for hook in answer["serviceDeployments"][0].get("lifecycleHookDetails", []):
                if hook["status"] == "AWAITING_ACTION":
                    shell.aws(
                        "ecs", "continue-service-deployment", "--service-deployment-arn", arn, "--hook-id",
                        hook["hookId"], "--action", "CONTINUE",
                    )  # fmt: skip


def clusters(shell: Shell) -> list[str]:
    """The names of all clusters."""
    return [arn.rpartition("/")[2] for arn in shell.aws("ecs", "list-clusters")["clusterArns"]]


def test_a_mistake_is_told_in_awss_words(shell: Shell) -> None:
    words = (AWS, "ecr", "describe-images", "--repository-name", "none")

    result = subprocess.run(words, capture_output=True, text=True, env=shell.environment, check=False)

    assert result.returncode in (254, 255), "the CLI's second and first version"
    assert "RepositoryNotFoundException" in result.stderr
    assert "The repository with name 'none' does not exist in the registry with id '123456789012'" in result.stderr
