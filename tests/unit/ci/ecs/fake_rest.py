"""CloudWatch, its logs, and S3 in memory."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError


class Rest:
    """`traffic` gives a target group's minutes as (requests, errors, p50, p90): as many as `minutes`, all alike."""

    def __init__(self, world: Any, now: Any) -> None:
        self.world, self.now = world, now
        self.traffic: dict[str, tuple[int, int, float, float]] = {}
        self.minutes = 5
        self.alarms: dict[str, str] = {}
        self.lines: list[str] = []
        self.objects: dict[str, bytes] = {}
        self.writes = 0

    def get_metric_data(self, MetricDataQueries: list[Any], StartTime: Any, EndTime: Any) -> dict[str, Any]:
        results = []
        for query in MetricDataQueries:
            group = next(
                each["Value"] for each in query["MetricStat"]["Metric"]["Dimensions"] if each["Name"] == "TargetGroup"
            )
            told = self.traffic.get(group)
            names = ("requests", "answers", "p50", "p90")
            values = dict(zip(names, told, strict=True)) if told else {}
            value = values.get(query["Id"])
            times = [StartTime.replace(second=0, microsecond=0) + timedelta(minutes=n) for n in range(self.minutes)]
            shown = [] if value is None else times
            results.append({"Id": query["Id"], "Timestamps": shown, "Values": [float(value or 0)] * len(shown)})
        return {"MetricDataResults": results}

    def describe_alarms(self, AlarmNames: list[str], AlarmTypes: list[str]) -> dict[str, Any]:
        found = [{"AlarmName": n, "StateValue": self.alarms[n]} for n in AlarmNames if n in self.alarms]
        return {"MetricAlarms": found, "CompositeAlarms": []}

    def get_log_events(self, logGroupName: str, logStreamName: str, limit: int) -> dict[str, Any]:
        return {"events": [{"message": line} for line in self.lines[-limit:]]}

    def put_object(self, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:
        self.writes += 1
        self.objects[Key] = Body

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "no"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Key])}

    def list_objects_v2(self, Bucket: str, Prefix: str, ContinuationToken: str = "") -> dict[str, Any]:
        return {"Contents": [{"Key": key} for key in sorted(self.objects) if key.startswith(Prefix)]}
