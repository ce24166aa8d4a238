"""Evaluates a region's alarms: those on metrics first, then the composite ones, which may name each other."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from infra.local.clock import Clock
from infra.local.observe.alarms import ALARM, OK, Alarm, AlarmBook
from infra.local.observe.errors import CloudWatchError
from infra.local.observe.evaluation import EXTRA_PERIODS, MISSING, Criteria, Point, judge
from infra.local.observe.queries import answered, local_period, metric_of
from infra.local.observe.rules import parse_rule
from infra.local.observe.store import MetricStore
from infra.local.observe.values import STATISTICS, percentile

FEW_SAMPLES = 10

log = logging.getLogger(__name__)


class Watch:
    """`turn` evaluates every alarm once, `now` being the end of the periods that it looks at."""

    def __init__(self, store: MetricStore, book: AlarmBook, clock: Clock) -> None:
        self._store = store
        self._book = book
        self._clock = clock

    def turn(self, now: float) -> None:
        """Evaluate all; what fails is logged, and the other alarms go on."""
        for alarm in self._book.all():
            if alarm.rule is None:
                self._tried(alarm, now)
        self.follow()

    def follow(self) -> None:
        """Have the composite alarms follow the states of the others."""
        composite = [alarm for alarm in self._book.all() if alarm.rule is not None]
        for _ in composite:  # as often as a chain of them can be long
            changed = [self._composite(alarm) for alarm in composite]
            if not any(changed):
                break

    def _tried(self, alarm: Alarm, now: float) -> None:
        try:
            self._metric(alarm, now)
        except CloudWatchError as error:
            log.warning("alarm %s cannot be evaluated: %s", alarm.name, error)

    def _metric(self, alarm: Alarm, now: float) -> None:
        points = self._points(alarm.definition, now)
        verdict = None if points is None else judge(points, criteria(alarm.definition))
        if verdict is not None and self._book.set_state(alarm, verdict.state, verdict.reason, verdict.data):
            log.info("alarm %s is %s: %s", alarm.name, verdict.state, verdict.reason)

    def _points(self, definition: Mapping[str, Any], now: float) -> list[Point] | None:
        """The datapoints, oldest first; None where a percentile has too few samples to be looked at."""
        queries = queries_of(definition)
        period = local_period(period_of(queries), self._clock)
        number = int(definition["EvaluationPeriods"]) + EXTRA_PERIODS
        times = [now - period * (number - index) for index in range(number)]
        if definition.get("EvaluateLowSampleCountPercentile") == "ignore" and self._few(queries[0], times[0], now):
            return None

        def read(stat: Mapping[str, Any]) -> dict[float, float]:
            metric = metric_of(stat["Metric"])
            found = {time: self._store.between(metric, time, time + period).statistic(stat["Stat"]) for time in times}
            return {time: value for time, value in found.items() if value is not None}

        (_, series), *_ = answered(queries, read, times)
        return [Point(time, series.get(time)) for time in times]

    def _few(self, query: Mapping[str, Any], start: float, end: float) -> bool:
        """Source: user guide, "Percentile-based CloudWatch alarms and low data samples"."""
        stat = query.get("MetricStat") or {"Stat": "Sum"}
        if stat["Stat"] in STATISTICS:
            return False
        share = percentile(stat["Stat"])
        rare = round(min(share, 1 - share), 12) or 1.0
        return self._store.between(metric_of(stat["Metric"]), start, end).number * rare < FEW_SAMPLES

    def _composite(self, alarm: Alarm) -> bool:
        """Evaluate a composite alarm; says whether it changed."""
        rule = parse_rule(alarm.rule or "")
        state = ALARM if rule.holds(self._book.state) else OK
        if state == alarm.state_value:
            return False
        return self._book.set_state(alarm, state, self._cause(rule.names, state))

    def _cause(self, names: Sequence[str], state: str) -> str:
        """The alarm that changed last, in CloudWatch's words."""
        known = [alarm for name in names if (alarm := self._book.get(name.rpartition(":alarm:")[2])) is not None]
        if not known:
            return f"The rule evaluates to {state}"
        last = max(known, key=lambda alarm: alarm.changed_at)
        moment = datetime.fromtimestamp(last.changed_at, UTC).strftime("%A %d %B, %Y %H:%M:%S UTC")
        return f"{last.arn} transitioned to {last.state_value} at {moment}"


def queries_of(definition: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The alarm's metric math, or its one metric in the same form."""
    if definition.get("Metrics"):
        queries: Sequence[Mapping[str, Any]] = definition["Metrics"]
        return queries
    metric = {name: definition.get(name) for name in ("Namespace", "MetricName", "Dimensions")}
    stat = definition.get("ExtendedStatistic") or definition["Statistic"]
    return [{"Id": "m1", "MetricStat": {"Metric": metric, "Period": definition["Period"], "Stat": stat}}]


def period_of(queries: Sequence[Mapping[str, Any]]) -> int:
    """The longest period of the queries."""
    stats = [query["MetricStat"]["Period"] for query in queries if query.get("MetricStat")]
    return max([int(each) for each in (*stats, *(query.get("Period") for query in queries)) if each], default=60)


def criteria(definition: Mapping[str, Any]) -> Criteria:
    """What makes an alarm of its datapoints."""
    periods = int(definition["EvaluationPeriods"])
    return Criteria(
        definition["ComparisonOperator"],
        float(definition["Threshold"]),
        periods,
        int(definition.get("DatapointsToAlarm") or periods),
        definition.get("TreatMissingData") or MISSING,
    )
