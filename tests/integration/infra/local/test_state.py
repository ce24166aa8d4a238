"""`up` with a state folder: records, images and containers after a `down`, and after a server that was killed."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from infra import local
from infra.local.processes import Ledger
from infra.local.state import StateDirectory

pytestmark = pytest.mark.docker
NAME = "kept"


@pytest.fixture
def own(
    state_home: Path, free_port: Callable[[], int], docker_client: docker.DockerClient, instance_type: Any
) -> Iterator[Any]:
    """An instance that is not up yet, on a port on which nothing is left afterwards."""
    made = instance_type(free_port(), docker_client)
    yield made
    local.down(made.port)


def serve(own: Any, image: str) -> None:
    """One task of a service."""
    ecs = own.client("ecs")
    ecs.create_cluster(clusterName=NAME)
    container = {"name": "web", "image": image, "command": ["/bin/sleep", "600"], "stopTimeout": 2}
    ecs.register_task_definition(family=NAME, containerDefinitions=[container], memory="64")
    ecs.create_service(cluster=NAME, serviceName=NAME, taskDefinition=NAME, desiredCount=1)


def running(own: Any) -> list[str]:
    """The ids of the containers that run."""
    return [each.id for each in own.containers() if each.status == "running"]


def tasks(own: Any) -> list[str]:
    """The runtime ids of the service's tasks that run."""
    ecs = own.client("ecs")
    arns = ecs.list_tasks(cluster=NAME, serviceName=NAME)["taskArns"]
    described = ecs.describe_tasks(cluster=NAME, tasks=arns)["tasks"] if arns else []
    return [each["containers"][0]["runtimeId"] for each in described if each["lastStatus"] == "RUNNING"]


def test_a_killed_server_finds_its_containers_again_and_a_down_leaves_the_records(
    own: Any, base_image: str, tmp_path: Path, wait_for: Callable[..., Any]
) -> None:
    state = tmp_path / "state"
    local.up(own.port, 1.0, lambda text: None, state=state)
    own.client("sqs").create_queue(QueueName=NAME)
    serve(own, base_image)
    (container,) = wait_for(lambda: tasks(own), "the task")
    wait_for(lambda: container.encode() in (state / "records.pickle").read_bytes(), "the save of the running task")
    server = Ledger(StateDirectory.of(own.port).processes).read()["server"]
    os.kill(server.pid, signal.SIGKILL)
    wait_for(lambda: not server.alive, "the end of the server")
    labels = {"cutover": "1", "cutover.local": str(own.port), "cutover.ecs.task": "nobody"}
    orphan = own.docker.containers.create(base_image, "/bin/sleep 600", labels=labels)

    local.up(own.port, 1.0, lambda text: None, state=state)

    assert tasks(own) == [container]
    assert container in running(own)
    wait_for(lambda: orphan.id not in [each.id for each in own.containers()], "the removal of the orphan")
    assert local.down(own.port)
    assert own.containers() == []

    local.up(own.port, 1.0, lambda text: None, state=state)

    assert own.client("sqs").get_queue_url(QueueName=NAME)["QueueUrl"].endswith(NAME)
    (again,) = wait_for(lambda: [each for each in tasks(own) if each != container], "the task in a new container")
    assert again in running(own)
