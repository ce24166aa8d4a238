"""Ctrl-C in the middle of a deployment: the way back is asked for, unless green already has all of production."""

from __future__ import annotations

from . import deployments, serving
from .clients import Aws
from .deployments import Deployment
from .errors import AwsFault, CutoverDeployError, Interrupted, RollbackAsked, ShiftedAlready, Stopped
from .names import Names
from .report import ROLLBACK, UNKNOWN, Report
from .strategy import HOOK_MINUTES


def interrupted(aws: Aws, names: Names, told: Report, signal: str) -> CutoverDeployError:
    """Asks ECS for the rollback where that is right, and gives the sentence that says what was done."""
    if told.outcome != UNKNOWN:
        return Stopped(signal=signal)
    fields = {"signal": signal, "deployment": told.short or "the first deployment"}
    try:
        deployment = deployments.describe(aws, told.service_deployment) if told.service_deployment else None
        # A way back is not taken back: it would bring the bad version again.
        if deployment is None or deployment.terminal or told.verb == ROLLBACK:
            return Interrupted(**fields, minutes=HOOK_MINUTES)
        if _has_all_traffic(aws, names, deployment):
            return ShiftedAlready(**fields)
        aws.ecs.stop_service_deployment(serviceDeploymentArn=deployment.arn, stopType="ROLLBACK")
        return RollbackAsked(**fields)
    except (CutoverDeployError, *AwsFault):
        return Interrupted(**fields, minutes=HOOK_MINUTES)


def _has_all_traffic(aws: Aws, names: Names, deployment: Deployment) -> bool:
    """By the rule itself: what ECS has on record may lag."""
    shares = serving.weights(aws, serving.ingress_of(aws, names).production_rule)
    greens = [each.target_group for each in serving.revisions(aws, [deployment.target])]
    return bool(greens) and shares.get(greens[0]) == 100
