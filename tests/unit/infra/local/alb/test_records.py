"""ELBv2's records, read from objects as moto keeps them."""

from types import SimpleNamespace
from typing import Any

import pytest

from infra.local.alb.reading import read_records
from infra.local.alb.records import (
    Condition,
    FixedResponse,
    Forward,
    Records,
    short_id,
    status_matches,
)


def forward(*groups: tuple[str, int]) -> dict[str, Any]:
    entries = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in groups]
    return {"Type": "forward", "ForwardConfig": {"TargetGroups": entries}}


def rule(arn: str, priority: Any, action: dict[str, Any], conditions: list[Any] | None = None) -> SimpleNamespace:
    actions = [SimpleNamespace(data=action, type=action["Type"])]
    return SimpleNamespace(
        arn=arn, priority=priority, is_default=priority == "default", actions=actions, conditions=conditions or []
    )


def backend(rules: list[Any], groups: list[Any] | None = None) -> SimpleNamespace:
    listener = SimpleNamespace(
        arn="arn:listener", port="80", protocol="HTTP", certificates=[], rules={each.arn: each for each in rules}
    )
    balancer = SimpleNamespace(
        arn="arn:lb", name="demo", dns_name="demo.elb", attrs={}, listeners={"arn:listener": listener}
    )
    return SimpleNamespace(load_balancers={"arn:lb": balancer}, target_groups={each.arn: each for each in groups or []})


def read(*rules: SimpleNamespace) -> Records:
    return read_records([backend(list(rules))])


def test_rules_come_by_priority_and_the_default_one_last() -> None:
    action = forward(("arn:tg", 1))

    (listener,) = read(rule("d", "default", action), rule("b", "20", action), rule("a", 3, action)).listeners

    assert [each.arn for each in listener.rules] == ["a", "b", "d"]
    assert (listener.load_balancer, listener.dns_name, listener.port) == ("demo", "demo.elb", 80)


def test_the_order_of_a_weighted_forward_means_nothing() -> None:
    """ECS names the group that it shifts to first; a reload each time would be for nothing."""
    (one,) = read(rule("a", 1, forward(("arn:x", 90), ("arn:y", 10)))).listeners
    (other,) = read(rule("a", 1, forward(("arn:y", 10), ("arn:x", 90)))).listeners

    assert one.rules[0].action == other.rules[0].action == Forward((("arn:x", 90), ("arn:y", 10)))


def test_a_plain_forward_is_one_group_with_all_the_weight() -> None:
    (listener,) = read(rule("a", 1, {"Type": "forward", "TargetGroupArn": "arn:x"})).listeners

    assert listener.rules[0].action == Forward((("arn:x", 1),))


def test_a_fixed_response_keeps_what_it_says() -> None:
    config = {"StatusCode": "503", "ContentType": "text/html", "MessageBody": "later"}
    (listener,) = read(rule("a", 1, {"Type": "fixed-response", "FixedResponseConfig": config})).listeners

    assert listener.rules[0].action == FixedResponse(503, "text/html", "later")


def test_an_action_that_is_not_served_leaves_its_rule_out() -> None:
    (listener,) = read(rule("a", 1, {"Type": "authenticate-oidc"})).listeners

    assert listener.rules == ()


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (
            {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a*", "/b.?"]}},
            Condition("path-pattern", ("^/a.*$", r"^/b\..$")),
        ),
        ({"Field": "path-pattern", "Values": ["/x"]}, Condition("path-pattern", ("^/x$",))),
        (
            {"Field": "host-header", "HostHeaderConfig": {"Values": ["*.example.com"]}},
            Condition("host-header", (r"^.*\.example\.com$",)),
        ),
    ],
)
def test_wildcards_become_regular_expressions(condition: dict[str, Any], expected: Condition) -> None:
    (listener,) = read(rule("a", 1, forward(("arn:x", 1)), [condition])).listeners

    assert listener.rules[0].conditions == (expected,)


def test_a_group_in_a_rule_with_weight_0_is_in_use() -> None:
    assert read(rule("a", 1, forward(("arn:x", 1), ("arn:y", 0)))).in_use == {"arn:x", "arn:y"}


def test_a_target_group_carries_its_own_health_settings_and_targets() -> None:
    group = SimpleNamespace(
        arn="arn:tg",
        health_check_path=None,
        health_check_port="traffic-port",
        health_check_interval_seconds="5",
        health_check_timeout_seconds=2,
        healthy_threshold_count="3",
        unhealthy_threshold_count="4",
        matcher={"HttpCode": "200-299"},
        health_check_protocol="HTTP",
        health_check_enabled=True,
        protocol="HTTP",
        protocol_version="HTTP1",
        attributes={"deregistration_delay.timeout_seconds": "7"},
        targets={"10.0.0.1": {"Id": "10.0.0.1", "Port": "8080"}},
    )

    (read_group,) = read_records([backend([], [group])]).target_groups

    assert read_group.health.path == "/"
    assert (read_group.health.interval, read_group.health.timeout) == (5.0, 2.0)
    assert (read_group.health.healthy_threshold, read_group.health.unhealthy_threshold) == (3, 4)
    assert (read_group.deregistration_delay, read_group.targets) == (7.0, frozenset({("10.0.0.1", 8080)}))


@pytest.mark.parametrize(
    ("matcher", "status", "matches"),
    [
        ("200", 200, True),
        ("200", 201, False),
        ("200,204", 204, True),
        ("200-299", 250, True),
        ("200-299", 300, False),
        ("200, 301-302", 302, True),
    ],
)
def test_a_matcher_is_a_list_of_codes_and_ranges(matcher: str, status: int, matches: bool) -> None:
    assert status_matches(matcher, status) is matches


def test_short_ids_differ_and_stay() -> None:
    assert short_id("a") == short_id("a") != short_id("b")
    assert short_id("a").isalnum()
