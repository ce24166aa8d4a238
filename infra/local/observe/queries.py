"""Reading and writing of metrics: PutMetricData, ListMetrics, GetMetricStatistics and GetMetricData.

A period of a minute or more lasts as long as the local minute says; shorter ones are real seconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from infra.local.clock import Clock
from infra.local.observe.errors import InvalidCombination, InvalidValue, MissingParameter, NotServed
from infra.local.observe.expressions import evaluate
from infra.local.observe.store import SLACK, Metric, MetricStore
from infra.local.observe.values import STATISTICS, Samples, percentile

Given = Mapping[str, Any]
Json = dict[str, Any]
MINUTE = 60
SHORT_PERIODS = {1, 5, 10, 20, 30}
PAGE = 500
MOST_POINTS, MOST_TIMES = 1440, 100_000
SET_MEMBERS = ("SampleCount", "Sum", "Minimum", "Maximum")


def local_period(seconds: int, clock: Clock) -> float:
    """How many seconds a period lasts here; raises InvalidValue for one that CloudWatch does not take."""
    if seconds in SHORT_PERIODS:
        return float(seconds)
    if seconds < MINUTE or seconds % MINUTE:
        raise InvalidValue(
            f"The parameter Period must be 1, 5, 10, 20, 30 or a multiple of {MINUTE}, and {seconds} is not."
        )
    return clock.minutes(seconds / MINUTE)


def metric_of(given: Given) -> Metric:
    """The metric that Namespace, MetricName and Dimensions name."""
    dimensions = {each["Name"]: each["Value"] for each in given.get("Dimensions") or ()}
    return Metric.of(given["Namespace"], given["MetricName"], dimensions)


def put_metric_data(store: MetricStore, clock: Clock, given: Given) -> Json:
    """Samples as values, as values with counts, or as a statistic set."""
    if given["Namespace"].startswith("AWS/"):
        raise InvalidValue("The value AWS/ for parameter Namespace is invalid.")
    for datum in given.get("MetricData") or ():
        metric = metric_of({"Namespace": given["Namespace"], **datum})
        time = datum["Timestamp"].timestamp() if datum.get("Timestamp") else clock.now()
        store.put(metric, time, _samples(datum), datum.get("Unit"))
    return {}


def _samples(datum: Given) -> Samples:
    values, single = datum.get("Values") or (), datum.get("Value")
    if len([each for each in (values, single is not None, datum.get("StatisticValues")) if each]) != 1:
        raise InvalidCombination("A metric datum needs one of Value, Values and StatisticValues.")
    if datum.get("StatisticValues"):
        number, total, low, high = (float(datum["StatisticValues"][name]) for name in SET_MEMBERS)
        return Samples.of_set(number, total, low, high)
    counts = datum.get("Counts") or [1.0] * len(values)
    if len(counts) != len(values):
        raise InvalidCombination("The parameters Values and Counts must be of the same size.")
    samples = Samples.of() if single is None else Samples.of(float(single))
    for value, number in zip(values, counts, strict=True):
        samples.add(float(value), float(number))
    if math.isnan(samples.total):
        raise InvalidValue("The value NaN for parameter MetricData is invalid.")
    return samples


def list_metrics(store: MetricStore, given: Given) -> Json:
    """Metrics by namespace, name and some of their dimensions, in pages."""
    wanted = [each for each in store.metrics() if _listed(each, given)]
    start = int(given.get("NextToken") or 0)
    page = [
        {"Namespace": each.namespace, "MetricName": each.name, "Dimensions": _dimensions(each)}
        for each in wanted[start : start + PAGE]
    ]
    return {"Metrics": page, **({"NextToken": str(start + PAGE)} if start + PAGE < len(wanted) else {})}


def _listed(metric: Metric, given: Given) -> bool:
    if given.get("Namespace") not in (None, metric.namespace) or given.get("MetricName") not in (None, metric.name):
        return False
    has = dict(metric.dimensions)
    return all(
        each["Name"] in has and each.get("Value") in (None, has[each["Name"]]) for each in given.get("Dimensions") or ()
    )


def _dimensions(metric: Metric) -> list[Json]:
    return [{"Name": name, "Value": value} for name, value in metric.dimensions]


def get_metric_statistics(store: MetricStore, clock: Clock, given: Given) -> Json:
    """Datapoints of one metric, oldest first."""
    start, end = _range(given)
    plain, extended = given.get("Statistics") or (), given.get("ExtendedStatistics") or ()
    if not plain and not extended:
        raise InvalidCombination("Must specify either Statistics or ExtendedStatistics")
    for name in extended:
        percentile(name)
    metric = metric_of(given)
    unit = store.unit(metric)
    period = local_period(int(given["Period"]), clock)
    found = store.by_period(metric, start, end, period) if given.get("Unit") in (None, unit) else {}
    if len(found) > MOST_POINTS:
        raise InvalidCombination(
            f"You have requested up to {len(found)} datapoints, which exceeds the limit of {MOST_POINTS}. You may "
            "reduce the datapoints requested by increasing Period, or decreasing the time range."
        )
    points = [
        {"Timestamp": _datetime(time), "Unit": unit, **_shown(samples, plain, extended)}
        for time, samples in sorted(found.items())
    ]
    return {"Label": given["MetricName"], "Datapoints": points}


def _shown(samples: Samples, plain: Iterable[str], extended: Iterable[str]) -> Json:
    shown = {name: samples.statistic(name) for name in plain}
    told = {name: value for name in extended if (value := samples.statistic(name)) is not None}
    return {**shown, **({"ExtendedStatistics": told} if told else {})}


def get_metric_data(store: MetricStore, clock: Clock, given: Given) -> Json:
    """Several metrics and expressions over them, the newest value first unless asked otherwise."""
    start, end = _range(given)

    def read(stat: Given) -> dict[float, float]:
        period = local_period(int(stat["Period"]), clock)
        metric = metric_of(stat["Metric"])
        if stat.get("Unit") not in (None, store.unit(metric)):
            return {}
        samples = store.by_period(metric, start, end, period)
        return {time: value for time, each in samples.items() if (value := each.statistic(stat["Stat"])) is not None}

    oldest_first = given.get("ScanBy") == "TimestampAscending"
    results = []
    queries = given.get("MetricDataQueries") or ()
    for query, series in answered(queries, read, _times(queries, start, end, clock)):
        times = sorted(series, reverse=not oldest_first)
        results.append({
            "Id": query["Id"],
            "Label": query.get("Label") or _label(query),
            "Timestamps": [_datetime(time) for time in times],
            "Values": [series[time] for time in times],
            "StatusCode": "Complete",
        })  # fmt: skip
    return {"MetricDataResults": results, "Messages": []}


Answered = list[tuple[Given, Mapping[float, float]]]


def answered(
    queries: Sequence[Given], read: Callable[[Given], Mapping[float, float]], times: Sequence[float]
) -> Answered:
    """The queries that return data, with their series; `times` are those that a constant holds at.

    Expressions may use every metric, and those before them.
    """
    series: dict[str, Mapping[float, float]] = {}
    for query in queries:
        if query.get("MetricStat"):
            check_statistic(query["MetricStat"]["Stat"])
            series[query["Id"]] = read(query["MetricStat"])
    for query in queries:
        expression = query.get("Expression")
        if not query.get("MetricStat") and not expression:
            raise MissingParameter("MetricDataQueries.member.1.MetricStat")
        if expression:
            if expression.lstrip().upper().startswith("SELECT"):
                raise NotServed("Metrics Insights (SELECT)")
            series[query["Id"]] = evaluate(expression, series, times)
    return [(query, series[query["Id"]]) for query in queries if query.get("ReturnData", True) is not False]


def check_statistic(name: str) -> None:
    """Raises InvalidValue for a statistic that is not known."""
    if name not in STATISTICS:
        percentile(name)


def _times(queries: Sequence[Given], start: float, end: float, clock: Clock) -> list[float]:
    """The beginnings of all periods of the range."""
    lengths = [each["MetricStat"]["Period"] if each.get("MetricStat") else each.get("Period") for each in queries]
    period = local_period(min((int(each) for each in lengths if each), default=MINUTE), clock)
    first, last = math.ceil(start / period - SLACK), math.ceil(end / period - SLACK)
    return [index * period for index in range(first, min(last, first + MOST_TIMES))]


def _label(query: Given) -> str:
    stat = query.get("MetricStat")
    return str(stat["Metric"]["MetricName"] if stat else query["Id"])


def _range(given: Given) -> tuple[float, float]:
    start, end = given["StartTime"].timestamp(), given["EndTime"].timestamp()
    if start >= end:
        raise InvalidValue("The parameter StartTime must be less than the parameter EndTime.")
    return start, end


def _datetime(time: float) -> datetime:
    return datetime.fromtimestamp(time, UTC)
