"""Alarms: defined, evaluated each minute, described, and written into history; composite ones follow."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from infra.local.observe.errors import AlarmNotFound, CloudWatchError
from infra.local.observe.rules import parse_rule

DIMENSIONS = [{"Name": "Service", "Value": "demo"}]


def stat(name: str, stat: str = "Sum") -> dict[str, Any]:
    metric = {"Namespace": "Demo", "MetricName": name, "Dimensions": DIMENSIONS}
    return {"Metric": metric, "Period": 60, "Stat": stat}


class TestMetricAlarms:
    def test_a_new_alarm_is_unchecked_and_kept_where_moto_keeps_its_own(self, watched: Any) -> None:
        watched.alarm()

        shown = watched.shown()
        assert (shown["StateValue"], shown["StateReason"]) == ("INSUFFICIENT_DATA", "Unchecked: Initial alarm creation")
        assert shown["AlarmArn"] == "arn:aws:cloudwatch:eu-north-1:123456789012:alarm:high"
        assert watched.backend.alarms["high"].state_value == "INSUFFICIENT_DATA"

    def test_it_fires_at_the_end_of_the_minute_and_comes_back(self, watched: Any) -> None:
        watched.alarm()

        watched.minute(1, 1)
        assert watched.state() == "ALARM"
        watched.minute(1)
        assert watched.state() == "OK"
        assert "was not greater than the threshold (1.0)" in watched.shown()["StateReason"]

    def test_an_alarm_can_be_told_by_its_arn_and_one_that_is_not_there_has_no_state(self, watched: Any) -> None:
        watched.alarm()

        assert watched.state("arn:aws:cloudwatch:eu-north-1:123456789012:alarm:high") == "INSUFFICIENT_DATA"
        assert watched.state("other") is None

    def test_m_of_n(self, watched: Any) -> None:
        watched.alarm(EvaluationPeriods=3, DatapointsToAlarm=2)

        states = []
        for value in (5, 0, 5, 0, 0):
            watched.minute(value)
            states.append(watched.state())

        assert states == ["INSUFFICIENT_DATA", "OK", "ALARM", "OK", "OK"]

    def test_a_percentile(self, watched: Any) -> None:
        watched.alarm(Statistic=None, ExtendedStatistic="p90")

        watched.minute(*[1] * 9, 100)
        assert watched.state() == "OK"
        watched.minute(*[1] * 8, 100, 100)
        assert watched.state() == "ALARM"

    def test_a_percentile_of_too_few_samples_can_be_ignored(self, watched: Any) -> None:
        watched.alarm(Statistic=None, ExtendedStatistic="p90", EvaluateLowSampleCountPercentile="ignore")

        watched.minute(*[100] * 99)
        assert watched.state() == "INSUFFICIENT_DATA"
        watched.minute(100)
        assert watched.state() == "ALARM"

    def test_metric_math(self, watched: Any) -> None:
        rate = {"Id": "rate", "Expression": "100 * FILL(e, 0) / r"}
        watched.alarm(
            MetricName=None, Namespace=None, Dimensions=None, Statistic=None, Period=None, Threshold=5.0,
            Metrics=[
                {"Id": "e", "MetricStat": stat("Errors"), "ReturnData": False},
                {"Id": "r", "MetricStat": stat("Requests"), "ReturnData": False},
                rate,
            ],
        )  # fmt: skip

        watched.minute(100, name="Requests")
        assert watched.state() == "OK"
        watched.put(6)
        watched.minute(100, name="Requests")
        assert watched.state() == "ALARM"
        assert "[6.0 (" in watched.shown()["StateReason"]

    def test_a_changed_alarm_keeps_its_state_until_it_is_looked_at_again(self, watched: Any) -> None:
        watched.alarm()
        watched.minute(5)

        watched.alarm(Threshold=10.0)
        assert watched.state() == "ALARM"
        watched.minute(5)
        assert watched.state() == "OK"

    def test_an_alarm_that_cannot_be_evaluated_does_not_stop_the_others(self, watched: Any) -> None:
        broken = [{"Id": "a", "MetricStat": stat("Errors"), "ReturnData": False}, {"Id": "b", "Expression": "a + c"}]
        none = dict.fromkeys(("MetricName", "Namespace", "Dimensions", "Statistic", "Period"))
        watched.alarm("broken", **none, Metrics=broken)
        watched.alarm()

        watched.minute(5)

        assert (watched.state("broken"), watched.state()) == ("INSUFFICIENT_DATA", "ALARM")


class TestChecks:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"AlarmName": ""}, "parameter AlarmName is invalid"),
            ({"ComparisonOperator": None}, "The parameter ComparisonOperator is required"),
            ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "needs anomaly detection, is not served"),
            ({"Threshold": None}, "The parameter Threshold is required"),
            ({"MetricName": None}, "The parameter MetricName is required"),
            ({"EvaluationPeriods": 100_000}, "more than seven days"),
            ({"DatapointsToAlarm": 2}, "at most EvaluationPeriods"),
            ({"TreatMissingData": "maybe"}, "Option maybe for parameter TreatMissingData"),
            ({"ExtendedStatistic": "p90"}, "Exactly one of Statistic and ExtendedStatistic"),
            ({"Statistic": "Median"}, "The value Median"),
            ({"Period": 7}, "The parameter Period must be"),
            ({"Metrics": [{"Id": "a"}]}, "Metrics excludes MetricName"),
        ],
    )
    def test_a_definition_that_cloudwatch_refuses(self, watched: Any, changes: dict[str, Any], words: str) -> None:
        with pytest.raises(CloudWatchError, match=words):
            watched.alarm(**changes)
        assert watched.backend.alarms == {}

    def test_one_query_returns_data(self, watched: Any) -> None:
        none = dict.fromkeys(("MetricName", "Namespace", "Dimensions", "Statistic", "Period"))
        metrics = [{"Id": name, "MetricStat": stat("Errors")} for name in "ab"]

        with pytest.raises(CloudWatchError, match="Exactly one element of the metrics list should return data"):
            watched.alarm(**none, Metrics=metrics)


class TestComposite:
    def put(self, watched: Any, rule: str, name: str = "any") -> None:
        watched.call("PutCompositeAlarm", AlarmName=name, AlarmRule=rule)

    def test_it_follows_its_alarms_and_says_which(self, watched: Any) -> None:
        watched.alarm()
        self.put(watched, 'ALARM("high") OR ALARM(other)')
        assert watched.state("any") == "OK"

        watched.minute(5)

        assert watched.state("any") == "ALARM"
        assert watched.shown("any")["StateReason"] == (
            "arn:aws:cloudwatch:eu-north-1:123456789012:alarm:high transitioned to ALARM at Tuesday 14 November, 2023 "
            "22:15:00 UTC"
        )

    def test_a_composite_alarm_of_composite_alarms_follows_in_the_same_turn(self, watched: Any) -> None:
        watched.alarm()
        self.put(watched, "ALARM(high)", "b")
        self.put(watched, "NOT OK(b)", "a")

        watched.minute(5)

        assert (watched.state("a"), watched.state("b")) == ("ALARM", "ALARM")

    def test_it_is_shown_only_where_asked_for(self, watched: Any) -> None:
        watched.alarm()
        self.put(watched, "TRUE")

        assert watched.call("DescribeAlarms")["CompositeAlarms"] == []
        composite = watched.call("DescribeAlarms", AlarmTypes=["CompositeAlarm"])
        assert [each["AlarmName"] for each in composite["CompositeAlarms"]] == ["any"]
        assert composite["MetricAlarms"] == []

    @pytest.mark.parametrize(
        ("rule", "holds"),
        [
            ("ALARM(a)", True),
            ("OK(a)", False),
            ("INSUFFICIENT_DATA(unknown)", True),
            ("NOT ALARM(a) OR TRUE", True),
            ("FALSE AND FALSE OR TRUE", True),
            ("FALSE AND (FALSE OR TRUE)", False),
            ("NOT (OK('a') OR FALSE) AND OK(\"the b\")", True),
        ],
    )
    def test_rules(self, rule: str, holds: bool) -> None:
        states = {"a": "ALARM", "the b": "OK"}

        assert parse_rule(rule).holds(states.get) is holds

    @pytest.mark.parametrize(
        ("rule", "words"),
        [
            ("", "something is missing at the end"),
            ("ALARM(a) AND", "something is missing at the end"),
            ("ALARM a", "'\\(' expected, not 'a'"),
            ("ALARM(a", "'\\)' expected, not ''"),
            ("TRUE FALSE", "unexpected 'FALSE'"),
            ("GOOD(a)", "unexpected 'GOOD'"),
            ('ALARM("a)', "unexpected"),
        ],
    )
    def test_a_rule_that_cannot_be_read_is_refused(self, watched: Any, rule: str, words: str) -> None:
        with pytest.raises(CloudWatchError, match=words):
            self.put(watched, rule)

    def test_a_rule_on_itself_and_a_suppressor_are_refused(self, watched: Any) -> None:
        with pytest.raises(CloudWatchError, match="must not refer to the alarm itself"):
            self.put(watched, "ALARM(any)")
        with pytest.raises(CloudWatchError, match="ActionsSuppressor is not served"):
            watched.call("PutCompositeAlarm", AlarmName="x", AlarmRule="TRUE", ActionsSuppressor="high")


class TestDescriptions:
    def names(self, watched: Any, **given: Any) -> list[str]:
        return [each["AlarmName"] for each in watched.call("DescribeAlarms", **given)["MetricAlarms"]]

    def test_filters_hold_together(self, watched: Any) -> None:
        watched.alarm("a-low", AlarmActions=["arn:aws:sns:eu-north-1:1:topic"])
        watched.alarm("a-high", Threshold=0.0)
        watched.alarm("b", Threshold=0.0)
        watched.minute(1)

        assert self.names(watched) == ["a-high", "a-low", "b"]
        assert self.names(watched, AlarmNamePrefix="a-", StateValue="ALARM") == ["a-high"]
        assert self.names(watched, ActionPrefix="arn:aws:sns") == ["a-low"]
        assert self.names(watched, AlarmNames=["b", "none"]) == ["b"]
        with pytest.raises(CloudWatchError, match="cannot be used together"):
            self.names(watched, AlarmNames=["b"], AlarmNamePrefix="a")

    def test_pages(self, watched: Any) -> None:
        for number in range(3):
            watched.alarm(f"a{number}")

        first = watched.call("DescribeAlarms", MaxRecords=2)

        assert len(first["MetricAlarms"]) == 2
        assert self.names(watched, MaxRecords=2, NextToken=first["NextToken"]) == ["a2"]

    def test_alarms_of_a_metric(self, watched: Any) -> None:
        watched.alarm()
        watched.alarm("other", MetricName="Requests")

        found = watched.call(
            "DescribeAlarmsForMetric", Namespace="Demo", MetricName="Errors", Dimensions=DIMENSIONS
        )["MetricAlarms"]  # fmt: skip

        assert [each["AlarmName"] for each in found] == ["high"]

    def test_what_others_put_among_the_alarms_is_left_alone(self, watched: Any) -> None:
        watched.backend.alarms["foreign"] = SimpleNamespace(name="foreign", state_value="OK")

        assert self.names(watched) == []
        watched.minute(1)

    def test_tags_go_where_moto_looks_for_them(self, watched: Any) -> None:
        watched.alarm(Tags=[{"Key": "a", "Value": "b"}])

        assert watched.tags == [("arn:aws:cloudwatch:eu-north-1:123456789012:alarm:high", {"a": "b"})]

    def test_actions_are_switched_off_and_on(self, watched: Any) -> None:
        watched.alarm()

        watched.call("DisableAlarmActions", AlarmNames=["high", "none"])
        assert watched.shown()["ActionsEnabled"] is False
        watched.call("EnableAlarmActions", AlarmNames=["high"])
        assert watched.shown()["ActionsEnabled"] is True

    def test_a_deleted_alarm_is_gone(self, watched: Any) -> None:
        watched.alarm()

        watched.call("DeleteAlarms", AlarmNames=["high", "none"])

        assert self.names(watched) == []


class TestStateAndHistory:
    def set(self, watched: Any, state: str, **more: Any) -> None:
        watched.call("SetAlarmState", AlarmName="high", StateValue=state, StateReason="a test", **more)

    def test_a_state_that_is_set_lasts_until_the_next_evaluation(self, watched: Any) -> None:
        watched.alarm()
        watched.call("PutCompositeAlarm", AlarmName="any", AlarmRule="ALARM(high)")

        self.set(watched, "ALARM", StateReasonData='{"a": 1}')
        assert (watched.state(), watched.state("any")) == ("ALARM", "ALARM")
        assert watched.shown()["StateReasonData"] == '{"a": 1}'
        watched.minute(0)
        assert (watched.state(), watched.state("any")) == ("OK", "OK")

    @pytest.mark.parametrize(
        ("state", "data", "words"), [("GREEN", "{}", "StateValue is invalid"), ("OK", "{", "not valid JSON")]
    )
    def test_what_is_no_state_is_refused(self, watched: Any, state: str, data: str, words: str) -> None:
        watched.alarm()

        with pytest.raises(CloudWatchError, match=words):
            self.set(watched, state, StateReasonData=data)

    def test_an_alarm_that_is_not_there_cannot_be_set(self, watched: Any) -> None:
        with pytest.raises(AlarmNotFound):
            self.set(watched, "OK")

    def test_history_tells_of_changes_the_newest_first(self, watched: Any) -> None:
        watched.alarm()
        watched.minute(5)
        watched.minute(5)
        watched.minute(0)

        items = watched.call("DescribeAlarmHistory", AlarmName="high")["AlarmHistoryItems"]
        assert [each["HistorySummary"] for each in items] == [
            "Alarm updated from ALARM to OK",
            "Alarm updated from INSUFFICIENT_DATA to ALARM",
            'Alarm "high" created',
        ]

    def test_history_is_asked_for_by_kind_time_and_order(self, watched: Any) -> None:
        watched.alarm()
        watched.minute(5)
        moment = datetime.fromtimestamp(watched.clock.time - 30, UTC)

        def kinds(**given: Any) -> list[str]:
            items = watched.call("DescribeAlarmHistory", **given)["AlarmHistoryItems"]
            return [each["HistoryItemType"] for each in items]

        assert kinds(HistoryItemType="StateUpdate") == ["StateUpdate"]
        assert kinds(StartDate=moment) == ["StateUpdate"]
        assert kinds(EndDate=moment) == ["ConfigurationUpdate"]
        assert kinds(ScanBy="TimestampAscending") == ["ConfigurationUpdate", "StateUpdate"]
        assert kinds(AlarmTypes=["CompositeAlarm"]) == []
