"""How tasks are kept running: replacement, health, pauses between failures, the order of a stop."""

import itertools
from typing import Any

import pytest

CHECK = {"healthCheck": {"command": ["CMD", "check"], "interval": 5}}


def statuses(world: Any) -> list[str]:
    return [task.last_status for task in world.service.tasks]


def test_a_dead_task_is_replaced(live: Any) -> None:
    (name,) = live.runtime.running
    del live.runtime.running[name]

    live.turn(3, seconds=1)

    assert live.runtime.images() == ["app:1"]
    assert name not in live.runtime.running
    assert statuses(live) == ["STOPPED", "RUNNING"]
    assert live.service.tasks[0].stop_code == "EssentialContainerExited"


def test_a_dead_tasks_target_is_taken_out_at_once(live: Any) -> None:
    live.runtime.running.clear()

    live.turn()

    assert live.log[0] == "deregister from alternate"


def test_a_task_outside_a_deployment_does_not_count_for_the_breaker(live: Any) -> None:
    live.runtime.running.clear()
    live.turn(3, seconds=1)

    assert live.deployment.failures == 0


def test_a_task_that_keeps_dying_is_started_at_growing_intervals(world: Any) -> None:
    world.runtime.exiting.add("app:1")
    world.create(hooks=[], configuration={"deploymentCircuitBreaker": {"enable": False, "rollback": False}})

    started = []
    for _ in range(40):
        before = len(world.service.tasks)
        world.turn(seconds=1)
        started += [world.clock.now()] * (len(world.service.tasks) - before)

    gaps = [later - earlier for earlier, later in itertools.pairwise(started)]
    assert gaps == sorted(gaps)
    assert gaps[-1] >= 5


def test_a_container_health_check_is_waited_for(world: Any) -> None:
    world.create(hooks=[], container=CHECK)
    world.until(lambda: world.runtime.running)
    world.turn(5, seconds=1)
    assert world.deployment.stage == "SCALE_UP"

    for name, state in world.runtime.running.items():
        world.runtime.running[name] = type(state)(True, "HEALTHY")

    assert world.settle() == "SUCCESSFUL"


def test_a_task_whose_container_check_fails_is_replaced_and_counted(world: Any) -> None:
    world.runtime.health = "UNHEALTHY"
    world.create(hooks=[], container=CHECK)

    assert world.settle() == "ROLLBACK_FAILED"

    assert world.service.tasks[0].stopped_reason == "Task failed container health checks"
    assert world.deployment.failures >= 3


def test_a_target_that_the_load_balancer_calls_unhealthy_is_replaced(live: Any) -> None:
    live.rules.healthy = "unhealthy"
    live.turn(2, seconds=1)

    assert live.service.tasks[0].last_status == "DEACTIVATING"
    assert "failed ELB health checks" in (live.service.tasks[0].stopped_reason or "")


def test_within_the_grace_period_unhealthy_is_not_heeded(world: Any) -> None:
    world.rules.healthy = "unhealthy"
    world.create(hooks=[], healthCheckGracePeriodSeconds=30)

    world.turn(20, seconds=1)
    assert len(world.service.tasks) == 1
    world.turn(20, seconds=1)

    assert len(world.service.tasks) > 1


def test_a_healthy_task_forgives_the_failures_before_it(world: Any) -> None:
    world.runtime.exiting.add("app:1")
    world.create(hooks=[world.pause("POST_SCALE_UP")])
    world.until(lambda: world.deployment.failures == 2)
    world.runtime.exiting.clear()

    world.paused()

    assert world.deployment.failures == 0


def test_failures_are_kept_where_a_healthy_task_shall_not_reset_them(world: Any) -> None:
    breaker = {"enable": True, "rollback": True, "resetOnHealthyTask": False}
    world.runtime.exiting.add("app:1")
    world.create(hooks=[world.pause("POST_SCALE_UP")], configuration={"deploymentCircuitBreaker": breaker})
    world.until(lambda: world.deployment.failures == 2)
    world.runtime.exiting.clear()

    world.paused()

    assert world.deployment.failures == 2


def test_scaling_in_stops_the_surplus_after_its_drain(live: Any) -> None:
    live.call("UpdateService", cluster="demo", service="demo", desiredCount=3)
    live.turn(3)

    live.call("UpdateService", cluster="demo", service="demo", desiredCount=1)
    live.turn()
    assert statuses(live).count("DEACTIVATING") == 2
    live.turn(3, seconds=6)

    assert statuses(live).count("RUNNING") == 1
    assert live.runtime.images() == ["app:1"]


def test_the_containers_own_stop_timeout_is_honoured(world: Any) -> None:
    world.create(hooks=[], container={"stopTimeout": 7})
    world.settle()

    world.call("UpdateService", cluster="demo", service="demo", desiredCount=0)
    world.turn(5, seconds=6)

    assert world.log[-1] == "stop app:1 within 7"


def test_a_task_that_was_no_longer_wanted_when_it_started_is_stopped(world: Any) -> None:
    world.background.hold = True
    world.create(hooks=[world.pause("POST_SCALE_UP")])
    world.until(lambda: statuses(world) == ["PENDING"])

    world.call("UpdateService", cluster="demo", service="demo", desiredCount=0)
    world.turn(2)
    world.background.release()
    world.turn(3)

    assert world.log == ["stop app:1 within 30"]


def test_stopped_tasks_are_forgotten_after_an_hour(live: Any) -> None:
    live.runtime.running.clear()
    live.turn(3, seconds=1)
    assert len(live.service.tasks) == 2

    live.turn(2, seconds=3600)

    assert len(live.service.tasks) == 1


def test_the_container_is_asked_for_as_the_task_definition_says(world: Any) -> None:
    container = {
        "user": "10001",
        "readonlyRootFilesystem": True,
        "environment": [{"name": "PORT", "value": "8080"}],
        "entryPoint": ["/init"],
        "command": ["serve"],
        "workingDirectory": "/srv",
        "cpu": 128,
        "memory": 64,
        "healthCheck": {"command": ["CMD", "check"], "interval": 7, "timeout": 2, "retries": 4, "startPeriod": 9},
    }
    world.create(hooks=[world.pause("POST_SCALE_UP")], container=container)
    world.until(lambda: world.runtime.specs)

    spec = world.runtime.specs["container-1"]
    assert (spec.user, spec.read_only, spec.environment["PORT"]) == ("10001", True, "8080")
    assert (spec.entry_point, spec.command, spec.working_directory) == (("/init",), ("serve",), "/srv")
    assert (spec.cpu, spec.memory) == (128, 64)
    assert spec.health_check is not None
    assert (spec.health_check.command, spec.health_check.retries) == (("CMD", "check"), 4)
    assert (spec.health_check.interval, spec.health_check.timeout, spec.health_check.start_period) == (7, 2, 9)
    assert spec.labels["com.amazonaws.ecs.task-arn"] == world.service.tasks[0].arn


def test_the_tasks_own_limits_go_before_the_containers(world: Any) -> None:
    definition = {"name": "app", "image": "app:1", "cpu": 10, "portMappings": [{"containerPort": 8080}]}
    world.call("CreateCluster", clusterName="demo")
    world.call("RegisterTaskDefinition", family="demo", cpu="256", memory="512", containerDefinitions=[definition])
    world.call("CreateService", **world.request("demo", hooks=[]))
    world.until(lambda: world.runtime.specs)

    spec = world.runtime.specs["container-1"]
    assert (spec.cpu, spec.memory) == (256, 512)


@pytest.mark.parametrize("count", [1, 4])
def test_a_deployment_scales_to_the_desired_count(world: Any, count: int) -> None:
    world.create(hooks=[], desiredCount=count)

    assert world.settle() == "SUCCESSFUL"

    assert world.runtime.images() == ["app:1"] * count
    assert world.shown_service()["runningCount"] == count


def test_a_service_of_no_tasks_deploys_at_once(world: Any) -> None:
    world.create(hooks=[], desiredCount=0)

    assert world.settle() == "SUCCESSFUL"
    assert world.runtime.images() == []
