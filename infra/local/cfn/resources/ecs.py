"""AWS::ECS::*, over our own ECS. A service is made once its deployment has ended, PAUSE hooks and all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from infra.local.cfn.errors import ResourceFailed
from infra.local.cfn.resources.base import Made, Place, Properties, differs
from infra.local.cfn.resources.convert import request
from infra.local.ecs.validation import operation_model

CFN_BAKE_MINUTES = 15  # what CloudFormation fills in for the strategies that shift traffic
UNFINISHED = frozenset({"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})


class EcsApi(Protocol):
    """What these types need of ECS."""

    def call(self, region: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        """Carry out an operation; raises EcsError."""
        ...

    def wait(self, region: str, done: Callable[[], bool]) -> None:
        """Block until `done` holds."""
        ...


class _EcsType:
    fixed: frozenset[str] = frozenset()

    def __init__(self, ecs: EcsApi, suffix: Callable[[], str]) -> None:
        self._ecs = ecs
        self._suffix = suffix

    def replaces(self, old: Properties, new: Properties) -> bool:
        """Only a change of what is fixed at birth makes a new one."""
        return differs(old, new, self.fixed)

    def _name(self, place: Place, logical_id: str, given: Any) -> str:
        return str(given) if given else f"{place.stack_name}-{logical_id}-{self._suffix()}"

    @staticmethod
    def _known(known: dict[str, Any], name: str) -> Any:
        if name not in known:
            raise AttributeError(name)
        return known[name]


class ClusterType(_EcsType):
    """AWS::ECS::Cluster; `Ref` is its name."""

    fixed = frozenset({"ClusterName"})

    def create(self, place: Place, logical_id: str, properties: Properties) -> Made:
        """Make it through ECS's own API."""
        name = self._name(place, logical_id, properties.get("ClusterName"))
        given = request({**properties, "ClusterName": name}, _input("CreateCluster"))
        answer = self._ecs.call(place.region, "CreateCluster", given)
        return Made(name, answer["cluster"]["clusterArn"])

    def update(self, place: Place, made: Made, old: Properties, new: Properties) -> Made:
        """Change it through ECS's own API, as far as it can change."""
        return made

    def delete(self, place: Place, made: Made, properties: Properties) -> None:
        """Remove it through ECS's own API."""
        self._ecs.call(place.region, "DeleteCluster", {"cluster": made.physical_id})

    def attribute(self, made: Made, name: str) -> Any:
        """The attributes of the type's reference page."""
        return self._known({"Arn": made.handle}, name)


class TaskDefinitionType(_EcsType):
    """AWS::ECS::TaskDefinition; `Ref` is its ARN, and every change but the tags' makes a new revision."""

    def create(self, place: Place, logical_id: str, properties: Properties) -> Made:
        """Make it through ECS's own API."""
        family = self._name(place, logical_id, properties.get("Family"))
        given = request({**properties, "Family": family}, _input("RegisterTaskDefinition"))
        answer = self._ecs.call(place.region, "RegisterTaskDefinition", given)
        return Made(answer["taskDefinition"]["taskDefinitionArn"])

    def replaces(self, old: Properties, new: Properties) -> bool:
        """Only a change of what is fixed at birth makes a new one."""
        return True

    def update(self, place: Place, made: Made, old: Properties, new: Properties) -> Made:
        """Change it through ECS's own API, as far as it can change."""
        return made

    def delete(self, place: Place, made: Made, properties: Properties) -> None:
        """Remove it through ECS's own API."""
        self._ecs.call(place.region, "DeregisterTaskDefinition", {"taskDefinition": made.physical_id})

    def attribute(self, made: Made, name: str) -> Any:
        """The attributes of the type's reference page."""
        return self._known({"TaskDefinitionArn": made.physical_id}, name)


class ServiceType(_EcsType):
    """AWS::ECS::Service; `Ref` is its ARN."""

    fixed = frozenset({"ServiceName", "Cluster", "LaunchType", "SchedulingStrategy"})

    def create(self, place: Place, logical_id: str, properties: Properties) -> Made:
        """Make it through ECS's own API."""
        name = self._name(place, logical_id, properties.get("ServiceName"))
        given = request({**_with_bake(properties), "ServiceName": name}, _input("CreateService"))
        answer = self._ecs.call(place.region, "CreateService", given)["service"]
        made = Made(answer["serviceArn"], {"cluster": answer["clusterArn"], "service": name})
        try:
            self._until_deployed(place, made)
        except ResourceFailed:
            self.delete(place, made, properties)
            raise
        return made

    def update(self, place: Place, made: Made, old: Properties, new: Properties) -> Made:
        """Change it through ECS's own API, as far as it can change."""
        changed = {name: value for name, value in _with_bake(new).items() if name not in self.fixed and name != "Tags"}
        given = request({**changed, "Cluster": made.handle["cluster"]}, _input("UpdateService"))
        before = self._service(place, made)["currentServiceDeployment"]
        answer = self._ecs.call(place.region, "UpdateService", {**given, "service": made.handle["service"]})
        if answer["service"]["currentServiceDeployment"] != before:
            self._until_deployed(place, made)
        return made

    def delete(self, place: Place, made: Made, properties: Properties) -> None:
        """The resource is gone when the last task has stopped."""
        if self._service(place, made)["status"] == "ACTIVE":
            self._ecs.call(place.region, "DeleteService", {**made.handle, "force": True})
        self._ecs.wait(place.region, lambda: self._service(place, made)["status"] == "INACTIVE")

    def attribute(self, made: Made, name: str) -> Any:
        """The attributes of the type's reference page."""
        return self._known({"Name": made.handle["service"], "ServiceArn": made.physical_id}, name)

    def _service(self, place: Place, made: Made) -> dict[str, Any]:
        given = {"cluster": made.handle["cluster"], "services": [made.handle["service"]]}
        found: dict[str, Any] = self._ecs.call(place.region, "DescribeServices", given)["services"][0]
        return found

    def _until_deployed(self, place: Place, made: Made) -> None:
        arn = self._service(place, made)["currentServiceDeployment"]
        self._ecs.wait(place.region, lambda: self._deployment(place, arn)["status"] not in UNFINISHED)
        ended = self._deployment(place, arn)
        if ended["status"] != "SUCCESSFUL":
            events = self._service(place, made)["events"]
            cause = next((each["message"] for each in events if "deployment failed" in each["message"]), "")
            raise ResourceFailed(f"Error occurred during operation 'ECS Deployment {ended['status']}': "
                                 f"{ended.get('statusReason', '')} {cause}".strip())  # fmt: skip

    def _deployment(self, place: Place, arn: str) -> dict[str, Any]:
        answer = self._ecs.call(place.region, "DescribeServiceDeployments", {"serviceDeploymentArns": [arn]})
        found: dict[str, Any] = answer["serviceDeployments"][0]
        return found


def _input(operation: str) -> Any:
    return operation_model(operation).input_shape


def _with_bake(properties: Properties) -> dict[str, Any]:
    configuration = dict(properties.get("DeploymentConfiguration") or {})
    if configuration.get("Strategy") == "BLUE_GREEN":
        configuration.setdefault("BakeTimeInMinutes", CFN_BAKE_MINUTES)
    return {**properties, "DeploymentConfiguration": configuration}


CLASSES: dict[str, type[ClusterType] | type[TaskDefinitionType] | type[ServiceType]] = {
    "AWS::ECS::Cluster": ClusterType,
    "AWS::ECS::TaskDefinition": TaskDefinitionType,
    "AWS::ECS::Service": ServiceType,
}
