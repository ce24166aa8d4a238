"""ECS's operations: their answers fit botocore's shapes (the world checks every one), their errors are AWS's."""

from typing import Any

import pytest

from infra.local.ecs import errors


def test_an_operation_that_is_not_served_is_named(world: Any) -> None:
    with pytest.raises(errors.NotServed, match="AWS on this machine does not serve the operation StartTask of ECS"):
        world.call("StartTask", cluster="demo", taskDefinition="demo", containerInstances=[])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, 'Missing required parameter in input: "services"'),
        ({"services": "demo"}, "Invalid type for parameter services"),
        ({"services": ["demo"], "clutser": "x"}, 'Unknown parameter in input: "clutser"'),
        ({"services": ["demo"], "include": ["tags"]}, "Invalid value 'tags' for include.0"),
    ],
)
def test_a_request_against_the_model_is_refused_and_the_member_named(
    world: Any, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(errors.InvalidParameter, match=words):
        world.call("DescribeServices", **given)


class TestClusters:
    def test_creating_one_that_exists_gives_it(self, world: Any) -> None:
        first = world.call("CreateCluster", clusterName="demo")
        assert world.call("CreateCluster", clusterName="demo") == first

    def test_one_that_is_missing_is_among_the_failures(self, world: Any) -> None:
        answer = world.call("DescribeClusters", clusters=["none"])
        assert answer["clusters"] == []
        assert answer["failures"][0]["reason"] == "MISSING"

    def test_one_with_services_cannot_be_deleted(self, live: Any) -> None:
        with pytest.raises(errors.ClusterContainsServices):
            live.call("DeleteCluster", cluster="demo")

    def test_a_deleted_one_is_listed_no_more_and_takes_no_service(self, world: Any) -> None:
        world.call("CreateCluster", clusterName="demo")
        world.call("DeleteCluster", cluster="demo")

        assert world.call("ListClusters")["clusterArns"] == []
        with pytest.raises(errors.ClusterNotFound):
            world.call("CreateService", **world.request(world.register()))

    def test_it_counts_its_services_and_tasks(self, live: Any) -> None:
        (shown,) = live.call("DescribeClusters", clusters=["demo"], include=["TAGS"])["clusters"]
        assert (shown["activeServicesCount"], shown["runningTasksCount"]) == (1, 1)


class TestTaskDefinitions:
    def test_each_registration_is_a_revision_more(self, world: Any) -> None:
        assert [world.register()[-2:], world.register()[-2:]] == [":1", ":2"]

    def test_a_family_without_revision_is_its_latest_active_one(self, world: Any) -> None:
        first, second = world.register("app:1"), world.register("app:2")
        world.call("DeregisterTaskDefinition", taskDefinition=second)

        shown = world.call("DescribeTaskDefinition", taskDefinition="demo")["taskDefinition"]

        assert shown["taskDefinitionArn"] == first

    def test_lists_are_paged_and_filtered(self, world: Any) -> None:
        arns = [world.register() for _ in range(5)]

        pages, token = [], {}
        while True:
            answer = world.call("ListTaskDefinitions", familyPrefix="demo", maxResults=2, **token)
            pages.append(answer["taskDefinitionArns"])
            if "nextToken" not in answer:
                break
            token = {"nextToken": answer["nextToken"]}

        assert [len(page) for page in pages] == [2, 2, 1]
        assert [arn for page in pages for arn in page] == arns
        assert world.call("ListTaskDefinitions", familyPrefix="other")["taskDefinitionArns"] == []
        assert world.call("ListTaskDefinitions", sort="DESC")["taskDefinitionArns"] == arns[::-1]

    def test_a_token_of_somebody_elses_is_refused(self, world: Any) -> None:
        with pytest.raises(errors.InvalidParameter, match="token"):
            world.call("ListTaskDefinitions", nextToken="x")

    @pytest.mark.parametrize("containers", [[], [{"name": "app"}]])
    def test_a_container_needs_an_image(self, world: Any, containers: list[Any]) -> None:
        with pytest.raises(errors.ClientError, match=r"null or empty|cannot be empty"):
            world.call("RegisterTaskDefinition", family="demo", containerDefinitions=containers)

    @pytest.mark.parametrize("name", ["none", "demo:9"])
    def test_one_that_is_missing_cannot_be_described(self, world: Any, name: str) -> None:
        world.register()
        with pytest.raises(errors.ClientError, match="Unable to describe task definition"):
            world.call("DescribeTaskDefinition", taskDefinition=name)

    @pytest.mark.parametrize(
        ("cpu", "memory", "kept"),
        [("256", "512", ("256", "512")), ("1 vCPU", "2GB", ("1024", "2048")), (".25 vcpu", "0.5 gb", ("256", "512"))],
    )
    def test_sizes_are_kept_in_units(self, world: Any, cpu: str, memory: str, kept: tuple[str, str]) -> None:
        containers = [{"name": "a", "image": "a"}]
        answer = world.call(
            "RegisterTaskDefinition", family="demo", cpu=cpu, memory=memory, containerDefinitions=containers,
            networkMode="awsvpc", requiresCompatibilities=["FARGATE"],
        )  # fmt: skip
        assert (answer["taskDefinition"]["cpu"], answer["taskDefinition"]["memory"]) == kept

    @pytest.mark.parametrize(
        ("cpu", "memory", "words"),
        [
            ("256", "4096", "No Fargate configuration exists for given values: 256 CPU, 4096 memory."),
            ("300", "512", "No Fargate configuration exists for given values: 300 CPU, 512 memory."),
            ("a lot", "512", "Invalid 'cpu' setting for task."),
            ("1 vCPU", "0", "Invalid 'memory' setting for task."),
        ],
    )
    def test_fargate_has_no_tasks_of_other_sizes(self, world: Any, cpu: str, memory: str, words: str) -> None:
        with pytest.raises(errors.ClientError, match=words):
            world.call(
                "RegisterTaskDefinition", family="demo", cpu=cpu, memory=memory, networkMode="awsvpc",
                containerDefinitions=[{"name": "a", "image": "a"}], requiresCompatibilities=["FARGATE"],
            )  # fmt: skip

    def test_deregistering_needs_a_revision(self, world: Any) -> None:
        world.register()
        with pytest.raises(errors.ClientError, match="a revision is needed"):
            world.call("DeregisterTaskDefinition", taskDefinition="demo")

    def test_tags_are_shown_when_asked_for(self, world: Any) -> None:
        tags = [{"key": "a", "value": "b"}]
        containers = [{"name": "a", "image": "a", "memory": 64}]
        world.call("RegisterTaskDefinition", family="demo", tags=tags, containerDefinitions=containers)
        assert world.call("DescribeTaskDefinition", taskDefinition="demo", include=["TAGS"])["tags"] == tags


class TestCreateService:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"advanced": {"productionListenerRule": "arn:x"}}, "invalid ARN format. Must be RuleArn for ALB"),
            ({"advanced": {"testListenerRule": "arn:x"}}, "invalid ARN format. Must be RuleArn for ALB"),
            ({"advanced": {"alternateTargetGroupArn": "arn:none"}}, "The target group arn:none does not exist"),
            ({"configuration": {"bakeTimeInMinutes": 1441}}, "bakeTimeInMinutes must be between 0 and 1440"),
            ({"taskDefinition": "none"}, "TaskDefinition not found"),
        ],
    )
    def test_what_ecs_refuses_at_once(self, world: Any, changes: dict[str, Any], words: str) -> None:
        with pytest.raises(errors.EcsError, match=words):
            world.create(**changes)

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"hooks": [{"lifecycleStages": ["POST_SCALE_UP"]}]}, "hooks of the type AWS_LAMBDA"),
            ({"schedulingStrategy": "DAEMON"}, "the scheduling strategy DAEMON"),
            ({"deploymentController": {"type": "CODE_DEPLOY"}}, "the deployment controller CODE_DEPLOY"),
            ({"launchType": "EC2"}, "the launch type EC2"),
            ({"serviceRegistries": [{"registryArn": "arn:x"}]}, "the member serviceRegistries"),
            ({"serviceConnectConfiguration": {"enabled": True}}, "Service Connect"),
        ],
    )
    def test_what_is_not_served_here_names_itself(self, world: Any, changes: dict[str, Any], words: str) -> None:
        with pytest.raises(errors.NotServed, match=words):
            world.create(**changes)

    def test_both_rules_must_not_be_the_same(self, world: Any) -> None:
        request = world.request("demo")
        advanced = request["loadBalancers"][0]["advancedConfiguration"]
        advanced["testListenerRule"] = advanced["productionListenerRule"]
        world.call("CreateCluster", clusterName="demo")
        world.register()
        with pytest.raises(errors.InvalidParameter, match="cannot be used as both production and test"):
            world.call("CreateService", **request)

    def test_both_groups_must_not_be_the_same(self, world: Any) -> None:
        request = world.request("demo")
        balancer = request["loadBalancers"][0]
        balancer["targetGroupArn"] = balancer["advancedConfiguration"]["alternateTargetGroupArn"]
        world.call("CreateCluster", clusterName="demo")
        world.register()
        with pytest.raises(errors.InvalidParameter, match="must be unique"):
            world.call("CreateService", **request)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"containerName": "web"}, "The container web does not exist"),
            ({"containerPort": 1}, "did not have a container port 1 defined"),
            ({"advancedConfiguration": None}, "advancedConfiguration"),
        ],
    )
    def test_the_load_balancer_entry_has_to_fit(self, world: Any, change: dict[str, Any], words: str) -> None:
        request = world.request("demo")
        request["loadBalancers"][0].update(change)
        if request["loadBalancers"][0]["advancedConfiguration"] is None:
            del request["loadBalancers"][0]["advancedConfiguration"]
        world.call("CreateCluster", clusterName="demo")
        world.register()
        with pytest.raises(errors.InvalidParameter, match=words):
            world.call("CreateService", **request)

    @pytest.mark.parametrize(
        ("hook", "words"),
        [
            ({"hookTargetArn": "arn:x"}, "hookTargetArn and roleArn"),
            ({"lifecycleStages": []}, "at least one stage"),
            ({"timeoutConfiguration": {"timeoutInMinutes": 20161}}, "timeoutInMinutes must be between 1 and 20160"),
        ],
    )
    def test_a_pause_has_to_be_complete(self, world: Any, hook: dict[str, Any], words: str) -> None:
        with pytest.raises(errors.InvalidParameter, match=words):
            world.create(hooks=[{**world.pause(), **hook}])

    def test_there_are_at_most_ten_pauses(self, world: Any) -> None:
        with pytest.raises(errors.InvalidParameter, match="at most 10"):
            world.create(hooks=[world.pause()] * 11)

    def test_a_name_is_taken_once(self, live: Any) -> None:
        with pytest.raises(errors.InvalidParameter, match="not idempotent"):
            live.call("CreateService", **live.request("demo"))

    def test_it_needs_a_task_definition(self, world: Any) -> None:
        world.call("CreateCluster", clusterName="demo")
        with pytest.raises(errors.InvalidParameter, match="TaskDefinition can not be blank"):
            world.call("CreateService", cluster="demo", serviceName="demo")

    def test_an_inactive_task_definition_cannot_be_used(self, world: Any) -> None:
        arn = world.register()
        world.call("CreateCluster", clusterName="demo")
        world.call("DeregisterTaskDefinition", taskDefinition=arn)
        with pytest.raises(errors.ClientError, match="inactive"):
            world.call("CreateService", **world.request(arn))


class TestServices:
    def test_describing_gives_counts_deployments_and_events(self, live: Any) -> None:
        shown = live.shown_service()

        assert shown["status"] == "ACTIVE"
        assert (shown["desiredCount"], shown["runningCount"], shown["pendingCount"]) == (1, 1, 0)
        assert shown["deployments"][0]["rolloutState"] == "COMPLETED"
        assert shown["events"][0]["message"] == "(service demo) has reached a steady state."
        assert shown["currentServiceDeployment"] == live.deployment.arn
        assert shown["currentServiceRevisions"][0]["runningTaskCount"] == 1

    def test_the_newest_hundred_events_are_kept(self, live: Any) -> None:
        for number in range(120):
            live.service.note(live.clock.now(), str(number))
        assert len(live.shown_service()["events"]) == 100

    def test_what_is_being_replaced_is_active_beside_the_primary(self, live: Any) -> None:
        live.update("app:2")
        live.paused()

        deployments = live.shown_service()["deployments"]

        assert [each["status"] for each in deployments] == ["PRIMARY", "ACTIVE"]
        assert deployments[0]["rolloutState"] == "IN_PROGRESS"

    def test_more_than_ten_cannot_be_described_at_once(self, live: Any) -> None:
        with pytest.raises(errors.InvalidParameter, match="at most 10"):
            live.call("DescribeServices", cluster="demo", services=["x"] * 11)

    def test_one_that_is_missing_is_among_the_failures(self, live: Any) -> None:
        assert live.call("DescribeServices", cluster="demo", services=["x"])["failures"][0]["reason"] == "MISSING"

    def test_a_forced_deployment_begins_without_a_change(self, live: Any) -> None:
        before = live.deployment
        live.call("UpdateService", cluster="demo", service="demo", forceNewDeployment=True)
        assert live.deployment is not before

    @pytest.mark.parametrize("change", [{"healthCheckGracePeriodSeconds": 5}, {"propagateTags": "SERVICE"}])
    def test_a_change_that_is_not_deployed_starts_nothing(self, live: Any, change: dict[str, Any]) -> None:
        before = live.deployment
        live.call("UpdateService", cluster="demo", service="demo", **change)
        assert live.deployment is before

    def test_one_that_runs_is_deleted_only_by_force(self, live: Any) -> None:
        with pytest.raises(errors.InvalidParameter, match="scaled above 0"):
            live.call("DeleteService", cluster="demo", service="demo")

    def test_a_deleted_one_drains_and_is_then_inactive(self, live: Any) -> None:
        live.call("DeleteService", cluster="demo", service="demo", force=True)
        assert live.shown_service()["status"] == "DRAINING"
        with pytest.raises(errors.ServiceNotActive):
            live.call("UpdateService", cluster="demo", service="demo", desiredCount=1)

        live.until(lambda: live.shown_service()["status"] == "INACTIVE")

        assert live.runtime.images() == []
        assert live.call("ListServices", cluster="demo")["serviceArns"] == []

    def test_one_that_is_deleted_in_the_middle_of_a_deployment_stops_that(self, live: Any) -> None:
        live.update("app:2")
        live.paused()
        live.call("DeleteService", cluster="demo", service="demo", force=True)

        live.until(lambda: live.shown_service()["status"] == "INACTIVE")

        assert live.deployment.status == "STOPPED"
        assert live.runtime.images() == []

    def test_a_name_is_free_again_after_the_deletion(self, live: Any) -> None:
        live.call("DeleteService", cluster="demo", service="demo", force=True)
        live.until(lambda: live.shown_service()["status"] == "INACTIVE")

        live.call("CreateService", **live.request("demo"))

        assert live.shown_service()["status"] == "ACTIVE"


class TestDeployments:
    def test_they_are_listed_by_status_and_time(self, live: Any) -> None:
        live.clock.time += 100
        live.release("app:2")
        start = live.deployment.created_at

        def count(**given: Any) -> int:
            answer = live.call("ListServiceDeployments", cluster="demo", service="demo", **given)
            return len(answer["serviceDeployments"])

        assert count() == 2
        assert count(status=["SUCCESSFUL"]) == 2
        assert count(status=["STOPPED"]) == 0
        assert count(createdAt={"after": start}) == 1
        assert count(createdAt={"before": start - 1}) == 1
        assert count(maxResults=1) == 1

    def test_one_that_is_missing_is_among_the_failures(self, live: Any) -> None:
        answer = live.call("DescribeServiceDeployments", serviceDeploymentArns=["arn:none"])
        assert answer["failures"] == [{"arn": "arn:none", "reason": "MISSING"}]

    def test_more_than_twenty_cannot_be_described_at_once(self, live: Any) -> None:
        with pytest.raises(errors.InvalidParameter, match="at most 20"):
            live.call("DescribeServiceDeployments", serviceDeploymentArns=["x"] * 21)

    def test_a_stop_of_one_that_goes_back_just_goes_on(self, live: Any) -> None:
        live.update("app:2")
        live.answer(live.paused(), "ROLLBACK")
        live.call("StopServiceDeployment", serviceDeploymentArn=live.deployment.arn)
        assert live.settle() == "ROLLBACK_SUCCESSFUL"

    def test_a_revision_says_which_group_it_is_in(self, live: Any) -> None:
        arn = live.described()["targetServiceRevision"]["arn"]

        answer = live.call("DescribeServiceRevisions", serviceRevisionArns=[arn, "arn:none"])

        (shown,) = answer["serviceRevisions"]
        (resolved,) = shown["resolvedConfiguration"]["loadBalancers"]
        assert resolved["targetGroupArn"].split("/")[1] == "alternate"
        assert shown["taskDefinition"] == live.shown_service()["taskDefinition"]
        assert answer["failures"][0]["arn"] == "arn:none"

    def test_a_revision_tells_the_digest_that_its_image_names(self, live: Any) -> None:
        live.update("app@sha256:0123")
        arn = live.deployment.target.arn

        (shown,) = live.call("DescribeServiceRevisions", serviceRevisionArns=[arn])["serviceRevisions"]

        assert shown["containerImages"] == [
            {"containerName": "app", "image": "app@sha256:0123", "imageDigest": "sha256:0123"}
        ]


class TestTasks:
    def test_they_are_listed_by_service_family_and_status(self, live: Any) -> None:
        live.runtime.running.clear()
        live.turn(3, seconds=1)

        def count(**given: Any) -> int:
            return len(live.call("ListTasks", cluster="demo", **given)["taskArns"])

        assert count(serviceName="demo") == 1
        assert count(desiredStatus="STOPPED") == 1
        assert count(family="other") == 0
        assert count(startedBy=f"ecs-svc/{live.deployment.target.id}") == 1

    def test_describing_tells_address_status_and_reason(self, live: Any) -> None:
        live.runtime.running.clear()
        live.turn(3, seconds=1)
        arns = [task.arn for task in live.service.tasks]

        answer = live.call("DescribeTasks", cluster="demo", tasks=[*arns, "none"])

        stopped, running = answer["tasks"]
        assert (stopped["lastStatus"], stopped["stoppedReason"]) == ("STOPPED", "Essential container in task exited")
        assert running["containers"][0]["networkInterfaces"][0]["privateIpv4Address"] == "10.0.0.2"
        assert answer["failures"][0]["reason"] == "MISSING"


class TestEcs:
    """The whole."""

    def test_each_region_has_records_of_its_own(self, world: Any) -> None:
        world.ecs.answer("eu-north-1", "CreateCluster", b'{"clusterName": "demo"}')

        assert len(world.ecs.answer("eu-north-1", "ListClusters", b"")["clusterArns"]) == 1
        assert world.ecs.answer("us-east-1", "ListClusters", b"{}")["clusterArns"] == []

    @pytest.mark.parametrize(("body", "words"), [(b"{", "not JSON"), (b"[]", "not a JSON object")])
    def test_a_body_that_is_no_json_object_is_refused(self, world: Any, body: bytes, words: str) -> None:
        with pytest.raises(errors.InvalidParameter, match=words):
            world.ecs.answer("eu-north-1", "ListClusters", body)
