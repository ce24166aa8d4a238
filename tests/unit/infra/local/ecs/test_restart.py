"""A server that is killed and started again goes on: from its snapshot, and with the containers that still run."""

import json
from typing import Any

import pytest

from infra.local.ecs.containers import TASK_LABEL
from infra.local.ecs.interfaces import ContainerState

CANARY = {"strategy": "CANARY", "canaryConfiguration": {"canaryPercent": 10.0, "canaryBakeTimeInMinutes": 2}}


def names(world: Any) -> set[str]:
    """The containers that run."""
    return {name for name, state in world.runtime.running.items() if state.running}


def test_a_snapshot_is_json_and_reads_back_the_same(live: Any) -> None:
    live.update("app:2")
    live.paused()
    before = json.dumps(live.ecs.snapshot(), sort_keys=True)

    live.restart()

    after = json.loads(json.dumps(live.ecs.snapshot()))
    expected = json.loads(before)
    for document in (expected, after):
        document["eu-north-1"].pop("number")
    assert after == expected


def test_running_containers_are_found_again_and_none_is_started_anew(live: Any) -> None:
    before = names(live)

    live.restart()
    live.turn(5, seconds=1)

    assert names(live) == before
    assert [task.last_status for task in live.service.tasks] == ["RUNNING"]


def test_a_container_that_died_meanwhile_is_replaced(live: Any) -> None:
    (name,) = names(live)
    live.runtime.end(name, 137)

    live.restart()
    live.until(lambda: live.runtime.images() == ["app:1"])

    assert names(live) != {name}


def test_containers_that_nobody_knows_are_removed(live: Any) -> None:
    live.runtime.running["stray"] = ContainerState(True, labels={TASK_LABEL: "arn:of:nobody"})
    live.runtime.running["neighbour"] = ContainerState(True, labels={"other": "label"})

    live.restart()

    assert "stray" not in live.runtime.running
    assert "neighbour" in live.runtime.running, "what is no task's is left alone"


def test_a_container_that_was_started_after_the_last_snapshot_is_taken_over(world: Any) -> None:
    world.create(hooks=[])
    world.until(lambda: world.service.tasks)
    saved = world.ecs.snapshot()
    world.until(lambda: names(world))

    world.begin(saved)

    assert world.settle() == "SUCCESSFUL"
    assert world.runtime.images() == ["app:1"]


@pytest.mark.parametrize("turns", range(0, 60, 3))
def test_a_canary_goes_on_from_any_moment_and_ends_as_if_nothing_had_been(live: Any, turns: int) -> None:
    live.update("app:2", deploymentConfiguration={**CANARY, "lifecycleHooks": []})
    live.turn(turns, seconds=5)

    live.restart()

    assert live.settle() == "SUCCESSFUL"
    assert live.weights["production"] == (100, 0)
    assert live.runtime.images() == ["app:2"]
    written = [line for line in live.log if line.startswith("production")]
    assert written[0] == "production primary=0 alternate=100"
    assert written[-1] == "production primary=100 alternate=0"


@pytest.mark.parametrize("turns", range(4))
def test_a_rollback_goes_on_after_a_restart(live: Any, turns: int) -> None:
    live.update("app:2")
    live.answer(live.paused(), "ROLLBACK")
    live.turn(turns)

    live.restart()

    assert live.settle() == "ROLLBACK_SUCCESSFUL"
    assert live.weights["production"] == (0, 100)
    assert live.runtime.images() == ["app:1"]


def test_a_pause_keeps_its_id_and_its_end_over_a_restart(live: Any) -> None:
    live.update("app:2")
    hook = live.paused()
    expires = live.deployment.hooks[-1].expires_at

    live.restart()
    live.turn(5)

    assert [each.id for each in live.deployment.hooks if each.status == "AWAITING_ACTION"] == [hook]
    assert live.deployment.hooks[-1].expires_at == expires
    live.answer(hook)
    assert live.settle() == "SUCCESSFUL"


def test_a_task_that_was_being_stopped_is_stopped_after_the_restart(live: Any) -> None:
    live.background.hold = True
    live.call("UpdateService", cluster="demo", service="demo", desiredCount=0)
    live.until(lambda: live.service.tasks[0].last_status == "STOPPING")

    live.background = type(live.background)()
    live.restart()
    live.until(lambda: live.service.tasks[0].gone)

    assert live.runtime.images() == []


def test_a_task_that_was_draining_drains_before_it_is_stopped(live: Any) -> None:
    live.call("UpdateService", cluster="demo", service="demo", desiredCount=0)
    live.until(lambda: live.service.tasks[0].last_status == "DEACTIVATING")
    live.rules.targets.clear()  # the load balancer remembers no target that is not registered

    live.restart()
    live.turn(2, seconds=1)

    assert live.service.tasks[0].last_status == "DEACTIVATING"
    live.until(lambda: live.service.tasks[0].gone)


def test_logs_are_taken_up_again(world: Any) -> None:
    options = {"awslogs-group": "/demo", "awslogs-region": "eu-north-1"}
    world.create(hooks=[], container={"logConfiguration": {"logDriver": "awslogs", "options": options}})
    world.settle()
    world.streams.followed.clear()

    world.restart()

    assert list(world.streams.followed) == ["container-1"]


def test_a_deployments_id_is_not_given_again_after_a_restart(live: Any) -> None:
    before = {revision.id for revision in live.service.revisions.values()}

    live.restart()
    live.update("app:2")

    assert len({revision.id for revision in live.service.revisions.values()} - before) == 1


def test_changes_are_counted_so_that_somebody_can_save_them(live: Any) -> None:
    before = live.ecs.changes

    live.call("UpdateService", cluster="demo", service="demo", desiredCount=2)

    assert live.ecs.changes > before
