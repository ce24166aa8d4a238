"""Single services through the one port: the registry under ECR's rules, ECS's errors, the load balancer's states."""

import base64
import contextlib
import http.client
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from docker.errors import NotFound

from infra.local.processes import Ledger
from infra.local.state import StateDirectory

pytestmark = pytest.mark.docker


@pytest.fixture(scope="module")
def repository(instance: Any) -> Any:
    """An ECR client, with the repository `cutover` of the registry template."""
    ecr = instance.client("ecr")
    with contextlib.suppress(ecr.exceptions.RepositoryAlreadyExistsException):
        ecr.create_repository(
            repositoryName="cutover",
            imageTagMutability="IMMUTABLE_WITH_EXCLUSION",
            imageTagMutabilityExclusionFilters=[{"filterType": "WILDCARD", "filter": "latest"}],
        )
    return ecr


def test_what_docker_pushes_ecr_describes_by_digest_and_tags(
    instance: Any, repository: Any, push: Callable[[str, str], str]
) -> None:
    digest = push("cyan", "2.0.0")
    assert push("cyan", "latest") == digest

    (image,) = repository.describe_images(repositoryName="cutover", imageIds=[{"imageTag": "2.0.0"}])["imageDetails"]
    answer = repository.batch_get_image(repositoryName="cutover", imageIds=[{"imageTag": "latest"}])

    assert image["imageDigest"] == digest
    assert sorted(image["imageTags"]) == ["2.0.0", "latest"]
    assert answer["images"][0]["imageId"]["imageDigest"] == digest
    assert "layers" in answer["images"][0]["imageManifest"]
    pulled = instance.docker.images.pull(f"localhost:{instance.port}/cutover@{digest}")
    assert f"localhost:{instance.port}/cutover@{digest}" in pulled.attrs["RepoDigests"]


def test_a_version_is_pushed_once_and_latest_moves(repository: Any, push: Callable[[str, str], str]) -> None:
    push("cyan", "2.1.0")

    with pytest.raises(RuntimeError, match=r"The image tag '2\.1\.0' already exists in the 'cutover' repository"):
        push("magenta", "2.1.0")

    moved = push("magenta", "latest")
    (image,) = repository.describe_images(repositoryName="cutover", imageIds=[{"imageTag": "latest"}])["imageDetails"]
    assert image["imageDigest"] == moved


def test_docker_logs_in_with_ecrs_token(instance: Any, repository: Any) -> None:
    (entry,) = repository.get_authorization_token()["authorizationData"]
    user, _, password = base64.b64decode(entry["authorizationToken"]).decode().partition(":")

    answer = instance.docker.login(user, password, registry=f"localhost:{instance.port}", reauth=True)

    assert answer["Status"] == "Login Succeeded"
    assert entry["proxyEndpoint"] == f"http://localhost:{instance.port}"


def test_an_ecs_operation_that_is_not_served_is_named(instance: Any) -> None:
    with pytest.raises(ClientError, match="does not serve the operation ExecuteCommand of ECS"):
        instance.client("ecs").execute_command(task="demo", command="sh", interactive=True)


def test_other_services_are_answered_too(instance: Any) -> None:
    assert instance.client("sts").get_caller_identity()["Account"] == "123456789012"
    with pytest.raises(ClientError, match="NoSuchBucket"):
        instance.client("s3").get_object(Bucket="nobodys", Key="nothing")


class Balancer:
    """A load balancer with one listener, a target group, and a rule between them."""

    def __init__(self, instance: Any) -> None:
        self.instance = instance
        self.elbv2 = instance.client("elbv2")
        ec2 = instance.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        subnets = [
            ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.9.{n}.0/24", AvailabilityZone=f"eu-north-1{zone}")["Subnet"]
            for n, zone in enumerate("ab")
        ]
        made = self.elbv2.create_load_balancer(Name="single", Subnets=[each["SubnetId"] for each in subnets])
        self.arn = made["LoadBalancers"][0]["LoadBalancerArn"]
        group = self.elbv2.create_target_group(
            Name="single", Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip", HealthCheckPath="/health",
            HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2,
        )  # fmt: skip
        self.group = group["TargetGroups"][0]["TargetGroupArn"]
        fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "418", "MessageBody": "teapot"}}
        listener = self.elbv2.create_listener(
            LoadBalancerArn=self.arn, Protocol="HTTP", Port=8123, DefaultActions=[fixed]
        )
        self.listener = listener["Listeners"][0]["ListenerArn"]
        self.elbv2.create_rule(
            ListenerArn=self.listener,
            Priority=1,
            Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/app/*"]}}],
            Actions=[{"Type": "forward", "TargetGroupArn": self.group}],
        )

    def state(self) -> str:
        described = self.elbv2.describe_target_health(TargetGroupArn=self.group)["TargetHealthDescriptions"]
        return described[0]["TargetHealth"]["State"] if described else "none"

    def get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.instance.port, timeout=10)
        connection.request("GET", path, headers={"Host": "single:8123"})
        answer = connection.getresponse()
        found = answer.status, answer.read().decode()
        connection.close()
        return found


@pytest.fixture(scope="module")
def balancer(instance: Any) -> Balancer:
    return Balancer(instance)


def test_what_matches_no_rule_gets_the_default_action(balancer: Balancer) -> None:
    assert balancer.get("/") == (418, "teapot")


def test_33_an_empty_group_answers_503(balancer: Balancer) -> None:
    assert balancer.get("/app/x")[0] == 503


def test_a_target_of_the_api_becomes_healthy_serves_drains_and_goes(
    balancer: Balancer, instance: Any, build: Callable[[str], str], wait_for: Callable[..., Any]
) -> None:
    container = instance.docker.containers.run(
        build("gold"), detach=True, environment={"PORT": "8080", "HEALTH_PATH": "/health"},
        labels={"cutover": "1", "cutover.local": str(instance.port)}, network=f"cutover-local-{instance.port}",
    )  # fmt: skip
    container.reload()
    (network,) = container.attrs["NetworkSettings"]["Networks"].values()
    targets = [{"Id": network["IPAddress"], "Port": 8080}]
    try:
        balancer.elbv2.register_targets(TargetGroupArn=balancer.group, Targets=targets)
        assert balancer.state() in ("initial", "healthy")
        wait_for(lambda: balancer.state() == "healthy", "a healthy target")
        assert balancer.get("/app/x")[0] == 200

        attribute = {"Key": "deregistration_delay.timeout_seconds", "Value": "1"}
        balancer.elbv2.modify_target_group_attributes(TargetGroupArn=balancer.group, Attributes=[attribute])
        balancer.elbv2.deregister_targets(TargetGroupArn=balancer.group, Targets=targets)
        assert balancer.state() == "draining"
        wait_for(lambda: balancer.state() == "none", "the end of the drain")
        assert balancer.get("/app/x")[0] == 503
    finally:
        container.remove(force=True)


def test_an_alarm_on_the_load_balancers_own_errors_fires_and_ends(
    balancer: Balancer, instance: Any, wait_for: Callable[..., Any]
) -> None:
    cloudwatch = instance.client("cloudwatch")
    name = balancer.arn.partition(":loadbalancer/")[2]
    cloudwatch.put_metric_alarm(
        AlarmName="errors", Namespace="AWS/ApplicationELB", MetricName="HTTPCode_ELB_503_Count",
        Dimensions=[{"Name": "LoadBalancer", "Value": name}], Statistic="Sum", Period=60, EvaluationPeriods=1,
        Threshold=0, ComparisonOperator="GreaterThanThreshold", TreatMissingData="notBreaching",
    )  # fmt: skip

    def state() -> str:
        shown: str = cloudwatch.describe_alarms(AlarmNames=["errors"])["MetricAlarms"][0]["StateValue"]
        return shown

    assert balancer.get("/app/x")[0] == 503
    wait_for(lambda: state() == "ALARM", "the alarm")
    wait_for(lambda: state() == "OK", "its end")


def test_a_haproxy_that_is_killed_is_back_within_10_seconds(
    balancer: Balancer, instance: Any, wait_for: Callable[..., Any]
) -> None:
    ledger = Ledger(StateDirectory.of(instance.port).processes)
    killed = ledger.read()["haproxy"].pid
    os.kill(killed, signal.SIGKILL)

    def serves() -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return ledger.read()["haproxy"].pid != killed and balancer.get("/") == (418, "teapot")
        return False

    wait_for(serves, "the load balancer", 10.0)


def test_a_deleted_load_balancer_has_no_url_any_more(balancer: Balancer, instance: Any) -> None:
    assert 8123 in instance.listeners()

    balancer.elbv2.delete_load_balancer(LoadBalancerArn=balancer.arn)

    assert 8123 not in instance.listeners()


def test_an_image_that_ecr_deletes_cannot_be_pulled_any_more(
    instance: Any, repository: Any, push: Callable[[str, str], str]
) -> None:
    digest = push("yellow", "3.0.0")

    repository.batch_delete_image(repositoryName="cutover", imageIds=[{"imageDigest": digest}])

    with pytest.raises(NotFound, match="manifest unknown"):
        instance.docker.api.inspect_distribution(f"localhost:{instance.port}/cutover:3.0.0")
