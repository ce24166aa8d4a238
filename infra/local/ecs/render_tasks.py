"""Tasks and service revisions as ECS's answers. Times are seconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.local.ecs.model import Container, Revision, Service, Task

Json = dict[str, Any]
REVISION_MEMBERS = (
    "launchType", "capacityProviderStrategy", "platformVersion", "loadBalancers", "networkConfiguration",
)  # fmt: skip
FARGATE_STORAGE_GIB = 20


def present(values: Mapping[str, Any]) -> Json:
    """The members that have a value."""
    return {name: value for name, value in values.items() if value is not None}


def picked(values: Mapping[str, Any], names: tuple[str, ...]) -> Json:
    """The members of those names that have a value."""
    return {name: values[name] for name in names if values.get(name) is not None}


def revision(record: Revision, owner: Service) -> Json:
    """API: ServiceRevision. `resolvedConfiguration` says which target group its tasks are in."""
    pairs = zip(record.settings.get("loadBalancers") or (), record.target_groups, strict=False)
    resolved = {"loadBalancers": [_resolved(entry, group) for entry, group in pairs]} if record.target_groups else None
    return present(
        {
            "serviceRevisionArn": record.arn,
            "serviceArn": owner.arn,
            "clusterArn": owner.cluster.arn,
            "taskDefinition": record.definition.arn,
            "platformFamily": "Linux",
            "containerImages": [_image(each, record.images) for each in record.definition.containers],
            "createdAt": record.created_at,
            "guardDutyEnabled": False,
            **picked(record.settings, REVISION_MEMBERS),
            "resolvedConfiguration": resolved,
        }
    )


def _resolved(entry: Mapping[str, Any], group: str) -> Json:
    rule = (entry.get("advancedConfiguration") or {}).get("productionListenerRule")
    return present({"targetGroupArn": group, "productionListenerRule": rule})


def _image(definition: Mapping[str, Any], known: Mapping[str, str]) -> Json:
    image, name = definition["image"], definition["name"]
    digest = image.rpartition("@")[2] if "@" in image else known.get(name)
    return present({"containerName": name, "image": image, "imageDigest": digest})


def task(record: Task, *, with_tags: bool = False) -> Json:
    """API: Task."""
    body, launch = record.definition.body, record.launch
    return present(
        {
            "taskArn": record.arn,
            "clusterArn": record.cluster.arn,
            "taskDefinitionArn": record.definition.arn,
            "group": record.group,
            "startedBy": record.started_by,
            "availabilityZone": f"{record.arn.split(':')[3]}a",
            "lastStatus": record.last_status,
            "desiredStatus": record.desired_status,
            "healthStatus": record.health,
            "connectivity": "CONNECTED" if record.started_at else None,
            "connectivityAt": record.pull_started_at if record.started_at else None,
            "createdAt": record.created_at,
            "pullStartedAt": record.pull_started_at,
            "pullStoppedAt": record.pull_stopped_at,
            "startedAt": record.started_at,
            "stoppingAt": record.stopping_at,
            "executionStoppedAt": record.execution_stopped_at,
            "stoppedAt": record.stopped_at,
            "stopCode": record.stop_code,
            "stoppedReason": record.stopped_reason,
            "cpu": _text(record.overrides.get("cpu") or body.get("cpu")),
            "memory": _text(record.overrides.get("memory") or body.get("memory")),
            "ephemeralStorage": body.get("ephemeralStorage") or {"sizeInGiB": FARGATE_STORAGE_GIB},
            "launchType": launch.get("launchType", "FARGATE"),
            "platformVersion": "1.4.0",
            "platformFamily": "Linux",
            "enableExecuteCommand": launch.get("enableExecuteCommand", False),
            "containers": [_container(record, each) for each in record.containers],
            "attachments": [_interface(record)] if launch.get("networkConfiguration") else [],
            "attributes": [{"name": "ecs.cpu-architecture", "value": "x86_64"}],
            "overrides": {"containerOverrides": [{"name": each.name} for each in record.containers],
                          "inferenceAcceleratorOverrides": [], **record.overrides},
            "version": record.version,
            "tags": record.tags if with_tags else [],
        }
    )  # fmt: skip


def _container(record: Task, container: Container) -> Json:
    definition = record.definition.container(container.name)
    address = [{"attachmentId": record.id, "privateIpv4Address": record.ip}] if record.ip else []
    return present(
        {
            "containerArn": f"{record.arn.replace(':task/', ':container/')}/{container.key[:12]}",
            "taskArn": record.arn,
            "name": container.name,
            "image": definition["image"],
            "imageDigest": container.image_digest,
            "runtimeId": container.runtime_id,
            "lastStatus": container.last_status,
            "healthStatus": container.health,
            "exitCode": container.exit_code,
            "reason": container.reason,
            "cpu": str(definition.get("cpu", 0)),
            "memory": _text(definition.get("memory")),
            "memoryReservation": _text(definition.get("memoryReservation")),
            "networkBindings": [],
            "networkInterfaces": address,
        }
    )


def _interface(record: Task) -> Json:
    subnets = (record.launch["networkConfiguration"].get("awsvpcConfiguration") or {}).get("subnets") or [""]
    details = {"subnetId": subnets[0], "privateIPv4Address": record.ip}
    status = "DELETED" if record.gone else "ATTACHED" if record.ip else "PRECREATED"
    return {
        "id": record.id,
        "type": "ElasticNetworkInterface",
        "status": status,
        "details": [{"name": name, "value": value} for name, value in details.items() if value],
    }


def _text(value: Any) -> str | None:
    return str(value) if value is not None else None
