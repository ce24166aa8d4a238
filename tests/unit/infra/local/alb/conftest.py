"""ELBv2 over moto's records and a load balancer that only counts how often it is told to follow."""

import itertools
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from infra.local.alb.api import Elbv2Api
from infra.local.alb.reading import read_records
from infra.local.alb.records import Records
from infra.local.alb.targets import TargetBook

REGION = "eu-north-1"
accounts = itertools.count(200_000_000_000)


class Elb:
    """ELBv2 in an account of its own: `call` goes through our checks and operations, and to moto for the rest."""

    def __init__(self) -> None:
        from moto.ec2.models import ec2_backends
        from moto.elbv2.models import elbv2_backends

        account = str(next(accounts))
        self.backend = elbv2_backends[account][REGION]
        subnets = ec2_backends[account][REGION].describe_subnets()
        self.subnets, self.vpc = [each.id for each in subnets[:2]], subnets[0].vpc_id
        self.book, self.syncs, self.now = TargetBook(), 0, 0.0
        plane: Any = SimpleNamespace(lock=threading.RLock(), book=self.book, sync=self._sync)
        self.api = Elbv2Api(plane, lambda region: self.backend)

    def _sync(self) -> Records:
        self.syncs += 1
        records = read_records([self.backend])
        self.book.follow(records, self.now)
        return records

    def call(self, operation: str, **given: Any) -> Any:
        """Our own output; None where it is moto's turn."""
        return self.api.before(REGION, operation, given)

    def balancer(self, name: str = "one") -> Any:
        return self.backend.create_load_balancer(name, [], self.subnets)

    def group(self, name: str = "blue", **settings: Any) -> str:
        made = self.backend.create_target_group(
            name, protocol="HTTP", port=8080, vpc_id=self.vpc, target_type="ip", **settings
        )
        arn: str = made.arn
        return arn

    def listener(self, balancer: Any, *groups: str, port: int = 80) -> Any:
        return self.backend.create_listener(balancer.arn, "HTTP", port, None, None, [forward(*groups)])

    def rule(self, listener: Any, priority: int, *groups: str) -> str:
        condition = {"Field": "path-pattern", "PathPatternConfig": {"Values": [f"/{priority}"]}}
        arn: str = self.backend.create_rule(listener.arn, [condition], priority, [forward(*groups)]).arn
        return arn

    def states(self, group: str, **given: Any) -> list[tuple[str, int, str]]:
        shown = self.call("DescribeTargetHealth", TargetGroupArn=group, **given)["TargetHealthDescriptions"]
        return [(each["Target"]["Id"], each["Target"]["Port"], each["TargetHealth"]["State"]) for each in shown]


def forward(*groups: str) -> dict[str, Any]:
    """A forward action to those target groups, of weight 1."""
    entries = [{"TargetGroupArn": group, "Weight": 1} for group in groups]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": entries}}


@pytest.fixture
def elb() -> Elb:
    return Elb()


@pytest.fixture(name="forward")
def forward_fixture() -> Callable[..., dict[str, Any]]:
    """`forward(*groups)`: an action."""
    return forward
