"""The task metadata endpoint, version 4, and the task role's credentials: what a task's containers are told."""

from collections.abc import Mapping
from typing import Any

import pytest

from infra.local.ecs.interfaces import Credentials
from infra.local.ecs.metadata import Metadata

ROLE = "arn:aws:iam::123456789012:role/app"
LOG = {"logDriver": "awslogs", "options": {
    "awslogs-group": "/demo", "awslogs-region": "eu-north-1", "awslogs-stream-prefix": "app",
    "awslogs-create-group": "true",
}}  # fmt: skip
APP = {
    "name": "app", "image": "app:1", "cpu": 256, "memory": 64, "logConfiguration": LOG,
    "healthCheck": {"command": ["CMD", "check"]},
}  # fmt: skip
HOURS = 3600.0


class FakeRoles:
    """Sessions of an hour, numbered; `assumed` are the roles and session names."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self.assumed: list[tuple[str, str]] = []

    def assume(self, role_arn: str, session_name: str) -> Credentials:
        self.assumed.append((role_arn, session_name))
        number = len(self.assumed)
        return Credentials(f"ASIA{number}", f"secret-{number}", f"token-{number}", self._world.clock.now() + HOURS)


@pytest.fixture
def roles(world: Any) -> FakeRoles:
    return FakeRoles(world)


@pytest.fixture
def metadata(world: Any, roles: FakeRoles) -> Metadata:
    return Metadata(world.ecs.stores, world.runtime, roles, world.clock)


@pytest.fixture
def task(world: Any) -> Any:
    """A task of `app` and `side`, with a role, which runs."""
    world.call("CreateCluster", clusterName="demo")
    side = {"name": "side", "image": "side:1", "memory": 32}
    world.call(
        "RegisterTaskDefinition", family="job", containerDefinitions=[APP, side], taskRoleArn=ROLE, cpu="512",
        memory="1024",
    )  # fmt: skip
    tags = [{"key": "team", "value": "shop"}]
    arn = world.call("RunTask", cluster="demo", taskDefinition="job", tags=tags)["tasks"][0]["taskArn"]
    found = world.store.task(world.store.clusters["demo"], arn)
    world.until(lambda: found.last_status == "RUNNING")
    return found


def told(metadata: Metadata, path: str) -> Mapping[str, Any]:
    """The document at the path, which has to be there."""
    document = metadata.answer(path)
    assert document is not None, path
    return document


def test_a_container_learns_about_itself(metadata: Metadata, task: Any) -> None:
    document = told(metadata, f"/v4/{task.containers[0].key}")

    assert (document["Name"], document["Image"], document["KnownStatus"]) == ("app", "app:1", "RUNNING")
    assert document["DockerId"] == task.containers[0].runtime_id
    assert document["Limits"] == {"CPU": 256, "Memory": 64}
    assert document["Networks"] == [{"NetworkMode": "awsvpc", "IPv4Addresses": [task.ip]}]
    assert document["Health"] == {"status": "UNKNOWN"}
    assert document["LogOptions"]["awslogs-stream"] == f"app/app/{task.id}"


def test_a_container_learns_about_its_task_and_its_neighbours(metadata: Metadata, task: Any) -> None:
    document = told(metadata, f"/v4/{task.containers[1].key}/task")

    assert (document["TaskARN"], document["Family"], document["Revision"]) == (task.arn, "job", "1")
    assert (document["Cluster"], document["AvailabilityZone"]) == (task.cluster.arn, "eu-north-1a")
    assert [each["Name"] for each in document["Containers"]] == ["app", "side"]
    assert document["Limits"] == {"CPU": 0.5, "Memory": 1024}
    assert "TaskTags" not in document


def test_tags_are_told_where_they_are_asked_for(metadata: Metadata, task: Any) -> None:
    document = told(metadata, f"/v4/{task.containers[0].key}/taskWithTags")

    assert document["TaskTags"] == {"team": "shop"}


def test_statistics_are_dockers(metadata: Metadata, task: Any) -> None:
    first, second = (each.runtime_id for each in task.containers)
    key = task.containers[0].key

    assert told(metadata, f"/v4/{key}/stats") == {"id": first}
    assert told(metadata, f"/v4/{key}/task/stats") == {first: {"id": first}, second: {"id": second}}


def test_a_service_is_named(live: Any) -> None:
    metadata = Metadata(live.ecs.stores, live.runtime, FakeRoles(live), live.clock)

    document = told(metadata, f"/v4/{live.service.tasks[0].containers[0].key}/task")

    assert document["ServiceName"] == "demo"


@pytest.mark.parametrize("path", ["/v4/none", "/v4/none/task", "/v4/none/stats", "/credentials/none", "/", "/v3/x/y"])
def test_nobody_is_told_anything_without_the_key(metadata: Metadata, task: Any, path: str) -> None:
    assert metadata.answer(path) is None


def test_a_path_below_a_known_key_that_does_not_exist_is_not_found(metadata: Metadata, task: Any) -> None:
    assert metadata.answer(f"/v4/{task.containers[0].key}/other") is None


class TestCredentials:
    """Those of the task role."""

    def test_a_task_gets_a_session_of_its_role(self, metadata: Metadata, roles: FakeRoles, task: Any) -> None:
        document = told(metadata, f"/credentials/{task.credentials_key}")

        assert roles.assumed == [(ROLE, task.id)]
        assert document["RoleArn"] == ROLE
        assert (document["AccessKeyId"], document["SecretAccessKey"]) == ("ASIA1", "secret-1")
        assert document["Token"] == "token-1"
        assert document["Expiration"].endswith("Z")

    def test_a_session_is_kept_until_shortly_before_its_end(
        self, world: Any, metadata: Metadata, roles: FakeRoles, task: Any
    ) -> None:
        path = f"/credentials/{task.credentials_key}"
        told(metadata, path)

        world.clock.time += 44 * 60
        assert told(metadata, path)["AccessKeyId"] == "ASIA1"
        world.clock.time += 2 * 60
        assert told(metadata, path)["AccessKeyId"] == "ASIA2"

    def test_a_containers_own_key_is_not_good_for_them(self, metadata: Metadata, task: Any) -> None:
        assert metadata.answer(f"/credentials/{task.containers[0].key}") is None

    def test_a_task_that_has_stopped_gets_none(self, world: Any, metadata: Metadata, task: Any) -> None:
        world.call("StopTask", cluster="demo", task=task.arn)
        world.until(lambda: task.gone)

        assert metadata.answer(f"/credentials/{task.credentials_key}") is None

    def test_a_task_without_a_role_gets_none(self, live: Any) -> None:
        metadata = Metadata(live.ecs.stores, live.runtime, FakeRoles(live), live.clock)

        assert metadata.answer(f"/credentials/{live.service.tasks[0].credentials_key}") is None
