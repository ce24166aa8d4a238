"""Which resources a call touches, for the services that Cutover calls.

Source: service authorization reference, "Actions, resources, and condition keys", a page a service. An action that has
no resource type there, and every action of a service that is not here, is asked for on `*`. Where that page lists
several types without saying which are needed, all that the call names are asked for: what passes here passes there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from infra.local.gateway.calls import Call

ANY = ("*",)
Parameters = Mapping[str, Any]


class Lookups(Protocol):
    """What has to be looked up in the records, as far as it exists."""

    def stack_arn(self, region: str, name: str) -> str | None:
        """The ARN of a stack by its name."""
        ...

    def change_set_stack(self, region: str, arn: str) -> str | None:
        """The ARN of the stack that a change set, named by its ARN, belongs to."""
        ...

    def iam_arn(self, kind: str, name: str) -> str | None:
        """The ARN, path and all, of a `role`, `user`, `group` or `instance-profile`."""
        ...

    def secret_arn(self, region: str, name: str) -> str | None:
        """The ARN of a secret by its name."""
        ...

    def tags(self, arn: str) -> Mapping[str, str]:
        """The tags of a resource; empty where it has none or is not known."""
        ...


@dataclass(frozen=True)
class Arns:
    """Makes ARNs of one account and region. `caller` is the calling user's name, if it is a user."""

    partition: str
    account: str
    region: str
    lookups: Lookups
    caller: str = ""

    def of(self, service: str, resource: str) -> str:
        """An ARN with account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def named(self, service: str, prefix: str, name: Any) -> str:
        """`name` itself where it is an ARN, else the ARN of `prefix` and name."""
        return str(name) if str(name).startswith("arn:") else self.of(service, f"{prefix}{name}")


def resources_of(call: Call, arns: Arns) -> tuple[str, ...]:
    """The ARNs that the call's action is asked for on, or `*`."""
    rule = RULES.get(call.service)
    found = rule(call.operation, call.parameters, arns) if rule is not None else ()
    return tuple(dict.fromkeys(found)) or ANY


def _ecs(operation: str, given: Parameters, arns: Arns) -> tuple[str, ...]:
    cluster = cluster_name(given)
    if operation in ("CreateCluster", "DeleteCluster", "UpdateCluster", "UpdateClusterSettings", "DescribeClusters",
                     "PutClusterCapacityProviders"):  # fmt: skip
        names = given.get("clusters") or [given.get("clusterName") or given.get("cluster") or "default"]
        return tuple(arns.named("ecs", "cluster/", name) for name in names)
    if operation in ("CreateService", "UpdateService", "DeleteService", "DescribeServices", "ListServiceDeployments"):
        names = given.get("services") or [given.get("serviceName") or given.get("service") or "*"]
        return tuple(arns.named("ecs", f"service/{cluster}/", name) for name in names)
    if operation in ("DescribeServiceDeployments", "StopServiceDeployment", "ContinueServiceDeployment",
                     "DescribeServiceRevisions"):  # fmt: skip
        return tuple(arn for child in _children(given) for arn in (child, _service_of(child)))
    if operation in ("DescribeTasks", "StopTask", "GetTaskProtection", "UpdateTaskProtection", "ExecuteCommand"):
        names = given.get("tasks") or [given.get("task", "*")]
        return tuple(arns.named("ecs", f"task/{cluster}/", name) for name in names)
    if operation == "RegisterTaskDefinition":
        return (arns.of("ecs", f"task-definition/{given.get('family', '*')}:*"),)
    if operation in ("RunTask", "StartTask"):
        return (arns.named("ecs", "task-definition/", given.get("taskDefinition", "*")),)
    if operation == "DeleteTaskDefinitions":
        return tuple(arns.named("ecs", "task-definition/", each) for each in given.get("taskDefinitions", []))
    return _named_arns(given, "resourceArn")


def cluster_name(given: Parameters) -> str:
    """The cluster that an ECS request names, by name or ARN."""
    return str(given.get("cluster") or "default").rpartition("/")[2]


def _children(given: Parameters) -> list[str]:
    one = [given["serviceDeploymentArn"]] if "serviceDeploymentArn" in given else []
    return one + list(given.get("serviceDeploymentArns", [])) + list(given.get("serviceRevisionArns", []))


def _service_of(arn: str) -> str:
    """The service of a service deployment or revision: both ARNs end in CLUSTER/SERVICE/ID."""
    head, _, path = arn.partition("/")
    return f"{head.rpartition(':')[0]}:service/{path.rpartition('/')[0]}"


def _elbv2(operation: str, given: Parameters, arns: Arns) -> tuple[str, ...]:
    service = "elasticloadbalancing"
    if operation.startswith("Describe"):
        return ()
    if operation == "CreateLoadBalancer":
        kind = {"network": "net", "gateway": "gwy"}.get(given.get("Type", ""), "app")
        return (arns.of(service, f"loadbalancer/{kind}/{given.get('Name', '*')}/*"),)
    if operation == "CreateTargetGroup":
        return (arns.of(service, f"targetgroup/{given.get('Name', '*')}/*"),)
    if operation == "SetRulePriorities":
        return tuple(each["RuleArn"] for each in given.get("RulePriorities", []) if "RuleArn" in each)
    if operation in ("AddTags", "RemoveTags"):
        return tuple(given.get("ResourceArns", []))
    return _named_arns(given, "RuleArn", "ListenerArn", "TargetGroupArn", "LoadBalancerArn")


def _ecr(operation: str, given: Parameters, arns: Arns) -> tuple[str, ...]:
    if operation == "GetAuthorizationToken":
        return ()
    names = given.get("repositoryNames") or ([given["repositoryName"]] if "repositoryName" in given else [])
    if operation == "DescribeRepositories" and not names:
        return (arns.of("ecr", "repository/*"),)
    return tuple(arns.of("ecr", f"repository/{name}") for name in names) or _named_arns(given, "resourceArn")


def _cloudformation(operation: str, given: Parameters, arns: Arns) -> tuple[str, ...]:
    if operation in ("ValidateTemplate", "ListStacks", "ListExports", "ListImports"):
        return ()
    name = given.get("StackName")
    if name is None:
        stack = arns.lookups.change_set_stack(arns.region, str(given.get("ChangeSetName", "")))
        return (stack,) if stack else ()
    if str(name).startswith("arn:"):
        return (str(name),)
    return (arns.lookups.stack_arn(arns.region, name) or arns.of("cloudformation", f"stack/{name}/*"),)


def _cloudwatch(operation: str, given: Parameters, arns: Arns) -> tuple[str, ...]:
    if operation in ("DescribeAlarmHistory", "DescribeAlarms"):
        names = given.get("AlarmNames") or [given.get("AlarmName") or "*"]
    elif operation in ("PutMetricAlarm", "PutCompositeAlarm", "SetAlarmState"):
        names = [given.get("AlarmName", "*")]
    elif operation in ("DeleteAlarms", "EnableAlarmActions", "DisableAlarmActions"):
        names = given.get("AlarmNames") or ["*"]
    else:
        return _named_arns(given, "ResourceARN")
    return tuple(arns.of("cloudwatch", f"alarm:{name}") for name in names)


def _logs(operation: str, given: Parameters, arns: Arns) -> tuple[str, ...]:
    group = given.get("logGroupName") or str(given.get("logGroupIdentifier", "")).partition(":log-group:")[2]
    group = group or given.get("logGroupIdentifier")
    if operation == "DescribeLogGroups" or not group:
        return _named_arns(given, "resourceArn")
    stream = given.get("logStreamName", "") if operation in LOG_STREAM_OPERATIONS else ""
    return (arns.of("logs", f"log-group:{str(group).removesuffix(':*')}:log-stream:{stream}"),)


LOG_STREAM_OPERATIONS = frozenset({"CreateLogStream", "DeleteLogStream", "GetLogEvents", "PutLogEvents"})


def _iam(operation: str, given: Parameters, arns: Arns) -> tuple[str, ...]:
    if operation in ("ListRoles", "ListUsers", "ListGroups", "ListPolicies", "ListInstanceProfiles"):
        return ()
    for kind, member in IAM_MEMBERS.items():
        if member in given:
            name = given[member]
            path = str(given.get("Path", "/")).lstrip("/")
            own = arns.lookups.iam_arn(kind, name)
            return (own or f"arn:{arns.partition}:iam::{arns.account}:{kind}/{path}{name}",)
    if "PolicyName" in given and operation == "CreatePolicy":
        return (f"arn:{arns.partition}:iam::{arns.account}:policy/{given['PolicyName']}",)
    if "User" in operation or "AccessKey" in operation:
        return (f"arn:{arns.partition}:iam::{arns.account}:user/{arns.caller or '*'}",)
    return _named_arns(given, "PolicyArn")


IAM_MEMBERS = {"role": "RoleName", "user": "UserName", "group": "GroupName", "instance-profile": "InstanceProfileName"}


def _ssm(operation: str, given: Parameters, arns: Arns) -> tuple[str, ...]:
    names = given.get("Names") or [given[key] for key in ("Name", "Path") if key in given]
    if "Parameter" not in operation or operation == "DescribeParameters":
        return ()
    return tuple(arns.named("ssm", "parameter/", str(name).removeprefix("/")) for name in names)


def _secrets(operation: str, given: Parameters, arns: Arns) -> tuple[str, ...]:
    name = given.get("SecretId") or given.get("Name")
    if not name:
        return ()
    if str(name).startswith("arn:"):
        return (str(name),)
    return (arns.lookups.secret_arn(arns.region, name) or arns.of("secretsmanager", f"secret:{name}"),)


def _sts(operation: str, given: Parameters, arns: Arns) -> tuple[str, ...]:
    return _named_arns(given, "RoleArn")


def _s3(operation: str, given: Parameters, arns: Arns) -> tuple[str, ...]:
    if "Bucket" not in given:
        return ()
    key = f"/{given['Key']}" if "Key" in given else ""
    return (f"arn:{arns.partition}:s3:::{given['Bucket']}{key}",)


def _events(operation: str, given: Parameters, arns: Arns) -> tuple[str, ...]:
    name = given.get("Rule") or (given.get("Name") if "Rule" in operation else None)
    return (arns.of("events", f"rule/{name}"),) if name else ()


def _named_arns(given: Parameters, *members: str) -> tuple[str, ...]:
    """The first of these members that the request has."""
    return next(((str(given[member]),) for member in members if given.get(member)), ())


RULES: Mapping[str, Callable[[str, Parameters, Arns], tuple[str, ...]]] = {
    "ecs": _ecs,
    "elasticloadbalancing": _elbv2,
    "ecr": _ecr,
    "cloudformation": _cloudformation,
    "cloudwatch": _cloudwatch,
    "logs": _logs,
    "iam": _iam,
    "ssm": _ssm,
    "secretsmanager": _secrets,
    "sts": _sts,
    "s3": _s3,
    "events": _events,
}
