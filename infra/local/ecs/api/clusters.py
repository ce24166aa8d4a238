"""Clusters and their capacity providers, which are Fargate's two."""

from __future__ import annotations

from typing import Any

from infra.local.ecs import render
from infra.local.ecs.api.context import Context, at_most, missing, page
from infra.local.ecs.api.tags import check_tags
from infra.local.ecs.errors import ClusterContainsServices, ClusterContainsTasks, InvalidParameter
from infra.local.ecs.model import ACTIVE, INACTIVE, Cluster, Service, Task

PAGE, MAX_DESCRIBED = 100, 100
SETTINGS = (
    "settings", "configuration", "serviceConnectDefaults", "capacityProviders", "defaultCapacityProviderStrategy",
)  # fmt: skip
PROVIDERS = ("FARGATE", "FARGATE_SPOT")
ALL = ["ATTACHMENTS", "CONFIGURATIONS", "SETTINGS", "STATISTICS", "TAGS"]


def create(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """Creating a cluster that exists gives the one that exists."""
    name, store = given.get("clusterName", "default"), context.store
    known = store.clusters.get(name)
    if known is None or known.status != ACTIVE:
        _check_providers(given)
        known = Cluster(name, store.arn(f"cluster/{name}"), tags=check_tags(given.get("tags", [])))
        known.settings = {"settings": [{"name": "containerInsights", "value": "disabled"}], **_settings(given)}
        store.clusters[name] = known
    return {"cluster": _shown(context, known, ALL)}


def update(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """UpdateCluster and UpdateClusterSettings."""
    cluster = context.store.cluster(given["cluster"])
    cluster.settings.update(_settings(given))
    return {"cluster": _shown(context, cluster, ALL)}


def put_capacity_providers(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """PutClusterCapacityProviders: they replace those that were there."""
    cluster = context.store.cluster(given["cluster"])
    _check_providers(given)
    cluster.settings.update(_settings(given))
    return {"cluster": _shown(context, cluster, ALL)}


def describe(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """DescribeClusters: inactive clusters too; what is asked for by `include` beside."""
    names = given.get("clusters") or ["default"]
    at_most(MAX_DESCRIBED, names, "clusters")
    found, failures = [], []
    for name in (each.rpartition("/")[2] for each in names):
        cluster = context.store.clusters.get(name)
        if cluster is None:
            failures.append(missing(context.store.arn(f"cluster/{name}")))
        else:
            found.append(_shown(context, cluster, given.get("include", [])))
    return {"clusters": found, "failures": failures}


def list_arns(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """ListClusters: active ones."""
    arns = [cluster.arn for cluster in context.store.clusters.values() if cluster.status == ACTIVE]
    shown, token = page(arns, given, PAGE)
    return {"clusterArns": shown, **token}


def delete(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """A cluster with services or tasks cannot be deleted; the others stay visible as INACTIVE."""
    cluster = context.store.cluster(given["cluster"])
    if any(service.status != INACTIVE for service in _services(context, cluster)):
        raise ClusterContainsServices
    if any(not task.gone for task in _tasks(context, cluster)):
        raise ClusterContainsTasks
    cluster.status = INACTIVE
    return {"cluster": _shown(context, cluster, ALL)}


def describe_capacity_providers(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """DescribeCapacityProviders: Fargate's."""
    names = [each.rpartition("/")[2] for each in given.get("capacityProviders") or PROVIDERS]
    shown, token = page([each for each in names if each in PROVIDERS], given, PAGE)
    arns = {name: context.store.arn(f"capacity-provider/{name}") for name in names}
    providers: list[dict[str, Any]] = [
        {"capacityProviderArn": arns[name], "name": name, "status": ACTIVE, "tags": []} for name in shown
    ]
    failures = [missing(arns[name]) for name in names if name not in PROVIDERS]
    return {"capacityProviders": providers, "failures": failures, **token}


def list_instances(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """ListContainerInstances: Fargate has none."""
    context.store.cluster(given.get("cluster"))
    return {"containerInstanceArns": []}


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in SETTINGS if name in given}


def _check_providers(given: dict[str, Any]) -> None:
    named = [each["capacityProvider"] for each in given.get("defaultCapacityProviderStrategy") or ()]
    for name in (*(given.get("capacityProviders") or ()), *named):
        if name not in PROVIDERS:
            raise InvalidParameter(f"The specified capacity provider '{name}' was not found. Here there are "
                                   f"{' and '.join(PROVIDERS)}.")  # fmt: skip


def _shown(context: Context, cluster: Cluster, include: list[str]) -> dict[str, Any]:
    return render.cluster(cluster, _services(context, cluster), _tasks(context, cluster), include)


def _services(context: Context, cluster: Cluster) -> list[Service]:
    return [service for service in context.store.services.values() if service.cluster is cluster]


def _tasks(context: Context, cluster: Cluster) -> list[Task]:
    return [task for task in context.store.all_tasks() if task.cluster is cluster]
