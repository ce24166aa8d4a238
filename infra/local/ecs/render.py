"""Records as ECS's answers: pure functions from the model to the output shapes. Times are seconds since the epoch."""

from __future__ import annotations

from infra.local.ecs.breaker import breaker_threshold
from infra.local.ecs.model import INACTIVE, STARTING, Cluster, Deployment, Hook, Revision, Service, Task, TaskDefinition
from infra.local.ecs.render_tasks import Json, picked, present

SERVICE_ROLE = "arn:{}:iam::{}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
SERVICE_MEMBERS = (
    "loadBalancers", "serviceRegistries", "launchType", "capacityProviderStrategy", "platformVersion", "taskDefinition",
    "networkConfiguration", "healthCheckGracePeriodSeconds", "schedulingStrategy", "deploymentController",
    "enableECSManagedTags", "propagateTags", "enableExecuteCommand", "availabilityZoneRebalancing",
)  # fmt: skip
CONTAINER_DEFAULTS: Json = {
    "cpu": 0, "essential": True, "portMappings": [], "environment": [], "mountPoints": [], "volumesFrom": [],
    "systemControls": [],
}  # fmt: skip
TERMINAL_ROLLOUT = {"SUCCESSFUL": "COMPLETED", "PENDING": "IN_PROGRESS", "IN_PROGRESS": "IN_PROGRESS"}


def cluster(record: Cluster, services: list[Service], tasks: list[Task], include: list[str]) -> Json:
    """API: Cluster. `include` as in DescribeClusters."""
    running = [task for task in tasks if task.last_status == "RUNNING"]
    pending = [task for task in tasks if task.last_status in STARTING]
    shown = {
        "clusterArn": record.arn,
        "clusterName": record.name,
        "status": record.status,
        "registeredContainerInstancesCount": 0,
        "runningTasksCount": len(running),
        "pendingTasksCount": len(pending),
        "activeServicesCount": sum(service.status != INACTIVE for service in services),
        "statistics": [],
        "tags": record.tags if "TAGS" in include else [],
        "settings": record.settings.get("settings", []) if "SETTINGS" in include else [],
        "capacityProviders": record.settings.get("capacityProviders", []),
        "defaultCapacityProviderStrategy": record.settings.get("defaultCapacityProviderStrategy", []),
        "configuration": record.settings.get("configuration") if "CONFIGURATIONS" in include else None,
    }
    if "STATISTICS" in include:
        counts = {"runningFargateTasksCount": len(running), "pendingFargateTasksCount": len(pending)}
        shown["statistics"] = [{"name": name, "value": str(count)} for name, count in counts.items()]
    return present(shown)


def definition(record: TaskDefinition) -> Json:
    """API: TaskDefinition, with the defaults that ECS fills in."""
    body = record.body
    containers = [{**CONTAINER_DEFAULTS, **each} for each in record.containers]
    answer = {
        "volumes": [],
        "placementConstraints": [],
        **body,
        "containerDefinitions": containers,
        "taskDefinitionArn": record.arn,
        "revision": record.revision,
        "status": record.status,
        "compatibilities": sorted({"EC2", "FARGATE", *body.get("requiresCompatibilities", [])}),
        "requiresAttributes": [],
        "registeredAt": record.registered_at,
        "registeredBy": record.registered_by,
        "deregisteredAt": record.deregistered_at,
    }
    return present(answer)


def service(record: Service, with_tags: bool = False) -> Json:
    """API: Service. A PAUSE hook shows its stages only, as was observed of AWS."""
    current = [each for each in record.revisions.values() if each.desired > 0 or record.tasks_of(each)]
    return {
        **picked(record.settings, SERVICE_MEMBERS),
        "serviceArn": record.arn,
        "serviceName": record.name,
        "clusterArn": record.cluster.arn,
        "status": record.status,
        "desiredCount": record.desired,
        "runningCount": _count(record.tasks, "RUNNING"),
        "pendingCount": _count(record.tasks, *STARTING),
        "deploymentConfiguration": _shown_configuration(record.settings["deploymentConfiguration"]),
        "deployments": _deployments(record),
        "events": record.events,
        "createdAt": record.created_at,
        "placementConstraints": record.settings.get("placementConstraints", []),
        "placementStrategy": record.settings.get("placementStrategy", []),
        "platformFamily": "Linux",
        "createdBy": record.created_by,
        "roleArn": SERVICE_ROLE.format(record.arn.split(":")[1], record.arn.split(":")[4]),
        **({"currentServiceDeployment": record.deployment.arn} if record.deployment else {}),
        "currentServiceRevisions": [{"arn": each.arn, **_counts(record, each)} for each in current],
        "tags": record.tags if with_tags else [],
    }


def _count(tasks: list[Task], *statuses: str) -> int:
    return sum(task.last_status in statuses for task in tasks)


def _counts(record: Service, revision: Revision) -> Json:
    tasks = record.tasks_of(revision)
    return {
        "requestedTaskCount": revision.desired,
        "runningTaskCount": _count(tasks, "RUNNING"),
        "pendingTaskCount": _count(tasks, *STARTING),
    }


def _shown_configuration(configuration: Json) -> Json:
    hooks = [
        {"lifecycleStages": hook["lifecycleStages"]} if hook.get("targetType") == "PAUSE" else hook
        for hook in configuration.get("lifecycleHooks") or ()
    ]
    return {**configuration, **({"lifecycleHooks": hooks} if hooks else {})}


def _deployments(record: Service) -> list[Json]:
    """API: Service.deployments: PRIMARY is what is wanted, ACTIVE what is being replaced."""
    newest = record.deployment
    if newest is None:
        return []
    going_back = newest.rollback_started_at is not None and newest.source is not None
    primary = newest.source if going_back and newest.finished and newest.source else newest.target
    others = [each for each in record.revisions.values() if each is not primary and record.tasks_of(each)]
    return [_deployment_entry(record, each, "PRIMARY" if each is primary else "ACTIVE") for each in (primary, *others)]


def _deployment_entry(record: Service, revision: Revision, status: str) -> Json:
    own = [each for each in record.deployments if each.target is revision]
    state = TERMINAL_ROLLOUT.get(own[-1].status, "FAILED") if own else "COMPLETED"
    reason = {"COMPLETED": "completed", "IN_PROGRESS": "in progress"}.get(state, "failed")
    counts = _counts(record, revision)
    return {
        "id": f"ecs-svc/{revision.id}",
        "status": status,
        "taskDefinition": revision.definition.arn,
        "desiredCount": revision.desired,
        "pendingCount": counts["pendingTaskCount"],
        "runningCount": counts["runningTaskCount"],
        "failedTasks": own[-1].failures if own else 0,
        "createdAt": revision.created_at,
        "updatedAt": own[-1].updated_at if own else revision.created_at,
        "rolloutState": state,
        "rolloutStateReason": f"ECS deployment ecs-svc/{revision.id} {reason}.",
        **picked(revision.settings, ("launchType", "platformVersion", "networkConfiguration")),
    }


def deployment(record: Deployment) -> Json:
    """API: ServiceDeployment."""
    return present(
        {
            **{name: value for name, value in deployment_brief(record).items() if name != "targetServiceRevisionArn"},
            "stoppedAt": record.stopped_at,
            "updatedAt": record.updated_at,
            "sourceServiceRevisions": [_summary(record, record.source)] if record.source else [],
            "targetServiceRevision": _summary(record, record.target),
            "lifecycleStage": record.stage,
            "lifecycleHookDetails": [_hook(each) for each in record.hooks] or None,
            "deploymentConfiguration": record.configuration,
            "rollback": _rollback(record),
            "deploymentCircuitBreaker": _breaker(record),
            "alarms": _alarms(record),
        }
    )


def deployment_brief(record: Deployment) -> Json:
    """API: ServiceDeploymentBrief."""
    return present(
        {
            "serviceDeploymentArn": record.arn,
            "serviceArn": record.service.arn,
            "clusterArn": record.service.cluster.arn,
            "createdAt": record.created_at,
            "startedAt": record.started_at,
            "finishedAt": record.finished_at,
            "targetServiceRevisionArn": record.target.arn,
            "status": record.status,
            "statusReason": record.reason,
        }
    )


def _summary(record: Deployment, revision: Revision) -> Json:
    return {
        "arn": revision.arn,
        **_counts(record.service, revision),
        "requestedProductionTrafficWeight": record.production_weights.get(revision.id, 0),
        "requestedTestTrafficWeight": record.test_weights.get(revision.id, 0),
    }


def _hook(hook: Hook) -> Json:
    return {
        "hookId": hook.id,
        "targetType": "PAUSE",
        "status": hook.status,
        "expiresAt": hook.expires_at,
        "timeoutAction": hook.timeout_action,
    }


def _rollback(record: Deployment) -> Json | None:
    if record.rollback_started_at is None:
        return None
    revision = {"serviceRevisionArn": record.source.arn} if record.source else {}
    return {"reason": record.rollback_reason, "startedAt": record.rollback_started_at, **revision}


def _alarms(record: Deployment) -> Json:
    names = list(record.alarms.get("alarmNames", ()))
    return {
        "status": _monitored(record, bool(names), bool(record.alarms_triggered)),
        "alarmNames": names,
        "triggeredAlarmNames": record.alarms_triggered,
    }


def _monitored(record: Deployment, enabled: bool, triggered: bool) -> str:
    if not enabled:
        return "DISABLED"
    if triggered:
        return "TRIGGERED"
    return "MONITORING_COMPLETE" if record.finished else "MONITORING"


def _breaker(record: Deployment) -> Json:
    threshold = breaker_threshold(record)
    status = _monitored(record, bool(record.breaker.get("enable")), record.failures >= threshold)
    return {"status": status, "failureCount": record.failures, "threshold": threshold}
