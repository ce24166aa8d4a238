"""A store's records as JSON and back. A record that another one owns is nested in it, any other is named.

Names: a cluster by its name, a task definition by its ARN, a service revision by its id.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from infra.local.ecs.model import Cluster, Container, Deployment, Hook, Revision, Service, Task, TaskDefinition

if TYPE_CHECKING:
    from infra.local.ecs.store import Store

VERSION = 1
Json = dict[str, Any]


def dump(store: Store) -> Json:
    """Everything but the store's counter. The answer shares nothing with the records."""
    document = {
        "version": VERSION,
        "clusters": [_members(each) for each in store.clusters.values()],
        "definitions": [_members(each) for family in store.families.values() for each in family],
        "services": [_service(each) for each in store.services.values()],
        "tasks": [_task(each) for each in store.tasks],
        "account_settings": store.account_settings,
    }
    copied: Json = json.loads(json.dumps(document))
    return copied


def load(store: Store, document: Mapping[str, Any]) -> None:
    """Fill the store with what `dump` gave."""
    store.clusters = {each["name"]: Cluster(**each) for each in document["clusters"]}
    definitions = [TaskDefinition(**each) for each in document["definitions"]]
    store.families = {}
    for definition in definitions:
        store.families.setdefault(definition.family, []).append(definition)
    reader = _Reader(store.clusters, {each.arn: each for each in definitions})
    services = [reader.service(each) for each in document["services"]]
    store.services = {each.arn: each for each in services}
    store.tasks = [reader.task(each, {}) for each in document["tasks"]]
    store.account_settings = dict(document["account_settings"])


class _Reader:
    def __init__(self, clusters: Mapping[str, Cluster], definitions: Mapping[str, TaskDefinition]) -> None:
        self._clusters = clusters
        self._definitions = definitions

    def service(self, entry: Json) -> Service:
        revisions = {each["id"]: self._revision(each) for each in entry["revisions"]}
        tasks = [self.task(each, revisions) for each in entry["tasks"]]
        nested = {"revisions": revisions, "deployments": [], "tasks": tasks}
        current = revisions.get(entry["current"] or "")
        service = Service(**{**entry, **nested, "cluster": self._clusters[entry["cluster"]], "current": current})
        service.deployments = [_deployment_of(each, service) for each in entry["deployments"]]
        return service

    def task(self, entry: Json, revisions: Mapping[str, Revision]) -> Task:
        references = {
            "cluster": self._clusters[entry["cluster"]],
            "definition": self._definitions[entry["definition"]],
            "revision": revisions.get(entry["revision"] or ""),
            "containers": [Container(**each) for each in entry["containers"]],
        }
        return Task(**{**entry, **references})

    def _revision(self, entry: Json) -> Revision:
        return Revision(**{**entry, "definition": self._definitions[entry["definition"]]})


def _deployment_of(entry: Json, service: Service) -> Deployment:
    references = {
        "service": service,
        "target": service.revisions[entry["target"]],
        "source": service.revisions.get(entry["source"] or ""),
        "hooks": [Hook(**each) for each in entry["hooks"]],
    }
    return Deployment(**{**entry, **references})


def _members(record: Any, **changed: Callable[[Any], Any]) -> Json:
    values = {each.name: getattr(record, each.name) for each in fields(record)}
    return {name: changed[name](value) if name in changed else value for name, value in values.items()}


def _service(service: Service) -> Json:
    return _members(
        service,
        cluster=_name,
        current=_id,
        revisions=lambda known: [_members(each, definition=_arn) for each in known.values()],
        deployments=lambda known: [_deployment(each) for each in known],
        tasks=lambda known: [_task(each) for each in known],
    )


def _deployment(deployment: Deployment) -> Json:
    hooks = [_members(hook) for hook in deployment.hooks]
    return _members(deployment, service=lambda _: None, target=_id, source=_id, hooks=lambda _: hooks)


def _task(task: Task) -> Json:
    containers = [_members(each) for each in task.containers]
    return _members(task, cluster=_name, definition=_arn, revision=_id, containers=lambda _: containers)


def _name(cluster: Cluster) -> str:
    return cluster.name


def _arn(definition: TaskDefinition) -> str:
    return definition.arn


def _id(revision: Revision | None) -> str | None:
    return revision.id if revision is not None else None
