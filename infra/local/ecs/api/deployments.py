"""Service deployments and the revisions they bring about: listed, described, stopped, continued."""

from __future__ import annotations

from typing import Any

from infra.local.ecs import render, render_tasks
from infra.local.ecs.api.context import Context, at_most, missing, page
from infra.local.ecs.errors import Conflict, InvalidParameter
from infra.local.ecs.model import Deployment

PAGE, MAX_DESCRIBED = 20, 20
GOING_BACK = frozenset({"STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})


def list_briefs(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """ListServiceDeployments, newest first (AWS promises no order)."""
    service = context.store.service(context.store.cluster(given.get("cluster")), given["service"])
    window = given.get("createdAt", {})
    chosen = [
        each
        for each in reversed(service.deployments)
        if (not given.get("status") or each.status in given["status"])
        and window.get("after", 0) <= each.created_at <= window.get("before", float("inf"))
    ]
    shown, token = page(chosen, given, PAGE)
    return {"serviceDeployments": [render.deployment_brief(each) for each in shown], **token}


def describe(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """DescribeServiceDeployments, at most 20."""
    arns = given["serviceDeploymentArns"]
    at_most(MAX_DESCRIBED, arns, "service deployments")
    known = {each.arn: each for each in context.store.deployments()}
    return {
        "serviceDeployments": [render.deployment(known[arn]) for arn in arns if arn in known],
        "failures": [missing(arn) for arn in arns if arn not in known],
    }


def describe_revisions(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """DescribeServiceRevisions, at most 20."""
    arns = given["serviceRevisionArns"]
    at_most(MAX_DESCRIBED, arns, "service revisions")
    known = {
        revision.arn: (revision, service)
        for service in context.store.services.values()
        for revision in service.revisions.values()
    }
    return {
        "serviceRevisions": [render_tasks.revision(*known[arn]) for arn in arns if arn in known],
        "failures": [missing(arn) for arn in arns if arn not in known],
    }


def stop(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """ROLLBACK only; one that is going back already just goes on."""
    deployment = context.store.deployment(given["serviceDeploymentArn"])
    if given.get("stopType", "ROLLBACK") != "ROLLBACK":
        raise InvalidParameter("stopType must be ROLLBACK.")
    if deployment.finished:
        raise Conflict(f"The service deployment is {deployment.status} and can no longer be stopped.")
    if deployment.status not in GOING_BACK:
        deployment.stop_requested = True
        _request_rollback(context, deployment)
    return {"serviceDeploymentArn": deployment.arn}


def resume(context: Context, given: dict[str, Any]) -> dict[str, Any]:
    """ContinueServiceDeployment: answers one PAUSE, with CONTINUE where no action is given."""
    deployment = context.store.deployment(given["serviceDeploymentArn"])
    hook = next((each for each in deployment.hooks if each.id == given["hookId"]), None)
    if hook is None:
        raise InvalidParameter(f"The hook {given['hookId']} is not one of this service deployment.")
    if deployment.status != "IN_PROGRESS" or hook.status != "AWAITING_ACTION":
        raise InvalidParameter(f"The hook {hook.id} is {hook.status}, the service deployment {deployment.status}.")
    if given.get("action", "CONTINUE") == "CONTINUE":
        context.hooks.end(deployment, hook, "SUCCEEDED")
    else:
        context.hooks.end(deployment, hook, "FAILED")
        _request_rollback(context, deployment)
    return {"serviceDeploymentArn": deployment.arn}


def _request_rollback(context: Context, deployment: Deployment) -> None:
    deployment.status, deployment.updated_at = "ROLLBACK_REQUESTED", context.clock.now()
