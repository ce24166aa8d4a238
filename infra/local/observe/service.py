"""CloudWatch as a whole: a store of metrics and a book of alarms a region, made when the region is first used."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from infra.local.alb.dataplane import DataPlane
from infra.local.clock import Clock
from infra.local.observe import alarm_calls, queries
from infra.local.observe.accesslog import AccessLog
from infra.local.observe.alarm_calls import Region
from infra.local.observe.alarms import AlarmBook
from infra.local.observe.balancer_metrics import Datum, Hosts, balancer_metrics
from infra.local.observe.store import MetricStore
from infra.local.observe.watch import Watch

Given = Mapping[str, Any]
Call = Callable[[Region, Given], dict[str, Any]]


class CloudWatch:
    """`backend` gives moto's CloudWatch backend of a region, which keeps the alarms and the tags. Thread-safe."""

    def __init__(self, account: str, backend: Callable[[str], Any], partition: Callable[[str], str], clock: Clock):
        self._account = account
        self._backend = backend
        self._partition = partition
        self._clock = clock
        self._regions: dict[str, Region] = {}
        self._lock = threading.RLock()

    def call(self, region: str, operation: str, given: Given) -> dict[str, Any] | None:
        """An operation's output, or None where moto is to answer; raises CloudWatchError."""
        carry_out = CALLS.get(operation)
        if carry_out is None:
            return None
        with self._lock:
            return carry_out(self.region(region), given)

    def alarm_state(self, region: str, name: str) -> str | None:
        """OK, ALARM or INSUFFICIENT_DATA; None where there is no alarm of that name (or ARN)."""
        with self._lock:
            return self.region(region).alarms.state(name)

    def minute(self, data: Iterable[Datum], began: float) -> None:
        """Keep what a local minute that began then brought, and evaluate all alarms at its end."""
        with self._lock:
            for datum in data:
                self.region(datum.region).store.put(datum.metric, began, datum.samples, datum.unit)
            for region in self._regions.values():
                region.watch.turn(began + self._clock.minutes(1))

    def region(self, name: str) -> Region:
        """One region's."""
        with self._lock:
            if name not in self._regions:
                self._regions[name] = self._make(name)
            return self._regions[name]

    def _make(self, name: str) -> Region:
        backend, store = self._backend(name), MetricStore()
        prefix = f"arn:{self._partition(name)}:cloudwatch:{name}:{self._account}:alarm:"
        book = AlarmBook(backend.alarms, prefix, self._clock)
        return Region(store, book, Watch(store, book, self._clock), self._clock, backend.tag_resource)


def balancers_minute(plane: DataPlane, access_log: AccessLog) -> list[Datum]:
    """The load balancers' metrics since the last time."""
    return balancer_metrics(plane.sync(), access_log.take(), _hosts(plane))


def _hosts(plane: DataPlane) -> Hosts:
    counted: dict[str, Counter[str]] = {}
    with plane.lock:
        for target in plane.book:
            counted.setdefault(target.key[0], Counter())[plane.book.state(target.key)[0]] += 1
    return counted


def _reading(call: Callable[[MetricStore, Clock, Given], dict[str, Any]]) -> Call:
    return lambda region, given: call(region.store, region.clock, given)


CALLS: Mapping[str, Call] = {
    "PutMetricData": _reading(queries.put_metric_data),
    "ListMetrics": lambda region, given: queries.list_metrics(region.store, given),
    "GetMetricStatistics": _reading(queries.get_metric_statistics),
    "GetMetricData": _reading(queries.get_metric_data),
    "PutMetricAlarm": alarm_calls.put_metric_alarm,
    "PutCompositeAlarm": alarm_calls.put_composite_alarm,
    "DescribeAlarms": alarm_calls.describe_alarms,
    "DescribeAlarmsForMetric": alarm_calls.describe_alarms_for_metric,
    "DescribeAlarmHistory": alarm_calls.describe_alarm_history,
    "DeleteAlarms": alarm_calls.delete_alarms,
    "SetAlarmState": alarm_calls.set_alarm_state,
    "EnableAlarmActions": alarm_calls.enable_alarm_actions,
    "DisableAlarmActions": alarm_calls.disable_alarm_actions,
}
