"""Lists: pages, filters; and the small operations beside services: tags, account settings, capacity providers."""

from collections.abc import Callable
from typing import Any

import pytest

from infra.local.ecs import errors
from infra.local.ecs.validation import service_model

APP = {"name": "app", "image": "app:1", "memory": 64}


def clusters(world: Any) -> None:
    for number in range(5):
        world.call("CreateCluster", clusterName=f"c{number}")


def families(world: Any) -> None:
    for number in range(5):
        world.call("RegisterTaskDefinition", family=f"f{number}", containerDefinitions=[APP])


def definitions(world: Any) -> None:
    for _ in range(5):
        world.register()


def services(world: Any) -> None:
    world.call("CreateCluster", clusterName="demo")
    definition = world.register()
    for number in range(5):
        world.call("CreateService", cluster="demo", serviceName=f"s{number}", taskDefinition=definition, desiredCount=0)


def tasks(world: Any) -> None:
    world.call("CreateCluster", clusterName="demo")
    world.call("RunTask", cluster="demo", taskDefinition=world.register(), count=5)


def deployments(world: Any) -> None:
    world.create(hooks=[], desiredCount=0)
    for _ in range(4):
        assert world.settle() == "SUCCESSFUL"
        world.call("UpdateService", cluster="demo", service="demo", forceNewDeployment=True)


@pytest.mark.parametrize(
    ("prepare", "operation", "given", "member"),
    [
        (clusters, "ListClusters", {}, "clusterArns"),
        (families, "ListTaskDefinitionFamilies", {}, "families"),
        (definitions, "ListTaskDefinitions", {}, "taskDefinitionArns"),
        (services, "ListServices", {"cluster": "demo"}, "serviceArns"),
        (tasks, "ListTasks", {"cluster": "demo"}, "taskArns"),
        (deployments, "ListServiceDeployments", {"cluster": "demo", "service": "demo"}, "serviceDeployments"),
    ],
)
def test_every_list_comes_in_pages_that_together_are_the_whole(
    world: Any, prepare: Callable[[Any], None], operation: str, given: dict[str, Any], member: str
) -> None:
    prepare(world)
    whole = world.call(operation, **given)
    pages, token = [], {}

    while not pages or token:
        answer = world.call(operation, **given, **token, maxResults=2)
        pages.append(answer[member])
        token = {"nextToken": answer["nextToken"]} if "nextToken" in answer else {}

    assert [len(page) for page in pages] == [2, 2, 1]
    assert [each for page in pages for each in page] == whole[member]
    assert "nextToken" not in whole
    with pytest.raises(errors.InvalidParameter, match="between 1 and 100"):
        world.call(operation, **given, maxResults=101)
    with pytest.raises(errors.InvalidParameter, match="Invalid token"):
        world.call(operation, **given, nextToken="somebody else's")


def test_every_errors_code_is_one_of_ecs() -> None:
    known = {shape.error_code or shape.name for shape in service_model().error_shapes}
    own = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, errors.EcsError)]

    assert {each.code for each in own} <= known


class TestFamilies:
    """ListTaskDefinitionFamilies and DeleteTaskDefinitions."""

    def test_they_are_listed_by_prefix_and_by_whether_one_is_active(self, world: Any) -> None:
        families(world)
        world.call("DeregisterTaskDefinition", taskDefinition="f1:1")

        assert world.call("ListTaskDefinitionFamilies", familyPrefix="f1")["families"] == []
        assert world.call("ListTaskDefinitionFamilies", status="INACTIVE")["families"] == ["f1"]
        assert len(world.call("ListTaskDefinitionFamilies", status="ALL")["families"]) == 5

    def test_only_a_deregistered_revision_is_deleted(self, world: Any) -> None:
        first, second = world.register(), world.register()
        world.call("DeregisterTaskDefinition", taskDefinition=first)

        answer = world.call("DeleteTaskDefinitions", taskDefinitions=[first, second, "demo:9"])

        assert [each["status"] for each in answer["taskDefinitions"]] == ["DELETE_IN_PROGRESS"]
        assert ["ACTIVE" in each["reason"] for each in answer["failures"]] == [True, False]
        with pytest.raises(errors.ClientError, match="Unable to describe"):
            world.call("DescribeTaskDefinition", taskDefinition=first)

    def test_one_that_a_service_uses_stays_until_it_is_not_used(self, live: Any) -> None:
        arn = live.shown_service()["taskDefinition"]
        live.call("DeregisterTaskDefinition", taskDefinition=arn)
        live.call("DeleteTaskDefinitions", taskDefinitions=[arn])

        shown = live.call("DescribeTaskDefinition", taskDefinition=arn)["taskDefinition"]
        assert shown["status"] == "DELETE_IN_PROGRESS"

    def test_a_number_is_not_given_twice(self, world: Any) -> None:
        arn = world.register()
        world.call("DeregisterTaskDefinition", taskDefinition=arn)
        world.call("DeleteTaskDefinitions", taskDefinitions=[arn])

        assert world.register().endswith(":2")

    def test_at_most_ten_are_deleted_at_once(self, world: Any) -> None:
        with pytest.raises(errors.InvalidParameter, match="at most 10"):
            world.call("DeleteTaskDefinitions", taskDefinitions=["x:1"] * 11)


class TestTags:
    """TagResource, UntagResource, ListTagsForResource."""

    @pytest.fixture
    def arns(self, live: Any) -> list[str]:
        """One of each kind."""
        shown = live.shown_service()
        return [shown["clusterArn"], shown["serviceArn"], shown["taskDefinition"], live.service.tasks[0].arn]

    def test_tags_are_put_replaced_and_taken_away(self, live: Any, arns: list[str]) -> None:
        for arn in arns:
            live.call("TagResource", resourceArn=arn, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
            live.call("TagResource", resourceArn=arn, tags=[{"key": "a", "value": "3"}])
            live.call("UntagResource", resourceArn=arn, tagKeys=["b", "none"])

            assert live.call("ListTagsForResource", resourceArn=arn)["tags"] == [{"key": "a", "value": "3"}]

    @pytest.mark.parametrize(
        ("arn", "error"),
        [
            ("arn:aws:ecs:eu-north-1:123456789012:cluster/none", errors.ResourceNotFound),
            ("arn:aws:ecs:eu-north-1:123456789012:service/demo/none", errors.ResourceNotFound),
            ("arn:aws:ecs:eu-north-1:123456789012:task-set/x", errors.InvalidParameter),
            ("arn:aws:s3:::bucket", errors.InvalidParameter),
            ("demo", errors.InvalidParameter),
        ],
    )
    def test_what_is_not_there_has_none(self, live: Any, arn: str, error: type[Exception]) -> None:
        with pytest.raises(error):
            live.call("UntagResource", resourceArn=arn, tagKeys=["a"])
        with pytest.raises(errors.InvalidParameter):
            live.call("ListTagsForResource", resourceArn=arn)

    def test_awss_own_keys_and_too_many_are_refused(self, live: Any, arns: list[str]) -> None:
        with pytest.raises(errors.InvalidParameter, match="reserved for AWS"):
            live.call("TagResource", resourceArn=arns[0], tags=[{"key": "aws:x", "value": ""}])
        with pytest.raises(errors.InvalidParameter, match="50"):
            live.call("TagResource", resourceArn=arns[0], tags=[{"key": str(n), "value": ""} for n in range(51)])


class TestAccount:
    """Account settings, which are kept and change nothing."""

    def test_a_setting_is_put_listed_and_deleted(self, world: Any) -> None:
        world.call("PutAccountSetting", name="containerInsights", value="enabled")

        assert [each["value"] for each in world.call("ListAccountSettings")["settings"]] == ["enabled"]
        world.call("DeleteAccountSetting", name="containerInsights")
        assert world.call("ListAccountSettings")["settings"] == []

    def test_effective_settings_are_the_defaults_too(self, world: Any) -> None:
        answer = world.call("ListAccountSettings", effectiveSettings=True, name="taskLongArnFormat")

        assert [each["value"] for each in answer["settings"]] == ["enabled"]


class TestCapacity:
    """Clusters' capacity providers, which are Fargate's two."""

    def test_a_clusters_strategy_is_replaced(self, world: Any) -> None:
        world.call("CreateCluster", clusterName="demo")
        strategy = [{"capacityProvider": "FARGATE_SPOT", "weight": 1}]

        answer = world.call(
            "PutClusterCapacityProviders", cluster="demo", capacityProviders=["FARGATE_SPOT"],
            defaultCapacityProviderStrategy=strategy,
        )  # fmt: skip

        assert answer["cluster"]["capacityProviders"] == ["FARGATE_SPOT"]

    def test_one_of_somebodys_own_is_refused(self, world: Any) -> None:
        with pytest.raises(errors.InvalidParameter, match="'mine' was not found"):
            world.call("CreateCluster", clusterName="demo", capacityProviders=["mine"])

    def test_fargates_are_described_and_others_missing(self, world: Any) -> None:
        answer = world.call("DescribeCapacityProviders", capacityProviders=["FARGATE", "mine"])

        assert [each["name"] for each in answer["capacityProviders"]] == ["FARGATE"]
        assert [each["reason"] for each in answer["failures"]] == ["MISSING"]

    def test_a_cluster_has_no_container_instances(self, world: Any) -> None:
        world.call("CreateCluster", clusterName="demo")

        assert world.call("ListContainerInstances", cluster="demo")["containerInstanceArns"] == []

    def test_a_clusters_settings_are_changed(self, world: Any) -> None:
        world.call("CreateCluster", clusterName="demo")
        settings = [{"name": "containerInsights", "value": "enabled"}]

        world.call("UpdateClusterSettings", cluster="demo", settings=settings)

        (shown,) = world.call("DescribeClusters", clusters=["demo"], include=["SETTINGS"])["clusters"]
        assert shown["settings"] == settings

    def test_a_cluster_with_a_task_of_its_own_cannot_be_deleted(self, world: Any) -> None:
        tasks(world)
        with pytest.raises(errors.ClusterContainsTasks):
            world.call("DeleteCluster", cluster="demo")
