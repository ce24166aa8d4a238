"""CreateCluster, DescribeClusters, ListClusters, DeleteCluster."""

from __future__ import annotations

from typing import Any

from infra.local.ecs import render
from infra.local.ecs.api.context import Context, missing, page
from infra.local.ecs.errors import ClusterContainsServices
from infra.local.ecs.model import ACTIVE, INACTIVE, Cluster, Service

PAGE = 100


def create(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """Creating a cluster that exists gives the one that exists."""
    name = given.get("clusterName", "default")
    known = context.store.clusters.get(name)
    if known is None or known.status != ACTIVE:
        known = Cluster(name, context.store.arn(f"cluster/{name}"), tags=given.get("tags", []))
        context.store.clusters[name] = known
    return {"cluster": render.cluster(known, _services(context, known))}


def describe(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """DescribeClusters: inactive clusters too; tags where they are asked for."""
    found, failures = [], []
    for name in given.get("clusters") or ["default"]:
        cluster = context.store.clusters.get(name.rpartition("/")[2])
        if cluster is None:
            failures.append(missing(context.store.arn(f"cluster/{name.rpartition('/')[2]}")))
        else:
            found.append(render.cluster(cluster, _services(context, cluster), "TAGS" in given.get("include", [])))
    return {"clusters": found, "failures": failures}


def list_arns(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """ListClusters: active ones."""
    arns = [cluster.arn for cluster in context.store.clusters.values() if cluster.status == ACTIVE]
    shown, token = page(arns, given, PAGE)
    return {"clusterArns": shown, **token}


def delete(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """A cluster with services cannot be deleted; the others stay visible as INACTIVE."""
    cluster = context.store.cluster(given["cluster"])
    services = _services(context, cluster)
    if any(service.status != INACTIVE for service in services):
        raise ClusterContainsServices
    cluster.status = INACTIVE
    return {"cluster": render.cluster(cluster, services)}


def _services(context: Context, cluster: Cluster) -> list[Service]:
    return [service for service in context.store.services.values() if service.cluster is cluster]


