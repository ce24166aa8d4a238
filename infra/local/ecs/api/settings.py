"""What a service may be: ECS's own checks and words, and refusals of what is not served here."""

from __future__ import annotations

from typing import Any

from infra.local.ecs.api.configuration_checks import check_configuration
from infra.local.ecs.api.load_balancer_checks import check_load_balancers
from infra.local.ecs.errors import InvalidParameter, NotServed
from infra.local.ecs.interfaces import LoadBalancing
from infra.local.ecs.model import TaskDefinition

PROVIDERS = frozenset({"FARGATE", "FARGATE_SPOT"})
UNSERVED = (
    "serviceRegistries", "volumeConfigurations", "vpcLatticeConfigurations", "monitoring",
)  # fmt: skip
DEFAULTS: dict[str, Any] = {
    "schedulingStrategy": "REPLICA",
    "deploymentController": {"type": "ECS"},
    "healthCheckGracePeriodSeconds": 0,
    "enableECSManagedTags": False,
    "enableExecuteCommand": False,
    "propagateTags": "NONE",
    "platformVersion": "LATEST",
    "availabilityZoneRebalancing": "ENABLED",
}


def check_settings(settings: dict[str, Any], definition: TaskDefinition, balancing: LoadBalancing) -> None:
    """Raise InvalidParameter as ECS does at once, or NotServed."""
    if settings["deploymentController"]["type"] != "ECS":
        raise NotServed(f"the deployment controller {settings['deploymentController']['type']}")
    if settings["schedulingStrategy"] != "REPLICA":
        raise NotServed(f"the scheduling strategy {settings['schedulingStrategy']}")
    for name in UNSERVED:
        if settings.get(name):
            raise NotServed(f"the member {name} of services")
    if (settings.get("serviceConnectConfiguration") or {}).get("enabled"):
        raise NotServed("Service Connect")
    check_launch(settings, definition)
    check_configuration(settings["deploymentConfiguration"])
    check_load_balancers(settings, definition, balancing)


def check_launch(given: dict[str, Any], definition: TaskDefinition) -> None:
    """Where tasks run: on Fargate, with a network of their own where the task definition says awsvpc."""
    if given.get("launchType", "FARGATE") != "FARGATE":
        raise NotServed(f"the launch type {given['launchType']} (FARGATE is)")
    for each in given.get("capacityProviderStrategy") or ():
        if each["capacityProvider"] not in PROVIDERS:
            raise NotServed(f"the capacity provider {each['capacityProvider']} (FARGATE and FARGATE_SPOT are)")
    if "launchType" in given and given.get("capacityProviderStrategy"):
        raise InvalidParameter("specify either launchType or capacityProviderStrategy, not both.")
    if definition.body.get("networkMode") == "awsvpc" and not given.get("networkConfiguration"):
        raise InvalidParameter("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
