"""What CloudWatch refuses of an alarm's definition. Source: PutMetricAlarm's and PutCompositeAlarm's reference."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from infra.local.clock import Clock
from infra.local.observe.errors import CloudWatchError, InvalidCombination, InvalidValue, MissingParameter, NotServed
from infra.local.observe.evaluation import COMPARISONS, TREATMENTS
from infra.local.observe.queries import check_statistic, local_period
from infra.local.observe.rules import parse_rule

NAME = re.compile(r"[\x20-\x7e]{1,255}")
LOW_SAMPLES = {"evaluate", "ignore"}
MAX_SECONDS = 604_800  # of all evaluation periods together, where a period lasts an hour or more
Given = Mapping[str, Any]


def check_metric_alarm(given: Given, clock: Clock) -> None:
    """Raises CloudWatchError."""
    _check_name(given)
    for name in ("ComparisonOperator", "EvaluationPeriods"):
        if not given.get(name):
            raise MissingParameter(name)
    if given["ComparisonOperator"] not in COMPARISONS:
        raise NotServed(f"The comparison '{given['ComparisonOperator']}', which needs anomaly detection,")
    if given.get("Threshold") is None:
        raise MissingParameter("Threshold")
    _check_periods(given)
    _check_one_of(given, "TreatMissingData", TREATMENTS)
    _check_one_of(given, "EvaluateLowSampleCountPercentile", LOW_SAMPLES)
    if given.get("Metrics"):
        _check_metrics(given, clock)
    else:
        _check_metric(given, clock)


def check_composite_alarm(given: Given) -> None:
    """Raises CloudWatchError."""
    _check_name(given)
    rule = parse_rule(given["AlarmRule"])
    if given["AlarmName"] in rule.names:
        raise CloudWatchError("AlarmRule must not refer to the alarm itself")
    if given.get("ActionsSuppressor"):
        raise NotServed("ActionsSuppressor")


def _check_name(given: Given) -> None:
    if not NAME.fullmatch(given["AlarmName"]):
        raise InvalidValue("The value for parameter AlarmName is invalid: 1 to 255 printable ASCII characters.")


def _check_periods(given: Given) -> None:
    periods, needed = int(given["EvaluationPeriods"]), given.get("DatapointsToAlarm")
    if periods < 1 or int(given.get("Period") or 0) * periods > MAX_SECONDS:
        raise CloudWatchError("Metrics cannot be checked across more than seven days (EvaluationPeriods * Period).")
    if needed is not None and not 1 <= int(needed) <= periods:
        raise CloudWatchError("DatapointsToAlarm must be at least 1, and at most EvaluationPeriods.")


def _check_one_of(given: Given, name: str, allowed: Mapping[str, str] | set[str]) -> None:
    if given.get(name) and given[name] not in allowed:
        raise CloudWatchError(f"Option {given[name]} for parameter {name} is not one of {', '.join(sorted(allowed))}.")


def _check_metric(given: Given, clock: Clock) -> None:
    for name in ("MetricName", "Namespace", "Period"):
        if not given.get(name):
            raise MissingParameter(name)
    statistics = [given[name] for name in ("Statistic", "ExtendedStatistic") if given.get(name)]
    if len(statistics) != 1:
        raise InvalidCombination("Exactly one of Statistic and ExtendedStatistic must be specified.")
    check_statistic(statistics[0])
    local_period(int(given["Period"]), clock)


def _check_metrics(given: Given, clock: Clock) -> None:
    if given.get("MetricName") or given.get("Statistic") or given.get("Period"):
        raise InvalidCombination("Metrics excludes MetricName, Statistic, Period and the like.")
    returning = [each for each in given["Metrics"] if each.get("ReturnData", True) is not False]
    if len(returning) != 1:
        raise CloudWatchError("Exactly one element of the metrics list should return data.")
    for query in given["Metrics"]:
        if query.get("MetricStat"):
            check_statistic(query["MetricStat"]["Stat"])
            local_period(int(query["MetricStat"]["Period"]), clock)
