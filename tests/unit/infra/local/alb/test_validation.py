"""What ELBv2 refuses, by AWS's codes and words."""

from collections.abc import Callable
from typing import Any

import pytest

from infra.local.alb.errors import Elbv2Error
from infra.local.alb.sameness import is_there
from infra.local.alb.validation import check

Forward = Callable[..., dict[str, Any]]
FIXED = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
PATH = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/x"]}}


def refusal(elb: Any, operation: str, **given: Any) -> tuple[str, str]:
    """(code, message) of the error."""
    with pytest.raises(Elbv2Error) as caught:
        check(elb.backend, operation, given)
    return caught.value.code, str(caught.value)


class TestLoadBalancers:
    @pytest.mark.parametrize("name", ["-one", "one-", "internal-one", "o" * 33, "o_ne", ""])
    def test_a_name_that_aws_does_not_take(self, elb: Any, name: str) -> None:
        assert refusal(elb, "CreateLoadBalancer", Name=name)[0] == "ValidationError"

    def test_a_name_that_is_taken(self, elb: Any) -> None:
        elb.balancer("one")

        assert refusal(elb, "CreateLoadBalancer", Name="one")[0] == "DuplicateLoadBalancerName"

    def test_the_same_again_is_no_error(self, elb: Any) -> None:
        elb.balancer("one")
        again = {"Name": "one", "Subnets": elb.subnets[::-1]}

        check(elb.backend, "CreateLoadBalancer", again)
        assert is_there(elb.backend, "CreateLoadBalancer", again)
        assert not is_there(elb.backend, "CreateLoadBalancer", {**again, "Name": "two"})
        assert not is_there(elb.backend, "CreateLoadBalancer", {**again, "Scheme": "internal"})

    def test_a_network_load_balancer_is_not_served(self, elb: Any) -> None:
        assert (
            refusal(elb, "CreateLoadBalancer", Name="one", Type="network")[1]
            == "Load balancer type 'network' is not served by AWS on this machine"
        )

    def test_one_that_is_protected_is_not_deleted(self, elb: Any) -> None:
        balancer = elb.balancer()
        elb.backend.modify_load_balancer_attributes(balancer.arn, {"deletion_protection.enabled": "true"})

        assert refusal(elb, "DeleteLoadBalancer", LoadBalancerArn=balancer.arn)[0] == "OperationNotPermitted"

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("idle_timeout.timeout_seconds", "0"),
            ("idle_timeout.timeout_seconds", "4001"),
            ("client_keep_alive.seconds", "59"),
            ("routing.http.xff_header_processing.mode", "guess"),
        ],
    )
    def test_attributes_outside_of_their_range(self, elb: Any, key: str, value: str) -> None:
        attributes = [{"Key": key, "Value": value}]

        assert key in refusal(elb, "ModifyLoadBalancerAttributes", LoadBalancerArn="arn", Attributes=attributes)[1]


class TestListeners:
    def test_a_port_is_listened_on_once(self, elb: Any) -> None:
        balancer = elb.balancer()
        listener = elb.listener(balancer, elb.group())
        other = elb.listener(balancer, elb.group("green"), port=81)
        given = {"LoadBalancerArn": balancer.arn, "Port": 80, "Protocol": "HTTP", "DefaultActions": [FIXED]}

        assert refusal(elb, "CreateListener", **given)[0] == "DuplicateListener"
        assert refusal(elb, "ModifyListener", ListenerArn=other.arn, Port=80)[0] == "DuplicateListener"
        check(elb.backend, "ModifyListener", {"ListenerArn": listener.arn, "Port": 80})

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"Protocol": "HTTPS"}, "A certificate must be specified for HTTPS listeners"),
            ({"Protocol": "TLS"}, "Listener protocol 'TLS' is not served"),
            ({"Protocol": "HTTPS", "Certificates": [{"CertificateArn": "arn:no"}]}, "'arn:no' is not valid"),
        ],
    )
    def test_protocols_and_certificates(self, elb: Any, given: dict[str, Any], words: str) -> None:
        balancer = elb.balancer()
        given = {"LoadBalancerArn": balancer.arn, "Port": 443, "DefaultActions": [FIXED], **given}

        assert words in refusal(elb, "CreateListener", **given)[1]

    def test_a_group_belongs_to_one_load_balancer(self, elb: Any, forward: Forward) -> None:
        group = elb.group()
        elb.listener(elb.balancer("one"), group)
        elb.api.after("eu-north-1", "CreateListener")
        two = elb.balancer("two")
        given = {"LoadBalancerArn": two.arn, "Port": 80, "Protocol": "HTTP", "DefaultActions": [forward(group)]}

        assert refusal(elb, "CreateListener", **given)[0] == "TargetGroupAssociationLimit"


class TestRules:
    def given(self, elb: Any, **changes: Any) -> dict[str, Any]:
        listener = elb.listener(elb.balancer(), elb.group())
        return {"ListenerArn": listener.arn, "Priority": 1, "Conditions": [PATH], "Actions": [FIXED], **changes}

    def test_a_rule_that_aws_takes_is_taken(self, elb: Any) -> None:
        check(elb.backend, "CreateRule", self.given(elb))

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"Priority": 0}, "Priority '0' must be between '1-50000' inclusive"),
            ({"Actions": [{"Type": "authenticate-oidc"}]}, "Action type 'authenticate-oidc' is not served"),
            (
                {"Actions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "302"}}]},
                "A fixed-response status code must be 2XX, 4XX or 5XX",
            ),
            (
                {"Conditions": [{"Field": "source-ip", "SourceIpConfig": {"Values": ["here"]}}]},
                "The 'source-ip' value 'here' is not a CIDR block",
            ),
            (
                {"Conditions": [{"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "a b", "Values": []}}]},
                "The 'HttpHeaderName' value 'a b' is not a header's name",
            ),
            (
                {"Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"RegexValues": ["("]}}]},
                "The 'RegexValues' value '(' is not a regular expression",
            ),
        ],
    )
    def test_what_is_out_of_range(self, elb: Any, changes: dict[str, Any], words: str) -> None:
        assert words in refusal(elb, "CreateRule", **self.given(elb, **changes))[1]

    @pytest.mark.parametrize(("weight", "words"), [(1000, "'0-999' inclusive, not '1000'"), (-1, "not '-1'")])
    def test_a_weight_is_between_0_and_999(self, elb: Any, forward: Forward, weight: int, words: str) -> None:
        action = forward("arn:group")
        action["ForwardConfig"]["TargetGroups"][0]["Weight"] = weight

        assert words in refusal(elb, "CreateRule", **self.given(elb, Actions=[action]))[1]

    def test_an_action_forwards_to_five_groups_at_most(self, elb: Any, forward: Forward) -> None:
        actions = [forward(*(f"arn:{number}" for number in range(6)))]

        assert "at most '5' target groups" in refusal(elb, "ModifyRule", RuleArn="arn", Actions=actions)[1]

    def test_a_priority_is_used_once(self, elb: Any) -> None:
        given = self.given(elb)
        elb.backend.create_rule(given["ListenerArn"], [PATH], 1, [FIXED])

        assert refusal(elb, "CreateRule", **given)[0] == "PriorityInUse"

    def test_a_rule_has_a_condition_and_groups_that_exist(self, elb: Any, forward: Forward) -> None:
        listener, group = elb.listener(elb.balancer(), elb.group()), elb.group("other")
        given = {"ListenerArn": listener.arn, "Priority": 1, "Actions": [forward(group)]}

        assert refusal(elb, "CreateRule", **given, Conditions=[])[1] == "A condition must be specified"
        given["Actions"] = [forward(f"{group}x")]
        assert refusal(elb, "CreateRule", **given, Conditions=[PATH])[0] == "TargetGroupNotFound"

    def test_the_default_rule_stays_and_an_unknown_one_is_told(self, elb: Any) -> None:
        listener = elb.listener(elb.balancer(), elb.group())
        (default,) = [each.arn for each in listener.rules.values()]

        assert refusal(elb, "DeleteRule", RuleArn=default)[0] == "OperationNotPermitted"
        assert refusal(elb, "DeleteRule", RuleArn="arn:none")[0] == "RuleNotFound"


class TestTargetGroups:
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"HealthCheckIntervalSeconds": 4}, "HealthCheckIntervalSeconds value '4' must be between '5-300'"),
            ({"HealthCheckTimeoutSeconds": 121}, "must be between '2-120'"),
            ({"UnhealthyThresholdCount": 1}, "must be between '2-10'"),
            ({"Matcher": {"HttpCode": "200-599"}}, "'200-599' must be within '200-499' inclusive"),
        ],
    )
    def test_health_checks_outside_of_their_range(self, elb: Any, given: dict[str, Any], words: str) -> None:
        assert words in refusal(elb, "CreateTargetGroup", Name="x", **given)[1]

    @pytest.mark.parametrize(
        ("key", "value", "words"),
        [
            ("deregistration_delay.timeout_seconds", "3601", "'0-3600' inclusive"),
            ("slow_start.duration_seconds", "30", "Slow start is not served"),
            ("load_balancing.algorithm.type", "best", "must be one of"),
        ],
    )
    def test_attributes_outside_of_their_range(self, elb: Any, key: str, value: str, words: str) -> None:
        attributes = [{"Key": key, "Value": value}]

        assert words in refusal(elb, "ModifyTargetGroupAttributes", TargetGroupArn="x", Attributes=attributes)[1]

    def test_the_same_again_is_there_already(self, elb: Any) -> None:
        elb.group("blue", healthcheck_interval_seconds=10)
        same = {"Name": "blue", "Protocol": "HTTP", "Port": 8080, "VpcId": elb.vpc, "TargetType": "ip"}

        assert is_there(elb.backend, "CreateTargetGroup", same)
        assert is_there(elb.backend, "CreateTargetGroup", {**same, "HealthCheckIntervalSeconds": 10})
        assert not is_there(elb.backend, "CreateTargetGroup", {**same, "HealthCheckIntervalSeconds": 30})
        assert not is_there(elb.backend, "CreateTargetGroup", {**same, "Port": 80})
        assert not is_there(elb.backend, "CreateTargetGroup", {**same, "Name": "green"})
