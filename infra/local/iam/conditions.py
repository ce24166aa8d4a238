"""Condition operators (IAM user guide, "IAM JSON policy elements: Condition operators").

A negated operator holds where its key is missing, any other one does not; with `IfExists` a missing key always holds.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from infra.local.iam.policy import Conditions, PolicyMalformed, matches, substituted, unmarked

Context = Mapping[str, Sequence[str]]  # condition key in lower case -> its values
Comparison = Callable[[str, str], bool]  # (value of the context, value of the policy)
IF_EXISTS, ALL, ANY = "IfExists", "ForAllValues:", "ForAnyValue:"
ARN_PARTS = 6


def holds(conditions: Conditions, context: Context) -> bool:
    """Whether all conditions hold; raises PolicyMalformed for an operator that IAM does not have."""
    return all(_holds(operator, key, values, context) for operator, key, values in conditions)


def _holds(operator: str, key: str, values: tuple[str, ...], context: Context) -> bool:
    quantifier = next((each for each in (ALL, ANY) if operator.startswith(each)), "")
    name = operator.removeprefix(quantifier)
    optional = name.endswith(IF_EXISTS)
    name = name.removesuffix(IF_EXISTS)
    present = context.get(key.lower())
    if name == "Null":
        return (present is None) == (values[:1] == ("true",))
    negated, comparison = _operator(name)
    if not present:
        return quantifier == ALL or (not quantifier and (optional or negated)) or (quantifier == ANY and optional)
    wanted = [text for text in (substituted(value, context) for value in values) if text is not None]

    def single(value: str) -> bool:
        return any(_safely(comparison, value, each) for each in wanted) != negated

    return all(map(single, present)) if quantifier == ALL or (negated and not quantifier) else any(map(single, present))


def _operator(name: str) -> tuple[bool, Comparison]:
    """(whether it is negated, what it compares)."""
    for positive, negative, comparison in OPERATORS:
        if name in (positive, negative):
            return name == negative, comparison
    raise PolicyMalformed(f"there is no condition operator {name}")


def _safely(comparison: Comparison, value: str, wanted: str) -> bool:
    """A value that is no number, date or address matches nothing."""
    try:
        return comparison(value, wanted)
    except ValueError:
        return False


def _arn_matches(value: str, pattern: str) -> bool:
    """Each of the six parts by itself."""
    parts, wanted = value.split(":", ARN_PARTS - 1), pattern.split(":", ARN_PARTS - 1)
    return len(parts) == len(wanted) == ARN_PARTS and all(map(matches, wanted, parts))


def _in_network(value: str, wanted: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)


def _instant(text: str) -> float:
    if text.replace(".", "", 1).isdigit():
        return float(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _equal(value: str, wanted: str) -> bool:
    return value == unmarked(wanted)


# positive name, negative name ("" where there is none), comparison
OPERATORS: Sequence[tuple[str, str, Comparison]] = (
    ("StringEquals", "StringNotEquals", _equal),
    (
        "StringEqualsIgnoreCase",
        "StringNotEqualsIgnoreCase",
        lambda value, wanted: _equal(value.lower(), wanted.lower()),
    ),
    ("StringLike", "StringNotLike", lambda value, wanted: matches(wanted, value)),
    ("ArnEquals", "ArnNotEquals", _arn_matches),
    ("ArnLike", "ArnNotLike", _arn_matches),
    ("IpAddress", "NotIpAddress", _in_network),
    ("NumericEquals", "NumericNotEquals", lambda value, wanted: float(value) == float(wanted)),
    ("NumericLessThan", "", lambda value, wanted: float(value) < float(wanted)),
    ("NumericLessThanEquals", "", lambda value, wanted: float(value) <= float(wanted)),
    ("NumericGreaterThan", "", lambda value, wanted: float(value) > float(wanted)),
    ("NumericGreaterThanEquals", "", lambda value, wanted: float(value) >= float(wanted)),
    ("DateEquals", "DateNotEquals", lambda value, wanted: _instant(value) == _instant(wanted)),
    ("DateLessThan", "", lambda value, wanted: _instant(value) < _instant(wanted)),
    ("DateLessThanEquals", "", lambda value, wanted: _instant(value) <= _instant(wanted)),
    ("DateGreaterThan", "", lambda value, wanted: _instant(value) > _instant(wanted)),
    ("DateGreaterThanEquals", "", lambda value, wanted: _instant(value) >= _instant(wanted)),
    ("Bool", "", lambda value, wanted: value.lower() == wanted.lower()),
    ("BinaryEquals", "", _equal),
)
