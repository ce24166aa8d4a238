"""Resource types that are made, or only removed, by calls of their service's own API, as CloudFormation does it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.local.cfn.errors import ResourceFailed
from infra.local.cfn.resources.base import Made, Place, Properties, differs, generated_name
from infra.local.cfn.resources.convert import request
from infra.local.cfn.resources.moto import MotoType

ApiCall = Callable[[str, str, str, dict[str, Any]], dict[str, Any]]  # region, service, operation, input -> output
Shape = Callable[[str, str], Any]  # service, operation -> its input's botocore shape
TEMPLATE_OPTIONS = frozenset({"SecretStringTemplate", "GenerateStringKey"})


@dataclass(frozen=True)
class ApiSpec:
    """How a type's resources are put, found and removed. `put` makes and changes: it takes the name as `name`."""

    service: str
    put: str
    name: str
    remove: str
    removal: Callable[[str, Properties], dict[str, Any]]
    fixed: frozenset[str] = field(default_factory=frozenset)


PUT_TYPES: Mapping[str, ApiSpec] = {
    "AWS::Logs::MetricFilter": ApiSpec(
        "logs", "PutMetricFilter", "FilterName", "DeleteMetricFilter",
        lambda name, given: {"filterName": name, "logGroupName": given["LogGroupName"]},
        fixed=frozenset({"LogGroupName"}),
    ),
}  # fmt: skip


class ApiType:
    """A type of PUT_TYPES; `Ref` is its name."""

    def __init__(self, spec: ApiSpec, call: ApiCall, shape: Shape, suffix: Callable[[], str]) -> None:
        self._spec = spec
        self._call = call
        self._shape = shape
        self._suffix = suffix

    def create(self, place: Place, logical_id: str, properties: Properties) -> Made:
        """Put it, under the given name or a generated one."""
        name = str(properties.get(self._spec.name) or generated_name(place, logical_id, self._suffix()))
        return self._put(place, name, properties)

    def replaces(self, old: Properties, new: Properties) -> bool:
        """A change of the name, or of what is fixed at birth."""
        return differs(old, new, self._spec.fixed | {self._spec.name})

    def update(self, place: Place, made: Made, old: Properties, new: Properties) -> Made:
        """Put it again."""
        return self._put(place, made.physical_id, new)

    def delete(self, place: Place, made: Made, properties: Properties) -> None:
        """Remove it by its name."""
        given = self._spec.removal(made.physical_id, properties)
        self._call(place.region, self._spec.service, self._spec.remove, given)

    def attribute(self, made: Made, name: str) -> Any:
        """These types have none."""
        raise AttributeError(name)

    def _put(self, place: Place, name: str, properties: Properties) -> Made:
        shape = self._shape(self._spec.service, self._spec.put)
        given = request({**properties, self._spec.name: name}, shape)
        self._call(place.region, self._spec.service, self._spec.put, given)
        return Made(name)


class SecretType:
    """AWS::SecretsManager::Secret; `Ref` is its ARN."""

    def __init__(self, call: ApiCall, suffix: Callable[[], str]) -> None:
        self._call = call
        self._suffix = suffix

    def create(self, place: Place, logical_id: str, properties: Properties) -> Made:
        """With the given value, a generated one, or none."""
        name = properties.get("Name") or generated_name(place, logical_id, self._suffix())
        given = {key: properties[key] for key in ("Description", "KmsKeyId", "Tags") if key in properties}
        value = self._value(place, properties)
        answer = self._call(place.region, "secretsmanager", "CreateSecret", {**given, **value, "Name": name})
        return Made(answer["ARN"])

    def replaces(self, old: Properties, new: Properties) -> bool:
        """Only under another name."""
        return differs(old, new, frozenset({"Name"}))

    def update(self, place: Place, made: Made, old: Properties, new: Properties) -> Made:
        """Write what changed; a value is generated anew only where the template asks for another one."""
        same = all(old.get(name) == new.get(name) for name in ("SecretString", "GenerateSecretString"))
        given = {key: new[key] for key in ("Description", "KmsKeyId") if key in new}
        value = {} if same else self._value(place, new)
        self._call(place.region, "secretsmanager", "UpdateSecret", {**given, **value, "SecretId": made.physical_id})
        return made

    def delete(self, place: Place, made: Made, properties: Properties) -> None:
        """At once: CloudFormation leaves no recovery window."""
        given = {"SecretId": made.physical_id, "ForceDeleteWithoutRecovery": True}
        self._call(place.region, "secretsmanager", "DeleteSecret", given)

    def attribute(self, made: Made, name: str) -> Any:
        """`Id`, the ARN."""
        if name != "Id":
            raise AttributeError(name)
        return made.physical_id

    def _value(self, place: Place, properties: Properties) -> dict[str, str]:
        generate = properties.get("GenerateSecretString")
        if "SecretString" in properties and generate is not None:
            raise ResourceFailed("You can't specify both SecretString and GenerateSecretString")
        if generate is None:
            return {"SecretString": properties["SecretString"]} if "SecretString" in properties else {}
        options = {name: value for name, value in generate.items() if name not in TEMPLATE_OPTIONS}
        password = self._call(place.region, "secretsmanager", "GetRandomPassword", options)["RandomPassword"]
        if "SecretStringTemplate" not in generate:
            return {"SecretString": password}
        whole = {**json.loads(generate["SecretStringTemplate"]), generate["GenerateStringKey"]: password}
        return {"SecretString": json.dumps(whole)}


Removal = Callable[[str, Properties], dict[str, Any]]
# What moto makes from a template and cannot delete by itself: (service, operation, its input by id and properties).
REMOVALS: Mapping[str, tuple[str, str, Removal]] = {
    "AWS::EC2::EIP": ("ec2", "ReleaseAddress", lambda address, _: {"PublicIp": address}),
    "AWS::EC2::FlowLog": ("ec2", "DeleteFlowLogs", lambda name, _: {"FlowLogIds": [name]}),
    "AWS::EC2::NatGateway": ("ec2", "DeleteNatGateway", lambda name, _: {"NatGatewayId": name}),
    "AWS::EC2::NetworkInterface": ("ec2", "DeleteNetworkInterface", lambda name, _: {"NetworkInterfaceId": name}),
    "AWS::EC2::TransitGateway": ("ec2", "DeleteTransitGateway", lambda name, _: {"TransitGatewayId": name}),
    "AWS::EC2::VPCPeeringConnection": (
        "ec2", "DeleteVpcPeeringConnection", lambda name, _: {"VpcPeeringConnectionId": name},
    ),
    "AWS::EC2::VPNGateway": ("ec2", "DeleteVpnGateway", lambda name, _: {"VpnGatewayId": name}),
    "AWS::EC2::Volume": ("ec2", "DeleteVolume", lambda name, _: {"VolumeId": name}),
    "AWS::IAM::ManagedPolicy": ("iam", "DeletePolicy", lambda name, _: {"PolicyArn": name}),
    "AWS::Route53::HealthCheck": ("route53", "DeleteHealthCheck", lambda name, _: {"HealthCheckId": name}),
    "AWS::Route53::HostedZone": ("route53", "DeleteHostedZone", lambda name, _: {"Id": name}),
    "AWS::ApiGateway::RestApi": ("apigateway", "DeleteRestApi", lambda name, _: {"restApiId": name}),
    "AWS::Redshift::Cluster": (
        "redshift", "DeleteCluster", lambda name, _: {"ClusterIdentifier": name, "SkipFinalClusterSnapshot": True},
    ),
    "AWS::DataPipeline::Pipeline": ("datapipeline", "DeletePipeline", lambda name, _: {"pipelineId": name}),
}  # fmt: skip


class RemovedByApi(MotoType):
    """A type that moto makes, and whose own API removes it."""

    def __init__(self, model: type[Any], suffix: Callable[[], str], call: ApiCall, type_name: str) -> None:
        super().__init__(model, suffix)
        self._call = call
        self._removal = REMOVALS[type_name]

    def delete(self, place: Place, made: Made, properties: Properties) -> None:
        """By its id; whatever attaches it is let go first, where it is a managed policy."""
        service, operation, given = self._removal
        if service == "iam":
            self._detach(place.region, made.physical_id)
        self._call(place.region, service, operation, given(made.physical_id, properties))

    def _detach(self, region: str, arn: str) -> None:
        """CloudFormation detaches a managed policy from what its own template attached it to."""
        holders = self._call(region, "iam", "ListEntitiesForPolicy", {"PolicyArn": arn})
        for kind in ("Role", "User", "Group"):
            for holder in holders[f"Policy{kind}s"]:
                given = {"PolicyArn": arn, f"{kind}Name": holder[f"{kind}Name"]}
                self._call(region, "iam", f"Detach{kind}Policy", given)
