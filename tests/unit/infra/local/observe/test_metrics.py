"""Metrics: what is put comes back as statistics and percentiles, by period; metric math over them."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.observe.errors import CloudWatchError
from infra.local.observe.expressions import evaluate
from infra.local.observe.values import Samples

START = 1_700_000_040.0
DIMENSIONS = [{"Name": "Service", "Value": "demo"}]
STATISTICS = ["Sum", "Average", "Minimum", "Maximum", "SampleCount"]


def statistics(watched: Any, **changes: Any) -> list[dict[str, Any]]:
    asked = {
        "Namespace": "Demo", "MetricName": "Errors", "Dimensions": DIMENSIONS, "Period": 60, "Statistics": ["Sum"],
        **watched.range(), **changes,
    }  # fmt: skip
    points: list[dict[str, Any]] = watched.call("GetMetricStatistics", **asked)["Datapoints"]
    return points


def query(name: str, stat: str = "Sum", **more: Any) -> dict[str, Any]:
    metric = {"Namespace": "Demo", "MetricName": name, "Dimensions": DIMENSIONS}
    return {"Id": name.lower(), "MetricStat": {"Metric": metric, "Period": 60, "Stat": stat}, **more}


class TestSamples:
    def test_the_five_statistics(self) -> None:
        samples = Samples.of(1, 2, 3, 6)

        assert [samples.statistic(name) for name in STATISTICS] == [12, 3, 1, 6, 4]

    @given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.integers(0, 100))
    def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed(self, values: list[float], p: int) -> None:
        found = Samples.of(*values).statistic(f"p{p}")

        assert found in values
        assert sum(value <= found for value in values) >= p / 100 * len(values)
        assert sum(value < found for value in values) <= p / 100 * len(values)

    def test_a_percentile_of_a_statistic_set_is_known_only_if_all_values_are_one(self) -> None:
        assert Samples.of_set(10, 50, 1, 9).statistic("p50") is None
        assert Samples.of_set(10, 50, 5, 5).statistic("p50") == 5

    def test_nothing_has_no_statistic(self) -> None:
        assert [Samples().statistic(name) for name in ("Average", "p99")] == [None, None]

    @pytest.mark.parametrize("name", ["p101", "p-1", "median", "tm99", "p"])
    def test_a_statistic_that_is_not_known_is_named(self, name: str) -> None:
        with pytest.raises(CloudWatchError, match=f"The value {name} for parameter Statistic is not supported"):
            Samples.of(1).statistic(name)


class TestStatistics:
    def test_datapoints_come_by_period_oldest_first_with_percentiles(self, watched: Any) -> None:
        watched.put(1, 2, 30, minutes_ago=1)
        watched.put(5)

        first, second = statistics(watched, Statistics=["Sum", "Maximum"], ExtendedStatistics=["p50"])

        assert first["Timestamp"] == datetime.fromtimestamp(START - 60, UTC)
        assert (first["Sum"], first["Maximum"], first["Unit"]) == (33, 30, "Count")
        assert first["ExtendedStatistics"] == {"p50": 2}
        assert second["Sum"] == 5

    def test_a_longer_period_takes_several_minutes_together(self, watched: Any) -> None:
        for ago in (1, 2, 3, 4):
            watched.put(1, minutes_ago=ago)

        assert [point["Sum"] for point in statistics(watched, Period=3600)] == [4]

    def test_all_dimensions_belong_to_a_metrics_name(self, watched: Any) -> None:
        watched.put(1)

        assert statistics(watched, Dimensions=[]) == []
        assert statistics(watched, Unit="Seconds") == []

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"Statistics": []}, "Must specify either Statistics or ExtendedStatistics"),
            ({"Period": 61}, "The parameter Period must be"),
            ({"ExtendedStatistics": ["p101"]}, "p101"),
            ({"EndTime": datetime(2000, 1, 1, tzinfo=UTC)}, "StartTime must be less than the parameter EndTime"),
        ],
    )
    def test_what_cannot_be_asked_is_refused(self, watched: Any, changes: dict[str, Any], words: str) -> None:
        with pytest.raises(CloudWatchError, match=words):
            statistics(watched, **changes)

    def test_more_points_than_cloudwatch_gives_are_refused(self, watched: Any) -> None:
        for ago in range(1441):
            watched.put(1, minutes_ago=ago)

        with pytest.raises(CloudWatchError, match="exceeds the limit of 1440"):
            statistics(watched, **watched.range(2000))


class TestPutMetricData:
    def put(self, watched: Any, namespace: str = "Demo", **datum: Any) -> None:
        data = [{"MetricName": "Errors", "Dimensions": DIMENSIONS, **datum}]
        watched.call("PutMetricData", Namespace=namespace, MetricData=data)

    @pytest.mark.parametrize(
        ("datum", "expected"),
        [
            ({"Value": 3.0}, (3, 1)),
            ({"Value": 0.0}, (0, 1)),
            ({"Values": [1.0, 2.0], "Counts": [3.0, 1.0]}, (5, 4)),
            ({"Values": [1.0, 2.0]}, (3, 2)),
            ({"StatisticValues": {"SampleCount": 2, "Sum": 7, "Minimum": 3, "Maximum": 4}}, (7, 2)),
        ],
    )
    def test_values_counts_and_statistic_sets(self, watched: Any, datum: dict[str, Any], expected: Any) -> None:
        self.put(watched, **datum)

        (point,) = statistics(watched, Statistics=["Sum", "SampleCount"])
        assert (point["Sum"], point["SampleCount"]) == expected

    @pytest.mark.parametrize(
        ("datum", "words"),
        [
            ({}, "needs one of Value, Values and StatisticValues"),
            ({"Value": 1.0, "Values": [1.0]}, "needs one of"),
            ({"Values": [1.0], "Counts": [1.0, 2.0]}, "must be of the same size"),
            ({"Value": math.nan}, "NaN"),
            ({"Value": 1.0, "namespace": "AWS/ECS"}, "The value AWS/ for parameter Namespace is invalid"),
        ],
    )
    def test_what_is_no_sample_is_refused(self, watched: Any, datum: dict[str, Any], words: str) -> None:
        with pytest.raises(CloudWatchError, match=words):
            self.put(watched, **datum)

    def test_metrics_are_listed_by_name_and_dimension_in_pages(self, watched: Any) -> None:
        for number in range(501):
            self.put(watched, Value=1.0, MetricName=f"M{number:03}")
        self.put(watched, Value=1.0, Dimensions=[])

        first = watched.call("ListMetrics", Namespace="Demo", Dimensions=[{"Name": "Service"}])
        rest = watched.call("ListMetrics", Dimensions=[{"Name": "Service"}], NextToken=first["NextToken"])

        assert len(first["Metrics"]) == 500
        assert [each["MetricName"] for each in rest["Metrics"]] == ["M500"]
        assert watched.call("ListMetrics", MetricName="Errors")["Metrics"][0]["Dimensions"] == []


class TestMetricData:
    def test_the_newest_value_comes_first_unless_asked_otherwise(self, watched: Any) -> None:
        watched.put(1, minutes_ago=1)
        watched.put(2)

        (newest,) = watched.call("GetMetricData", MetricDataQueries=[query("Errors")], **watched.range())[
            "MetricDataResults"
        ]
        (oldest,) = watched.call(
            "GetMetricData", MetricDataQueries=[query("Errors")], ScanBy="TimestampAscending", **watched.range()
        )["MetricDataResults"]

        assert (newest["Values"], oldest["Values"]) == ([2, 1], [1, 2])
        assert (newest["Label"], newest["StatusCode"]) == ("Errors", "Complete")

    def test_an_expression_uses_metrics_that_are_not_returned(self, watched: Any) -> None:
        watched.put(10, name="Requests", minutes_ago=1)
        watched.put(20, name="Requests")
        watched.put(5)
        queries = [
            query("Errors", ReturnData=False),
            query("Requests", ReturnData=False),
            {"Id": "rate", "Expression": "100 * FILL(errors, 0) / requests", "Label": "percent"},
        ]

        (rate,) = watched.call("GetMetricData", MetricDataQueries=queries, **watched.range())["MetricDataResults"]

        assert (rate["Id"], rate["Label"], rate["Values"]) == ("rate", "percent", [25, 0])

    def test_a_query_for_nothing_and_metrics_insights_are_refused(self, watched: Any) -> None:
        sql = {"Id": "a", "Expression": "SELECT 1"}
        for asked, words in (({"Id": "a"}, "MetricStat is required"), (sql, "SELECT")):
            with pytest.raises(CloudWatchError, match=words):
                watched.call("GetMetricData", MetricDataQueries=[asked], **watched.range())


class TestExpressions:
    SERIES = {"a": {0.0: 4.0, 60.0: 0.0, 120.0: 9.0}, "b": {0.0: 2.0, 60.0: 0.0}}  # noqa: RUF012

    @pytest.mark.parametrize(
        ("expression", "expected"),
        [
            ("a + b", {0: 6, 60: 0}),
            ("a / b", {0: 2}),
            ("-a ^ 2", {0: -16, 60: 0, 120: -81}),
            ("(a - 1) % 3", {0: 0, 60: 2, 120: 2}),
            ("a > 3 AND b > 1", {0: 1, 60: 0}),
            ("a == 0 || b == 2", {0: 1, 60: 1}),
            ("IF(a > 3, a)", {0: 4, 120: 9}),
            ("IF(a > 3, 1, 0)", {0: 1, 60: 0, 120: 1}),
            ("FILL(b, 7)", {0: 2, 60: 0, 120: 7}),
            ("FILL(b, REPEAT)", {0: 2, 60: 0, 120: 0}),
            ("SUM(METRICS())", {0: 6, 60: 0, 120: 9}),
            ("MAX(METRICS('b'))", {0: 2, 60: 0}),
            ("AVG([a, b])", {0: 3, 60: 0, 120: 9}),
            ("a - MIN(a) + MAX(a)", {0: 13, 60: 9, 120: 18}),
            ("CEIL(a / 8) + FLOOR(0.5) + ABS(-1)", {0: 2, 60: 1, 120: 3}),
            ("42", {0: 42, 60: 42, 120: 42}),
        ],
    )
    def test_metric_math(self, expression: str, expected: dict[int, int]) -> None:
        assert evaluate(expression, self.SERIES, [0.0, 60.0, 120.0]) == expected

    @pytest.mark.parametrize(
        ("expression", "words"),
        [
            ("a +", "Invalid syntax"),
            ("c + 1", "Undefined variable 'c'"),
            ("ANOMALY_DETECTION_BAND(a)", "The function ANOMALY_DETECTION_BAND of metric math is not served"),
            ("a.real", "'a.real' in the expression"),
            ("__import__('os')", "__import__"),
            ("[a, b]", "several time series"),
            ("[a] + 1", "several time series"),
            ("SUM(1, 2)", "wrong arguments for SUM"),
            ("FILL(a, LINEAR)", "FILL with LINEAR is not served"),
            ("True", "'True' in the expression"),
        ],
    )
    def test_what_metric_math_does_not_have_is_named(self, expression: str, words: str) -> None:
        with pytest.raises(CloudWatchError, match=words):
            evaluate(expression, self.SERIES, [0.0])

    def test_a_huge_power_is_left_out_rather_than_worked_out(self) -> None:
        assert evaluate("a ^ 99999999", self.SERIES, []) == {}
