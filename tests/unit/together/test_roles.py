"""The roles of the deployer and of the provisioner, by the record of calls, with IAM enforced: no more and no less.

What CloudFormation calls in a role's name is not in the record (here it calls nothing); of those rights it is checked
that they are good for nothing else, and for every type of resource that the templates have.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ci.ecs.provision import CONCERNS
from infra.local.iam.calls import ALLOWED, KEPT_CALLS
from infra.local.iam.policy import Policy, Statement, matches, parse_policy

Place = Any  # see conftest.py
Check = tuple[str, str]  # an action and the ARN that it was asked for on
TEMPLATES = Path(__file__).parents[3] / "infra" / "templates"
TYPE = re.compile(r"Type: (AWS::[\w:]+)")
VIA = ("ForAnyValue:StringEquals", "aws:CalledVia", ("cloudformation.amazonaws.com",))
# Service authorization reference: "Resource types" is empty; of ecs:ListTasks it is not a service, but the cluster's.
NO_RESOURCE = {
    "cloudwatch:GetMetricData", "ecr:GetAuthorizationToken", "ecs:DeregisterTaskDefinition",
    "ecs:DescribeTaskDefinition", "ecs:ListTasks", "ec2:DescribeAccountAttributes", "ec2:DescribeInternetGateways",
    "ec2:DescribeRouteTables", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcEndpoints",
    "ec2:DescribeVpcs", "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeLoadBalancerAttributes", "elasticloadbalancing:DescribeLoadBalancers",
    "elasticloadbalancing:DescribeRules", "elasticloadbalancing:DescribeTargetGroupAttributes",
    "elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
}  # fmt: skip
ALARM, EVIDENCE = "any-name", "cutover-demo-evidence"
LIMIT_CHARACTERS = 10_240  # of a role's inline policies together, without whitespace
# The registry's HTTP API is not in the record. ECR user guide, "IAM permissions for pushing an image".
PUSH = (
    "BatchCheckLayerAvailability", "BatchGetImage", "CompleteLayerUpload", "InitiateLayerUpload", "PutImage",
    "UploadLayerPart",
)  # fmt: skip
REPOSITORY = "arn:aws:ecr:eu-north-1:123456789012:repository/cutover"
PUSHES: list[Check] = [(f"ecr:{action}", REPOSITORY) for action in PUSH]
# The first words of what CloudFormation calls for a type of resource (its schema's handlers, in the registry of types).
CREATES = {
    "AWS::EC2::InternetGateway": "ec2:CreateInternetGateway", "AWS::EC2::Route": "ec2:CreateRoute",
    "AWS::EC2::RouteTable": "ec2:CreateRouteTable", "AWS::EC2::SecurityGroup": "ec2:CreateSecurityGroup",
    "AWS::EC2::Subnet": "ec2:CreateSubnet", "AWS::EC2::SubnetRouteTableAssociation": "ec2:AssociateRouteTable",
    "AWS::EC2::VPC": "ec2:CreateVpc", "AWS::EC2::VPCEndpoint": "ec2:CreateVpcEndpoint",
    "AWS::EC2::VPCGatewayAttachment": "ec2:AttachInternetGateway", "AWS::ECR::Repository": "ecr:CreateRepository",
    "AWS::ECS::Cluster": "ecs:CreateCluster", "AWS::ECS::Service": "ecs:CreateService",
    "AWS::ECS::TaskDefinition": "ecs:DeregisterTaskDefinition",
    "AWS::ElasticLoadBalancingV2::Listener": "elasticloadbalancing:CreateListener",
    "AWS::ElasticLoadBalancingV2::ListenerRule": "elasticloadbalancing:CreateRule",
    "AWS::ElasticLoadBalancingV2::LoadBalancer": "elasticloadbalancing:CreateLoadBalancer",
    "AWS::ElasticLoadBalancingV2::TargetGroup": "elasticloadbalancing:CreateTargetGroup",
    "AWS::IAM::Role": "iam:CreateRole", "AWS::Logs::LogGroup": "logs:CreateLogGroup",
    "AWS::S3::Bucket": "s3:CreateBucket",
}  # fmt: skip


class Actor:
    """Somebody with a role, as whom the place's commands are run while `with`; `ran` are their exit codes."""

    def __init__(self, place: Place, role: str) -> None:
        self.place, self.account = place, place.account
        self.arn = self._role_arn(role)
        self.name = self.arn.rpartition("/")[2]
        self.keys = self.account.session(self.arn, days=1)
        self.ran: list[int] = []

    def __enter__(self) -> Actor:
        self.account.enforce(True)
        self.place.aws = self.account.deployer(self.place.said.append, self.keys)
        return self

    def __exit__(self, *_: object) -> None:
        self.account.enforce(False)
        self.place.aws = self.account.deployer(self.place.said.append)

    def _role_arn(self, role: str) -> str:
        (stack,) = self.account.client("cloudformation").describe_stacks(StackName="cutover-demo-roles")["Stacks"]
        return next(each["OutputValue"] for each in stack["Outputs"] if each["OutputKey"] == f"{role}Arn")

    def client(self, service: str) -> Any:
        return self.account.client(service, self.keys)

    def calls(self) -> list[Any]:
        """The recorded calls of the role's session."""
        return [each for each in self.account.calls.calls() if f"/{self.name}/" in each.caller]

    def checks(self) -> set[Check]:
        return {check for each in self.calls() for check in each.checks}

    def policies(self) -> dict[str, Policy]:
        return {name: parse_policy(document) for name, document in self._documents().items()}

    def size(self) -> int:
        return sum(len("".join(str(document).split())) for document in self._documents().values())

    def _documents(self) -> dict[str, Any]:
        documents: dict[str, Any] = self.account.role(self.name).policies
        return documents


@pytest.fixture(scope="module")
def deployer(provisioned: Place) -> Actor:
    """Has done all that a deployer does, also what goes wrong."""
    place = provisioned
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        place.release(version)
    place.release("6.6.6", body="Goodbye")
    place.release("6.6.7", lives=2.0)
    place.account.load = 4000
    alarm = {"Namespace": "AWS/ApplicationELB", "MetricName": "HTTPCode_ELB_5XX_Count", "Statistic": "Sum"}
    place.account.client("cloudwatch").put_metric_alarm(
        AlarmName=ALARM, Period=60, EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold", **alarm
    )
    with Actor(place, "DeployerRole") as actor:
        bad = place.deploy("6.6.6").code
        good = [place.deploy("1.0.0").code, place.deploy("1.1.0", f"--strategy canary --alarm {ALARM}").code]
        died = place.deploy("6.6.7", "--strategy canary --canary-bake-minutes 20").code
        place.begin("1.2.0")
        back = [place.rollback("--now").code, place.rollback().code]
        told = [place.run(f"{verb} --environment demo").code for verb in ("status", "history")]
    actor.ran = [bad, *good, died, *back, *told]
    return actor


@pytest.fixture(scope="module")
def provisioner(deployer: Actor) -> Actor:
    """Has done all that a provisioner does: been refused, changed nothing, something, and failed to make a stack."""
    place = deployer.place
    actor = Actor(place, "ProvisionerRole")
    place.begin("1.2.0")
    with actor:
        actor.ran.append(place.provision().code)
    assert place.rollback("--now").code == 0
    place.account.client("cloudformation").delete_stack(StackName=EVIDENCE)
    place.until(lambda: EVIDENCE not in place.stacks())
    with actor:
        # The bucket outlives its stack, so its name is taken and the creation fails; the second time that is cleared.
        for words in ("", "--test-cidr 203.0.113.7/32"):
            actor.ran.append(place.provision(words).code)
    return actor


ACTORS = ("deployer", "provisioner")


@pytest.fixture(params=ACTORS)
def actor(request: pytest.FixtureRequest) -> Actor:
    found: Actor = request.getfixturevalue(request.param)
    return found


def test_what_was_run_ended_as_for_an_administrator(deployer: Actor, provisioner: Actor) -> None:
    """A first deploy that fails, one that does not, a canary, one that dies, both rollbacks, status and history."""
    assert deployer.ran == [1, 0, 0, 3, 0, 0, 0, 0]
    assert provisioner.ran == [4, 1, 1]


def test_nothing_is_missing(actor: Actor) -> None:
    calls = actor.calls()
    assert calls and len(actor.account.calls.calls()) < KEPT_CALLS
    assert {(each.service, each.operation) for each in calls if each.verdict != ALLOWED} == set()


def test_nothing_is_unused(actor: Actor) -> None:
    """Each action was called on a resource of its statement, and each resource was asked for by one of its actions."""
    asked = actor.checks() | (set(PUSHES) if "Deployer" in actor.name else set())
    unused = [row for statement in own(actor) for row in unused_of(statement, asked)]
    assert unused == []


def own(actor: Actor) -> list[Statement]:
    """The statements of what the role's own sessions call."""
    return [row for policy in actor.policies().values() for row in policy if VIA not in row.conditions]


def unused_of(statement: Statement, asked: set[Check]) -> Iterator[str]:
    def fits(check: Check, actions: Sequence[str], resources: Sequence[str]) -> bool:
        named = any(matches(each, check[0], ignore_case=True) for each in actions)
        return named and any(matches(each, check[1]) for each in resources)

    for action in statement.actions:
        if not any(fits(check, [action], statement.resources) for check in asked):
            yield f"{statement.sid}: {action}"
    for resource in statement.resources:
        if not any(fits(check, statement.actions, [resource]) for check in asked):
            yield f"{statement.sid}: {resource}"


@pytest.mark.parametrize(("name", "concerns"), [("deployer", ["service"]), ("provisioner", CONCERNS)])
def test_what_cloudformation_calls_is_for_every_type_of_the_templates_and_for_nothing_else(
    request: pytest.FixtureRequest, name: str, concerns: Sequence[str]
) -> None:
    actor: Actor = request.getfixturevalue(name)
    policies = [row for policy in actor.policies().values() for row in policy]
    types = {kind for concern in concerns for kind in TYPE.findall((TEMPLATES / f"{concern}.yaml").read_text())}
    allowed = {action for row in policies for action in row.actions}
    assert {CREATES[kind] for kind in types} <= allowed
    used = {CREATES[kind].partition(":")[0] for kind in types} | {"iam"}
    assert {action.partition(":")[0] for row in policies if VIA in row.conditions for action in row.actions} <= used


def test_stars_are_where_aws_has_no_resource(actor: Actor) -> None:
    rows = [row for policy in actor.policies().values() for row in policy]
    assert all("*" not in action for row in rows for action in row.actions)
    assert {action for row in rows if "*" in row.resources for action in row.actions} <= NO_RESOURCE
    assert actor.size() < LIMIT_CHARACTERS


Call = Callable[[Any], object]
OWN = {"cluster": "cutover-demo", "service": "cutover-demo"}
OTHER = {"cluster": "cutover-prod", "service": "cutover-prod"}
DEPLOYMENT = "arn:aws:ecs:eu-north-1:123456789012:service-deployment/cutover-prod/cutover-prod/1"
REFUSED_TO_DEPLOYERS: dict[str, tuple[str, Call]] = {
    "look at another service": ("ecs", lambda ecs: ecs.describe_services(cluster="cutover-prod", services=["x"])),
    "update another service": ("ecs", lambda ecs: ecs.update_service(**OTHER, taskDefinition="cutover-demo:1")),
    "list another's tasks": ("ecs", lambda ecs: ecs.list_tasks(cluster="cutover-prod")),
    "answer for another": (
        "ecs", lambda ecs: ecs.continue_service_deployment(serviceDeploymentArn=DEPLOYMENT, hookId="1"),
    ),
    "stop another's deployment": ("ecs", lambda ecs: ecs.stop_service_deployment(serviceDeploymentArn=DEPLOYMENT)),
    "register for another": (
        "ecs", lambda ecs: ecs.register_task_definition(family="cutover-prod", containerDefinitions=[]),
    ),
    "pass another's role": (
        "ecs",
        lambda ecs: ecs.register_task_definition(
            family="cutover-demo", containerDefinitions=[], taskRoleArn="arn:aws:iam::123456789012:role/admin"
        ),
    ),
    "create a cluster by itself": ("ecs", lambda ecs: ecs.create_cluster(clusterName="cutover-demo")),
    "delete the service by itself": ("ecs", lambda ecs: ecs.delete_service(**OWN)),
    "edit a rule": (
        "elbv2",
        lambda elbv2: elbv2.modify_rule(
            RuleArn="arn:aws:elasticloadbalancing:eu-north-1:123456789012:listener-rule/app/cutover-demo/1/2/3"
        ),
    ),
    "change another's stack": ("cloudformation", lambda cfn: cfn.delete_stack(StackName="cutover-prod-service")),
    "delete the load balancer": ("cloudformation", lambda cfn: cfn.delete_stack(StackName="cutover-demo-ingress")),
    "read another's evidence": (
        "s3",
        lambda s3: s3.get_object(Bucket="cutover-prod-evidence-123456789012-eu-north-1", Key="deployments/1.json"),
    ),
    "give itself more": ("iam", lambda iam: iam.delete_role_policy(RoleName="x", PolicyName="deploy")),
}  # fmt: skip
REFUSED_TO_PROVISIONERS: dict[str, tuple[str, Call]] = {
    "deploy": ("ecs", lambda ecs: ecs.update_service(**OWN)),
    "answer a pause": REFUSED_TO_DEPLOYERS["answer for another"],
    "change the service's stack": ("cloudformation", lambda cfn: cfn.delete_stack(StackName="cutover-demo-service")),
    "change another's stack": ("cloudformation", lambda cfn: cfn.delete_stack(StackName="cutover-prod-network")),
    "make a network by itself": ("ec2", lambda ec2: ec2.create_vpc(CidrBlock="10.0.0.0/16")),
    "make a role by itself": (
        "iam", lambda iam: iam.create_role(RoleName="cutover-demo-roles-x", AssumeRolePolicyDocument="{}"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED_TO_DEPLOYERS)
def test_another_service_is_refused_to_the_deployer(deployer: Actor, what: str) -> None:
    refused(deployer, *REFUSED_TO_DEPLOYERS[what])


@pytest.mark.parametrize("what", REFUSED_TO_PROVISIONERS)
def test_another_environment_and_deploys_are_refused_to_the_provisioner(provisioner: Actor, what: str) -> None:
    refused(provisioner, *REFUSED_TO_PROVISIONERS[what])


def refused(actor: Actor, service: str, call: Call) -> None:
    with actor, pytest.raises(ClientError) as failed:
        call(actor.client(service))
    assert failed.value.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")
