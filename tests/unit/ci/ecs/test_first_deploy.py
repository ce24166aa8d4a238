"""The first deploy of an environment, which creates the service stack, on AWS in memory."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ci.ecs import deployments, errors
from ci.ecs.names import Names

IMAGES = "123456789012.dkr.ecr.eu-north-1.amazonaws.com/cutover"
Bench = Any  # see bench.py


def test_the_first_deploy_creates_the_stack_and_answers_its_pause(bench: Bench) -> None:
    told = bench("1.0.0")
    assert (told.outcome, told.digest) == ("deployed", bench.digests["1.0.0"])
    assert bench.answers() == ["CONTINUE"] * 3
    assert told.serves and (told.serves.version, told.serves.percent) == ("1.0.0", 100)
    parameters = bench.world.cfn.stacks["cutover-demo-service"]["parameters"]
    assert parameters["Image"] == f"{IMAGES}@{told.digest}"
    assert (parameters["ContainerPort"], parameters["HealthCheckPath"]) == ("8080", "/health")


def test_the_first_tasks_land_in_the_group_without_weight(bench: Bench) -> None:
    told = bench("1.0.0")
    assert told.serves and told.serves.target_group == bench.world.groups[1]
    assert told.weights["production"] == {bench.world.groups[0]: 0, bench.world.groups[1]: 100}


def test_an_environment_without_a_load_balancer_wants_provision_first(bench: Bench) -> None:
    del bench.world.cfn.stacks["cutover-demo-ingress"]
    assert "provision" in bench.refused("1.0.0", errors.EnvironmentMissing)


def test_a_first_deployment_that_fails_leaves_nothing_and_says_so(bench: Bench) -> None:
    bench.site.answers[(8080, "/")] = (500, "Oops")
    sentence = bench.refused("1.0.0", errors.DeploymentFailed)
    assert "ROLLBACK_FAILED" in sentence and "smoke check" in sentence
    assert bench.told.outcome == "failed"
    assert bench.world.cfn.stacks["cutover-demo-service"]["StackStatus"] == "ROLLBACK_COMPLETE"


def test_the_rest_of_a_failed_first_deploy_is_deleted_by_the_next(bench: Bench) -> None:
    bench.site.answers[(8080, "/")] = (500, "Oops")
    bench.refused("1.0.0", errors.DeploymentFailed)
    bench.site.answers[(8080, "/")] = (200, "Hello")
    bench.world.ecs.service = None
    bench.world.ecs.deployments.clear()
    assert bench("1.0.0").outcome == "deployed"
    assert "cutover-demo-service: delete what a failed creation left" in bench.world.lines


def test_a_stack_that_fails_before_its_service_names_the_resource(bench: Bench) -> None:
    bench.world.cfn.fails["cutover-demo-service"] = [("Cluster", "AWS::ECS::Cluster", "no service-linked role")]
    assert "Cluster (AWS::ECS::Cluster): no service-linked role" in bench.refused("1.0.0", errors.StackFailed)
    assert bench.told.outcome == "failed"


def test_a_stack_that_fails_after_its_service_was_deployed_is_a_failure(bench: Bench) -> None:
    bench.world.deployed = lambda: bench.world.cfn.fail("cutover-demo-service")
    assert "ROLLBACK_COMPLETE" in bench.refused("1.0.0", errors.StackFailed)


def test_a_stack_that_only_a_person_can_repair_is_refused(bench: Bench) -> None:
    bench.world.cfn.add("cutover-demo-service", "UPDATE_ROLLBACK_FAILED")
    assert "by hand" in bench.refused("1.0.0", errors.StackStuck)


def test_a_stack_that_is_being_cleared_away_is_waited_for(bench: Bench) -> None:
    bench.world.cfn.add("cutover-demo-service", "ROLLBACK_IN_PROGRESS")
    bench.world.cfn.ways["cutover-demo-service"] = ["ROLLBACK_COMPLETE"]
    assert bench("1.0.0").outcome == "deployed"


def test_a_creation_of_the_same_image_is_taken_over(bench: Bench) -> None:
    bench.creating_elsewhere("1.0.0")
    assert bench("1.0.0").outcome == "deployed"
    assert bench.world.clients["cloudformation"].called("create_change_set") == []


def test_a_creation_of_another_image_is_left_alone(bench: Bench) -> None:
    bench.creating_elsewhere("1.0.0")
    assert "1.0.0" in bench.refused("1.1.0", errors.OtherDeployment)


def test_a_first_deployment_without_a_way_back_is_told_with_the_stacks_event(bench: Bench) -> None:
    bench.world.ecs.fails_at = "SCALE_UP"
    bench.world.first_failed = lambda: vanish(bench)
    sentence = bench.refused("1.0.0", errors.DeploymentFailed)
    assert (
        "circuit breaker" in sentence
        and "Service (AWS::ECS::Service): it did not stabilize; nothing serves" in sentence
    )


def vanish(bench: Bench) -> None:
    """CloudFormation goes back, and says which resource failed."""
    bench.world.cfn.fails["cutover-demo-service"] = [("Service", "AWS::ECS::Service", "it did not stabilize.")]
    bench.world.cfn.fail("cutover-demo-service")


def test_a_deployment_of_a_service_that_is_gone_is_not_taken_for_the_new_one(live: Bench) -> None:
    """ECS still lists those of the first creation, which failed, while the second one has not got to its service."""
    aws, names = live.world.aws, Names("cutover", "demo")
    begun = live.world.ecs.moment()
    found = deployments.newest(aws, names, begun - timedelta(hours=1))
    assert found and found.status == "SUCCESSFUL"
    assert deployments.newest(aws, names, begun + timedelta(seconds=1)) is None
