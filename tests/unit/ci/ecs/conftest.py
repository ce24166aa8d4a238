"""AWS in memory for the deployer's tests, and the one HTTP port beside it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ci.ecs.clients import Aws, Clock

PREFIX = "arn:aws:elasticloadbalancing:eu-north-1:123456789012"
DNS = "cutover-demo.elb.test"


def _sibling(name: str) -> ModuleType:
    """Tests are no package (import mode importlib), so the fakes beside this file are loaded by path."""
    spec = importlib.util.spec_from_file_location(f"ecs_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec and spec.loader
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_client, _cfn, _ecs, _site, _rest = (
    _sibling(f"fake_{name}") for name in ("client", "cloudformation", "ecs", "site", "rest")
)
_bench = _sibling("bench")


class World:
    """One account: its clients, its clock, its load balancer, and all lines of progress."""

    groups = (f"{PREFIX}:targetgroup/a/1", f"{PREFIX}:targetgroup/b/2")
    rules = {"production": f"{PREFIX}:listener-rule/p", "test": f"{PREFIX}:listener-rule/t"}  # noqa: RUF012

    def __init__(self, endpoint: str) -> None:
        self.now = 0.0
        self.lines: list[str] = []
        self.slept: list[float] = []
        self.on_sleep: Callable[[], None] = lambda: None
        self.on_call: Callable[[str, str], None] = lambda when, name: None
        self.cloudformation_events: list[Callable[[], None]] = []
        self.weights = {rule: {self.groups[0]: 1, self.groups[1]: 0} for rule in self.rules.values()}
        self.targets: dict[str, list[str]] = {group: [] for group in self.groups}
        self.strangers: dict[str, list[str]] = {group: [] for group in self.groups}
        self.rest = _rest.Rest(self, _cfn.NOW)
        self.repositories = {"cutover": "123456789012.dkr.ecr.eu-north-1.amazonaws.com/cutover"}
        self.cfn = _cfn.FakeCloudFormation(self)
        self.ecs = _ecs.FakeEcs(self, _cfn.NOW)

        def around(when: str, name: str) -> None:
            self.on_call(when, name)

        self.clients = {
            "cloudformation": _client.FakeClient("cloudformation", self.cfn, around),
            "ecr": _client.FakeClient("ecr", self, around),
            "ecs": _client.FakeClient("ecs", self.ecs, around),
            "elbv2": _client.FakeClient("elbv2", self, around),
            "cloudwatch": _client.FakeClient("cloudwatch", self.rest, around),
            "logs": _client.FakeClient("logs", self.rest, around),
            "s3": _client.FakeClient("s3", self.rest, around),
        }
        begun = _cfn.NOW.timestamp()
        clock = Clock(monotonic=lambda: self.now, sleep=self._sleep, now=lambda: begun + self.now)
        clients: Any = self.clients
        clients |= {f"{name}_once": clients[name] for name in ("ecs", "cloudformation")}
        self.aws = Aws(**clients, endpoint=endpoint, clock=clock, progress=self.lines.append)

    error = staticmethod(_client.error)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)
        self.on_sleep()

    def provisioned(self) -> None:
        """The stacks that `provision` makes are there."""
        self.cfn.add("cutover-demo-ingress", Prefix="cutover", ProductionPort="80", TestPort="8080")
        self.cfn.outputs["cutover-demo-ingress"] = {
            "LoadBalancerArn": f"{PREFIX}:loadbalancer/app/cutover-demo/1",
            "LoadBalancerDnsName": DNS,
            "ProductionListenerRuleArn": self.rules["production"],
            "TestListenerRuleArn": self.rules["test"],
            "PrimaryTargetGroupArn": self.groups[0],
            "AlternateTargetGroupArn": self.groups[1],
        }

        self.cfn.add("cutover-demo-evidence", Prefix="cutover")
        self.cfn.outputs["cutover-demo-evidence"] = {"EvidenceBucketName": "evidence"}

    def reborn(self) -> None:
        """As `provisioned`, with nothing deployed."""
        self.cfn.stacks.pop("cutover-demo-service", None)
        self.ecs = self.clients["ecs"]._backend = _ecs.FakeEcs(self, _cfn.NOW)
        self.weights = {rule: {self.groups[0]: 1, self.groups[1]: 0} for rule in self.rules.values()}
        self.targets = {group: [] for group in self.groups}

    # What the load balancer has, and how ECS changes it.
    def live(self) -> str:
        return next(group for group, weight in self.weights[self.rules["production"]].items() if weight)

    def weigh(self, group: str, *rules: str) -> None:
        for rule in rules or ("production", "test"):
            self.weights[self.rules[rule]] = {each: 100 if each == group else 0 for each in self.groups}

    def at_stage(self, stage: str, revision: dict[str, Any], percent: float) -> None:
        if stage == "POST_SCALE_UP":
            revision["count"] = 1
            self.targets[revision["group"]] = [*self.targets[revision["group"]], "healthy"]
        elif stage == "TEST_TRAFFIC_SHIFT":
            self.weigh(revision["group"], "test")
        elif stage == "PRODUCTION_TRAFFIC_SHIFT":
            other = next(group for group in self.groups if group != revision["group"])
            shares = {revision["group"]: round(percent * 10), other: round(1000 - percent * 10)}
            self.weights[self.rules["production"]] = {each: shares[each] for each in self.groups}

    def running_tasks(self) -> list[dict[str, Any]]:
        """A task for each target, of the newest revision with tasks in that group."""
        found = []
        for group, states in self.targets.items():
            owners = [arn for arn, raw in self.ecs.revisions.items() if raw["group"] == group and raw["count"]]
            for index, _ in enumerate(states if owners else []):
                details = [{"name": "privateIPv4Address", "value": self.address(group, index)}]
                number = owners[-1].rsplit("/", 1)[-1]
                found.append({"startedBy": f"ecs-svc/{number}", "attachments": [{"details": details}]})
        return found

    def address(self, group: str, index: int) -> str:
        return f"10.0.{self.groups.index(group)}.{index}"

    def deployed(self) -> None:
        """The stack that waits for its service's first deployment goes on."""
        stack = self.cfn.stacks["cutover-demo-service"]
        if stack["StackStatus"] == "CREATE_IN_PROGRESS":
            self.cfn.ways["cutover-demo-service"] = ["CREATE_COMPLETE"]

    def first_failed(self) -> None:
        self.cfn.fail("cutover-demo-service")

    # ELBv2 and ECR.
    def describe_rules(self, RuleArns: list[str]) -> dict[str, Any]:
        groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in self.weights[RuleArns[0]].items()]
        return {
            "Rules": [
                {"RuleArn": RuleArns[0], "Actions": [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]}
            ]
        }

    def describe_target_health(self, TargetGroupArn: str) -> dict[str, Any]:
        own = [(self.address(TargetGroupArn, i), state) for i, state in enumerate(self.targets[TargetGroupArn])]
        rows = [*own, *((address, "healthy") for address in self.strangers[TargetGroupArn])]
        return {
            "TargetHealthDescriptions": [
                {"Target": {"Id": address, "Port": 8080}, "TargetHealth": {"State": state}} for address, state in rows
            ]
        }

    def describe_repositories(self, repositoryNames: list[str]) -> dict[str, Any]:
        if repositoryNames[0] not in self.repositories:
            raise self.error("DescribeRepositories", "RepositoryNotFoundException")
        return {"repositories": [{"repositoryUri": self.repositories[repositoryNames[0]]}]}

    def get_authorization_token(self) -> dict[str, Any]:
        return {"authorizationData": [{"authorizationToken": "QVdTOnBhc3M="}]}


@pytest.fixture
def site() -> Iterator[Any]:
    """The HTTP port."""
    served = _site.Site()
    yield served
    served.close()


@pytest.fixture
def world(site: Any) -> World:
    """An empty account whose listeners and registry are `site`."""
    return World(site.url)


@pytest.fixture
def bench(world: World, site: Any, tmp_path: Path) -> Any:
    """Deploys versions into a provisioned account."""
    (tmp_path / "service.yaml").write_text("Resources: {}\n", encoding="utf-8")
    return _bench.Bench(world, site, tmp_path)


@pytest.fixture
def live(bench: Any) -> Any:
    """1.0.0 serves, and the calls begin to count from here."""
    bench("1.0.0")
    for client in bench.world.clients.values():
        client.calls.clear()
    return bench
