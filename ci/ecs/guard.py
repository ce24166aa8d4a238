"""The load balancer must be as the next step needs it (fact sheet, section 2.2).

ECS does not notice when somebody else resets a rule's weights: it then deploys both revisions into one target group and
calls that successful. So the rule, the target groups and the tasks in them are looked at before UpdateService and
before each CONTINUE.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from . import serving, tasks
from .clients import Aws
from .deployments import Deployment
from .errors import UnexpectedTraffic
from .names import Names
from .serving import Ingress, Revision
from .strategy import BEFORE_STEP, SHIFTED

BEFORE_UPDATE = "before a deployment"
BEFORE_CONTINUE = "before the deployment goes on"
# Weights are whole numbers: a share may be off by less than this, in percent.
ROUNDING = 0.06


@dataclass(frozen=True)
class Standing:
    """What stands before a deployment: the live target group, and what a person should know of it, if anything."""

    live: str
    note: str = ""


def before_update(aws: Aws, names: Names, ingress: Ingress, service: Mapping[str, Any]) -> Standing:
    """One group has all of production, is the current revision's and holds only its tasks; the other is empty.

    Raises UnexpectedTraffic otherwise. That the live revision has no healthy target is a note and no refusal: the
    deployment may be the cure.
    """
    live = _alone(aws, ingress)
    current = serving.current_revisions(aws, names, service)
    if live not in {each.target_group for each in current}:
        raise _wrong(BEFORE_UPDATE, f"production goes to {_short(live)}, where the current revision is not")
    if len(current) != 1:
        raise _wrong(BEFORE_UPDATE, f"{len(current)} revisions have tasks instead of one")
    if registered := serving.healthy_and_registered(aws, ingress.other(live))[1]:
        raise _wrong(BEFORE_UPDATE, f"the idle target group {_short(ingress.other(live))} has {registered} targets")
    if problem := _stranger(aws, names, live, current):
        raise _wrong(BEFORE_UPDATE, problem)
    if serving.healthy_and_registered(aws, live)[0]:
        return Standing(live)
    return Standing(live, f"the live revision has no healthy target in {_short(live)}: this deployment is its cure")


def before_continue(aws: Aws, names: Names, ingress: Ingress, deployment: Deployment) -> float:
    """At a pause: weights are the stage's, each group holds only its own revision's tasks, and green is healthy.

    Gives green's share of production in percent; raises UnexpectedTraffic otherwise.
    """
    green, blues = _sides(aws, ingress, deployment)
    percent = _stage_share(aws, ingress, deployment, green)
    other = ingress.other(green.target_group)
    if blues and percent < 100 and other not in {blue.target_group for blue in blues}:
        raise _wrong(BEFORE_CONTINUE, f"production goes to {_short(other)}, where the old revision is not")
    if serving.weights(aws, ingress.test_rule).get(green.target_group) != 100:
        raise _wrong(BEFORE_CONTINUE, "the test listener does not send everything to the new revision")
    if serving.healthy_and_registered(aws, green.target_group)[0] == 0:
        raise _wrong(BEFORE_CONTINUE, "the new revision has no healthy target")
    for group, owners in ((green.target_group, [green]), (other, blues)):
        if problem := _stranger(aws, names, group, owners):
            raise _wrong(BEFORE_CONTINUE, problem)
    return percent


def _sides(aws: Aws, ingress: Ingress, deployment: Deployment) -> tuple[Revision, list[Revision]]:
    by_arn = {each.arn: each for each in serving.revisions(aws, (deployment.target, *deployment.sources))}
    green = by_arn.get(deployment.target)
    if green is None or green.target_group not in ingress.target_groups:
        raise _wrong(BEFORE_CONTINUE, "the new revision is in neither target group of the environment")
    blues = [by_arn[arn] for arn in deployment.sources if arn in by_arn and arn != deployment.target]
    if any(blue.target_group == green.target_group for blue in blues):
        raise _wrong(BEFORE_CONTINUE, f"both revisions are in the target group {_short(green.target_group)}")
    return green, blues


def _stage_share(aws: Aws, ingress: Ingress, deployment: Deployment, green: Revision) -> float:
    """Green's share by the rule, which must be one that this stage may have."""
    shares = _shares(aws, ingress, BEFORE_CONTINUE)
    share = shares.get(green.target_group, 0.0)
    expected = _expected(deployment)
    if not any(abs(share - each) < ROUNDING for each in expected) or sum(shares.values()) == 0:
        wanted = " or ".join(f"{each:g}" for each in expected)
        raise _wrong(BEFORE_CONTINUE, f"the new revision has {share:g} % of production, not {wanted} % as the stage is")
    return share


def _expected(deployment: Deployment) -> tuple[float, ...]:
    """Before a step, ECS may have that step's share on record already, or still the one before."""
    if deployment.stage == SHIFTED:
        return (100.0,)
    if deployment.stage != BEFORE_STEP:
        return (0.0,)
    steps = (0.0, *deployment.shares)
    if deployment.percent is None:
        return steps[:-1]
    near = min(range(len(steps)), key=lambda index: abs(steps[index] - (deployment.percent or 0.0)))
    return tuple(dict.fromkeys(steps[:-1][max(near - 1, 0) : near + 1]))


def _stranger(aws: Aws, names: Names, group: str, owners: Iterable[Revision]) -> str:
    """The problem where a registered target is no task of the revisions that own the group; empty where all are."""
    registered = [each.id for each in serving.targets(aws, group) if each.registered]
    if not registered:
        return ""
    numbers = {each.number for each in owners}
    of = tasks.revision_by_address(aws, names)
    for address in registered:
        if of.get(address) not in numbers:
            return f"the target {address} in {_short(group)} is no task of the revision which that group belongs to"
    return ""


def _alone(aws: Aws, ingress: Ingress) -> str:
    live = [group for group, percent in _shares(aws, ingress, BEFORE_UPDATE).items() if percent > 0]
    if len(live) != 1:
        raise _wrong(BEFORE_UPDATE, f"{len(live)} target groups have a weight on the production rule instead of one")
    return live[0]


def _shares(aws: Aws, ingress: Ingress, when: str) -> dict[str, float]:
    shares = serving.weights(aws, ingress.production_rule)
    if foreign := sorted(set(shares) - set(ingress.target_groups)):
        raise _wrong(when, f"the production rule forwards to {_short(foreign[0])}, which is not the environment's")
    return shares


def _wrong(when: str, problem: str) -> UnexpectedTraffic:
    return UnexpectedTraffic(when=when, problem=problem)


def _short(target_group: str) -> str:
    return target_group.split("targetgroup/")[-1]
