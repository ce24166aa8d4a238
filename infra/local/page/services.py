"""Services, their newest deployment and their tasks as the page shows them, asked of ECS by its own API."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Ask = Callable[[str, dict[str, Any]], dict[str, Any]]  # operation, input -> output, of one region
Shown = dict[str, Any]
STAGES = (
    "RECONCILE_SERVICE", "PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP", "TEST_TRAFFIC_SHIFT", "POST_TEST_TRAFFIC_SHIFT",
    "PRE_PRODUCTION_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME",
    "CLEAN_UP",
)  # fmt: skip
UNDER_WAY = frozenset({"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS"})
SHIFTING = frozenset({"BLUE_GREEN", "CANARY", "LINEAR"})
EVENTS_SHOWN, DESCRIBED_AT_ONCE = 8, 10


def read_services(ask: Ask) -> list[Shown]:
    """Every service of a region that is not deleted."""
    shown = []
    for cluster in ask("ListClusters", {})["clusterArns"]:
        arns = ask("ListServices", {"cluster": cluster, "maxResults": 100})["serviceArns"]
        for begin in range(0, len(arns), DESCRIBED_AT_ONCE):
            given = {"cluster": cluster, "services": arns[begin : begin + DESCRIBED_AT_ONCE]}
            shown += [_service(each, ask) for each in ask("DescribeServices", given)["services"]]
    return shown


def _service(service: Mapping[str, Any], ask: Ask) -> Shown:
    configuration = service.get("deploymentConfiguration") or {}
    return {
        "name": service["serviceName"],
        "cluster": service["clusterArn"].rpartition("/")[2],
        "status": service["status"],
        "desired": service["desiredCount"],
        "running": service["runningCount"],
        "pending": service["pendingCount"],
        "strategy": configuration.get("strategy", "ROLLING"),
        "deployment": _deployment(service, ask),
        "tasks": _tasks(service, ask),
        "events": [{"at": each["createdAt"], "text": each["message"]} for each in service["events"][:EVENTS_SHOWN]],
    }


def _deployment(service: Mapping[str, Any], ask: Ask) -> Shown | None:
    arn = service.get("currentServiceDeployment")
    found = ask("DescribeServiceDeployments", {"serviceDeploymentArns": [arn]})["serviceDeployments"] if arn else []
    return _described(found[0], ask) if found else None


def _described(deployment: Mapping[str, Any], ask: Ask) -> Shown:
    status, stage = deployment["status"], deployment.get("lifecycleStage")
    strategy = (deployment.get("deploymentConfiguration") or {}).get("strategy", "ROLLING")
    sources = deployment.get("sourceServiceRevisions") or []
    revisions = [*((each, "source") for each in sources), (deployment["targetServiceRevision"], "target")]
    hooks = [each for each in deployment.get("lifecycleHookDetails") or () if each.get("status") == "AWAITING_ACTION"]
    return {
        "id": deployment["serviceDeploymentArn"].rpartition("/")[2],
        "status": status,
        "under_way": status in UNDER_WAY,
        "reason": deployment.get("statusReason"),
        "rollback": (deployment.get("rollback") or {}).get("reason"),
        "strategy": strategy,
        "started": deployment.get("startedAt") or deployment.get("createdAt"),
        "finished": deployment.get("finishedAt"),
        "stage": stage,
        "stages": stages(stage, status) if strategy in SHIFTING else [],
        "hooks": [{"expires": each.get("expiresAt"), "action": each.get("timeoutAction")} for each in hooks],
        "revisions": [_revision(each, role, ask) for each, role in revisions],
    }


def stages(current: str | None, status: str) -> list[Shown]:
    """Every lifecycle stage in order, each `done`, `current`, `failed` or `ahead`."""
    at = STAGES.index(current) if current in STAGES else -1
    here = "current" if status in UNDER_WAY else "failed"
    if status == "SUCCESSFUL":
        at = len(STAGES)
    words = ["done" if index < at else here if index == at else "ahead" for index in range(len(STAGES))]
    return [{"name": name, "state": word} for name, word in zip(STAGES, words, strict=True)]


def _revision(summary: Mapping[str, Any], role: str, ask: Ask) -> Shown:
    arn = summary["arn"]
    found = ask("DescribeServiceRevisions", {"serviceRevisionArns": [arn]})["serviceRevisions"]
    revision = found[0] if found else {}
    groups = (revision.get("resolvedConfiguration") or {}).get("loadBalancers") or []
    return {
        "role": role,
        "id": arn.rpartition("/")[2],
        "image": _image(revision.get("containerImages") or ()),
        "task_definition": str(revision.get("taskDefinition", "")).rpartition("/")[2],
        "group": groups[0]["targetGroupArn"].split(":targetgroup/")[-1].split("/")[0] if groups else None,
        "production": summary.get("requestedProductionTrafficWeight", 0),
        "test": summary.get("requestedTestTrafficWeight", 0),
        "requested": summary.get("requestedTaskCount", 0),
        "running": summary.get("runningTaskCount", 0),
    }


def _image(images: Iterable[Mapping[str, Any]]) -> str:
    return next((str(each["image"]) for each in images), "")


def _tasks(service: Mapping[str, Any], ask: Ask) -> list[Shown]:
    given = {"cluster": service["clusterArn"], "serviceName": service["serviceName"]}
    arns = ask("ListTasks", given)["taskArns"]
    if not arns:
        return []
    found = ask("DescribeTasks", {"cluster": service["clusterArn"], "tasks": arns[:100]})["tasks"]
    return [_task(each) for each in found]


def _task(task: Mapping[str, Any]) -> Shown:
    container: Mapping[str, Any] = next(iter(task.get("containers") or ()), {})
    return {
        "id": task["taskArn"].rpartition("/")[2],
        "status": task.get("lastStatus"),
        "health": task.get("healthStatus"),
        "task_definition": task["taskDefinitionArn"].rpartition("/")[2],
        "image": container.get("image"),
        "digest": container.get("imageDigest"),
        "started": task.get("startedAt"),
    }
