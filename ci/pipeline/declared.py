"""What a pipeline says, as GetPipeline answers it.

https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PipelineDeclaration.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ci.pipeline.errors import NotServedError

SERVED = ("CodeStarSourceConnection", "CodeBuild", "Manual")
RULE = "VariableCheck"
OPERATORS = {"EQ": True, "NE": False}


@dataclass(frozen=True)
class Action:
    """One action: `provider` is one of SERVED; actions of a lower `order` go first."""

    name: str
    provider: str
    configuration: Mapping[str, str]
    namespace: str = ""
    order: int = 1


@dataclass(frozen=True)
class Condition:
    """Before a stage is entered, a variable must be (or must not be) a value; else the stage has this result."""

    variable: str
    value: str
    equal: bool
    result: str


@dataclass(frozen=True)
class Stage:
    """One stage; `on_failure` is RETRY, ROLLBACK or empty."""

    name: str
    actions: tuple[Action, ...]
    before: tuple[Condition, ...] = ()
    on_failure: str = ""


@dataclass(frozen=True)
class Pipeline:
    """The pipeline, and the bucket of its artifacts."""

    name: str
    stages: tuple[Stage, ...]
    bucket: str = ""


def read(document: Mapping[str, Any]) -> Pipeline:
    """The pipeline of the answer's `pipeline`.

    Raises:
        NotServedError: it has an action or a rule that is not carried out here.
    """
    stages = tuple(_stage(row) for row in document["stages"])
    return Pipeline(str(document["name"]), stages, str(document.get("artifactStore", {}).get("location", "")))


def _stage(row: Mapping[str, Any]) -> Stage:
    name = str(row["name"])
    conditions = [
        _condition(name, rule, given["result"])
        for given in row.get("beforeEntry", {}).get("conditions", ())
        for rule in given["rules"]
    ]
    actions = tuple(_action(name, action) for action in row["actions"])
    return Stage(name, actions, tuple(conditions), str(row.get("onFailure", {}).get("result", "")))


def _action(stage: str, row: Mapping[str, Any]) -> Action:
    provider = str(row["actionTypeId"]["provider"])
    if provider not in SERVED:
        raise NotServedError(f"{stage}.{row['name']}", f"an action of {provider}")
    namespace, order = str(row.get("namespace", "")), int(row.get("runOrder", 1))
    return Action(str(row["name"]), provider, dict(row.get("configuration", {})), namespace, order)


def _condition(stage: str, rule: Mapping[str, Any], result: str) -> Condition:
    given = rule.get("configuration", {})
    if rule["ruleTypeId"]["provider"] != RULE or given.get("Operator") not in OPERATORS:
        raise NotServedError(f"{stage}.{rule['name']}", f"a rule of {rule['ruleTypeId']['provider']}")
    return Condition(str(given["Variable"]), str(given["Value"]), OPERATORS[given["Operator"]], result)
