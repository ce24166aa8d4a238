"""CreateService, UpdateService, DescribeServices, ListServices, DeleteService."""

from __future__ import annotations

import copy
from typing import Any

from infra.local.ecs import render
from infra.local.ecs.api import configuration_checks
from infra.local.ecs.api.context import Context, at_most, missing, page
from infra.local.ecs.api.settings import DEFAULTS, check_settings
from infra.local.ecs.api.tags import check_tags
from infra.local.ecs.errors import ClientError, InvalidParameter, ServiceNotActive
from infra.local.ecs.model import ACTIVE, DRAINING, INACTIVE, Deployment, Revision, Service, TaskDefinition

PAGE, MAX_DESCRIBED, MAX_TASKS = 10, 10, 5000  # the last is ECS's quota of tasks per service
NOT_SETTINGS = frozenset({"cluster", "serviceName", "service", "desiredCount", "tags", "clientToken", "role",
                          "forceNewDeployment"})  # fmt: skip
# API: UpdateService, the members whose change starts a service deployment.
DEPLOYED = frozenset({"taskDefinition", "loadBalancers", "networkConfiguration", "platformVersion", "serviceRegistries",
                      "serviceConnectConfiguration", "volumeConfigurations"})  # fmt: skip


def create(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """Makes the service and starts its first deployment; the same client token again gives the service it made."""
    store = context.store
    cluster = store.cluster(given.get("cluster"))
    arn = store.arn(f"service/{cluster.name}/{given['serviceName']}")
    known, token = store.services.get(arn), given.get("clientToken")
    if known is not None and known.status != INACTIVE:
        if token is None or token != known.token:
            raise InvalidParameter("Creation of service was not idempotent.")
        return {"service": render.service(known, with_tags=True)}
    if "taskDefinition" not in given:
        raise InvalidParameter("TaskDefinition can not be blank.")
    definition = active_definition(context, given["taskDefinition"])
    settings = _first_settings(given, definition)
    check_settings(settings, definition, context.balancing)
    desired = _count(given.get("desiredCount", 1))
    service = Service(given["serviceName"], arn, cluster, settings, desired, context.clock.now(), context.caller, token)
    service.tags = check_tags(given.get("tags", []))
    store.services[arn] = service
    _deploy(context, service, definition)
    return {"service": render.service(service, with_tags=True)}


def update(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """A change of what is deployed starts a deployment; a running one is stopped in its favour."""
    service = _active(context, given)
    definition = context.store.definition(service.settings["taskDefinition"])
    if "taskDefinition" in given:
        definition = active_definition(context, given["taskDefinition"])
    settings = {**service.settings, **_settings(given), "taskDefinition": definition.arn}
    if "deploymentConfiguration" in given:
        settings["deploymentConfiguration"] = _changed(service, given["deploymentConfiguration"])
    check_settings(settings, definition, context.balancing)
    starts = given.get("forceNewDeployment", False) or any(
        settings.get(name) != service.settings.get(name) for name in DEPLOYED
    )
    service.settings = settings
    if "desiredCount" in given:
        _scale(service, _count(given["desiredCount"]))
    if starts:
        _deploy(context, service, definition)
    return {"service": render.service(service, with_tags=True)}


def describe(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """DescribeServices, at most 10, inactive ones too."""
    cluster = context.store.cluster(given.get("cluster"))
    at_most(MAX_DESCRIBED, given["services"], "services")
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
    """ListServices: those of the cluster that are not inactive, by launch type and scheduling strategy."""
    cluster = context.store.cluster(given.get("cluster"))
    fits = given.get("launchType", "FARGATE") == "FARGATE" and given.get("schedulingStrategy", "REPLICA") == "REPLICA"
    arns = [each.arn for each in context.store.live_services() if fits and each.cluster is cluster]
    shown, token = page(arns, given, PAGE)
    return {"serviceArns": shown, **token}


def delete(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """The service is DRAINING until its last task has stopped, then INACTIVE."""
    service = _active(context, given)
    if service.desired > 0 and not given.get("force"):
        raise InvalidParameter("The service cannot be stopped while it is scaled above 0.")
    service.status = DRAINING
    _supersede(service)
    service.desired = 0
    for revision in service.revisions.values():
        revision.desired = 0
    return {"service": render.service(service, with_tags=True)}


def active_definition(context: Context, reference: str) -> TaskDefinition:
    """The task definition that a reference stands for; raises ClientError unless it is ACTIVE."""
    definition = context.store.definition(reference, missing="TaskDefinition not found.")
    if definition.status != ACTIVE:
        raise ClientError("TaskDefinition is inactive")
    return definition


def _active(context: Context, given: dict[str, Any]) -> Service:
    service = context.store.service(context.store.cluster(given.get("cluster")), given["service"])
    if service.status != ACTIVE:
        raise ServiceNotActive
    return service


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    return {name: copy.deepcopy(value) for name, value in given.items() if name not in NOT_SETTINGS}


def _first_settings(given: dict[str, Any], definition: TaskDefinition) -> dict[str, Any]:
    launch = {} if given.get("capacityProviderStrategy") else {"launchType": "FARGATE"}
    configuration = {**configuration_checks.DEFAULTS, **copy.deepcopy(given.get("deploymentConfiguration", {}))}
    return {
        **DEFAULTS, **launch, **_settings(given),
        "taskDefinition": definition.arn, "deploymentConfiguration": configuration,
    }  # fmt: skip


def _changed(service: Service, given: dict[str, Any]) -> dict[str, Any]:
    """What an update leaves out stays, but what belongs to another strategy than the one that is asked for."""
    changed = {**service.settings["deploymentConfiguration"], **copy.deepcopy(given)}
    for owner, member in configuration_checks.OWN_SETTINGS.items():
        if changed.get("strategy", "ROLLING") != owner and member not in given:
            changed.pop(member, None)
    return changed


def _count(given: int) -> int:
    if given < 0:
        raise InvalidParameter("desiredCount cannot be negative.")
    if given > MAX_TASKS:
        raise InvalidParameter(f"desiredCount cannot be greater than {MAX_TASKS}.")
    return given


def _scale(service: Service, count: int) -> None:
    """Both colours follow a count that is changed in the middle of a deployment, but one that is on its way out."""
    running = service.under_way
    for revision in service.revisions.values():
        incoming = running is not None and running.scaled_up and running.target is revision
        outgoing = running is not None and running.cleaning_up and running.target is not revision
        if incoming or revision.desired > 0 or (revision is service.current and not outgoing):
            revision.desired = count
    service.desired = count


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
