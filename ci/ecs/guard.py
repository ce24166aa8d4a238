"""The load balancer must be as the next step needs it (fact sheet, section 2.2).

ECS does not notice when somebody else resets a rule's weights: it then deploys both revisions into one target group and
calls that successful. So the rule and the target groups are looked at before UpdateService and before each CONTINUE.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import serving
from .clients import Aws
from .deployments import Deployment
from .errors import UnexpectedTraffic
from .names import Names
from .serving import Ingress, Revision

BEFORE_UPDATE = "before a deployment"
BEFORE_CONTINUE = "before production is shifted"


def before_update(aws: Aws, names: Names, ingress: Ingress, service: Mapping[str, Any]) -> str:
    """The live target group: it alone gets production traffic, is the current revision's, healthy; the other is empty.

    Raises UnexpectedTraffic otherwise.
    """
    live = _alone(aws, ingress, BEFORE_UPDATE)
    current = serving.current_revisions(aws, names, service)
    if live not in {each.target_group for each in current}:
        raise _wrong(BEFORE_UPDATE, f"production goes to {_short(live)}, where the current revision is not")
    if len(current) != 1:
        raise _wrong(BEFORE_UPDATE, f"{len(current)} revisions have tasks instead of one")
    if serving.healthy_and_registered(aws, live)[0] == 0:
        raise _wrong(BEFORE_UPDATE, f"the live target group {_short(live)} has no healthy target")
    if registered := serving.healthy_and_registered(aws, ingress.other(live))[1]:
        raise _wrong(BEFORE_UPDATE, f"the idle target group {_short(ingress.other(live))} has {registered} targets")
    return live


def before_continue(aws: Aws, ingress: Ingress, deployment: Deployment) -> None:
    """At the pause after the test shift: production all blue, test all green, green alone in its group and healthy.

    Raises UnexpectedTraffic otherwise.
    """
    by_arn = {each.arn: each for each in serving.revisions(aws, (deployment.target, *deployment.sources))}
    green = by_arn.get(deployment.target)
    if green is None or green.target_group not in ingress.target_groups:
        raise _wrong(BEFORE_CONTINUE, "the new revision is in neither target group of the environment")
    blues = [by_arn[arn] for arn in deployment.sources if arn in by_arn and arn != deployment.target]
    _apart(aws, ingress, green, blues)
    if serving.weights(aws, ingress.test_rule).get(green.target_group) != 100:
        raise _wrong(BEFORE_CONTINUE, "the test listener does not send everything to the new revision")
    if serving.healthy_and_registered(aws, green.target_group)[0] == 0:
        raise _wrong(BEFORE_CONTINUE, "the new revision has no healthy target")


def _apart(aws: Aws, ingress: Ingress, green: Revision, blues: list[Revision]) -> None:
    live = _alone(aws, ingress, BEFORE_CONTINUE)
    if any(blue.target_group == green.target_group for blue in blues):
        raise _wrong(BEFORE_CONTINUE, f"both revisions are in the target group {_short(green.target_group)}")
    if live == green.target_group:
        raise _wrong(BEFORE_CONTINUE, "production already goes to the new revision")
    if blues and live not in {blue.target_group for blue in blues}:
        raise _wrong(BEFORE_CONTINUE, f"production goes to {_short(live)}, where the old revision is not")


def _alone(aws: Aws, ingress: Ingress, when: str) -> str:
    shares = serving.weights(aws, ingress.production_rule)
    if foreign := sorted(set(shares) - set(ingress.target_groups)):
        raise _wrong(when, f"the production rule forwards to {_short(foreign[0])}, which is not the environment's")
    live = [group for group, percent in shares.items() if percent > 0]
    if len(live) != 1:
        raise _wrong(when, f"{len(live)} target groups have a weight on the production rule instead of one")
    return live[0]


def _wrong(when: str, problem: str) -> UnexpectedTraffic:
    return UnexpectedTraffic(when=when, problem=problem)


def _short(target_group: str) -> str:
    return target_group.split("targetgroup/")[-1]
