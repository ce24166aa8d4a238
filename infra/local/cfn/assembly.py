"""CloudFormation over the records of this process, and over the endpoint's own API for what is made by calls."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from infra.local.cfn.lookups import MotoLookups
from infra.local.cfn.resources.api import ApiCall
from infra.local.cfn.resources.cloudwatch import AlarmApi
from infra.local.cfn.resources.registry import ResourceTypes
from infra.local.cfn.stacks import Stacks
from infra.local.clock import Clock

CALLER_KEY = "cloudformation"  # not one of IAM's keys, so the account's root


def make_stacks(
    account: str,
    ecs: Any,
    elbv2: Callable[[str], Any],
    alarms: AlarmApi,
    api: ApiCall,
    clock: Clock,
    changed: Callable[[], None],
) -> Stacks:
    """`ecs` is an `Ecs`, `elbv2` gives moto's backend of a region; `changed` is told of every resource's change."""
    from moto.utilities.utils import get_partition

    def backend(service: str, region: str) -> Any:
        return getattr(importlib.import_module(f"moto.{service}.models"), f"{service}_backends")[account][region]

    types = ResourceTypes(ecs, elbv2, alarms, api)
    return Stacks(account, types, clock, MotoLookups(backend), changed=changed, partition=get_partition)


def api_of(endpoint: str) -> ApiCall:
    """Calls of any service's API at an endpoint."""
    clients: dict[tuple[str, str], Any] = {}

    def call(region: str, service: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        import boto3
        from botocore import xform_name

        if (region, service) not in clients:
            clients[region, service] = boto3.client(
                service, region, endpoint_url=endpoint, aws_access_key_id=CALLER_KEY, aws_secret_access_key=CALLER_KEY
            )  # type: ignore[call-overload]
        answer: dict[str, Any] = getattr(clients[region, service], xform_name(operation))(**given)
        return answer

    return call
