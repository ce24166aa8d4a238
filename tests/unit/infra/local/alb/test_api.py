"""ELBv2's operations that we carry out ourselves, and what follows from those that moto does."""

from collections.abc import Callable
from typing import Any

import pytest

from infra.local.alb.errors import Invalid, NotPermitted, NotServed, PriorityInUse, RuleNotFound, TargetGroupNotFound

REGION = "eu-north-1"
Forward = Callable[..., dict[str, Any]]


class TestTargets:
    def test_one_address_can_have_several_ports_and_without_one_has_the_groups(self, elb: Any) -> None:
        group = elb.group()
        elb.listener(elb.balancer(), group)

        elb.call(
            "RegisterTargets", TargetGroupArn=group, Targets=[{"Id": "10.0.0.1"}, {"Id": "10.0.0.1", "Port": 9000}]
        )

        assert sorted(elb.states(group)) == [("10.0.0.1", 8080, "initial"), ("10.0.0.1", 9000, "initial")]
        assert elb.syncs == 1

    def test_a_deregistered_target_drains_and_is_then_unused(self, elb: Any) -> None:
        group = elb.group()
        elb.listener(elb.balancer(), group)
        targets = [{"Id": "10.0.0.1"}]
        elb.call("RegisterTargets", TargetGroupArn=group, Targets=targets)

        elb.call("DeregisterTargets", TargetGroupArn=group, Targets=targets)
        draining = elb.states(group)
        elb.now = 301.0
        elb.api.after(REGION, "ModifyTargetGroup")

        assert draining == [("10.0.0.1", 8080, "draining")]
        assert elb.states(group) == []
        assert elb.states(group, Targets=targets) == [("10.0.0.1", 8080, "unused")]

    def test_a_target_of_a_group_without_a_rule_is_unused_and_says_why(self, elb: Any) -> None:
        group = elb.group()

        elb.call("RegisterTargets", TargetGroupArn=group, Targets=[{"Id": "10.0.0.1"}])

        (shown,) = elb.call("DescribeTargetHealth", TargetGroupArn=group)["TargetHealthDescriptions"]
        assert shown["TargetHealth"]["Reason"] == "Target.NotInUse"
        assert shown["HealthCheckPort"] == "8080"

    @pytest.mark.parametrize(
        ("target", "error", "words"),
        [
            ("i-0123456789abcdef0", NotServed, "A target that is an instance"),
            ("not-an-address", Invalid, "The IP address 'not-an-address' is not a valid IPv4 or IPv6 address"),
        ],
    )
    def test_what_is_no_address_is_refused(self, elb: Any, target: str, error: type[Exception], words: str) -> None:
        with pytest.raises(error, match=words):
            elb.call("RegisterTargets", TargetGroupArn=elb.group(), Targets=[{"Id": target}])

    @pytest.mark.parametrize("operation", ["RegisterTargets", "DeregisterTargets", "DescribeTargetHealth"])
    def test_a_group_that_does_not_exist_is_told(self, elb: Any, operation: str) -> None:
        with pytest.raises(TargetGroupNotFound, match="One or more target groups not found"):
            elb.call(operation, TargetGroupArn="arn:none", Targets=[])


class TestRules:
    def test_the_default_rules_new_weights_are_the_listeners_too(self, elb: Any, forward: Forward) -> None:
        blue, green = elb.group("blue"), elb.group("green")
        listener = elb.listener(elb.balancer(), blue)
        (default,) = [each.arn for each in listener.rules.values() if each.is_default]

        answer = elb.call("ModifyRule", RuleArn=default, Actions=[forward(blue, green)])

        (shown,) = answer["Rules"]
        assert (shown["RuleArn"], shown["Priority"], shown["IsDefault"]) == (default, "default", True)
        assert listener.default_actions[0].data["ForwardConfig"] == shown["Actions"][0]["ForwardConfig"]

    def test_the_default_rule_takes_no_condition(self, elb: Any, forward: Forward) -> None:
        blue = elb.group()
        listener = elb.listener(elb.balancer(), blue)
        (default,) = [each.arn for each in listener.rules.values() if each.is_default]

        with pytest.raises(NotPermitted, match="cannot have conditions"):
            elb.call("ModifyRule", RuleArn=default, Conditions=[{"Field": "path-pattern", "Values": ["/x"]}])

    def test_two_rules_can_change_places(self, elb: Any) -> None:
        blue = elb.group()
        listener = elb.listener(elb.balancer(), blue)
        first, second = elb.rule(listener, 1, blue), elb.rule(listener, 2, blue)

        answer = elb.call("SetRulePriorities", RulePriorities=[_at(first, 2), _at(second, 1)])

        assert {each["RuleArn"]: each["Priority"] for each in answer["Rules"]} == {first: "2", second: "1"}

    def test_a_priority_of_another_rule_is_in_use_and_nothing_changes(self, elb: Any) -> None:
        blue = elb.group()
        listener = elb.listener(elb.balancer(), blue)
        first, second, third = (elb.rule(listener, number, blue) for number in (1, 2, 3))

        with pytest.raises(PriorityInUse, match="Priority '3' is currently in use"):
            elb.call("SetRulePriorities", RulePriorities=[_at(first, 9), _at(second, 3)])

        assert {each.arn: int(each.priority) for each in listener.rules.values() if not each.is_default} == {
            first: 1, second: 2, third: 3,
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("priorities", "words"),
        [((0,), "must be between '1-50000' inclusive"), ((5, 5), "Priority '5' was provided multiple times")],
    )
    def test_priorities_that_cannot_be_are_refused(self, elb: Any, priorities: tuple[int, ...], words: str) -> None:
        with pytest.raises(Invalid, match=words):
            elb.call("SetRulePriorities", RulePriorities=[_at(f"arn:{n}", each) for n, each in enumerate(priorities)])

    def test_a_rule_that_does_not_exist_is_told(self, elb: Any) -> None:
        with pytest.raises(RuleNotFound, match="One or more rules not found"):
            elb.call("SetRulePriorities", RulePriorities=[_at("arn:none", 1)])
        with pytest.raises(RuleNotFound):
            elb.call("ModifyRule", RuleArn="arn:none", Actions=[])

    def test_the_default_rule_has_no_priority_to_set(self, elb: Any) -> None:
        listener = elb.listener(elb.balancer(), elb.group())
        (default,) = [each.arn for each in listener.rules.values() if each.is_default]

        with pytest.raises(NotPermitted, match="cannot have a priority"):
            elb.call("SetRulePriorities", RulePriorities=[_at(default, 1)])


class TestAttributes:
    def test_defaults_that_moto_leaves_out_are_there(self, elb: Any) -> None:
        balancer = elb.balancer()
        elb.backend.modify_load_balancer_attributes(balancer.arn, {"idle_timeout.timeout_seconds": "5"})

        shown = elb.call("DescribeLoadBalancerAttributes", LoadBalancerArn=balancer.arn)["Attributes"]

        attributes = {each["Key"]: each["Value"] for each in shown}
        assert attributes["idle_timeout.timeout_seconds"] == "5"
        assert attributes["client_keep_alive.seconds"] == "3600"

    def test_the_longest_deregistration_delay_is_taken(self, elb: Any) -> None:
        group = elb.group()
        attribute = {"Key": "deregistration_delay.timeout_seconds", "Value": "3600"}

        shown = elb.call("ModifyTargetGroupAttributes", TargetGroupArn=group, Attributes=[attribute])["Attributes"]

        assert attribute in shown


def test_a_group_names_the_load_balancers_whose_rules_name_it(elb: Any) -> None:
    blue, green = elb.group("blue"), elb.group("green")
    balancer = elb.balancer()
    listener = elb.listener(balancer, blue)
    elb.rule(listener, 1, blue, green)

    elb.api.after(REGION, "CreateRule")
    assert elb.backend.target_groups[green].load_balancer_arns == [balancer.arn]

    elb.backend.delete_load_balancer(balancer.arn)
    elb.api.after(REGION, "DeleteLoadBalancer")
    assert elb.backend.target_groups[green].load_balancer_arns == []


def test_what_only_reads_does_not_touch_the_data_plane(elb: Any) -> None:
    elb.api.after(REGION, "DescribeRules")

    assert elb.syncs == 0


def _at(rule: str, priority: int) -> dict[str, Any]:
    return {"RuleArn": rule, "Priority": priority}
