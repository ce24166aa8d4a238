"""Resources of calls, against the service authorization reference as cfn-lint carries it, and condition keys."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cfnlint
import pytest
from moto.core.utils import get_service_model

from infra.local.gateway.calls import Call
from infra.local.iam.context import CallerKeys, context_of, passed_roles, request_tags
from infra.local.iam.resources import Arns, resources_of

REGION, ACCOUNT = "eu-north-1", "123456789012"
ECS = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
ELB = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"
REFERENCE = Path(cfnlint.__file__).parent / "data" / "AdditionalSpecs" / "Policies.json"
# A request that names one of everything; a rule takes what its operation has.
DEPLOYMENT, REVISION = f"{ECS}:service-deployment/demo/greeter/d", f"{ECS}:service-revision/demo/greeter/1"
NAMES: dict[str, Any] = {
    "cluster": "demo", "service": "greeter", "serviceName": "greeter", "family": "greeter", "tasks": ["t"],
    "taskDefinition": "greeter:1", "taskDefinitions": ["greeter:1"], "repositoryName": "cutover", "StackName": "demo",
    "AlarmName": "a", "AlarmNames": ["a"], "logGroupName": "/ecs/demo", "RoleName": "r", "Name": "n", "Names": ["n"],
    "SecretId": "s", "RoleArn": "arn:aws:iam::123456789012:role/r", "LoadBalancerArn": f"{ELB}:loadbalancer/app/x/1",
    "TargetGroupArn": f"{ELB}:targetgroup/x/1", "ListenerArn": f"{ELB}:listener/app/x/1/2", "resourceArn": "arn:r",
    "ResourceArns": ["arn:r"], "RulePriorities": [{"RuleArn": f"{ELB}:listener-rule/app/x/1/2/3"}],
    "serviceDeploymentArn": DEPLOYMENT, "serviceDeploymentArns": [DEPLOYMENT], "serviceRevisionArns": [REVISION],
}  # fmt: skip
# Operations that Cutover or its tests call, by botocore's name of their service.
CALLED = {
    "ecs": ("CreateCluster DescribeClusters DeleteCluster ListClusters CreateService UpdateService DeleteService "
            "DescribeServices ListServices RegisterTaskDefinition DeregisterTaskDefinition DescribeTaskDefinition "
            "ListTaskDefinitions DeleteTaskDefinitions DescribeTasks StopTask ListServiceDeployments "
            "DescribeServiceDeployments StopServiceDeployment ContinueServiceDeployment DescribeServiceRevisions "
            "TagResource UntagResource ListTagsForResource RunTask"),
    "elbv2": ("CreateLoadBalancer DescribeLoadBalancers DeleteLoadBalancer CreateTargetGroup DescribeTargetGroups "
              "DescribeTargetHealth DeleteTargetGroup CreateListener DescribeListeners CreateRule DescribeRules "
              "SetRulePriorities ModifyLoadBalancerAttributes AddTags"),
    "ecr": ("GetAuthorizationToken CreateRepository DescribeRepositories DescribeImages BatchGetImage PutImage "
            "BatchDeleteImage ListImages PutLifecyclePolicy InitiateLayerUpload"),
    "cloudformation": ("CreateStack UpdateStack DeleteStack DescribeStacks DescribeStackEvents CreateChangeSet "
                       "DescribeChangeSet ExecuteChangeSet DeleteChangeSet GetTemplate ValidateTemplate ListStacks "
                       "ListExports SetStackPolicy ContinueUpdateRollback GetTemplateSummary"),
    "cloudwatch": "DescribeAlarms DeleteAlarms SetAlarmState PutCompositeAlarm GetMetricStatistics",
    "logs": ("CreateLogGroup DeleteLogGroup FilterLogEvents GetLogEvents PutLogEvents CreateLogStream "
             "DescribeLogStreams PutRetentionPolicy"),
    "iam": "CreateRole GetRole DeleteRole PutRolePolicy AttachRolePolicy ListRoles",
    "secretsmanager": "CreateSecret GetSecretValue DeleteSecret ListSecrets",
    "ssm": "GetParameter GetParameters PutParameter DeleteParameter DescribeParameters",
    "sts": "AssumeRole GetCallerIdentity",
}  # fmt: skip
PREFIXES = {"elbv2": "elasticloadbalancing"}


class NoRecords:
    """Nothing exists yet but one stack."""

    def stack_arn(self, region: str, name: str) -> str | None:
        return f"arn:aws:cloudformation:{region}:{ACCOUNT}:stack/there/1" if name == "there" else None

    def change_set_stack(self, region: str, arn: str) -> str | None:
        return "arn:stack" if arn == "arn:change" else None

    def iam_arn(self, kind: str, name: str) -> str | None:
        return f"arn:aws:iam::{ACCOUNT}:role/path/{name}" if name == "known" else None

    def secret_arn(self, region: str, name: str) -> str | None:
        return None

    def tags(self, arn: str) -> Mapping[str, str]:
        return {}


ARNS = Arns("aws", ACCOUNT, REGION, NoRecords(), "ann")


def asked(service: str, operation: str, /, **given: Any) -> tuple[str, ...]:
    return resources_of(Call(service, operation, "json", REGION, given), ARNS)


@pytest.mark.parametrize(
    ("model", "operation"), [(model, name) for model, names in CALLED.items() for name in names.split()]
)
def test_an_operation_has_resources_where_the_reference_lists_some(model: str, operation: str) -> None:
    """Each operation is asked with the members that its input has."""
    service = PREFIXES.get(model, model)
    reference = json.loads(REFERENCE.read_text())[service]["Actions"][operation.lower()]
    shape = get_service_model(model).operation_model(operation).input_shape
    members = set(shape.members) if shape is not None else set()

    resources = asked(service, operation, **{name: value for name, value in NAMES.items() if name in members})

    assert (resources != ("*",)) == bool(reference.get("Resources")), f"the reference: {reference.get('Resources')}"


@pytest.mark.parametrize(
    ("service", "operation", "given", "arns"),
    [
        ("ecs", "UpdateService", {"cluster": "demo", "service": "greeter"}, [f"{ECS}:service/demo/greeter"]),
        ("ecs", "UpdateService", {"service": f"{ECS}:service/demo/x"}, [f"{ECS}:service/demo/x"]),
        ("ecs", "DescribeServices", {"services": ["a", "b"]},
         [f"{ECS}:service/default/a", f"{ECS}:service/default/b"]),
        ("ecs", "StopServiceDeployment", {"serviceDeploymentArn": f"{ECS}:service-deployment/demo/greeter/d"},
         [f"{ECS}:service-deployment/demo/greeter/d", f"{ECS}:service/demo/greeter"]),
        ("ecs", "RegisterTaskDefinition", {"family": "greeter"}, [f"{ECS}:task-definition/greeter:*"]),
        ("elasticloadbalancing", "CreateTargetGroup", {"Name": "x"}, [f"{ELB}:targetgroup/x/*"]),
        ("elasticloadbalancing", "CreateLoadBalancer", {"Name": "x"}, [f"{ELB}:loadbalancer/app/x/*"]),
        ("elasticloadbalancing", "ModifyRule", {"RuleArn": "arn:rule"}, ["arn:rule"]),
        ("ecr", "DescribeRepositories", {}, [f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/*"]),
        ("cloudformation", "DescribeStacks", {}, ["*"]),
        ("cloudformation", "UpdateStack", {"StackName": "there"},
         [f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/there/1"]),
        ("cloudformation", "CreateStack", {"StackName": "new"},
         [f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/new/*"]),
        ("cloudformation", "ExecuteChangeSet", {"ChangeSetName": "arn:change"}, ["arn:stack"]),
        ("cloudwatch", "DescribeAlarms", {}, [f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:*"]),
        ("logs", "FilterLogEvents", {"logGroupName": "/ecs/x"},
         [f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/ecs/x:log-stream:"]),
        ("logs", "PutLogEvents", {"logGroupName": "/ecs/x", "logStreamName": "s"},
         [f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/ecs/x:log-stream:s"]),
        ("iam", "GetRole", {"RoleName": "known"}, [f"arn:aws:iam::{ACCOUNT}:role/path/known"]),
        ("iam", "CreateRole", {"RoleName": "new", "Path": "/team/"}, [f"arn:aws:iam::{ACCOUNT}:role/team/new"]),
        ("iam", "CreateAccessKey", {}, [f"arn:aws:iam::{ACCOUNT}:user/ann"]),
        ("ssm", "GetParameter", {"Name": "/a/b"}, [f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/a/b"]),
        ("s3", "GetObject", {"Bucket": "b", "Key": "k"}, ["arn:aws:s3:::b/k"]),
        ("s3", "ListAllMyBuckets", {}, ["*"]),
        ("events", "PutRule", {"Name": "r"}, [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/r"]),
        ("ec2", "DescribeVpcs", {}, ["*"]),
    ],
)  # fmt: skip
def test_the_resources_of_a_call(service: str, operation: str, given: dict[str, Any], arns: list[str]) -> None:
    assert asked(service, operation, **given) == tuple(arns)


def keys(service: str, /, **given: Any) -> dict[str, tuple[str, ...]]:
    caller = CallerKeys("arn:me", ACCOUNT, "AssumedRole", "id", "", {"team": "blue"})
    call = Call(service, "X", "json", REGION, given)
    return context_of(call, caller, "203.0.113.7", 1_700_000_000.0, {"env": "demo"}, ARNS)


def test_the_global_keys() -> None:
    context = keys("ecs")

    assert context["aws:principalarn"] == ("arn:me",)
    assert context["aws:principaltag/team"] == ("blue",)
    assert context["aws:resourcetag/env"] == context["ecs:resourcetag/env"] == ("demo",)
    assert context["aws:sourceip"] == ("203.0.113.7",)
    assert context["aws:requestedregion"] == (REGION,)
    assert context["aws:currenttime"] == ("2023-11-14T22:13:20Z",)
    assert "aws:username" not in context, "a role's session has none"
    assert "aws:tagkeys" not in context


@pytest.mark.parametrize(
    "tags", [{"tags": [{"key": "a", "value": "1"}]}, {"Tags": [{"Key": "a", "Value": "1"}]}, {"tags": {"a": "1"}}]
)
def test_tags_of_the_request_in_every_form(tags: dict[str, Any]) -> None:
    context = keys("ecs", **tags)

    assert (context["aws:requesttag/a"], context["aws:tagkeys"]) == (("1",), ("a",))


def test_a_request_without_tags_has_none() -> None:
    assert request_tags({"tags": None}) == {}


def test_ecs_own_keys_are_arns() -> None:
    context = keys("ecs", cluster="demo", service="greeter", taskDefinition="greeter:1")

    assert context["ecs:cluster"] == (f"{ECS}:cluster/demo",)
    assert context["ecs:service"] == (f"{ECS}:service/demo/greeter",)
    assert context["ecs:task-definition"] == (f"{ECS}:task-definition/greeter:1",)


def test_the_keys_of_other_services() -> None:
    assert keys("sts", RoleSessionName="s")["sts:rolesessionname"] == ("s",)


def passed(service: str, **given: Any) -> list[tuple[str, str]]:
    call = Call(service, "X", "json", REGION, given)
    return [(role.arn, role.service) for role in passed_roles(call, "aws", ACCOUNT)]


def test_the_roles_that_are_passed_and_to_whom() -> None:
    assert passed("ecs", executionRoleArn="arn:e", taskRoleArn="t") == [
        ("arn:e", "ecs-tasks.amazonaws.com"),
        (f"arn:aws:iam::{ACCOUNT}:role/t", "ecs-tasks.amazonaws.com"),
    ]
    balancer = {"advancedConfiguration": {"roleArn": "arn:i"}}
    hooks = {"lifecycleHooks": [{"roleArn": "arn:h"}, {}]}
    assert passed("ecs", loadBalancers=[balancer, {}], deploymentConfiguration=hooks, role="arn:s") == [
        ("arn:i", "ecs.amazonaws.com"), ("arn:h", "ecs.amazonaws.com"), ("arn:s", "ecs.amazonaws.com"),
    ]  # fmt: skip
    assert passed("cloudformation", RoleARN="arn:c") == [("arn:c", "cloudformation.amazonaws.com")]
    assert passed("events", Targets=[{"RoleArn": "arn:t"}, {}]) == [("arn:t", "events.amazonaws.com")]
    assert passed("ecr") == []
