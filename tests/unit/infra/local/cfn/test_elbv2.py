"""Load balancers in stacks: weighted defaults, attributes, changed rules, and what ELBv2 refuses."""

import itertools
from typing import Any

import pytest

from infra.local.alb.errors import DuplicateListener, Invalid
from infra.local.cfn.resources.base import Made, Place
from infra.local.cfn.resources.registry import ResourceTypes

PREFIX = "AWS::ElasticLoadBalancingV2::"
accounts = itertools.count(300_000_000_000)


class Balancing:
    """The types of one account, with a load balancer and two target groups made by them."""

    def __init__(self) -> None:
        from moto.ec2.models import ec2_backends
        from moto.elbv2.models import elbv2_backends

        account = str(next(accounts))
        self.place = Place(account, "eu-north-1", "arn:stack", "demo")
        self.backend = elbv2_backends[account]["eu-north-1"]
        unused: Any = None
        self.types = ResourceTypes(unused, lambda region: self.backend, unused, unused, lambda: "abc123")
        subnets = ec2_backends[account]["eu-north-1"].describe_subnets()
        self.subnets, vpc = [each.id for each in subnets[:2]], subnets[0].vpc_id
        self.balancer = self.make("LoadBalancer", Subnets=self.subnets)
        plain = {"Port": 8080, "Protocol": "HTTP", "TargetType": "ip", "VpcId": vpc}
        self.blue = self.make("TargetGroup", "Blue", **plain).physical_id
        self.green = self.make("TargetGroup", "Green", **plain).physical_id

    def make(self, kind: str, logical_id: str = "", **properties: Any) -> Made:
        return self.types.get(PREFIX + kind).create(self.place, logical_id or kind, properties)

    def change(self, kind: str, made: Made, **properties: Any) -> Made:
        return self.types.get(PREFIX + kind).update(self.place, made, {}, properties)

    def listener(self, **changes: Any) -> dict[str, Any]:
        return {
            "LoadBalancerArn": self.balancer.physical_id, "Port": 80, "Protocol": "HTTP",
            "DefaultActions": [self.forward(90, 10)], **changes,
        }  # fmt: skip

    def forward(self, blue: Any, green: Any) -> dict[str, Any]:
        weights = [(self.blue, blue), (self.green, green)]
        groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in weights]
        return {"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}


@pytest.fixture
def balancing() -> Balancing:
    return Balancing()


def weights(rule_or_action: Any) -> list[int]:
    return [each["Weight"] for each in rule_or_action.data["ForwardConfig"]["TargetGroups"]]


def test_a_load_balancer_is_active_and_has_its_attributes_and_names(balancing: Balancing) -> None:
    attribute = {"Key": "idle_timeout.timeout_seconds", "Value": 5}

    made = balancing.make("LoadBalancer", "Two", Subnets=balancing.subnets, LoadBalancerAttributes=[attribute])
    kind = balancing.types.get(f"{PREFIX}LoadBalancer")

    assert made.handle.state == "active"
    assert made.handle.attrs["idle_timeout.timeout_seconds"] == "5"
    assert kind.attribute(made, "LoadBalancerFullName").startswith("app/")
    assert kind.attribute(made, "CanonicalHostedZoneID")
    assert kind.attribute(made, "DNSName") == made.handle.dns_name


def test_an_attribute_outside_of_its_range_fails_the_resource(balancing: Balancing) -> None:
    attribute = {"Key": "idle_timeout.timeout_seconds", "Value": "9999"}

    with pytest.raises(Invalid, match=r"idle_timeout\.timeout_seconds"):
        balancing.change("LoadBalancer", balancing.balancer, LoadBalancerAttributes=[attribute])


def test_a_listeners_default_action_can_be_weighted_and_changed(balancing: Balancing) -> None:
    made = balancing.make("Listener", **balancing.listener())

    assert weights(made.handle.default_actions[0]) == [90, 10]
    balancing.change("Listener", made, **balancing.listener(DefaultActions=[balancing.forward("50", "50")]))
    assert weights(made.handle.default_actions[0]) == [50, 50]


def test_a_listener_on_a_port_that_is_taken_fails(balancing: Balancing) -> None:
    balancing.make("Listener", **balancing.listener())

    with pytest.raises(DuplicateListener):
        balancing.make("Listener", "Second", **balancing.listener())


def test_a_rules_weights_conditions_and_priority_change_in_place(balancing: Balancing) -> None:
    listener = balancing.make("Listener", **balancing.listener())
    condition = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a"]}}
    rule = {"ListenerArn": listener.physical_id, "Priority": "5", "Conditions": [condition]}
    made = balancing.make("ListenerRule", **rule, Actions=[balancing.forward(100, 0)])
    other = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/b"]}}

    balancing.change(
        "ListenerRule", made, **{**rule, "Priority": 7, "Conditions": [other]}, Actions=[balancing.forward(0, 100)]
    )

    changed = listener.handle.rules[made.physical_id]
    assert weights(changed.actions[0]) == [0, 100]
    assert int(changed.priority) == 7
    assert changed.conditions == [other]


def test_a_template_is_not_changed_by_what_moto_makes_of_it(balancing: Balancing) -> None:
    action = balancing.forward("90", "10")

    balancing.make("Listener", **balancing.listener(DefaultActions=[action]))

    assert action == balancing.forward("90", "10")


def test_targets_of_a_template_are_registered(balancing: Balancing) -> None:
    made = Made(balancing.blue, balancing.backend.target_groups[balancing.blue])

    balancing.change("TargetGroup", made, Targets=[{"Id": "10.0.0.9", "Port": 9000}])

    assert balancing.backend.target_groups[balancing.blue].targets == {
        "10.0.0.9:9000": {"Id": "10.0.0.9", "Port": 9000}
    }
