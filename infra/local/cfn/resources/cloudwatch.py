"""AWS::CloudWatch::Alarm and CompositeAlarm, over our own CloudWatch; `Ref` is the alarm's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from moto.core.utils import get_service_model

from infra.local.cfn.resources.base import Made, Place, Properties, differs, generated_name
from infra.local.cfn.resources.convert import request

NAME_LIMIT = 255


class AlarmApi(Protocol):
    """What these types need of CloudWatch."""

    def call(self, region: str, operation: str, given: Mapping[str, Any]) -> dict[str, Any] | None:
        """Carry out an operation; raises CloudWatchError."""
        ...


class AlarmType:
    """AWS::CloudWatch::Alarm."""

    operation = "PutMetricAlarm"

    def __init__(self, alarms: AlarmApi, suffix: Callable[[], str]) -> None:
        self._alarms = alarms
        self._suffix = suffix

    def create(self, place: Place, logical_id: str, properties: Properties) -> Made:
        """Put the alarm, under a generated name where it has none."""
        name = properties.get("AlarmName") or generated_name(place, logical_id, self._suffix(), NAME_LIMIT)
        return self._put(place, str(name), properties)

    def replaces(self, old: Properties, new: Properties) -> bool:
        """Another name is another alarm."""
        return differs(old, new, frozenset({"AlarmName"}))

    def update(self, place: Place, made: Made, old: Properties, new: Properties) -> Made:
        """Put it anew; its state stays until the next evaluation."""
        return self._put(place, made.physical_id, new)

    def delete(self, place: Place, made: Made, properties: Properties) -> None:
        """One that is gone is no error."""
        self._alarms.call(place.region, "DeleteAlarms", {"AlarmNames": [made.physical_id]})

    def attribute(self, made: Made, name: str) -> Any:
        """The type has one attribute."""
        if name != "Arn":
            raise AttributeError(name)
        return made.handle

    def _put(self, place: Place, name: str, properties: Properties) -> Made:
        shape = get_service_model("cloudwatch").operation_model(self.operation).input_shape
        self._alarms.call(place.region, self.operation, request({**properties, "AlarmName": name}, shape))
        asked = {"AlarmNames": [name], "AlarmTypes": ["MetricAlarm", "CompositeAlarm"]}
        answer: dict[str, list[dict[str, Any]]] = self._alarms.call(place.region, "DescribeAlarms", asked) or {}
        shown = [*answer["MetricAlarms"], *answer["CompositeAlarms"]]
        return Made(name, shown[0]["AlarmArn"])


class CompositeAlarmType(AlarmType):
    """AWS::CloudWatch::CompositeAlarm."""

    operation = "PutCompositeAlarm"


CLASSES: Mapping[str, type[AlarmType]] = {
    "AWS::CloudWatch::Alarm": AlarmType,
    "AWS::CloudWatch::CompositeAlarm": CompositeAlarmType,
}
