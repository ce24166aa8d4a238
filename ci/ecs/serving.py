"""What serves: from the production rule's weights to a target group, its service revision, and the image it runs.

Read from the load balancer and from ECS each time; colours are never assumed (fact sheet, D1 and sections 2 and 3.4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from botocore.exceptions import ClientError

from . import deployments, stacks
from .clients import Aws, Listener
from .errors import EnvironmentMissing, code_of
from .names import CONTAINER, Names

DESCRIBE_LIMIT = 20


@dataclass(frozen=True)
class Ingress:
    """The load balancer of an environment: its two rules, two target groups and two listeners."""

    production_rule: str
    test_rule: str
    target_groups: tuple[str, str]
    production: Listener
    test: Listener
    load_balancer: str = ""

    def other(self, target_group: str) -> str:
        """The other target group of the pair."""
        first, second = self.target_groups
        return second if target_group == first else first


@dataclass(frozen=True)
class Revision:
    """A service revision: what it runs, and the target group its tasks register in."""

    arn: str
    task_definition: str
    target_group: str
    digest: str
    image: str

    @property
    def number(self) -> str:
        """The tail of its ARN, by which its tasks are known."""
        return self.arn.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Target:
    """One target of a group: its address and its state, in ELBv2's words."""

    id: str
    state: str

    @property
    def registered(self) -> bool:
        """Not on its way out."""
        return self.state != "draining"


@dataclass(frozen=True)
class Serving:
    """What gets production traffic: the version as the task definition tells it, and the share of the weights in %."""

    version: str
    commit: str
    digest: str
    image: str
    revision: str
    task_definition: str
    target_group: str
    percent: float

    def __str__(self) -> str:
        return f"{self.version or 'an unknown version'} ({self.digest[:19]}) serves {self.percent:g} %"

    def document(self) -> dict[str, Any]:
        """For the report."""
        return asdict(self)


def ingress_of(aws: Aws, names: Names) -> Ingress:
    """The environment's load balancer by the outputs of its stack; EnvironmentMissing before `provision`."""
    name = names.stack("ingress")
    stack = stacks.look(aws, name)
    if stack is None or stack.status not in stacks.USABLE:
        raise EnvironmentMissing(stack=name, environment=names.environment)
    dns_name = stack.outputs["LoadBalancerDnsName"]
    return Ingress(
        production_rule=stack.outputs["ProductionListenerRuleArn"],
        test_rule=stack.outputs["TestListenerRuleArn"],
        target_groups=(stack.outputs["PrimaryTargetGroupArn"], stack.outputs["AlternateTargetGroupArn"]),
        production=aws.listener(dns_name, int(stack.parameters["ProductionPort"])),
        test=aws.listener(dns_name, int(stack.parameters["TestPort"])),
        load_balancer=stack.outputs["LoadBalancerArn"],
    )


def weights(aws: Aws, rule: str) -> dict[str, float]:
    """Percent of a rule's traffic by target group; a rule that does not only forward gives nothing."""
    found = aws.elbv2.describe_rules(RuleArns=[rule])["Rules"][0]
    raw: dict[str, int] = {}
    for action in found.get("Actions", []):
        groups = action.get("ForwardConfig", {}).get("TargetGroups", [])
        raw |= {each["TargetGroupArn"]: each.get("Weight", 1) for each in groups}
        if not groups and action.get("TargetGroupArn"):
            raw[action["TargetGroupArn"]] = 1
    total = sum(raw.values())
    return {group: 100 * weight / total if total else 0.0 for group, weight in raw.items()}


def targets(aws: Aws, target_group: str) -> list[Target]:
    """The targets of a group with their states."""
    described = aws.elbv2.describe_target_health(TargetGroupArn=target_group)["TargetHealthDescriptions"]
    return [
        Target(each.get("Target", {}).get("Id", ""), each.get("TargetHealth", {}).get("State", ""))
        for each in described
    ]


def healthy_and_registered(aws: Aws, target_group: str) -> tuple[int, int]:
    """How many targets pass their health checks, and how many are registered and not on their way out."""
    found = targets(aws, target_group)
    return sum(each.state == "healthy" for each in found), sum(each.registered for each in found)


def revisions(aws: Aws, arns: Iterable[str]) -> tuple[Revision, ...]:
    """The service revisions of these ARNs; those that ECS no longer keeps are left out."""
    wanted = list(dict.fromkeys(arns))[:DESCRIBE_LIMIT]
    if not wanted:
        return ()
    answer = aws.ecs.describe_service_revisions(serviceRevisionArns=wanted)
    return tuple(_revision(raw) for raw in answer.get("serviceRevisions", []))


def service_of(aws: Aws, names: Names) -> Mapping[str, Any] | None:
    """The active service, or None."""
    try:
        found = aws.ecs.describe_services(cluster=names.cluster, services=[names.service]).get("services", [])
    except ClientError as error:
        if code_of(error) in deployments.ABSENT:
            return None
        raise
    return next((dict(each) for each in found if each.get("status") == "ACTIVE"), None)


def current_revisions(aws: Aws, names: Names, service: Mapping[str, Any]) -> tuple[Revision, ...]:
    """The revisions that have tasks now; where ECS does not tell, the last one a deployment brought for good."""
    current = service.get("currentServiceRevisions", [])
    arns = [each["arn"] for each in current if each.get("runningTaskCount") or each.get("requestedTaskCount")]
    if not arns and (last := deployments.last_successful_target(aws, names)):
        arns = [last]
    return revisions(aws, arns)


def serving(aws: Aws, names: Names, ingress: Ingress, service: Mapping[str, Any] | None) -> Serving | None:
    """What gets most of production's traffic, or None where its target group belongs to no revision."""
    shares = weights(aws, ingress.production_rule)
    if service is None or not shares:
        return None
    live = max(shares, key=lambda group: shares[group])
    found = [each for each in current_revisions(aws, names, service) if each.target_group == live]
    if len(found) != 1:
        return None
    told = environment_of(aws, found[0].task_definition)
    return Serving(
        version=told.get("APP_VERSION", ""),
        commit=told.get("APP_COMMIT", ""),
        digest=found[0].digest,
        image=found[0].image,
        revision=found[0].arn,
        task_definition=found[0].task_definition,
        target_group=live,
        percent=shares[live],
    )


def environment_of(aws: Aws, task_definition: str) -> dict[str, str]:
    """The environment variables that a task definition gives the service's container."""
    return variables(aws.ecs.describe_task_definition(taskDefinition=task_definition)["taskDefinition"])


def variables(described: Mapping[str, Any]) -> dict[str, str]:
    """The same, of one that was described."""
    for container in described.get("containerDefinitions", []):
        if container.get("name") == CONTAINER:
            return {each["name"]: each["value"] for each in container.get("environment", [])}
    return {}


def _revision(raw: Mapping[str, Any]) -> Revision:
    resolved = raw.get("resolvedConfiguration", {}).get("loadBalancers", [])
    images = [each for each in raw.get("containerImages", []) if each.get("containerName") == CONTAINER]
    image = images[0].get("image", "") if images else ""
    digest = images[0].get("imageDigest", "") if images else ""
    return Revision(
        arn=raw["serviceRevisionArn"],
        task_definition=raw.get("taskDefinition", ""),
        target_group=resolved[0].get("targetGroupArn", "") if resolved else "",
        digest=digest or image.partition("@")[2],
        image=image,
    )
