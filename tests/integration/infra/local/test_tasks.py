"""A task as its containers see it: secrets, metadata, the role's credentials, logs, a read-only root, and its end."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.docker

NAME = "inner"
ROLE = "arn:aws:iam::123456789012:role/inner"
LOOK = """
import json, os, signal, urllib.request
def get(url):
    return json.load(urllib.request.urlopen(url, timeout=10))
def writable():
    try:
        open("/probe", "w").close()
    except OSError:
        return False
    return True
told = {
    "secret": os.environ["PASSWORD"], "parameter": os.environ["KEY"], "user": os.getuid(), "writable": writable(),
    "task": get(os.environ["ECS_CONTAINER_METADATA_URI_V4"] + "/task"),
    "credentials": get(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]),
}
signal.signal(signal.SIGTERM, lambda *_: (print("SIGTERM", flush=True), os._exit(0)))
print(json.dumps(told), flush=True)
signal.pause()
"""
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"


@pytest.fixture(scope="module")
def surroundings(instance: Any) -> Iterator[dict[str, str]]:
    """A cluster, a role, a secret, a parameter, a log group, and a queue of ECS's events; gives its URL and so on."""
    secret = instance.client("secretsmanager").create_secret(Name=NAME, SecretString='{"password": "hunter2"}')["ARN"]
    instance.client("ssm").put_parameter(Name=f"/{NAME}/key", Value="opensesame", Type="SecureString")
    instance.client("logs").create_log_group(logGroupName=f"/{NAME}")
    instance.client("ecs").create_cluster(clusterName=NAME)
    queue = instance.client("sqs").create_queue(QueueName=NAME)["QueueUrl"]
    arn = instance.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    events = instance.client("events")
    events.put_rule(Name=NAME, EventPattern=json.dumps({"source": ["aws.ecs"], "detail": {"group": [NAME]}}))
    events.put_targets(Rule=NAME, Targets=[{"Id": "queue", "Arn": arn["QueueArn"]}])
    yield {"secret": secret, "queue": queue}
    events.remove_targets(Rule=NAME, Ids=["queue"])
    events.delete_rule(Name=NAME)
    instance.client("sqs").delete_queue(QueueUrl=queue)
    instance.client("ecs").delete_cluster(cluster=NAME)
    instance.client("logs").delete_log_group(logGroupName=f"/{NAME}")
    instance.client("ssm").delete_parameter(Name=f"/{NAME}/key")
    instance.client("secretsmanager").delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)


@pytest.fixture(scope="module")
def task(
    instance: Any, surroundings: dict[str, str], build: Callable[[str], str], wait_for: Callable[..., Any]
) -> Iterator[str]:
    """Runs until the module's end at the latest; gives its ARN."""
    ecs, image = instance.client("ecs"), build(NAME)
    options = {"awslogs-group": f"/{NAME}", "awslogs-region": "eu-north-1", "awslogs-stream-prefix": NAME}
    common = {"image": image, "logConfiguration": {"logDriver": "awslogs", "options": options}}
    look = {
        **common, "name": "look", "command": ["/usr/bin/python3", "-c", LOOK], "user": "10001",
        "readonlyRootFilesystem": True,
        "secrets": [
            {"name": "PASSWORD", "valueFrom": f"{surroundings['secret']}:password::"},
            {"name": "KEY", "valueFrom": f"/{NAME}/key"},
        ],
    }  # fmt: skip
    stubborn = {**common, "name": "stubborn", "command": ["/usr/bin/python3", "-c", STUBBORN], "stopTimeout": 2}
    ecs.register_task_definition(
        family=NAME, cpu="512", memory="1024", taskRoleArn=ROLE, containerDefinitions=[look, stubborn]
    )
    arn: str = ecs.run_task(cluster=NAME, taskDefinition=NAME, group=NAME)["tasks"][0]["taskArn"]
    wait_for(lambda: shown(instance, arn)["lastStatus"] in ("RUNNING", "STOPPED"), "a running task")
    yield arn
    ecs.stop_task(cluster=NAME, task=arn)
    wait_for(lambda: shown(instance, arn)["lastStatus"] == "STOPPED", "the task's end")


def shown(instance: Any, task: str) -> dict[str, Any]:
    """The task as DescribeTasks shows it."""
    described: dict[str, Any] = instance.client("ecs").describe_tasks(cluster=NAME, tasks=[task])["tasks"][0]
    return described


def lines(instance: Any, task: str, container: str) -> list[str]:
    """What the container has written so far, as CloudWatch Logs has it."""
    stream = f"{NAME}/{container}/{task.rpartition('/')[2]}"
    found = instance.client("logs").filter_log_events(logGroupName=f"/{NAME}", logStreamNames=[stream])
    return [event["message"] for event in found["events"]]


@pytest.fixture(scope="module")
def told(instance: Any, task: str, wait_for: Callable[..., Any]) -> dict[str, Any]:
    """What the container `look` saw."""
    first: dict[str, Any] = json.loads(wait_for(lambda: lines(instance, task, "look"), "its log")[0])
    return first


def test_secrets_of_both_kinds_are_in_the_environment(told: dict[str, Any]) -> None:
    assert (told["secret"], told["parameter"]) == ("hunter2", "opensesame")


def test_user_and_read_only_root_hold(told: dict[str, Any]) -> None:
    assert (told["user"], told["writable"]) == (10001, False)


def test_the_metadata_endpoint_tells_of_the_task_and_both_containers(told: dict[str, Any], task: str) -> None:
    assert told["task"]["TaskARN"] == task
    assert told["task"]["Limits"] == {"CPU": 0.5, "Memory": 1024}
    assert {each["Name"] for each in told["task"]["Containers"]} >= {"look"}


def test_the_credentials_are_a_session_of_the_task_role(instance: Any, told: dict[str, Any], task: str) -> None:
    keys = told["credentials"]
    sts = boto3.client(
        "sts", endpoint_url=instance.endpoint, region_name="eu-north-1", aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys["Token"],
    )  # fmt: skip

    session = task.rpartition("/")[2]
    assert sts.get_caller_identity()["Arn"] == f"arn:aws:sts::123456789012:assumed-role/inner/{session}"


def test_a_log_group_that_is_not_there_fails_the_task_in_ecss_words(
    instance: Any, surroundings: dict[str, str], build: Callable[[str], str], wait_for: Callable[..., Any]
) -> None:
    ecs = instance.client("ecs")
    options = {"awslogs-group": "/nobodys", "awslogs-region": "eu-north-1", "awslogs-stream-prefix": NAME}
    container = {
        "name": "app", "image": build(NAME), "memory": 64,
        "logConfiguration": {"logDriver": "awslogs", "options": options},
    }  # fmt: skip
    ecs.register_task_definition(family="unlogged", containerDefinitions=[container])

    arn = ecs.run_task(cluster=NAME, taskDefinition="unlogged")["tasks"][0]["taskArn"]

    wait_for(lambda: shown(instance, arn)["lastStatus"] == "STOPPED", "the task's end")
    assert "The specified log group does not exist" in shown(instance, arn)["stoppedReason"]
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        instance.client("logs").describe_log_streams(logGroupName="/nobodys")


def test_a_stopped_task_gets_sigterm_and_after_its_timeout_sigkill_and_all_of_it_is_announced(
    instance: Any, surroundings: dict[str, str], task: str, told: dict[str, Any], wait_for: Callable[..., Any]
) -> None:
    ecs, sqs = instance.client("ecs"), instance.client("sqs")
    wait_for(lambda: lines(instance, task, "stubborn"), "the other container's log")

    ecs.stop_task(cluster=NAME, task=task, reason="enough")
    wait_for(lambda: shown(instance, task)["lastStatus"] == "STOPPED", "the task's end")

    found = shown(instance, task)
    assert {each["name"]: each["exitCode"] for each in found["containers"]} == {"look": 0, "stubborn": 137}
    assert (found["stopCode"], found["stoppedReason"]) == ("UserInitiated", "enough")
    assert lines(instance, task, "look")[-1] == "SIGTERM"
    announced: list[str] = []

    def complete() -> bool:
        received = sqs.receive_message(QueueUrl=surroundings["queue"], MaxNumberOfMessages=10).get("Messages", [])
        announced.extend(json.loads(each["Body"])["detail"]["lastStatus"] for each in received)
        return "STOPPED" in announced

    wait_for(complete, "the last event")
    assert [each for each in ("RUNNING", "DEACTIVATING", "STOPPING", "STOPPED") if each not in announced] == []
