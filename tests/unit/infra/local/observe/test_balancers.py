"""The load balancers' metrics: from lines of the access log and targets' states to CloudWatch."""

import queue
import socket
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from infra.local.alb.names import backend_name, frontend_name
from infra.local.alb.records import Forward, HealthSettings, Listener, Records, Rule, TargetGroup
from infra.local.observe.accesslog import AccessLog
from infra.local.observe.balancer_metrics import balancer_metrics
from infra.local.observe.collector import LogSocket, Minutes

PREFIX = "arn:aws:elasticloadbalancing:eu-north-1:123456789012"
BALANCER, GROUP = f"{PREFIX}:loadbalancer/app/web/1", f"{PREFIX}:targetgroup/blue/2"
FORWARD = Rule("arn:rule", (), Forward(((GROUP, 1),)))
LISTENER = Listener("arn:l", "web", "web.elb", 80, (FORWARD,), balancer_arn=BALANCER)
RECORDS = Records((LISTENER,), (TargetGroup(GROUP, HealthSettings(), 1.0, frozenset()),))
BOTH, ALONE = ("LoadBalancer", "TargetGroup"), ("LoadBalancer",)

Shown = dict[tuple[str, tuple[str, ...]], Any]


def metrics(*lines: str, hosts: dict[str, int] | None = None) -> Shown:
    """(name, dimensions' names) to samples; lines begin at the target group."""
    log = AccessLog()
    for line in lines:
        log.add(f"{frontend_name(LISTENER)} {line.replace('GROUP', backend_name(GROUP))}")
    data = balancer_metrics(RECORDS, log.take(), {GROUP: hosts or {}})
    assert {datum.region for datum in data} == {"eu-north-1"}
    return {(each.metric.name, tuple(name for name, _ in each.metric.dimensions)): each.samples for each in data}


def sums(shown: Shown, dimensions: tuple[str, ...]) -> dict[str, float]:
    return {name: samples.total for (name, has), samples in shown.items() if has == dimensions and samples.total}


def test_what_targets_answered_is_counted_by_kind_for_both_and_for_the_load_balancer() -> None:
    shown = metrics(*(f"GROUP {code} {code} 2000 ---- - 100" for code in (200, 201, 302, 404, 500)))

    expected = {
        "RequestCount": 5, "HTTPCode_Target_2XX_Count": 2, "HTTPCode_Target_3XX_Count": 1,
        "HTTPCode_Target_4XX_Count": 1, "HTTPCode_Target_5XX_Count": 1,
    }  # fmt: skip
    seconds = pytest.approx(0.01)
    assert sums(shown, BOTH) == {**expected, "TargetResponseTime": seconds}
    assert sums(shown, ALONE) == {**expected, "TargetResponseTime": seconds, "ProcessedBytes": 500}


def test_response_times_have_percentiles() -> None:
    shown = metrics(*["GROUP 200 200 1234 ---- - 1"] * 99, "GROUP 200 200 2500000 ---- - 1")

    times = shown["TargetResponseTime", BOTH]
    assert (times.statistic("p50"), times.statistic("p99"), times.statistic("p100")) == (0.00123, 0.00123, 2.5)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("GROUP - 502 - SH-- - 100", {"RequestCount": 1, "HTTPCode_ELB_5XX_Count": 1, "HTTPCode_ELB_502_Count": 1}),
        (
            "GROUP - 504 - sC-- - 100",
            {
                "RequestCount": 1, "HTTPCode_ELB_5XX_Count": 1, "HTTPCode_ELB_504_Count": 1,
                "TargetConnectionErrorCount": 1,
            },
        ),
        ("GROUP - 503 - LR-- - 100", {"HTTPCode_ELB_5XX_Count": 1, "HTTPCode_ELB_503_Count": 1}),
        ("- - 414 - LR-- - 100", {"HTTPCode_ELB_4XX_Count": 1}),
        ("- - -1 - CR-- - 100", {"HTTPCode_ELB_4XX_Count": 1}),
        ("- - 301 - LR-- redirect 100", {"HTTPCode_ELB_3XX_Count": 1, "HTTP_Redirect_Count": 1}),
        ("- - 404 - LR-- fixed 100", {"HTTPCode_ELB_4XX_Count": 1, "HTTP_Fixed_Response_Count": 1}),
    ],
)  # fmt: skip
def test_what_the_load_balancer_answered_itself_is_counted_for_it_alone(line: str, expected: dict[str, int]) -> None:
    shown = metrics(line)

    assert sums(shown, ALONE) == {**expected, "ProcessedBytes": 100}
    assert set(sums(shown, BOTH)) <= {"RequestCount", "TargetConnectionErrorCount"}


def test_without_a_request_the_count_is_0_and_the_rest_is_not_told() -> None:
    shown = metrics()

    assert set(shown) == {("RequestCount", ALONE), ("RequestCount", BOTH)}
    assert shown["RequestCount", ALONE].statistic("Sum") == 0


def test_hosts_are_counted_while_a_target_is_registered() -> None:
    shown = metrics("GROUP 200 200 1 ---- - 1", hosts={"healthy": 2, "unhealthy": 1, "initial": 1, "draining": 3})

    assert shown["HealthyHostCount", BOTH].total == 2
    assert shown["UnHealthyHostCount", BOTH].total == 1
    assert shown["RequestCountPerTarget", ("TargetGroup",)].total == 0.5
    assert ("HealthyHostCount", BOTH) not in metrics(hosts={"draining": 1})


def test_lines_that_are_none_of_ours_are_left_out() -> None:
    log = AccessLog()
    log.add("Proxy l_1 started.")
    log.add("l_gone tg_gone 200 200 1 ---- - 1")

    assert [each.samples.total for each in balancer_metrics(RECORDS, log.take(), {})] == [0, 0]
    assert log.take() == {}


def test_the_log_comes_in_by_udp() -> None:
    lines: queue.Queue[str] = queue.Queue()
    log: Any = SimpleNamespace(add=lines.put)
    receiver = LogSocket(log)
    receiver.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"l_1 tg_1 200 200 1 ---- - 1\n", ("127.0.0.1", receiver.port))

    line = lines.get(timeout=10)
    receiver.stop()

    assert line.split()[:2] == ["l_1", "tg_1"]


class FastClock:
    """Minutes of 20 milliseconds."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        self.time += 0.01
        return self.time

    def minutes(self, count: float) -> float:
        return count * 0.02


def test_each_minute_is_told_once_though_one_fails() -> None:
    ticks: list[float] = []
    enough = threading.Event()

    def tick(began: float) -> None:
        ticks.append(began)
        if len(ticks) == 2:
            raise RuntimeError("a hiccup")
        if len(ticks) == 4:
            enough.set()

    minutes = Minutes(FastClock(), tick)
    minutes.start()
    assert enough.wait(10)
    minutes.stop()

    assert sorted(set(ticks)) == ticks
    assert all(round(began / 0.02, 6) == round(began / 0.02) for began in ticks)
