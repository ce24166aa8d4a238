"""Tasks and service revisions as ECS's answers."""

from __future__ import annotations

from infra.local.ecs.model import Cluster, Revision, Service, Task
from infra.local.ecs.render import REVISION_MEMBERS, Json, picked, present


def revision(record: Revision, owner: Service) -> Json:
    """API: ServiceRevision. `resolvedConfiguration` says which target group its tasks are in."""
    resolved: Json = {}
    containers = record.definition.body["containerDefinitions"]
    if record.target_group is not None:
        resolved = {"resolvedConfiguration": {"loadBalancers": [_resolved(record)]}}
    return {
        "serviceRevisionArn": record.arn,
        "serviceArn": owner.arn,
        "clusterArn": owner.cluster.arn,
        "taskDefinition": record.definition.arn,
        "containerImages": [_image(each["name"], each["image"]) for each in containers],
        "createdAt": record.created_at,
        "guardDutyEnabled": False,
        **picked(record.settings, REVISION_MEMBERS),
        **resolved,
    }


def _resolved(record: Revision) -> Json:
    advanced = record.settings["loadBalancers"][0]["advancedConfiguration"]
    return {"targetGroupArn": record.target_group, "productionListenerRule": advanced["productionListenerRule"]}


def _image(name: str, image: str) -> Json:
    digest = image.rpartition("@")[2] if "@" in image else None
    return present({"containerName": name, "image": image, "imageDigest": digest})


def task(record: Task, owner: Service, cluster: Cluster) -> Json:
    """API: Task."""
    body = record.revision.definition.body
    return present(
        {
            "taskArn": record.arn,
            "clusterArn": cluster.arn,
            "taskDefinitionArn": record.revision.definition.arn,
            "group": f"service:{owner.name}",
            "startedBy": f"ecs-svc/{record.revision.id}",
            "lastStatus": record.last_status,
            "desiredStatus": record.desired_status,
            "healthStatus": record.health,
            "createdAt": record.created_at,
            "startedAt": record.started_at,
            "stoppingAt": record.stopping_at,
            "stoppedAt": record.stopped_at,
            "stopCode": record.stop_code or None,
            "stoppedReason": record.stopped_reason or None,
            "cpu": str(body["cpu"]) if "cpu" in body else None,
            "memory": str(body["memory"]) if "memory" in body else None,
            "launchType": record.revision.settings.get("launchType"),
            "containers": [_container(record)],
            "attachments": [],
            "overrides": {"containerOverrides": [], "inferenceAcceleratorOverrides": []},
            "version": 1,
        }
    )


def _container(record: Task) -> Json:
    container = record.revision.definition.container()
    started = record.container
    return present(
        {
            "containerArn": record.arn.replace(":task/", ":container/"),
            "taskArn": record.arn,
            "name": container["name"],
            "image": container["image"],
            "imageDigest": started.image_digest if started else None,
            "runtimeId": started.runtime_id if started else None,
            "lastStatus": record.last_status,
            "healthStatus": record.health,
            "exitCode": record.exit_code,
            "networkBindings": [],
            "networkInterfaces": [{"privateIpv4Address": started.ip}] if started else [],
        }
    )
