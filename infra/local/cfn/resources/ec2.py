"""EC2's networking, as far as moto lacks it: what it does not delete, and a security group's rules changed in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra.local.cfn.resources.base import Made, Place, Properties
from infra.local.cfn.resources.moto import MotoType

Removal = Callable[[Any, Made, Properties], Any]


def _disassociate(backend: Any, made: Made, properties: Properties) -> None:
    table = backend.route_tables.get(properties["RouteTableId"])
    for association, subnet in list(table._associations.items()) if table else ():
        if subnet == properties["SubnetId"]:
            backend.disassociate_route_table(association)


def _delete_route(backend: Any, made: Made, properties: Properties) -> None:
    backend.delete_route(properties["RouteTableId"], properties["DestinationCidrBlock"])


def _delete_endpoint(backend: Any, made: Made, properties: Properties) -> None:
    backend.delete_vpc_endpoints([made.physical_id])
    backend.vpc_end_points.pop(made.physical_id, None)


REMOVALS: Mapping[str, Removal] = {
    "AWS::EC2::SubnetRouteTableAssociation": _disassociate,
    "AWS::EC2::Route": _delete_route,
    "AWS::EC2::RouteTable": lambda backend, made, _: backend.delete_route_table(made.physical_id),
    "AWS::EC2::VPCGatewayAttachment": lambda backend, _, properties: backend.detach_internet_gateway(
        properties["InternetGatewayId"], properties["VpcId"]
    ),
    "AWS::EC2::InternetGateway": lambda backend, made, _: backend.delete_internet_gateway(made.physical_id),
    "AWS::EC2::VPCEndpoint": _delete_endpoint,
}


class RemovableType(MotoType):
    """A type of moto's with a deletion of its own."""

    def __init__(self, model: type[Any], suffix: Callable[[], str], removal: Removal) -> None:
        super().__init__(model, suffix)
        self._removal = removal

    def delete(self, place: Place, made: Made, properties: Properties) -> None:
        """As EC2's own API would remove it."""
        from moto.ec2.models import ec2_backends

        self._removal(ec2_backends[place.account][place.region], made, properties)


class SecurityGroupType(MotoType):
    """moto replaces a group to change its rules, under a new id; AWS changes them in place."""

    def replaces(self, old: Properties, new: Properties) -> bool:
        """Name, description and VPC are fixed at birth."""
        return any(old.get(name) != new.get(name) for name in ("GroupName", "GroupDescription", "VpcId"))

    def update(self, place: Place, made: Made, old: Properties, new: Properties) -> Made:
        """Replace the ingress rules, and keep the group and its id."""
        group = made.handle
        group.ingress_rules.clear()
        for rule in new.get("SecurityGroupIngress", []):
            source = rule.get("SourceSecurityGroupId")
            group.ec2_backend.authorize_security_group_ingress(
                group_name_or_id=group.id,
                ip_protocol=rule["IpProtocol"],
                from_port=rule.get("FromPort"),
                to_port=rule.get("ToPort"),
                ip_ranges=rule.get("CidrIp", []),
                source_groups=[{"GroupId": source}] if source else [],
                vpc_id=group.vpc_id,
            )
        return made
