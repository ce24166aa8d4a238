"""The load balancers' metrics of one local minute, under the names and dimensions of ALB's.

Source: ALB user guide, "load-balancer-cloudwatch-metrics". RequestCount and the counts of hosts are told each minute,
the others where there is something to tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra.local.alb.names import backend_name, frontend_name
from infra.local.alb.records import Listener, Records
from infra.local.observe.accesslog import Tallies, Tally
from infra.local.observe.store import Metric
from infra.local.observe.values import Samples

NAMESPACE = "AWS/ApplicationELB"
COUNT, SECONDS, BYTES = "Count", "Seconds", "Bytes"
SINGLE_ERRORS = (500, 502, 503, 504)


@dataclass(frozen=True)
class Datum:
    """Samples of one metric."""

    region: str
    metric: Metric
    samples: Samples
    unit: str


Hosts = Mapping[str, Mapping[str, int]]  # target group ARN to the number of its targets by their state


def balancer_metrics(records: Records, tallies: Tallies, hosts: Hosts) -> list[Datum]:
    """All that is to be told of a minute."""
    data: list[Datum] = []
    totals: dict[str, Tally] = {listener.balancer_arn: Tally() for listener in records.listeners}
    pairs: dict[tuple[str, str], Tally] = {
        (listener.balancer_arn, group): Tally() for group, listener in records.listener_of.items()
    }
    for listener, group, tally in _named(records, tallies):
        _add(totals[listener.balancer_arn], tally)
        if (listener.balancer_arn, group) in pairs:
            _add(pairs[listener.balancer_arn, group], tally)
    for balancer, tally in totals.items():
        shown = {"LoadBalancer": balancer_name(balancer)}
        data += _data(balancer, shown, {**_target_counts(tally), **_own_counts(tally)}, tally)
    for (balancer, group), tally in pairs.items():
        shown = {"LoadBalancer": balancer_name(balancer), "TargetGroup": group_name(group)}
        data += _data(balancer, shown, _target_counts(tally), tally)
        data += _hosts(balancer, shown, hosts.get(group, {}), tally)
    return data


def balancer_name(arn: str) -> str:
    """The value of the dimension LoadBalancer: `app/NAME/ID`."""
    return arn.partition(":loadbalancer/")[2]


def group_name(arn: str) -> str:
    """The value of the dimension TargetGroup: `targetgroup/NAME/ID`."""
    return arn.rpartition(":")[2]


def _named(records: Records, tallies: Tallies) -> Iterator[tuple[Listener, str, Tally]]:
    """(listener, target group ARN or nothing, tally) of those that still exist."""
    listeners = {frontend_name(listener): listener for listener in records.listeners}
    groups = {backend_name(group.arn): group.arn for group in records.target_groups}
    for (listener, group), tally in tallies.items():
        if listener in listeners:
            yield listeners[listener], groups.get(group, ""), tally


def _add(total: Tally, tally: Tally) -> None:
    total.chosen += tally.chosen
    total.target += tally.target
    total.own += tally.own
    total.fixed += tally.fixed
    total.redirects += tally.redirects
    total.refused += tally.refused
    total.bytes += tally.bytes
    total.seconds.merge(tally.seconds)


def _target_counts(tally: Tally) -> dict[str, int]:
    counts = {f"HTTPCode_Target_{kind}XX_Count": _of_kind(tally.target, kind) for kind in (2, 3, 4, 5)}
    return {**counts, "TargetConnectionErrorCount": tally.refused}


def _own_counts(tally: Tally) -> dict[str, int]:
    kinds = {f"HTTPCode_ELB_{kind}XX_Count": _of_kind(tally.own, kind) for kind in (3, 4, 5)}
    single = {f"HTTPCode_ELB_{status}_Count": tally.own[status] for status in SINGLE_ERRORS}
    return {
        **kinds, **single, "HTTP_Fixed_Response_Count": tally.fixed, "HTTP_Redirect_Count": tally.redirects
    }  # fmt: skip


def _of_kind(counts: Mapping[int, int], kind: int) -> int:
    return sum(number for status, number in counts.items() if status // 100 == kind)


def _data(balancer: str, dimensions: dict[str, str], counts: Mapping[str, int], tally: Tally) -> Iterator[Datum]:
    region = balancer.split(":")[3]

    def datum(name: str, samples: Samples, unit: str = COUNT) -> Datum:
        return Datum(region, Metric.of(NAMESPACE, name, dimensions), samples, unit)

    yield datum("RequestCount", _ones(tally.chosen))
    yield from (datum(name, _ones(number)) for name, number in counts.items() if number)
    if tally.seconds.number:
        yield datum("TargetResponseTime", tally.seconds, SECONDS)
    if tally.bytes and "TargetGroup" not in dimensions:
        yield datum("ProcessedBytes", Samples.of(tally.bytes), BYTES)


def _hosts(balancer: str, dimensions: dict[str, str], states: Mapping[str, int], tally: Tally) -> Iterator[Datum]:
    """Hosts where a target is registered; requests a target among them."""
    region = balancer.split(":")[3]
    healthy, unhealthy = states.get("healthy", 0), states.get("unhealthy", 0)
    if any(number for state, number in states.items() if state not in ("draining", "unused")):
        for name, number in (("HealthyHostCount", healthy), ("UnHealthyHostCount", unhealthy)):
            yield Datum(region, Metric.of(NAMESPACE, name, dimensions), Samples.of(number), COUNT)
    if healthy:
        alone = {"TargetGroup": dimensions["TargetGroup"]}
        for each in (alone, dimensions):
            metric = Metric.of(NAMESPACE, "RequestCountPerTarget", each)
            yield Datum(region, metric, Samples.of(tally.chosen / healthy), COUNT)


def _ones(number: int) -> Samples:
    """A count is that many samples of 1; none at all is one sample of 0."""
    samples = Samples()
    samples.add(1.0 if number else 0.0, number or 1)
    return samples
