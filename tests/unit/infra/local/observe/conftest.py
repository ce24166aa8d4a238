"""CloudWatch of one account over a stand-in for moto's backend, and a clock that the tests move."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from infra.local.observe.service import CloudWatch
from infra.local.observe.store import Metric
from infra.local.observe.values import Samples

REGION, START = "eu-north-1", 1_700_000_040.0  # the beginning of a minute
DIMENSIONS = [{"Name": "Service", "Value": "demo"}]


class FakeClock:
    """Minutes of 60 seconds."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> float:
        return self.time

    def minutes(self, count: float) -> float:
        return count * 60


class Watched:
    """CloudWatch, and shorthand for a metric `Demo/Errors` with one dimension."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.tags: list[Any] = []
        self.backend = SimpleNamespace(alarms={}, tag_resource=lambda arn, tags: self.tags.append((arn, tags)))
        self.cloudwatch = CloudWatch("123456789012", lambda region: self.backend, lambda region: "aws", self.clock)

    def call(self, operation: str, **given: Any) -> Any:
        return self.cloudwatch.call(REGION, operation, given)

    def put(self, *values: float, name: str = "Errors", minutes_ago: int = 0) -> None:
        metric = Metric.of("Demo", name, {"Service": "demo"})
        time = self.clock.time - 60 * minutes_ago
        self.cloudwatch.region(REGION).store.put(metric, time, Samples.of(*values), "Count")

    def alarm(self, name: str = "high", **changes: Any) -> None:
        given = {
            "AlarmName": name, "Namespace": "Demo", "MetricName": "Errors", "Dimensions": DIMENSIONS,
            "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0,
            "ComparisonOperator": "GreaterThanThreshold", **changes,
        }  # fmt: skip
        self.call("PutMetricAlarm", **{key: value for key, value in given.items() if value is not None})

    def minute(self, *values: float, name: str = "Errors") -> None:
        """A minute with these samples passes, and alarms are evaluated."""
        if values:
            self.put(*values, name=name)
        began, self.clock.time = self.clock.time, self.clock.time + 60
        self.cloudwatch.minute([], began)

    def state(self, name: str = "high") -> str | None:
        return self.cloudwatch.alarm_state(REGION, name)

    def shown(self, name: str = "high") -> dict[str, Any]:
        answer = self.call("DescribeAlarms", AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        shown: dict[str, Any] = (answer["MetricAlarms"] + answer["CompositeAlarms"])[0]
        return shown

    def range(self, minutes: int = 10) -> dict[str, datetime]:
        """The last minutes, and the one that begins now."""
        start, end = self.clock.time - 60 * minutes, self.clock.time + 60
        return {"StartTime": datetime.fromtimestamp(start, UTC), "EndTime": datetime.fromtimestamp(end, UTC)}


@pytest.fixture
def watched() -> Watched:
    return Watched()
