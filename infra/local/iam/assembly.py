"""An enforcer over the records of this process: moto's backends, our ECS, our CloudFormation."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from infra.local.clock import Clock
from infra.local.ecs.errors import EcsError
from infra.local.iam.calls import CallLog
from infra.local.iam.enforce import Enforcer
from infra.local.iam.lookups import Records
from infra.local.iam.principals import Principals

BACKENDS = {"elasticloadbalancing": ("elbv2", "elbv2_backends")}


def make_enforcer(
    account: str, ecs: Any, stacks: Callable[[str], list[Any]], log: CallLog, clock: Clock, *, enforced: bool
) -> Enforcer:
    """`ecs` is an `Ecs`, `stacks` gives CloudFormation's stacks of a region."""
    from moto.utilities.utils import get_partition

    def backend(service: str, region: str) -> Any:
        module, name = BACKENDS.get(service, (service, f"{service}_backends"))
        return getattr(importlib.import_module(f"moto.{module}.models"), name)[account][region]

    def ecs_tags(region: str, arn: str) -> Mapping[str, str]:
        try:
            tags = ecs.call(region, "ListTagsForResource", {"resourceArn": arn})["tags"]
        except EcsError:  # what is not there has no tags; whether it has to be there, ECS itself will say
            return {}
        return {each["key"]: each.get("value", "") for each in tags}

    principals = Principals(account, lambda name: backend("iam", name), lambda name: backend("sts", name))
    records = Records(backend, stacks, ecs_tags, get_partition)
    return Enforcer(account, principals, records, log, clock.now, get_partition, enforced=enforced)
