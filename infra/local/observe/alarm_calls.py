"""CloudWatch's operations on alarms. Each takes a region and an operation's input, and gives its output."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from infra.local.clock import Clock
from infra.local.observe.alarm_checks import check_composite_alarm, check_metric_alarm
from infra.local.observe.alarms import ALARM, INSUFFICIENT, OK, Alarm, AlarmBook
from infra.local.observe.errors import InvalidCombination, InvalidFormat
from infra.local.observe.queries import metric_of
from infra.local.observe.store import MetricStore
from infra.local.observe.watch import Watch, queries_of

Given = Mapping[str, Any]
Json = dict[str, Any]
PAGE = 50
METRIC, COMPOSITE = "MetricAlarm", "CompositeAlarm"
KEPT_APART = {"Tags"}


@dataclass(frozen=True)
class Region:
    """One region's CloudWatch. `tag` writes tags (ARN, tags) where moto looks for them."""

    store: MetricStore
    alarms: AlarmBook
    watch: Watch
    clock: Clock
    tag: Callable[[str, dict[str, str]], None]


def put_metric_alarm(region: Region, given: Given) -> Json:
    """An alarm on a metric or on metric math."""
    check_metric_alarm(given, region.clock)
    return _put(region, given)


def put_composite_alarm(region: Region, given: Given) -> Json:
    """An alarm on other alarms, which is looked at at once."""
    check_composite_alarm(given)
    output = _put(region, given)
    region.watch.follow()
    return output


def _put(region: Region, given: Given) -> Json:
    definition = {name: value for name, value in given.items() if name not in KEPT_APART and value is not None}
    alarm = region.alarms.define({"ActionsEnabled": True, **definition})
    if given.get("Tags"):
        region.tag(alarm.arn, {each["Key"]: each["Value"] for each in given["Tags"]})
    return {}


def describe_alarms(region: Region, given: Given) -> Json:
    """Metric alarms by name, prefix, state and action; composite ones where `AlarmTypes` asks for them."""
    if given.get("AlarmNames") and given.get("AlarmNamePrefix"):
        raise InvalidCombination("AlarmNames and AlarmNamePrefix cannot be used together.")
    kinds = given.get("AlarmTypes") or [METRIC]
    found = [alarm for alarm in region.alarms.all() if _kind(alarm) in kinds and _is_asked_for(alarm, given)]
    page, more = _page(found, given)
    shown = {
        f"{kind}s": [render(alarm) for alarm in page if _kind(alarm) == kind] for kind in (METRIC, COMPOSITE)
    }  # fmt: skip
    return {**shown, **more}


def describe_alarms_for_metric(region: Region, given: Given) -> Json:
    """Alarms on exactly that metric, be it through metric math."""
    wanted = metric_of(given)
    found = [alarm for alarm in region.alarms.all() if alarm.rule is None and wanted in _metrics(alarm)]
    return {"MetricAlarms": [render(alarm) for alarm in found]}


def describe_alarm_history(region: Region, given: Given) -> Json:
    """The newest first, unless asked otherwise."""
    alarms = region.alarms.all()
    if given.get("AlarmName"):
        alarms = [alarm for alarm in alarms if alarm.name == given["AlarmName"]]
    entries = [entry for alarm in alarms for entry in alarm.history if _is_in(entry, given)]
    newest_first = given.get("ScanBy") != "TimestampAscending"
    ordered = sorted(reversed(entries) if newest_first else entries, key=_timestamp, reverse=newest_first)
    page, more = _page(ordered, given)
    return {"AlarmHistoryItems": list(page), **more}


def delete_alarms(region: Region, given: Given) -> Json:
    """Those that are not there are no error."""
    for name in given["AlarmNames"]:
        region.alarms.delete(name)
    return {}


def set_alarm_state(region: Region, given: Given) -> Json:
    """A state that lasts until the next evaluation says otherwise."""
    alarm = region.alarms.existing(given["AlarmName"])
    if given["StateValue"] not in (OK, ALARM, INSUFFICIENT):
        raise InvalidFormat(f"The value {given['StateValue']} for parameter StateValue is invalid.")
    data = given.get("StateReasonData") or ""
    try:
        json.loads(data or "{}")
    except ValueError as error:
        raise InvalidFormat("StateReasonData is not valid JSON") from error
    region.alarms.set_state(alarm, given["StateValue"], given["StateReason"], data)
    region.watch.follow()
    return {}


def enable_alarm_actions(region: Region, given: Given) -> Json:
    """Of those alarms that exist."""
    return _switch(region, given["AlarmNames"], on=True)


def disable_alarm_actions(region: Region, given: Given) -> Json:
    """Of those alarms that exist."""
    return _switch(region, given["AlarmNames"], on=False)


def _switch(region: Region, names: Iterable[str], *, on: bool) -> Json:
    for alarm in filter(None, map(region.alarms.get, names)):
        alarm.definition = {**alarm.definition, "ActionsEnabled": on}
    return {}


def render(alarm: Alarm) -> Json:
    """An alarm as DescribeAlarms shows it."""
    shown = {
        **alarm.definition,
        "AlarmArn": alarm.arn,
        "AlarmConfigurationUpdatedTimestamp": _datetime(alarm.configured_at),
        "StateValue": alarm.state_value,
        "StateReason": alarm.reason,
        "StateUpdatedTimestamp": _datetime(alarm.updated_at),
        "StateTransitionedTimestamp": _datetime(alarm.changed_at),
    }
    for name in ("OKActions", "AlarmActions", "InsufficientDataActions"):
        shown.setdefault(name, [])
    if alarm.rule is None:
        shown.setdefault("Dimensions", [])
    return {**shown, **({"StateReasonData": alarm.reason_data} if alarm.reason_data else {})}


def _kind(alarm: Alarm) -> str:
    return METRIC if alarm.rule is None else COMPOSITE


def _is_asked_for(alarm: Alarm, given: Given) -> bool:
    names, prefix, state = given.get("AlarmNames"), given.get("AlarmNamePrefix"), given.get("StateValue")
    action = given.get("ActionPrefix")
    kept = ("AlarmActions", "OKActions", "InsufficientDataActions")
    actions = [each for name in kept for each in alarm.definition.get(name) or ()]
    return (
        (not names or alarm.name in names)
        and alarm.name.startswith(prefix or "")
        and state in (None, alarm.state_value)
        and (not action or any(each.startswith(action) for each in actions))
    )


def _metrics(alarm: Alarm) -> list[Any]:
    stats = [query["MetricStat"] for query in queries_of(alarm.definition) if query.get("MetricStat")]
    return [metric_of(stat["Metric"]) for stat in stats]


def _is_in(entry: Json, given: Given) -> bool:
    start, end, kind = given.get("StartDate"), given.get("EndDate"), given.get("HistoryItemType")
    types = given.get("AlarmTypes") or [METRIC, COMPOSITE]
    time = _timestamp(entry)
    return (
        kind in (None, entry["HistoryItemType"])
        and entry["AlarmType"] in types
        and (start is None or time >= start.timestamp())
        and (end is None or time <= end.timestamp())
    )


def _timestamp(entry: Json) -> float:
    moment: datetime = entry["Timestamp"]
    return moment.timestamp()


def _page(items: Sequence[Any], given: Given) -> tuple[Sequence[Any], Json]:
    start, length = int(given.get("NextToken") or 0), int(given.get("MaxRecords") or PAGE)
    more = {"NextToken": str(start + length)} if start + length < len(items) else {}
    return items[start : start + length], more


def _datetime(time: float) -> datetime:
    return datetime.fromtimestamp(time, UTC)
