"""CreateService, UpdateService, DescribeServices, ListServices, DeleteService."""

from __future__ import annotations

import copy
from typing import Any

from infra.local.ecs import render
from infra.local.ecs.api.context import Context, missing, page
from infra.local.ecs.api.service_settings import CONFIGURATION_DEFAULTS, DEFAULTS, check_settings
from infra.local.ecs.errors import ClientError, InvalidParameter, NotServed, ServiceNotActive
from infra.local.ecs.model import ACTIVE, DRAINING, INACTIVE, Deployment, Revision, Service, TaskDefinition

PAGE, MAX_DESCRIBED = 10, 10
NOT_SETTINGS = frozenset({"cluster", "serviceName", "service", "desiredCount", "tags", "clientToken", "role",
                          "forceNewDeployment"})  # fmt: skip
# API: UpdateService, the members whose change starts a service deployment.
DEPLOYED = frozenset({"taskDefinition", "loadBalancers", "networkConfiguration", "platformVersion", "serviceRegistries",
                      "serviceConnectConfiguration", "volumeConfigurations"})  # fmt: skip


def create(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """Makes the service and starts its first deployment."""
    store = context.store
    cluster = store.cluster(given.get("cluster"))
    arn = store.arn(f"service/{cluster.name}/{given['serviceName']}")
    if arn in store.services and store.services[arn].status != INACTIVE:
        raise InvalidParameter("Creation of service was not idempotent.")
    if "taskDefinition" not in given:
        raise InvalidParameter("TaskDefinition can not be blank.")
    definition = _active_definition(context, given["taskDefinition"])
    settings = {**DEFAULTS, **_settings(given), "taskDefinition": definition.arn}
    settings["deploymentConfiguration"] = {**CONFIGURATION_DEFAULTS, **given.get("deploymentConfiguration", {})}
    check_settings(settings, definition, context.balancing)
    desired, tags = given.get("desiredCount", 1), given.get("tags", [])
    service = Service(given["serviceName"], arn, cluster, settings, desired, context.clock.now(), tags=tags)
    store.services[arn] = service
    _deploy(context, service, definition)
    return {"service": render.service(service, with_tags=True)}


def update(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """A change of what is deployed starts a deployment; a running one is stopped in its favour."""
    service = _active(context, given)
    definition = context.store.definition(service.settings["taskDefinition"])
    if "taskDefinition" in given:
        definition = _active_definition(context, given["taskDefinition"])
    settings = {**service.settings, **_settings(given), "taskDefinition": definition.arn}
    if "deploymentConfiguration" in given:
        changed = {**service.settings["deploymentConfiguration"], **given["deploymentConfiguration"]}
        settings["deploymentConfiguration"] = changed
    check_settings(settings, definition, context.balancing)
    starts = given.get("forceNewDeployment", False) or any(
        settings.get(name) != service.settings.get(name) for name in DEPLOYED
    )
    service.settings = settings
    if "desiredCount" in given:
        _scale(service, given["desiredCount"])
    if starts:
        _deploy(context, service, definition)
    return {"service": render.service(service, with_tags=True)}


def describe(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """DescribeServices, at most 10, inactive ones too."""
    cluster = context.store.cluster(given.get("cluster"))
    if len(given["services"]) > MAX_DESCRIBED:
        raise InvalidParameter(f"You can describe at most {MAX_DESCRIBED} services.")
    found, failures = [], []
    for name in given["services"]:
        arn = context.store.arn(f"service/{cluster.name}/{name.rpartition('/')[2]}")
        service = context.store.services.get(arn)
        if service is None:
            failures.append(missing(arn))
        else:
            found.append(render.service(service, "TAGS" in given.get("include", [])))
    return {"services": found, "failures": failures}


def list_arns(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """ListServices: those of the cluster that are not inactive."""
    cluster = context.store.cluster(given.get("cluster"))
    shown, token = page([each.arn for each in context.store.live_services() if each.cluster is cluster], given, PAGE)
    return {"serviceArns": shown, **token}


def delete(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """The service is DRAINING until its last task has stopped, then INACTIVE."""
    service = _active(context, given)
    if service.desired > 0 and not given.get("force"):
        raise InvalidParameter("The service cannot be stopped while it is scaled above 0.")
    service.status = DRAINING
    _supersede(service)
    _scale(service, 0)
    return {"service": render.service(service, with_tags=True)}


def _active(context: Context, given: dict[str, Any]) -> Service:
    service = context.store.service(context.store.cluster(given.get("cluster")), given["service"])
    if service.status != ACTIVE:
        raise ServiceNotActive
    return service


def _active_definition(context: Context, reference: str) -> TaskDefinition:
    definition = context.store.definition(reference)
    if definition.status != ACTIVE:
        raise ClientError("TaskDefinition is inactive")
    return definition


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    if given.get("serviceRegistries") or given.get("serviceConnectConfiguration"):
        raise NotServed("service discovery")
    return {name: copy.deepcopy(value) for name, value in given.items() if name not in NOT_SETTINGS}


def _scale(service: Service, count: int) -> None:
    """Both colours follow a count that is changed in the middle of a deployment."""
    service.desired = count
    for revision in service.revisions.values():
        if revision.desired > 0 or (revision is service.current and count > 0):
            revision.desired = count


def _supersede(service: Service) -> None:
    for deployment in service.deployments:
        if deployment.status in ("PENDING", "IN_PROGRESS", "ROLLBACK_REQUESTED"):
            deployment.superseded, deployment.status = True, "STOP_REQUESTED"


def _deploy(context: Context, service: Service, definition: TaskDefinition) -> None:
    _supersede(service)
    store, now = context.store, context.clock.now()
    place = f"{service.cluster.name}/{service.name}"
    identity = store.long_id()
    arn = store.arn(f"service-revision/{place}/{identity}")
    target = Revision(identity, arn, definition, now, copy.deepcopy(service.settings))
    service.revisions[identity] = target
    deployment_id = store.hex_id()
    configuration = copy.deepcopy(service.settings["deploymentConfiguration"])
    deployment = Deployment(
        deployment_id, store.arn(f"service-deployment/{place}/{deployment_id}"), service, target, service.current,
        configuration, created_at=now, updated_at=now,
    )  # fmt: skip
    service.deployments.append(deployment)
