"""A task as containers: what each is started with, their order, their logs and secrets, and how a task ends."""

from typing import Any

import pytest

from infra.local.ecs import errors

APP = {"name": "app", "image": "app:1", "memory": 64}
INIT = {"name": "init", "image": "init:1", "memory": 64, "essential": False}
LOG = {
    "logDriver": "awslogs",
    "options": {"awslogs-group": "/demo", "awslogs-region": "eu-north-1", "awslogs-stream-prefix": "app"},
}


def run(world: Any, *containers: dict[str, Any], body: dict[str, Any] | None = None, **given: Any) -> Any:
    """Register the containers and run one task of them; gives its record."""
    world.call("CreateCluster", clusterName="demo")
    world.call("RegisterTaskDefinition", family="job", containerDefinitions=list(containers), **(body or {}))
    arn = world.call("RunTask", cluster="demo", taskDefinition="job", **given)["tasks"][0]["taskArn"]
    return world.store.task(world.store.clusters["demo"], arn)


def started(world: Any) -> list[str]:
    """Images in the order in which they were started."""
    return [spec.image for spec in world.runtime.specs.values()]


def container_of(world: Any, image: str) -> str:
    found: str = next(name for name, spec in world.runtime.specs.items() if spec.image == image)
    return found


def test_secrets_become_variables_only_when_the_container_starts(world: Any) -> None:
    reference = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:db-abcdef:password::"
    world.values.values[reference] = "hunter2"
    run(world, {**APP, "secrets": [{"name": "PASSWORD", "valueFrom": reference}]})

    world.turn(3)

    assert world.runtime.specs["container-1"].environment["PASSWORD"] == "hunter2"
    shown = str(world.call("DescribeTaskDefinition", taskDefinition="job")) + str(world.ecs.snapshot())
    assert "hunter2" not in shown


def test_a_secret_that_is_missing_fails_the_task_in_ecss_words(world: Any) -> None:
    task = run(world, {**APP, "secrets": [{"name": "X", "valueFrom": "/none"}]})

    world.until(lambda: task.gone)

    assert (task.stop_code, task.stopped_reason) == ("TaskFailedToStart", "ResourceInitializationError: no /none")
    assert started(world) == []


def test_awslogs_opens_its_stream_before_the_container_and_is_finished_at_the_end(world: Any) -> None:
    task = run(world, {**APP, "logConfiguration": LOG})
    world.until(lambda: task.last_status == "RUNNING")

    (target,) = world.streams.streams
    assert (target.region, target.group, target.stream) == ("eu-north-1", "/demo", f"app/app/{task.id}")
    assert list(world.streams.followed) == ["container-1"]
    world.runtime.end("container-1", 0)
    world.until(lambda: task.gone)
    assert world.streams.finished == ["container-1"]


def test_a_container_knows_where_its_metadata_its_credentials_and_the_api_are(world: Any) -> None:
    role = "arn:aws:iam::123456789012:role/app"
    task = run(world, APP, body={"taskRoleArn": role})
    world.turn(3)

    environment = world.runtime.specs["container-1"].environment
    assert environment["ECS_CONTAINER_METADATA_URI_V4"] == f"http://169.254.170.2:1/v4/{task.containers[0].key}"
    assert environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"].endswith(f"/credentials/{task.credentials_key}")
    assert environment["AWS_REGION"] == "eu-north-1"


def test_what_the_task_definition_sets_wins_over_what_is_ambient(world: Any) -> None:
    run(world, {**APP, "environment": [{"name": "AWS_REGION", "value": "us-east-1"}]})
    world.turn(3)

    assert world.runtime.specs["container-1"].environment["AWS_REGION"] == "us-east-1"


def test_limits_user_and_linux_options_are_handed_on(world: Any) -> None:
    container = {
        **APP, "user": "10001:10001", "readonlyRootFilesystem": True, "memoryReservation": 32,
        "ulimits": [{"name": "nofile", "softLimit": 10, "hardLimit": 20}],
        "linuxParameters": {
            "initProcessEnabled": True, "capabilities": {"drop": ["ALL"]}, "sharedMemorySize": 64,
            "tmpfs": [{"containerPath": "/tmp", "size": 16, "mountOptions": ["noexec"]}],
        },
        "mountPoints": [{"sourceVolume": "data", "containerPath": "/data", "readOnly": True}],
    }  # fmt: skip
    task = run(world, container, body={"volumes": [{"name": "data"}]})
    world.turn(3)

    spec = world.runtime.specs["container-1"]
    assert (spec.user, spec.read_only, spec.memory, spec.memory_reservation) == ("10001:10001", True, 64, 32)
    assert spec.options["init"] is True
    assert spec.options["cap_drop"] == ["ALL"]
    assert spec.options["tmpfs"] == {"/tmp": "size=16m,noexec"}
    assert (spec.mounts[0].path, spec.mounts[0].read_only) == ("/data", True)
    world.runtime.end("container-1", 0)
    world.until(lambda: task.gone)
    assert f"ecs-{task.id}-data" in world.runtime.removed, "a volume lives as long as its task"


def test_overrides_add_variables_and_replace_the_command(world: Any) -> None:
    container = {**APP, "command": ["serve"], "environment": [{"name": "A", "value": "1"}]}
    override = {"name": "app", "command": ["migrate"], "environment": [{"name": "B", "value": "2"}]}
    run(world, container, overrides={"containerOverrides": [override]})
    world.turn(3)

    spec = world.runtime.specs["container-1"]
    assert spec.command == ("migrate",)
    assert (spec.environment["A"], spec.environment["B"]) == ("1", "2")


class TestSeveralContainers:
    def test_they_share_a_network_that_none_of_them_owns(self, world: Any) -> None:
        task = run(world, APP, {**APP, "name": "side", "image": "side:1"})

        world.until(lambda: task.last_status == "RUNNING")

        assert started(world) == ["pause", "app:1", "side:1"]
        assert [world.runtime.specs[name].joins for name in ("container-2", "container-3")] == ["container-1"] * 2
        assert task.ip == "10.0.0.1"

    def test_one_that_waits_for_success_starts_after_the_other_ended_well(self, world: Any) -> None:
        depends = [{"containerName": "init", "condition": "SUCCESS"}]
        task = run(world, {**APP, "dependsOn": depends}, INIT)
        world.until(lambda: "init:1" in started(world))
        world.turn(5)
        assert started(world) == ["pause", "init:1"]

        world.runtime.end(container_of(world, "init:1"), 0)
        world.until(lambda: task.last_status == "RUNNING")

        assert started(world) == ["pause", "init:1", "app:1"]

    def test_a_dependency_that_can_no_longer_come_about_fails_the_task(self, world: Any) -> None:
        depends = [{"containerName": "init", "condition": "SUCCESS"}]
        task = run(world, {**APP, "dependsOn": depends}, INIT)
        world.until(lambda: "init:1" in started(world))

        world.runtime.end(container_of(world, "init:1"), 3)
        world.until(lambda: task.gone)

        assert task.stop_code == "TaskFailedToStart"
        assert "did not reach the condition SUCCESS" in task.stopped_reason
        assert world.runtime.images() == []

    def test_one_that_waits_for_health_starts_after_the_check_passed(self, world: Any) -> None:
        check = {"healthCheck": {"command": ["CMD", "check"]}}
        depends = [{"containerName": "side", "condition": "HEALTHY"}]
        world.runtime.health = "UNKNOWN"
        run(world, {**APP, "dependsOn": depends}, {**APP, "name": "side", "image": "side:1", **check})
        world.until(lambda: "side:1" in started(world))
        world.turn(5)
        assert "app:1" not in started(world)

        name = container_of(world, "side:1")
        world.runtime.running[name] = type(world.runtime.running[name])(True, "HEALTHY")

        world.until(lambda: "app:1" in started(world))

    def test_one_that_does_not_come_about_within_its_start_timeout_fails_the_task(self, world: Any) -> None:
        depends = [{"containerName": "init", "condition": "COMPLETE"}]
        task = run(world, {**APP, "dependsOn": depends}, {**INIT, "startTimeout": 30})

        world.until(lambda: task.gone)

        assert "did not reach the condition COMPLETE" in task.stopped_reason

    def test_one_that_is_not_essential_may_end_alone(self, world: Any) -> None:
        task = run(world, APP, INIT)
        world.until(lambda: task.last_status == "RUNNING")

        world.runtime.end(container_of(world, "init:1"), 0)
        world.turn(3)

        assert task.last_status == "RUNNING"
        assert [each.last_status for each in task.containers] == ["RUNNING", "STOPPED"]

    def test_they_stop_in_the_reverse_order_of_their_dependencies(self, world: Any) -> None:
        depends = [{"containerName": "side", "condition": "START"}]
        task = run(world, {**APP, "dependsOn": depends}, {**APP, "name": "side", "image": "side:1"})
        world.until(lambda: task.last_status == "RUNNING")

        world.call("StopTask", cluster="demo", task=task.arn)
        world.until(lambda: task.gone)

        assert [line for line in world.log if line.startswith("stop")] == [
            "stop app:1 within 30", "stop side:1 within 30",
        ]  # fmt: skip


class TestReasons:
    """Why a task stopped, as ECS says it."""

    def test_an_essential_container_that_exits(self, world: Any) -> None:
        task = run(world, APP)
        world.until(lambda: task.last_status == "RUNNING")

        world.runtime.end("container-1", 3)
        world.until(lambda: task.gone)

        shown = world.call("DescribeTasks", cluster="demo", tasks=[task.arn])["tasks"][0]
        assert (shown["stopCode"], shown["stoppedReason"]) == (
            "EssentialContainerExited", "Essential container in task exited",
        )  # fmt: skip
        assert shown["containers"][0]["exitCode"] == 3

    def test_one_that_was_killed_for_its_memory(self, world: Any) -> None:
        task = run(world, APP)
        world.until(lambda: task.last_status == "RUNNING")

        world.runtime.end("container-1", 137, out_of_memory=True)
        world.until(lambda: task.gone)

        assert task.containers[0].reason == "OutOfMemoryError: Container killed due to memory usage"

    def test_an_image_that_cannot_be_pulled(self, world: Any) -> None:
        world.runtime.failing.add("app:1")
        task = run(world, APP)

        world.until(lambda: task.gone)

        assert task.stopped_reason == "CannotPullContainerError: no such image"

    def test_a_user_who_stops_it(self, world: Any) -> None:
        task = run(world, APP)
        world.until(lambda: task.last_status == "RUNNING")

        world.call("StopTask", cluster="demo", task=task.arn, reason="enough")
        world.until(lambda: task.gone)

        assert (task.stop_code, task.stopped_reason) == ("UserInitiated", "enough")

    def test_every_status_is_announced(self, world: Any) -> None:
        task = run(world, APP)
        world.until(lambda: task.last_status == "RUNNING")
        world.call("StopTask", cluster="demo", task=task.arn)
        world.until(lambda: task.gone)

        shown = [detail["lastStatus"] for kind, _, detail in world.bus.put_events if kind == "ECS Task State Change"]
        assert shown[0] == "ACTIVATING"
        assert shown[-1] == "STOPPED"
        assert "RUNNING" in shown


class TestDefinitions:
    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({"containerDefinitions": [APP, APP]}, "unique: app"),
            ({"containerDefinitions": [INIT]}, "At least one essential"),
            ({"containerDefinitions": [{"name": "app", "image": "x"}]}, "At least one of 'memory'"),
            ({"family": "a/b"}, "Invalid family name"),
            ({"requiresCompatibilities": ["FARGATE"]}, "Fargate only supports network mode"),
            ({"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc"}, "'cpu' be defined at the task level"),
            (
                {"containerDefinitions": [{**APP, "logConfiguration": {"logDriver": "awslogs"}}]},
                "requires options: awslogs-group",
            ),
            (
                {"containerDefinitions": [{**APP, "mountPoints": [{"sourceVolume": "x", "containerPath": "/x"}]}]},
                "Unknown volume 'x'",
            ),
            ({"containerDefinitions": [{**APP, "stopTimeout": 121}]}, "stopTimeout must be at most 120"),
        ],
    )
    def test_what_ecs_refuses(self, world: Any, body: dict[str, Any], words: str) -> None:
        with pytest.raises(errors.ClientError, match=words):
            world.call("RegisterTaskDefinition", **{"family": "job", "containerDefinitions": [APP], **body})

    @pytest.mark.parametrize(
        ("dependencies", "words"),
        [
            ({"app": ["none"]}, "app depends on none"),
            ({"app": ["app"]}, "app depends on app"),
            ({"app": ["side"], "side": ["app"]}, "form a cycle: app, side"),
        ],
    )
    def test_dependencies_have_to_make_sense(self, world: Any, dependencies: dict[str, list[str]], words: str) -> None:
        containers = [
            {**APP, "name": name, "dependsOn": [
                {"containerName": other, "condition": "START"} for other in dependencies.get(name, [])
            ]}
            for name in ("app", "side")
        ]  # fmt: skip
        with pytest.raises(errors.ClientError, match=words):
            world.call("RegisterTaskDefinition", family="job", containerDefinitions=containers)

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ({"containerDefinitions": [{**APP, "logConfiguration": {"logDriver": "splunk"}}]}, "log driver splunk"),
            ({"containerDefinitions": [{**APP, "privileged": True}]}, "the member privileged"),
            (
                {"volumes": [{"name": "x", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}]},
                "efsVolumeConfiguration",
            ),
            ({"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}, "Windows"),
        ],
    )
    def test_what_is_not_served_names_itself(self, world: Any, body: dict[str, Any], words: str) -> None:
        with pytest.raises(errors.NotServed, match=words):
            world.call("RegisterTaskDefinition", **{"family": "job", "containerDefinitions": [APP], **body})
