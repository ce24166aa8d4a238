"""Releases of a service through the real API and the real templates, under a steady load: nothing is lost."""

import http.client
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import WaiterError

pytestmark = pytest.mark.docker

PREFIX, ENVIRONMENT = "cutover", "demo"
SERVICE_STACK, NAME = "cutover-demo-service", "cutover-demo"
GIVEN_BY_ECS = (
    "taskDefinitionArn", "revision", "status", "requiresAttributes", "compatibilities", "registeredAt", "registeredBy",
)  # fmt: skip
TERMINAL = {"SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"}


class Releases:
    """A deployer in miniature, over boto3."""

    def __init__(self, instance: Any, wait_for: Callable[..., Any]) -> None:
        self.instance = instance
        self.wait_for = wait_for
        self.ecs = instance.client("ecs")

    def newest(self) -> dict[str, Any]:
        briefs = self.ecs.list_service_deployments(service=NAME, cluster=NAME)["serviceDeployments"]
        arn = max(briefs, key=lambda each: each["createdAt"])["serviceDeploymentArn"]
        answer = self.ecs.describe_service_deployments(serviceDeploymentArns=[arn])
        found: dict[str, Any] = answer["serviceDeployments"][0]
        return found

    def paused(self) -> dict[str, Any]:
        """The newest deployment once it waits at its PAUSE hook."""

        def at_hook() -> dict[str, Any] | None:
            if not self.ecs.list_services(cluster=NAME)["serviceArns"]:
                return None
            deployment = self.newest()
            assert deployment["status"] not in TERMINAL, deployment
            waiting = [h for h in deployment.get("lifecycleHookDetails", []) if h["status"] == "AWAITING_ACTION"]
            return deployment if waiting else None

        deployment: dict[str, Any] = self.wait_for(at_hook, "the pause")
        return deployment

    def answer(self, deployment: dict[str, Any], action: str) -> None:
        self.ecs.continue_service_deployment(
            serviceDeploymentArn=deployment["serviceDeploymentArn"],
            hookId=deployment["lifecycleHookDetails"][-1]["hookId"],
            action=action,
        )

    def ended(self) -> dict[str, Any]:
        """The newest deployment once it has ended; at every pause that is left it is told to go on."""

        def at_end() -> dict[str, Any] | None:
            deployment = self.newest()
            if deployment["status"] in TERMINAL:
                return deployment
            if any(hook["status"] == "AWAITING_ACTION" for hook in deployment.get("lifecycleHookDetails", [])):
                self.answer(deployment, "CONTINUE")
            return None

        deployment: dict[str, Any] = self.wait_for(at_end, "the end of the deployment")
        return deployment

    def update(self, digest: str, version: str) -> None:
        """Register the live task definition with another image, and start a deployment of it."""
        service = self.ecs.describe_services(cluster=NAME, services=[NAME])["services"][0]
        body = self.ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"]
        for member in GIVEN_BY_ECS:
            body.pop(member, None)
        container = body["containerDefinitions"][0]
        container["image"] = f"{container['image'].partition('@')[0]}@{digest}"
        values = {"APP_IMAGE_DIGEST": digest, "APP_VERSION": version}
        container["environment"] = [
            {**each, "value": values.get(each["name"], each["value"])} for each in container["environment"]
        ]
        arn = self.ecs.register_task_definition(**body)["taskDefinition"]["taskDefinitionArn"]
        self.ecs.update_service(cluster=NAME, service=NAME, taskDefinition=arn)

    def weights(self) -> list[list[int]]:
        """Weights of the production and the test rule, primary group first."""
        outputs = self.outputs()
        elbv2 = self.instance.client("elbv2")
        result = []
        for rule in ("ProductionListenerRuleArn", "TestListenerRuleArn"):
            found = elbv2.describe_rules(RuleArns=[outputs[rule]])["Rules"][0]
            groups = {g["TargetGroupArn"]: g["Weight"] for g in found["Actions"][0]["ForwardConfig"]["TargetGroups"]}
            result.append([groups[outputs["PrimaryTargetGroupArn"]], groups[outputs["AlternateTargetGroupArn"]]])
        return result

    def outputs(self) -> dict[str, str]:
        stack = self.instance.client("cloudformation").describe_stacks(StackName="cutover-demo-ingress")["Stacks"][0]
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}

    def get(self, listener: int, path: str = "/") -> tuple[int, dict[str, Any] | str]:
        """A request through the one port, by the listener's name."""
        connection = http.client.HTTPConnection("127.0.0.1", self.instance.port, timeout=10)
        connection.request("GET", path, headers={"Host": f"{self.outputs()['LoadBalancerDnsName']}:{listener}"})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, json.loads(body) if body.startswith("{") else body


@pytest.fixture(scope="module")
def releases(instance: Any, wait_for: Callable[..., Any]) -> Releases:
    """The shared stacks are there; the service is not."""
    both = {"Prefix": PREFIX, "Environment": ENVIRONMENT}
    for concern, parameters in (
        ("registry", {"Prefix": PREFIX}),
        ("network", both),
        ("roles", both),
        ("ingress", {**both, "DeregistrationDelay": "2"}),
    ):
        stack = f"cutover-{concern}" if concern == "registry" else f"cutover-demo-{concern}"
        instance.apply(stack, instance.template(concern), **parameters)
        assert instance.settle(stack) == "CREATE_COMPLETE"
    return Releases(instance, wait_for)


@pytest.fixture(scope="module")
def first(releases: Releases, instance: Any, push: Callable[[str, str], str]) -> str:
    """The first release is paused in the middle of its stack's creation; gives its digest."""
    digest = push("blue", "1.0.0")
    instance.apply(
        SERVICE_STACK, instance.template("service"), Prefix=PREFIX, Environment=ENVIRONMENT,
        Image=f"123456789012.dkr.ecr.eu-north-1.amazonaws.com/cutover@{digest}", Version="1.0.0", Commit="c0ffee",
        ImageDigest=digest, BakeTimeInMinutes="1",
    )  # fmt: skip
    stack = releases.instance.client("cloudformation")
    releases.wait_for(
        lambda: "Service" in _resources(stack.describe_stack_events(StackName=SERVICE_STACK)), "the service"
    )
    return digest


def _resources(events: dict[str, Any]) -> set[str]:
    return {each["LogicalResourceId"] for each in events["StackEvents"]}


def test_the_first_deployment_lands_in_the_alternate_group_and_its_stack_waits_for_the_pause(
    releases: Releases, instance: Any, first: str
) -> None:
    deployment = releases.paused()

    assert (deployment["status"], deployment["lifecycleStage"]) == ("IN_PROGRESS", "POST_TEST_TRAFFIC_SHIFT")
    assert deployment["sourceServiceRevisions"] == []
    assert instance.stack_status(SERVICE_STACK) == "CREATE_IN_PROGRESS"
    assert releases.weights() == [[100, 0], [0, 100]]
    assert releases.get(80)[0] == 503, "production's group is still empty"
    assert releases.get(8080) == (200, {"colour": "blue", "digest": first})

    releases.answer(deployment, "CONTINUE")

    assert releases.ended()["status"] == "SUCCESSFUL"
    assert instance.settle(SERVICE_STACK) == "CREATE_COMPLETE"
    assert releases.weights() == [[0, 100], [0, 100]]
    assert releases.get(80) == (200, {"colour": "blue", "digest": first})


def test_a_second_release_is_cut_over_under_load_without_a_failed_request(
    releases: Releases, instance: Any, first: str, push: Callable[[str, str], str], load: Callable[[str], Any]
) -> None:
    digest = push("green", "1.1.0")
    steady = load(instance.url(80))

    releases.update(digest, "1.1.0")
    deployment = releases.paused()
    assert releases.get(8080)[1] == {"colour": "green", "digest": digest}
    assert releases.get(80)[1] == {"colour": "blue", "digest": first}
    assert "green" not in steady.colours
    releases.answer(deployment, "CONTINUE")
    ended = releases.ended()

    steady.stop()
    assert ended["status"] == "SUCCESSFUL"
    assert ended["targetServiceRevision"]["requestedProductionTrafficWeight"] == 100
    assert steady.failed == []
    assert steady.sent > 500
    assert steady.colours["green"] > 0 < steady.colours["blue"]
    assert releases.weights() == [[100, 0], [100, 0]]
    assert releases.get(80)[1] == {"colour": "green", "digest": digest}
    assert len(instance.containers()) == 1, "blue is gone"


def test_a_rollback_at_the_pause_loses_no_request_and_never_shows_the_new_release(
    releases: Releases, instance: Any, push: Callable[[str, str], str], load: Callable[[str], Any]
) -> None:
    digest = push("red", "1.2.0")
    before = releases.get(80)
    steady = load(instance.url(80))

    releases.update(digest, "1.2.0")
    releases.answer(releases.paused(), "ROLLBACK")
    ended = releases.ended()

    steady.stop()
    assert ended["status"] == "ROLLBACK_SUCCESSFUL"
    assert "POST_TEST_TRAFFIC_SHIFT" in ended["statusReason"]
    assert ended["lifecycleHookDetails"][-1]["status"] == "FAILED"
    assert steady.failed == []
    assert list(steady.colours) == ["green"]
    assert releases.weights() == [[100, 0], [100, 0]]
    assert releases.get(80) == before
    assert len(instance.containers()) == 1


def test_the_ingress_template_shows_no_change_after_releases_and_another_setting_leaves_the_weights_alone(
    releases: Releases, instance: Any
) -> None:
    before = releases.weights()
    parameters = {"Prefix": PREFIX, "Environment": ENVIRONMENT, "DeregistrationDelay": "2"}
    with pytest.raises(WaiterError) as refused:
        instance.apply("cutover-demo-ingress", instance.template("ingress"), "UPDATE", **parameters)
    assert "didn't contain changes" in refused.value.last_response["StatusReason"]

    changes = instance.apply(
        "cutover-demo-ingress", instance.template("ingress"), "UPDATE", **{**parameters, "DeregistrationDelay": "1"}
    )

    assert instance.settle("cutover-demo-ingress") == "UPDATE_COMPLETE"
    assert {each["LogicalResourceId"] for each in changes} == {"PrimaryTargetGroup", "AlternateTargetGroup"}
    assert releases.weights() == before


def test_another_test_cidr_changes_only_the_security_group(releases: Releases, instance: Any) -> None:
    (change,) = instance.apply(
        "cutover-demo-network", instance.template("network"), "UPDATE",
        Prefix=PREFIX, Environment=ENVIRONMENT, TestCidr="192.0.2.1/32",
    )  # fmt: skip

    assert (change["LogicalResourceId"], change["Replacement"]) == ("LoadBalancerSecurityGroup", "False")
    assert instance.settle("cutover-demo-network") == "UPDATE_COMPLETE"


def test_a_task_that_dies_is_replaced_and_serves_again(
    releases: Releases, instance: Any, wait_for: Callable[..., Any]
) -> None:
    before = instance.containers()[0]

    before.kill()

    wait_for(lambda: [c.id for c in instance.containers()] not in ([], [before.id]), "a new task")
    wait_for(lambda: releases.get(80)[0] == 200, "an answer of the new task")


def test_a_service_stack_goes_with_its_containers_and_the_ingress_with_its_targets(
    releases: Releases, instance: Any, wait_for: Callable[..., Any]
) -> None:
    cloudformation = instance.client("cloudformation")
    vpc = cloudformation.describe_stack_resource(StackName="cutover-demo-network", LogicalResourceId="Vpc")
    vpc_id = vpc["StackResourceDetail"]["PhysicalResourceId"]
    for stack in (SERVICE_STACK, "cutover-demo-ingress", "cutover-demo-roles", "cutover-demo-network"):
        stack_id = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
        cloudformation.delete_stack(StackName=stack)
        assert instance.settle(stack_id) == "DELETE_COMPLETE", instance.failures(stack_id)

    assert instance.containers() == []
    groups = instance.client("elbv2").describe_target_groups()["TargetGroups"]
    assert [group for group in groups if group["VpcId"] == vpc_id] == []
    assert [arn for arn in instance.client("ecs").list_clusters()["clusterArns"] if arn.endswith(f"/{NAME}")] == []
    assert {80, 8080} & set(instance.listeners()) == set()
