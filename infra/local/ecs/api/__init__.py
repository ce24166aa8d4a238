"""ECS's operations: each takes the region's context and an input that was checked, and gives the output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from infra.local.ecs.api import account, clusters, definitions, deployments, services, tags, tasks
from infra.local.ecs.api.context import Context
from infra.local.ecs.errors import NotServed
from infra.local.ecs.validation import validate_input

READING = ("Describe", "List")
Operation = Callable[[Context, dict[str, Any]], dict[str, Any]]

OPERATIONS: Mapping[str, Operation] = {
    "CreateCluster": clusters.create,
    "UpdateCluster": clusters.update,
    "UpdateClusterSettings": clusters.update,
    "PutClusterCapacityProviders": clusters.put_capacity_providers,
    "DescribeClusters": clusters.describe,
    "ListClusters": clusters.list_arns,
    "DeleteCluster": clusters.delete,
    "DescribeCapacityProviders": clusters.describe_capacity_providers,
    "ListContainerInstances": clusters.list_instances,
    "RegisterTaskDefinition": definitions.register,
    "DescribeTaskDefinition": definitions.describe,
    "ListTaskDefinitions": definitions.list_arns,
    "ListTaskDefinitionFamilies": definitions.list_families,
    "DeregisterTaskDefinition": definitions.deregister,
    "DeleteTaskDefinitions": definitions.delete,
    "CreateService": services.create,
    "UpdateService": services.update,
    "DescribeServices": services.describe,
    "ListServices": services.list_arns,
    "DeleteService": services.delete,
    "RunTask": tasks.run,
    "StopTask": tasks.stop,
    "ListTasks": tasks.list_arns,
    "DescribeTasks": tasks.describe,
    "ListServiceDeployments": deployments.list_briefs,
    "DescribeServiceDeployments": deployments.describe,
    "StopServiceDeployment": deployments.stop,
    "ContinueServiceDeployment": deployments.resume,
    "DescribeServiceRevisions": deployments.describe_revisions,
    "TagResource": tags.tag,
    "UntagResource": tags.untag,
    "ListTagsForResource": tags.list_tags,
    "ListAccountSettings": account.list_settings,
    "PutAccountSetting": account.put,
    "PutAccountSettingDefault": account.put,
    "DeleteAccountSetting": account.delete,
}


def call(context: Context, operation: str, given: dict[str, Any], caller: str | None = None) -> dict[str, Any]:
    """Check the input and carry out an operation under the store's lock, for `caller` (an ARN); raises EcsError."""
    if operation not in OPERATIONS:
        raise NotServed(f"the operation {operation}")
    validate_input(operation, given)
    store = context.store
    with store.lock:
        root = f"arn:{store.partition}:iam::{store.account}:root"
        answer = OPERATIONS[operation](replace(context, caller=caller or root), given)
    if not operation.startswith(READING):
        store.touch()
        store.wake()
    return answer
