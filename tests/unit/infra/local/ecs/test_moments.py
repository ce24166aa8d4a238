"""Whatever comes at whatever moment of whatever deployment: production keeps a registered task, and all comes to rest.

The moments are the steps of the strategy's plan; of ROLLING, whose plan is one step, the first turns of the loop. A
CANARY goes through the same steps as a LINEAR deployment, and is left out.
"""

from collections.abc import Callable
from typing import Any

import pytest

from infra.local.ecs.strategy import plan

CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "BLUE_GREEN": {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1},
    "LINEAR": {
        "strategy": "LINEAR", "bakeTimeInMinutes": 1,
        "linearConfiguration": {"stepPercent": 40.0, "stepBakeTimeInMinutes": 1},
    },
    "ROLLING": {"strategy": "ROLLING", "bakeTimeInMinutes": 1},
}  # fmt: skip
ROLLING_TURNS = 7
STEP_SECONDS = 3.0
MANY_TURNS = 500
MOMENTS = [
    (strategy, moment)
    for strategy, configuration in CONFIGURATIONS.items()
    for moment in range(ROLLING_TURNS if strategy == "ROLLING" else len(plan(configuration)))
]


def reach(world: Any, strategy: str, moment: int) -> None:
    """`app:1` serves with two tasks, and a deployment of `app:2` has come to the moment."""
    world.create(hooks=[], desiredCount=2, configuration=CONFIGURATIONS[strategy])
    assert world.settle() == "SUCCESSFUL"
    world.update("app:2")
    if strategy == "ROLLING":
        for _ in range(moment):
            step(world)
    while strategy != "ROLLING" and world.deployment.position < moment:
        step(world)
    assert not world.deployment.finished


def step(world: Any) -> None:
    """A turn, after which every group that gets requests has a task that is registered in it."""
    world.turn(seconds=STEP_SECONDS)
    for group, weight in production(world).items():
        assert not weight or world.rules.registered(group), f"nobody is in {group}, which has the weight {weight}"


def rest(world: Any) -> str:
    """Go on until no deployment is under way, and tasks that were left over are gone; gives the newest one's status."""
    for _ in range(MANY_TURNS):
        if world.service.under_way is None and all(task.gone or task.active for task in world.service.tasks):
            break
        step(world)
    world.turn(5, seconds=STEP_SECONDS)
    status: str = world.deployment.status
    return status


def production(world: Any) -> dict[str, int]:
    """The production rule's weights by target group."""
    weights: dict[str, int] = next(each for arn, each in world.rules.rules.items() if arn.endswith("production"))
    return weights


def expect_serving(world: Any, image: str, count: int = 2) -> None:
    """Nothing but tasks of that image runs, the weights are on their group, and the service says so."""
    assert world.runtime.images() == [image] * count
    groups = {group for task in world.service.tasks if task.active for group in task.revision.target_groups}
    assert {group for group, weight in production(world).items() if weight} == groups
    shown = world.shown_service()
    definition = world.call("DescribeTaskDefinition", taskDefinition=shown["taskDefinition"])["taskDefinition"]
    assert definition["containerDefinitions"][0]["image"] == image
    assert (shown["runningCount"], shown["pendingCount"]) == (count, 0)
    assert [each["status"] for each in shown["deployments"]] == ["PRIMARY"]


at_every_moment = pytest.mark.parametrize(("strategy", "moment"), MOMENTS)


@at_every_moment
def test_28_a_newer_deployment_wins(world: Any, strategy: str, moment: int) -> None:
    reach(world, strategy, moment)

    world.update("app:3")

    assert rest(world) == "SUCCESSFUL"
    expect_serving(world, "app:3")


@at_every_moment
def test_26_44_a_stop_ends_in_one_of_both_releases_and_says_which(world: Any, strategy: str, moment: int) -> None:
    reach(world, strategy, moment)

    world.call("StopServiceDeployment", serviceDeploymentArn=world.deployment.arn, stopType="ROLLBACK")

    expected = {"SUCCESSFUL": "app:2", "ROLLBACK_SUCCESSFUL": "app:1"}
    expect_serving(world, expected[rest(world)])


@pytest.mark.parametrize("turns", range(5))
@pytest.mark.parametrize("strategy", list(CONFIGURATIONS))
def test_28_a_newer_deployment_waits_for_the_end_of_a_rollback(world: Any, strategy: str, turns: int) -> None:
    reach(world, strategy, 4)
    world.call("StopServiceDeployment", serviceDeploymentArn=world.deployment.arn, stopType="ROLLBACK")
    for _ in range(turns):
        step(world)

    world.update("app:3")

    assert rest(world) == "SUCCESSFUL"
    expect_serving(world, "app:3")


@at_every_moment
def test_29_a_desired_count_is_reached_whenever_it_is_changed(world: Any, strategy: str, moment: int) -> None:
    reach(world, strategy, moment)

    world.call("UpdateService", cluster="demo", service="demo", desiredCount=3)
    step(world)
    world.call("UpdateService", cluster="demo", service="demo", desiredCount=1)

    assert rest(world) == "SUCCESSFUL"
    expect_serving(world, "app:2", 1)


def kill_a_task(world: Any) -> None:
    """The oldest container that runs ends."""
    world.runtime.end(next(name for name, state in world.runtime.running.items() if state.running), 137)


def kill_the_server(world: Any) -> None:
    """Another one goes on from the snapshot."""
    world.restart()


@at_every_moment
@pytest.mark.parametrize("mishap", [kill_a_task, kill_the_server])
def test_a_mishap_is_survived(world: Any, strategy: str, moment: int, mishap: Callable[[Any], None]) -> None:
    reach(world, strategy, moment)

    mishap(world)

    assert rest(world) == "SUCCESSFUL"
    expect_serving(world, "app:2")
