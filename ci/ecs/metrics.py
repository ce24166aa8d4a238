"""The load balancer's metrics of one target group, minute by minute.

Source: ALB user guide, "CloudWatch metrics"; dimensions LoadBalancer and TargetGroup, period of a minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from .analysis import Minute
from .clients import Aws

NAMESPACE, PERIOD_S = "AWS/ApplicationELB", 60
# (id, metric, statistic)
QUERIES = (
    ("requests", "RequestCount", "Sum"),
    ("answers", "HTTPCode_Target_5XX_Count", "Sum"),
    ("refusals", "TargetConnectionErrorCount", "Sum"),
    ("p50", "TargetResponseTime", "p50"),
    ("p90", "TargetResponseTime", "p90"),
)


def minutes(aws: Aws, load_balancer: str, target_group: str, since: float) -> list[Minute]:
    """What CloudWatch has of a target group from `since` (seconds since the epoch) until now, oldest first."""
    dimensions = [
        {"Name": "LoadBalancer", "Value": load_balancer.partition(":loadbalancer/")[2]},
        {"Name": "TargetGroup", "Value": target_group.rpartition(":")[2]},
    ]
    queries: list[Any] = [
        {
            "Id": name,
            "MetricStat": {
                "Metric": {"Namespace": NAMESPACE, "MetricName": metric, "Dimensions": dimensions},
                "Period": PERIOD_S,
                "Stat": statistic,
            },
        }
        for name, metric, statistic in QUERIES
    ]
    values = _values(aws, queries, since)
    times = sorted({at for series in values.values() for at in series})
    return [_minute(at, {name: series.get(at) for name, series in values.items()}) for at in times]


def _values(aws: Aws, queries: list[Any], since: float) -> dict[str, dict[float, float]]:
    found: dict[str, dict[float, float]] = {name: {} for name, _, _ in QUERIES}
    token: dict[str, Any] = {}
    while True:
        answer = aws.cloudwatch.get_metric_data(
            MetricDataQueries=queries,
            StartTime=datetime.fromtimestamp(since, UTC),
            EndTime=datetime.fromtimestamp(aws.clock.now(), UTC),
            **token,
        )
        for result in answer["MetricDataResults"]:
            moments = [each.timestamp() for each in result.get("Timestamps", [])]
            found[result["Id"]] |= dict(zip(moments, result.get("Values", []), strict=True))
        if not answer.get("NextToken"):
            return found
        token = {"NextToken": answer["NextToken"]}


def _minute(at: float, values: Mapping[str, float | None]) -> Minute:
    errors = (values["answers"] or 0) + (values["refusals"] or 0)
    return Minute(at, int(values["requests"] or 0), int(errors), values["p50"], values["p90"])
