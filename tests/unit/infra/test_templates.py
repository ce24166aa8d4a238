"""The templates: lint-clean in every kind of region, and as the deployer and AWS on this machine expect them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cfnlint.decode
import pytest
from cfnlint.api import ManualArgs, lint

from ci.ecs.stacks import declared
from ci.ecs.strategy import Strategy, configuration, parameters

TEMPLATES = Path(__file__).parents[3] / "infra" / "templates"
NAMES = ("registry", "network", "roles", "ingress", "evidence", "service")
# One region a partition, and the default one.
REGIONS = ["eu-north-1", "us-east-1", "us-gov-west-1", "cn-north-1"]
EXPORTS = {
    "network": "VpcId PublicSubnetIds PrivateSubnetIds LoadBalancerSecurityGroupId ServiceSecurityGroupId",
    "roles": "ExecutionRoleArn TaskRoleArn InfrastructureRoleArn DeployerRoleArn ProvisionerRoleArn",
    "ingress": "LoadBalancerArn LoadBalancerDnsName ProductionListenerRuleArn TestListenerRuleArn PrimaryTargetGroupArn"
    " AlternateTargetGroupArn",
}


def text(name: str) -> str:
    return (TEMPLATES / f"{name}.yaml").read_text(encoding="utf-8")


def load(name: str) -> Any:
    template, problems = cfnlint.decode.decode_str(text(name))
    assert not problems
    return template


def properties(name: str, resource: str) -> Any:
    return load(name)["Resources"][resource]["Properties"]


@pytest.mark.parametrize("name", NAMES)
def test_a_template_is_clean(name: str) -> None:
    # I4010 asks for notes to readers that are machines.
    config = ManualArgs(regions=REGIONS, include_checks=["I"], ignore_checks=["I4010"])
    assert [str(match) for match in lint(text(name), config=config)] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_template_knows_a_region_or_an_account(name: str) -> None:
    for word in ("eu-north-1", "us-east-1", "123456789012", "arn:aws:"):
        assert word not in text(name)


@pytest.mark.parametrize("name", NAMES)
def test_no_template_uses_an_alias_which_cloudformation_refuses(name: str) -> None:
    assert "&" not in text(name).replace("&&", "")


@pytest.mark.parametrize("name", NAMES)
def test_every_environments_stack_takes_prefix_and_environment(name: str) -> None:
    parameters = set(load(name)["Parameters"])
    assert parameters >= {"Prefix"}
    assert ("Environment" in parameters) == (name != "registry")


@pytest.mark.parametrize("name", NAMES)
def test_the_deployer_reads_the_same_parameters_as_cloudformation(name: str) -> None:
    assert declared(text(name)) == set(load(name)["Parameters"])


@pytest.mark.parametrize("name", EXPORTS)
def test_exports_are_outputs_of_the_same_name(name: str) -> None:
    outputs = load(name)["Outputs"]
    assert list(outputs) == EXPORTS[name].split()
    for output, body in outputs.items():
        assert body["Export"]["Name"] == {"Fn::Sub": f"${{Prefix}}-${{Environment}}-{output}"}


def test_every_import_is_an_export() -> None:
    exported = {name for names in EXPORTS.values() for name in names.split()}
    for name in NAMES:
        lines = [line for line in text(name).splitlines() if "ImportValue" in line]
        assert {line.rpartition("-")[2].strip('"') for line in lines} <= exported


def test_the_registry_lets_only_latest_move() -> None:
    repository = properties("registry", "Repository")
    assert repository["ImageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"
    (excluded,) = repository["ImageTagMutabilityExclusionFilters"]
    assert excluded["ImageTagMutabilityExclusionFilterValue"] == "latest"
    assert repository["ImageScanningConfiguration"]["ScanOnPush"] is True
    assert '"tagStatus": "untagged"' in repository["LifecyclePolicy"]["LifecyclePolicyText"]


def test_the_test_port_is_open_to_nobody_until_it_is_said_to_whom() -> None:
    production, test = properties("network", "LoadBalancerSecurityGroup")["SecurityGroupIngress"]
    assert (production["FromPort"], production["CidrIp"]) == ({"Ref": "ProductionPort"}, "0.0.0.0/0")
    assert (test["FromPort"], test["CidrIp"]) == ({"Ref": "TestPort"}, {"Ref": "TestCidr"})
    assert load("network")["Parameters"]["TestCidr"]["Default"] == "127.0.0.1/32"


def test_tasks_take_connections_of_the_load_balancer_only() -> None:
    (rule,) = properties("network", "ServiceSecurityGroup")["SecurityGroupIngress"]
    assert rule["SourceSecurityGroupId"] == {"Ref": "LoadBalancerSecurityGroup"}
    assert rule["FromPort"] == rule["ToPort"] == {"Ref": "ContainerPort"}


def test_private_subnets_have_no_way_to_the_internet() -> None:
    resources = load("network")["Resources"]
    routes = [each["Properties"] for each in resources.values() if each["Type"] == "AWS::EC2::Route"]
    assert [each["RouteTableId"] for each in routes] == [{"Ref": "PublicRouteTable"}]
    assert "AWS::EC2::NatGateway" not in {each["Type"] for each in resources.values()}


def test_rules_are_born_with_the_primary_group_live_and_listeners_say_503() -> None:
    for side in ("Production", "Test"):
        (action,) = properties("ingress", f"{side}ListenerRule")["Actions"]
        assert [each["Weight"] for each in action["ForwardConfig"]["TargetGroups"]] == [1, 0]
        (default,) = properties("ingress", f"{side}Listener")["DefaultActions"]
        assert default["FixedResponseConfig"]["StatusCode"] == "503"


def test_both_target_groups_are_alike_and_say_how_they_check() -> None:
    primary, alternate = properties("ingress", "PrimaryTargetGroup"), properties("ingress", "AlternateTargetGroup")
    assert primary == alternate
    assert primary["TargetType"] == "ip"
    assert (primary["HealthCheckIntervalSeconds"], primary["HealthCheckTimeoutSeconds"]) == (5, 2)
    assert primary["HealthCheckPath"] == {"Ref": "HealthCheckPath"}


def test_nobody_but_ecs_may_take_a_role_and_stars_are_where_aws_has_no_resource() -> None:
    roles = load("roles")["Resources"]
    services = {"ExecutionRole": "ecs-tasks", "TaskRole": "ecs-tasks", "InfrastructureRole": "ecs"}
    for name, service in services.items():
        (trust,) = roles[name]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": f"{service}.amazonaws.com"}
    (policy,) = roles["ExecutionRole"]["Properties"]["Policies"]
    stars = [each["Action"] for each in policy["PolicyDocument"]["Statement"] if each["Resource"] == "*"]
    assert stars == ["ecr:GetAuthorizationToken"]
    assert "Policies" not in roles["TaskRole"]["Properties"]


def test_the_count_of_tasks_belongs_to_autoscaling() -> None:
    assert "DesiredCount" not in properties("service", "Service")


def test_the_task_is_read_only_and_no_root() -> None:
    (container,) = properties("service", "TaskDefinition")["ContainerDefinitions"]
    assert (container["Name"], container["User"], container["ReadonlyRootFilesystem"]) == ("app", "10001", True)
    names = {each["Name"] for each in container["Environment"]}
    assert names == {"PORT", "HEALTH_PATH", "APP_VERSION", "APP_COMMIT", "APP_IMAGE_DIGEST"}


@pytest.mark.parametrize(
    "strategy",
    [
        Strategy(),
        Strategy("canary", 7, canary_percent=2.5, canary_bake_minutes=9, alarms=("errors", "latency")),
        Strategy("linear", 0, step_percent=25, step_bake_minutes=3),
    ],
    ids=lambda strategy: strategy.kind,
)
def test_the_service_deploys_as_the_deployer_does(strategy: Strategy) -> None:
    """Otherwise the first deployment, and one that an update of the stack starts, would go another way than others."""
    template = load("service")
    given = {name: each.get("Default") for name, each in template["Parameters"].items()} | parameters(strategy)
    assert set(parameters(strategy)) <= set(template["Parameters"])
    block = _Resolver(template, given).resolved(properties("service", "Service")["DeploymentConfiguration"])
    assert block == configuration(strategy)


class _Resolver:
    """Evaluates the few functions that the block uses, with what the deployer gives as parameters."""

    def __init__(self, template: Any, given: dict[str, Any]) -> None:
        self.template, self.given = template, given

    def resolved(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.resolved(each) for each in value]
        if not isinstance(value, dict):
            return value
        if set(value) == {"Ref"}:
            return self._parameter(value["Ref"])
        if set(value) == {"Fn::If"}:
            name, yes, no = value["Fn::If"]
            return self.resolved(yes if self._holds(self.template["Conditions"][name]) else no)
        pairs = {key[0].lower() + key[1:]: self.resolved(each) for key, each in value.items()}
        return {key: each for key, each in pairs.items() if each is not None}

    def _parameter(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return None
        kind, value = self.template["Parameters"][name]["Type"], str(self.given[name])
        if kind == "CommaDelimitedList":
            return [each for each in value.split(",") if each]
        return float(value) if kind == "Number" else value

    def _holds(self, condition: Any) -> bool:
        left, right = condition["Fn::Equals"]
        if "Fn::Join" in left:
            left = "".join(self.resolved(left["Fn::Join"][1]))
        return bool(self.resolved(left) == right)
