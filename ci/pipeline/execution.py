"""One execution of a pipeline: its stages in order, conditions before them, and what a failed stage does.

https://docs.aws.amazon.com/codepipeline/latest/userguide/concepts-how-it-works.html (stages, retry, rollback)
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ci.pipeline.declared import Action, Condition, Pipeline, Stage
from ci.pipeline.errors import NoVariableError

SUCCEEDED, FAILED, SKIPPED = "Succeeded", "Failed", "Skipped"
RETRY, ROLLBACK, SKIP = "RETRY", "ROLLBACK", "SKIP"
REFERENCE = re.compile(r"#\{(?P<name>[\w.-]+)\}")

Variables = dict[str, str]  # by NAMESPACE.NAME


@dataclass(frozen=True)
class Hooks:
    """What actions are carried out with.

    Attributes:
        carry_out: carries one out, its configuration without references; gives the variables that it gives, or None
            where it failed.
        last: the variables with which a stage of this pipeline last succeeded; None where it never did.
        clock: the time in seconds.
        say: tells of the progress.
    """

    carry_out: Callable[[Stage, Action, Mapping[str, str]], Mapping[str, str] | None]
    last: Callable[[str], Mapping[str, str] | None]
    clock: Callable[[], float]
    say: Callable[[str], None]


@dataclass(frozen=True)
class StageRun:
    """How a stage ended; `rolled_back` says how the rollback ended that its failure started, empty for none."""

    name: str
    status: str
    seconds: float
    failed: str = ""
    rolled_back: str = ""


@dataclass
class Execution:
    """How an execution ended, as far as it came."""

    stages: list[StageRun] = field(default_factory=list)
    variables: Variables = field(default_factory=dict)

    @property
    def status(self) -> str:
        """Failed where a stage failed."""
        return FAILED if any(stage.status == FAILED for stage in self.stages) else SUCCEEDED


def execute(pipeline: Pipeline, hooks: Hooks) -> Execution:
    """Carry out the stages until one fails.

    Raises:
        NoVariableError: an action asks for a variable that nothing has given.
    """
    execution = Execution()
    for stage in pipeline.stages:
        start = hooks.clock()
        hooks.say(f"stage {stage.name}")
        if any(_skips(condition, execution.variables, stage) for condition in stage.before):
            ended = StageRun(stage.name, SKIPPED, hooks.clock() - start)
        else:
            failed, back = _entered(stage, execution.variables, hooks)
            ended = StageRun(stage.name, FAILED if failed else SUCCEEDED, hooks.clock() - start, failed, back)
        execution.stages.append(ended)
        hooks.say(f"stage {stage.name}: {ended.status} ({ended.seconds:.1f} s)")
        if ended.status == FAILED:
            break
    return execution


def _skips(condition: Condition, variables: Variables, stage: Stage) -> bool:
    holds = (_filled(condition.variable, variables, stage.name) == condition.value) == condition.equal
    return not holds and condition.result == SKIP


def _entered(stage: Stage, variables: Variables, hooks: Hooks) -> tuple[str, str]:
    """Carry out a stage, and what its failure starts; gives the action that failed, and how the rollback ended."""
    failed = _actions(stage, stage.actions, variables, hooks)
    if failed and stage.on_failure == RETRY:
        hooks.say(f"stage {stage.name}: failed actions once more: {', '.join(action.name for action in failed)}")
        failed = _actions(stage, failed, variables, hooks)
    if not failed:
        return "", ""
    back = _rolled_back(stage, hooks) if stage.on_failure == ROLLBACK else ""
    return ", ".join(action.name for action in failed), back


def _rolled_back(stage: Stage, hooks: Hooks) -> str:
    """Carry a stage out as it last succeeded."""
    last = hooks.last(stage.name)
    if last is None:
        hooks.say(f"stage {stage.name}: it has never succeeded, so there is nothing to go back to")
        return ""
    hooks.say(f"stage {stage.name}: back to where it last succeeded")
    return FAILED if _actions(stage, stage.actions, dict(last), hooks) else SUCCEEDED


def _actions(stage: Stage, actions: tuple[Action, ...], variables: Variables, hooks: Hooks) -> tuple[Action, ...]:
    """Carry out actions, those of the lowest order first; gives those that failed, after which no other order begins.

    Those of one order, which CodePipeline runs at once, come one after the other here.
    """
    for order in sorted({action.order for action in actions}):
        failed = [
            action for action in actions if action.order == order and not _action(stage, action, variables, hooks)
        ]
        if failed:
            return tuple(failed)
    return ()


def _action(stage: Stage, action: Action, variables: Variables, hooks: Hooks) -> bool:
    place = f"{stage.name}.{action.name}"
    given = {name: _filled(value, variables, place) for name, value in action.configuration.items()}
    hooks.say(f"action {place}")
    found = hooks.carry_out(stage, action, given)
    if found is not None and action.namespace:
        variables.update({f"{action.namespace}.{name}": value for name, value in found.items()})
    return found is not None


def _filled(text: str, variables: Variables, place: str) -> str:
    """A text with the values of the variables that it refers to."""

    def value(match: re.Match[str]) -> str:
        if match["name"] not in variables:
            raise NoVariableError(place, match["name"])
        return variables[match["name"]]

    return REFERENCE.sub(value, text)
