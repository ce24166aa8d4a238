"""Condition operators, each with what holds, what does not, and a missing key."""

from typing import Any

import pytest

from infra.local.iam.conditions import holds
from infra.local.iam.policy import PolicyMalformed, parse_policy

ARN = "arn:aws:ecs:eu-north-1:123456789012:cluster/demo"


def check(operator: str, values: Any, *present: str, key: str = "k") -> bool:
    """Whether the condition on `k` holds where `k` has the given values; none: it is missing."""
    document = {
        "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {operator: {key: values}}}
    }
    (statement,) = parse_policy(document)
    context = {"k": present} if present else {}
    return holds(statement.conditions, {**context, "aws:username": ("ann",)})


@pytest.mark.parametrize(
    ("operator", "values", "present"),
    [
        ("StringEquals", "a", "a"),
        ("StringEquals", ["b", "a"], "a"),
        ("StringNotEquals", ["b", "c"], "a"),
        ("StringEqualsIgnoreCase", "A", "a"),
        ("StringNotEqualsIgnoreCase", "B", "a"),
        ("StringLike", "a*c", "abc"),
        ("StringNotLike", "a*c", "abd"),
        ("StringEquals", "${aws:username}", "ann"),
        ("StringLike", "${aws:username}-*", "ann-1"),
        ("StringEquals", "${*}", "*"),
        ("NumericEquals", "10", "10.0"),
        ("NumericNotEquals", "10", "11"),
        ("NumericLessThan", 10, "9"),
        ("NumericLessThanEquals", 10, "10"),
        ("NumericGreaterThan", 10, "11"),
        ("NumericGreaterThanEquals", 10, "10"),
        ("DateLessThan", "2030-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("DateLessThanEquals", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("DateGreaterThan", "2020-01-01", "2026-01-01T00:00:00Z"),
        ("DateGreaterThanEquals", "1500000000", "2026-01-01T00:00:00Z"),
        ("DateEquals", "2026-01-01T01:00:00+01:00", "2026-01-01T00:00:00Z"),
        ("DateNotEquals", "2026-01-01", "2026-01-02"),
        ("Bool", True, "true"),
        ("Bool", "False", "false"),
        ("BinaryEquals", "QmluYXJ5", "QmluYXJ5"),
        ("IpAddress", "203.0.113.0/24", "203.0.113.7"),
        ("IpAddress", "203.0.113.7", "203.0.113.7"),
        ("IpAddress", "2001:db8::/32", "2001:db8::1"),
        ("NotIpAddress", "203.0.113.0/24", "198.51.100.1"),
        ("ArnEquals", "arn:aws:ecs:*:123456789012:cluster/*", ARN),
        ("ArnLike", "arn:aws:ecs:eu-north-1:123456789012:cluster/d?mo", ARN),
        ("ArnNotEquals", "arn:aws:ecs:*:*:cluster/other", ARN),
        ("ArnNotLike", "arn:aws:s3:*:*:*", ARN),
    ],
)
def test_it_holds(operator: str, values: Any, present: str) -> None:
    assert check(operator, values, present)


@pytest.mark.parametrize(
    ("operator", "values", "present"),
    [
        ("StringEquals", "a", "A"),
        ("StringEquals", "a*", "ab"),
        ("StringEquals", "${aws:unknown}", "x"),
        ("StringNotEquals", ["b", "a"], "a"),
        ("StringLike", "a?", "a"),
        ("NumericEquals", "10", "ten"),
        ("NumericLessThan", "10", "10"),
        ("DateLessThan", "2020-01-01", "2026-01-01"),
        ("DateLessThan", "soon", "2026-01-01"),
        ("Bool", "true", "false"),
        ("IpAddress", "203.0.113.0/24", "198.51.100.1"),
        ("IpAddress", "203.0.113.0/24", "no address"),
        ("ArnLike", "arn:aws:ecs:*", ARN),
        ("ArnEquals", "*", "no ARN"),
    ],
)
def test_it_does_not_hold(operator: str, values: Any, present: str) -> None:
    assert not check(operator, values, present)


@pytest.mark.parametrize("operator", ["StringEquals", "StringLike", "NumericLessThan", "Bool", "IpAddress", "ArnLike"])
def test_a_missing_key_fails_it_unless_it_is_optional(operator: str) -> None:
    assert not check(operator, "1")
    assert check(f"{operator}IfExists", "1")


@pytest.mark.parametrize("operator", ["StringNotEquals", "StringNotLike", "NumericNotEquals", "NotIpAddress"])
def test_a_missing_key_satisfies_what_is_negated(operator: str) -> None:
    assert check(operator, "1")


def test_if_exists_still_looks_at_what_exists() -> None:
    assert not check("StringEqualsIfExists", "a", "b")


def test_null_asks_whether_the_key_is_missing() -> None:
    assert check("Null", "true")
    assert check("Null", False, "a")
    assert not check("Null", "true", "a")
    assert not check("Null", "false")


class TestSeveralValues:
    def test_all_of_the_requests_values_have_to_be_among_the_policys(self) -> None:
        assert check("ForAllValues:StringEquals", ["a", "b"], "a", "b")
        assert not check("ForAllValues:StringEquals", ["a"], "a", "b")
        assert check("ForAllValues:StringEquals", ["a"]), "true where there is none"

    def test_any_of_them_is_enough(self) -> None:
        assert check("ForAnyValue:StringEquals", ["a"], "a", "b")
        assert not check("ForAnyValue:StringEquals", ["c"], "a", "b")
        assert not check("ForAnyValue:StringEquals", ["a"]), "false where there is none"

    def test_negated_for_all(self) -> None:
        assert check("ForAllValues:StringNotLike", ["x*"], "a", "b")
        assert not check("ForAllValues:StringNotLike", ["a*"], "a", "b")

    def test_negated_for_any(self) -> None:
        assert check("ForAnyValue:StringNotEquals", ["a"], "a", "b")
        assert not check("ForAnyValue:StringNotEquals", ["a", "b"], "a", "b")


def test_keys_have_no_case() -> None:
    assert check("StringEquals", "a", "a", key="K")


def test_all_conditions_have_to_hold() -> None:
    document = {
        "Statement": {
            "Effect": "Allow",
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringEquals": {"a": "1"}, "Bool": {"b": "true"}},
        }
    }
    (statement,) = parse_policy(document)

    assert holds(statement.conditions, {"a": ("1",), "b": ("true",)})
    assert not holds(statement.conditions, {"a": ("1",), "b": ("false",)})


def test_an_operator_that_iam_does_not_have_is_an_error() -> None:
    with pytest.raises(PolicyMalformed, match="StringSounds"):
        check("StringSounds", "a", "a")
