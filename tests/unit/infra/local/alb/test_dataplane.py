"""The data plane: a reload for structure only, commands for weights and targets, in an order that loses nothing."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra.local.alb.balancing import Elbv2Balancing
from infra.local.alb.dataplane import DataPlane
from infra.local.alb.health import HealthChecks
from infra.local.alb.names import Endpoints, backend_name
from infra.local.alb.records import FixedResponse, Forward, HealthSettings, Listener, Records, Rule, TargetGroup
from infra.local.alb.targets import TargetBook

BLUE, GREEN = "arn:tg/blue", "arn:tg/green"
ONE, TWO = ("10.0.0.1", 80), ("10.0.0.2", 80)


class FakeProxy:
    """Writes down what it is told. `answers` are given for commands that begin with their key."""

    def __init__(self) -> None:
        self.applied: list[str] = []
        self.told: list[str] = []
        self.killed = False
        self.answers: dict[str, str] = {"del server": "Server deleted."}

    @property
    def running(self) -> bool:
        return bool(self.applied) and not self.killed

    def apply(self, text: str) -> None:
        self.killed = False
        self.applied.append(text)

    def tell(self, commands: list[str]) -> list[str]:
        self.told += commands
        return [next((v for key, v in self.answers.items() if each.startswith(key)), "") for each in commands]


class FakeClock:
    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def minutes(self, count: float) -> float:
        return count * 60


class Plane:
    """A data plane over records that a test changes."""

    def __init__(self) -> None:
        self.proxy, self.clock = FakeProxy(), FakeClock()
        self.weights, self.targets = (100, 0), {BLUE: [ONE], GREEN: []}
        self.extra: tuple[Rule, ...] = ()
        self.protocol = "HTTP"
        self.plane = DataPlane(
            self.proxy, self.records, lambda records: self.endpoints(records), TargetBook(), self.clock
        )

    def records(self) -> Records:
        rule = Rule("arn:rule", (), Forward(((BLUE, self.weights[0]), (GREEN, self.weights[1]))))
        listener = Listener("arn:l", "lb", "lb.elb", 80, (rule, *self.extra))
        groups = [
            TargetGroup(arn, HealthSettings(), 10.0, frozenset(targets), self.protocol)
            for arn, targets in self.targets.items()
        ]
        return Records((listener,), tuple(groups))

    @staticmethod
    def endpoints(records: Records) -> Endpoints:
        ports = {listener.arn: 20000 for listener in records.listeners}
        return Endpoints(4566, Path("api"), Path("registry"), ports)

    def sync(self) -> list[str]:
        """What the proxy is told by a sync."""
        self.proxy.told.clear()
        self.plane.sync()
        return list(self.proxy.told)

    def passed(self, group: str, target: tuple[str, int]) -> None:
        self.plane.book.result((group, *target), None, self.clock.time)


@pytest.fixture
def plane() -> Plane:
    made = Plane()
    made.sync()
    return made


def test_the_first_sync_gives_the_whole_configuration(plane: Plane) -> None:
    assert len(plane.proxy.applied) == 1
    assert "10.0.0.1:80" in plane.proxy.applied[0]


def test_nothing_is_told_while_nothing_changes(plane: Plane) -> None:
    assert plane.sync() == []
    assert len(plane.proxy.applied) == 1


def test_a_change_of_weights_is_a_command_and_no_reload(plane: Plane) -> None:
    plane.weights = (0, 100)

    told = plane.sync()

    assert len(told) == 1
    assert told[0].startswith("set var proc.w_")
    assert told[0].endswith("_0 int(0)")
    assert len(plane.proxy.applied) == 1


def test_a_new_rule_is_a_reload(plane: Plane) -> None:
    plane.extra = (Rule("arn:other", (), FixedResponse(404, "text/plain", "")),)

    assert plane.sync() == []
    assert len(plane.proxy.applied) == 2


def test_a_reload_carries_the_weights_and_states_of_the_moment(plane: Plane) -> None:
    plane.weights = (0, 100)
    plane.targets[GREEN] = [TWO]
    plane.sync()
    plane.extra = (Rule("arn:other", (), FixedResponse(404, "text/plain", "")),)
    plane.sync()

    assert "10.0.0.2:80" in plane.proxy.applied[1]
    assert "_0 int(0)" in plane.proxy.applied[1]


def test_a_new_target_is_added_and_made_ready(plane: Plane) -> None:
    plane.targets[GREEN] = [TWO]

    name = f"{backend_name(GREEN)}/t10-0-0-2-80"
    assert plane.sync() == [f"add server {name} 10.0.0.2:80", f"set server {name} state ready"]


def test_a_target_leaves_by_draining_and_is_removed_after_the_delay(plane: Plane) -> None:
    name = f"{backend_name(BLUE)}/t10-0-0-1-80"
    plane.targets[BLUE] = []

    assert plane.sync() == [f"set server {name} state maint"]
    plane.clock.time += 9
    assert plane.sync() == []
    plane.clock.time += 2

    assert plane.sync() == [
        f"set server {name} state maint",
        f"shutdown sessions server {name}",
        f"del server {name}",
    ]
    assert plane.sync() == []


def test_a_target_that_still_has_connections_is_removed_at_a_later_try(plane: Plane) -> None:
    plane.proxy.answers["del server"] = "Server still has connections attached to it, cannot remove it."
    plane.targets[BLUE] = []
    plane.sync()
    plane.clock.time += 11
    assert plane.sync()[-1].startswith("del server")

    plane.proxy.answers["del server"] = "Server deleted."

    assert plane.sync()[-1].startswith("del server")
    assert plane.sync() == []


def test_a_target_that_comes_back_before_it_was_removed_is_not_added_twice(plane: Plane) -> None:
    plane.proxy.answers["del server"] = "Server still has connections attached to it, cannot remove it."
    plane.targets[BLUE] = []
    plane.sync()
    plane.clock.time += 11
    plane.sync()

    plane.targets[BLUE] = [ONE]

    assert plane.sync() == [f"set server {backend_name(BLUE)}/t10-0-0-1-80 state ready"]


def test_targets_get_ready_before_others_drain(plane: Plane) -> None:
    plane.passed(BLUE, ONE)
    plane.targets[BLUE] = [ONE, TWO]
    plane.sync()

    plane.passed(BLUE, TWO)
    plane.targets[BLUE] = [TWO]
    told = plane.sync()

    assert [each.rpartition(" ")[2] for each in told] == ["ready", "maint"]


def test_an_unhealthy_target_finishes_what_it_holds_and_gets_nothing_new(plane: Plane) -> None:
    plane.targets[BLUE] = [ONE, TWO]
    plane.sync()
    plane.passed(BLUE, ONE)

    assert plane.sync() == [f"set server {backend_name(BLUE)}/t10-0-0-2-80 state maint"]


def test_a_turn_of_the_health_checks_probes_what_is_due(plane: Plane) -> None:
    probed: list[tuple[str, int]] = []

    async def check(address: str, port: int, settings: HealthSettings) -> tuple[str, str] | None:
        probed.append((address, port))
        return None

    async def one_turn() -> None:
        checks = HealthChecks(plane.plane, plane.clock, check)
        checks.turn()
        await checks.settle()

    asyncio.run(one_turn())

    assert probed == [ONE]
    assert plane.plane.book.state((BLUE, *ONE))[0] == "healthy"


def test_a_proxy_that_was_killed_gets_the_configuration_of_the_moment(plane: Plane) -> None:
    plane.weights = (0, 100)
    plane.sync()
    plane.proxy.killed = True

    plane.plane.tend()

    assert len(plane.proxy.applied) == 2
    assert "_0 int(0)" in plane.proxy.applied[1]


def test_tending_reads_nothing_while_nothing_is_due(plane: Plane) -> None:
    plane.weights = (0, 100)
    plane.proxy.told.clear()

    plane.plane.tend()

    assert plane.proxy.told == []


def test_targets_of_a_group_with_tls_are_added_with_it(plane: Plane) -> None:
    plane.protocol = "HTTPS"
    plane.sync()
    plane.targets[GREEN] = [TWO]

    assert plane.sync()[0].endswith("10.0.0.2:80 ssl verify none")


def test_a_target_that_drains_anew_gets_nothing_and_then_goes(plane: Plane) -> None:
    """After a start of the server: the records no longer name it."""
    plane.plane.drain((BLUE, *TWO))
    plane.plane.drain(("arn:gone", *TWO))

    name = f"{backend_name(BLUE)}/t10-0-0-2-80"
    assert plane.sync() == [f"add server {name} 10.0.0.2:80", f"set server {name} state maint"]
    assert plane.plane.book.state((BLUE, *TWO))[0] == "draining"
    plane.clock.time = 11.0
    assert f"del server {name}" in plane.sync()


class FakeElbv2:
    """The part of moto's backend that ECS's view uses."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        data = {"ForwardConfig": {"TargetGroups": [{"TargetGroupArn": BLUE, "Weight": 1}]}}
        action = SimpleNamespace(type="forward", data=data)
        self.rule = SimpleNamespace(arn="arn:rule", actions=[action], is_default=True)
        self.listener = SimpleNamespace(rules={"arn:rule": self.rule}, default_actions=[action])
        self.load_balancers = {"arn:lb": SimpleNamespace(listeners={"arn:l": self.listener})}
        self.target_groups: dict[str, Any] = {BLUE: SimpleNamespace(targets={}, port=80)}

    def modify_rule(self, arn: str, conditions: list[Any], actions: list[Any]) -> None:
        self.rule.actions = [SimpleNamespace(type="forward", data=each) for each in actions]
        groups = actions[0]["ForwardConfig"]["TargetGroups"]
        self.plane.weights = (groups[0]["Weight"], groups[1]["Weight"])


@pytest.fixture
def elbv2(plane: Plane) -> FakeElbv2:
    return FakeElbv2(plane)


def test_ecs_reads_a_rules_weights_and_none_where_there_is_no_rule(plane: Plane, elbv2: FakeElbv2) -> None:
    balancing = Elbv2Balancing(elbv2, plane.plane)

    found = balancing.rule("arn:rule")

    assert found is not None
    assert (found.weights, found.plain) == ({BLUE: 1}, True)
    assert balancing.rule("arn:none") is None


def test_weights_that_ecs_writes_are_in_effect_when_it_returns(plane: Plane, elbv2: FakeElbv2) -> None:
    plane.proxy.told.clear()

    Elbv2Balancing(elbv2, plane.plane).set_weights("arn:rule", {BLUE: 0, GREEN: 100})

    assert [each for each in plane.proxy.told if each.startswith("set var")]


def test_a_default_rule_that_ecs_writes_shows_in_its_listener(plane: Plane, elbv2: FakeElbv2) -> None:
    Elbv2Balancing(elbv2, plane.plane).set_weights("arn:rule", {BLUE: 0, GREEN: 100})

    assert elbv2.listener.default_actions is elbv2.rule.actions


def test_ecs_registers_and_deregisters_by_address_and_port(plane: Plane, elbv2: FakeElbv2) -> None:
    balancing = Elbv2Balancing(elbv2, plane.plane)

    balancing.register(BLUE, "10.0.0.1", 80)
    balancing.register(BLUE, "10.0.0.1", 81)
    balancing.deregister(BLUE, "10.0.0.1", 80)
    balancing.deregister(BLUE, "10.0.0.77", 80)
    balancing.deregister("arn:gone", "10.0.0.1", 80)

    assert list(elbv2.target_groups[BLUE].targets.values()) == [{"Id": "10.0.0.1", "Port": 81}]
    assert balancing.target_group_exists(BLUE)
    assert not balancing.target_group_exists("arn:gone")
