"""ECS's operations: each takes the region's store and an input that was checked, and gives the output."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.local.ecs.api import clusters, definitions, deployments, services, tasks
from infra.local.ecs.api.context import Context
from infra.local.ecs.errors import NotServed
from infra.local.ecs.validation import validate_input

READING = ("Describe", "List")
Operation = Callable[[Context, dict[str, Any]], dict[str, Any]]

OPERATIONS: Mapping[str, Operation] = {
    "CreateCluster": clusters.create,
    "DescribeClusters": clusters.describe,
    "ListClusters": clusters.list_arns,
    "DeleteCluster": clusters.delete,
    "RegisterTaskDefinition": definitions.register,
    "DescribeTaskDefinition": definitions.describe,
    "ListTaskDefinitions": definitions.list_arns,
    "DeregisterTaskDefinition": definitions.deregister,
    "CreateService": services.create,
    "UpdateService": services.update,
    "DescribeServices": services.describe,
    "ListServices": services.list_arns,
    "DeleteService": services.delete,
    "ListTasks": tasks.list_arns,
    "DescribeTasks": tasks.describe,
    "ListServiceDeployments": deployments.list_briefs,
    "DescribeServiceDeployments": deployments.describe,
    "StopServiceDeployment": deployments.stop,
    "ContinueServiceDeployment": deployments.resume,
    "DescribeServiceRevisions": tasks.describe_revisions,
}


def call(context: Context, operation: str, given: dict[str, Any]) -> dict[str, Any]:
    """Check the input and carry out an operation under the store's lock; raises EcsError."""
    if operation not in OPERATIONS:
        raise NotServed(f"the operation {operation}")
    validate_input(operation, given)
    with context.store.lock:
        answer = OPERATIONS[operation](context, given)
    if not operation.startswith(READING):
        context.store.wake()
    return answer
