"""An execution's sequence, with actions that are faked by their names."""

from collections.abc import Mapping
from typing import Any

import pytest

from ci.pipeline import Action, Condition, Execution, Hooks, Pipeline, Stage, execute, read
from ci.pipeline.errors import NotServedError, NoVariableError


class World:
    """`outcomes`: for an action's name what its runs give, in order; each that is not there succeeds."""

    def __init__(self, outcomes: Mapping[str, list[Any]] | None = None, last: Mapping[str, Any] | None = None) -> None:
        self.outcomes = {name: list(rows) for name, rows in (outcomes or {}).items()}
        self.last = last or {}
        self.ran: list[tuple[str, dict[str, str]]] = []

    def carry_out(self, stage: Stage, action: Action, given: Mapping[str, str]) -> Mapping[str, str] | None:
        self.ran.append((f"{stage.name}.{action.name}", dict(given)))
        rows = self.outcomes.get(action.name, [])
        found: Mapping[str, str] | None = rows.pop(0) if rows else {}
        return found

    def run(self, *stages: Stage) -> Execution:
        ticks = iter(range(100))
        hooks = Hooks(self.carry_out, self.last.get, lambda: float(next(ticks)), lambda text: None)
        return execute(Pipeline("p", stages), hooks)

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.ran]


def action(name: str, namespace: str = "", order: int = 1, **configuration: str) -> Action:
    return Action(name, "CodeBuild", configuration, namespace, order)


def test_variables_go_from_an_action_to_the_later_ones() -> None:
    world = World({"build": [{"VERSION": "1.2.0"}]})
    done = world.run(
        Stage("a", (action("build", "Build"),)), Stage("b", (action("deploy", call="to #{Build.VERSION}"),))
    )
    assert world.ran[-1] == ("b.deploy", {"call": "to 1.2.0"})
    assert done.status == "Succeeded"


def test_a_variable_that_nobody_gave_is_told_with_its_place() -> None:
    with pytest.raises(NoVariableError, match=r"b.deploy asks for #\{Build.NO\}, which no action before it has given"):
        World().run(Stage("b", (action("deploy", call="#{Build.NO}"),)))


def test_a_failed_stage_ends_the_execution_and_a_later_order_does_not_begin() -> None:
    world = World({"one": [None]})
    done = world.run(Stage("a", (action("two", order=2), action("one"), action("beside"))), Stage("b", (action("no"),)))
    assert world.names == ["a.one", "a.beside"]
    assert [(stage.name, stage.status, stage.failed) for stage in done.stages] == [("a", "Failed", "one")]


def test_a_stage_that_retries_runs_its_failed_actions_once_more() -> None:
    stage = Stage("a", (action("good"), action("bad")), on_failure="RETRY")
    world = World({"bad": [None, {}]})
    assert world.run(stage).status == "Succeeded"
    assert world.names == ["a.good", "a.bad", "a.bad"]
    world = World({"bad": [None, None]})
    assert world.run(stage).status == "Failed"


def test_a_stage_that_rolls_back_runs_again_as_it_last_succeeded() -> None:
    stage = Stage("production", (action("deploy", call="#{Publish.IMAGE}"),), on_failure="ROLLBACK")
    publish = Stage("publish", (action("publish", "Publish"),))
    world = World({"publish": [{"IMAGE": "new"}], "deploy": [None, {}]}, {"production": {"Publish.IMAGE": "old"}})
    done = world.run(publish, stage)
    assert [given["call"] for name, given in world.ran if name == "production.deploy"] == ["new", "old"]
    assert done.status == "Failed"
    assert (done.stages[-1].failed, done.stages[-1].rolled_back) == ("deploy", "Succeeded")


def test_a_stage_that_never_succeeded_has_nothing_to_go_back_to() -> None:
    world = World({"deploy": [None]})
    done = world.run(Stage("production", (action("deploy"),), on_failure="ROLLBACK"))
    assert world.names == ["production.deploy"]
    assert done.stages[-1].rolled_back == ""


@pytest.mark.parametrize(("major", "status"), [("yes", "Succeeded"), ("no", "Skipped")])
def test_a_stage_is_skipped_where_its_condition_does_not_hold(major: str, status: str) -> None:
    condition = Condition("#{Build.MAJOR}", "yes", True, "SKIP")
    world = World({"build": [{"MAJOR": major}]})
    done = world.run(Stage("b", (action("build", "Build"),)), Stage("ask", (action("ask"),), (condition,)))
    assert [stage.status for stage in done.stages] == ["Succeeded", status]


def document(provider: str = "CodeBuild", rule: str = "VariableCheck", operator: str = "EQ") -> dict[str, Any]:
    given = {"Variable": "#{A.B}", "Value": "yes", "Operator": operator}
    condition = {"result": "SKIP", "rules": [{"name": "r", "ruleTypeId": {"provider": rule}, "configuration": given}]}
    build = {"name": "a", "actionTypeId": {"provider": provider}, "configuration": {"X": "y"}, "namespace": "N"}
    stage = {
        "name": "s",
        "actions": [build],
        "beforeEntry": {"conditions": [condition]},
        "onFailure": {"result": "RETRY"},
    }
    return {"name": "p", "artifactStore": {"location": "bucket"}, "stages": [stage]}


def test_what_get_pipeline_answers_is_read() -> None:
    stage = Stage("s", (action("a", "N", X="y"),), (Condition("#{A.B}", "yes", True, "SKIP"),), "RETRY")
    assert read(document()) == Pipeline("p", (stage,), "bucket")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (document(provider="Lambda"), "s.a: an action of Lambda is not carried out on this machine"),
        (document(rule="CloudWatchAlarm"), "s.r: a rule of CloudWatchAlarm is not carried out on this machine"),
        (document(operator="MATCHES"), "s.r: a rule of VariableCheck is not carried out on this machine"),
    ],
)
def test_what_is_not_carried_out_here_is_refused_by_its_name(given: dict[str, Any], told: str) -> None:
    with pytest.raises(NotServedError) as caught:
        read(given)
    assert str(caught.value) == told
