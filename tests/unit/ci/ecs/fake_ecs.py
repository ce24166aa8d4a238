"""ECS and ELBv2 in memory, as the fact sheet has them: one step of a deployment a look."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

BASE = "arn:aws:ecs:eu-north-1:123456789012"
PAUSES = ["POST_TEST_TRAFFIC_SHIFT", "PRE_PRODUCTION_TRAFFIC_SHIFT", "POST_PRODUCTION_TRAFFIC_SHIFT"]
HOOK_MINUTES = 30


def client_error(operation: str, code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


def stages(configuration: dict[str, Any]) -> list[tuple[str, float]]:
    """Every stage of a deployment with green's percent of production while it is current."""
    shares = [100.0]
    if configuration.get("strategy") == "CANARY":
        shares = [float(configuration["canaryConfiguration"]["canaryPercent"]), 100.0]
    elif configuration.get("strategy") == "LINEAR":
        step = configuration["linearConfiguration"]["stepPercent"]
        shares = [float(share) for share in range(int(step), 100, int(step))] + [100.0]
    way = [(each, 0.0) for each in ("PRE_SCALE_UP", "SCALE_UP", "POST_SCALE_UP")]
    way += [("TEST_TRAFFIC_SHIFT", 0.0), ("POST_TEST_TRAFFIC_SHIFT", 0.0)]
    before = 0.0
    for share in shares:
        way += [("PRE_PRODUCTION_TRAFFIC_SHIFT", before), ("PRODUCTION_TRAFFIC_SHIFT", share)]
        before = share
    return [*way, *((each, 100.0) for each in ("POST_PRODUCTION_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP"))]


class FakeEcs:
    """`fails_at`: where the circuit breaker trips; `stuck_at`: one that never ends; `misplaces`: one group for both."""

    def __init__(self, world: Any, now: Any) -> None:
        self.world, self.now = world, now
        self.service: dict[str, Any] | None = None
        self.definitions: list[dict[str, Any]] = []
        self.revisions: dict[str, dict[str, Any]] = {}
        self.deployments: list[dict[str, Any]] = []
        self.positions: dict[str, int] = {}
        self.events: list[str] = []
        self.tasks: list[dict[str, Any]] = []
        self.fails_at = self.stuck_at = self.hook_stage = ""
        self.misplaces = self.hides = self.forgets_current = False
        self.begun = 0

    # What CloudFormation and the tests begin.
    def born(self, told: dict[str, str]) -> None:
        """The service stack's creation has got as far as the service."""
        container = {
            "name": "app",
            "image": told["Image"],
            "environment": [
                {"name": "PORT", "value": told["ContainerPort"]},
                {"name": "APP_VERSION", "value": told["Version"]},
                {"name": "APP_COMMIT", "value": told["Commit"]},
                {"name": "APP_IMAGE_DIGEST", "value": told["ImageDigest"]},
            ],
        }
        arn = self.register_task_definition(family="cutover-demo", containerDefinitions=[container])
        self.service = {"serviceName": "cutover-demo", "status": "ACTIVE", "deployments": [], "desiredCount": 1}
        configuration: dict[str, Any] = {"strategy": told.get("Strategy", "BLUE_GREEN")}
        if configuration["strategy"] == "CANARY":
            configuration["canaryConfiguration"] = {"canaryPercent": float(told["CanaryPercent"])}
        if configuration["strategy"] == "LINEAR":
            configuration["linearConfiguration"] = {"stepPercent": float(told["StepPercent"])}
        self.start(arn["taskDefinition"]["taskDefinitionArn"], configuration)

    def start(self, definition: str, configuration: dict[str, Any] | None = None) -> None:
        """A deployment of a task definition begins; one that is under way is stopped for it."""
        assert self.service is not None
        for each in self.deployments:
            if each["status"] in ("PENDING", "IN_PROGRESS"):
                each |= {"status": "STOPPED", "finishedAt": self.moment()}
        number = str(1000 + self.begun)
        self.begun += 1
        live = self.world.live()
        sources = [each for each, raw in self.revisions.items() if raw["count"]]
        idle = next(group for group in self.world.groups if group != live)
        image = next(d for d in self.definitions if d["taskDefinitionArn"] == definition)["containerDefinitions"][0][
            "image"
        ]
        revision = f"{BASE}:service-revision/cutover-demo/cutover-demo/{number}"
        group = live if self.misplaces else idle
        self.revisions[revision] = {"definition": definition, "image": image, "group": group, "count": 0}
        configuration = copy.deepcopy(
            {"strategy": "BLUE_GREEN", "lifecycleHooks": [{"lifecycleStages": PAUSES}]} | (configuration or {})
        )
        if "linearConfiguration" in configuration:  # AWS answers with a fraction whatever it was given
            linear = configuration["linearConfiguration"]
            linear["stepPercent"] = float(linear["stepPercent"])
        deployment = {
            "serviceDeploymentArn": f"{BASE}:service-deployment/cutover-demo/cutover-demo/dep{number}",
            "createdAt": self.moment() + timedelta(milliseconds=len(self.deployments)),
            "startedAt": self.moment(),
            "status": "PENDING",
            "targetServiceRevision": {"arn": revision, "requestedProductionTrafficWeight": 0.0},
            "sourceServiceRevisions": [{"arn": arn} for arn in sources],
            "lifecycleHookDetails": [],
            "deploymentConfiguration": configuration,
        }
        self.deployments.append(deployment)
        self.service |= {"taskDefinition": definition}
        self.service["deployments"] = [{"id": f"ecs-svc/{number}", "status": "PRIMARY"}]

    def moment(self) -> Any:
        return self.now + timedelta(seconds=self.world.now)

    # The API.
    def describe_services(self, cluster: str, services: list[str]) -> dict[str, Any]:
        if self.service is None:
            raise client_error("DescribeServices", "ClusterNotFoundException")
        current = [{"arn": arn, "runningTaskCount": raw["count"]} for arn, raw in self.revisions.items()]
        told = {} if self.forgets_current else {"currentServiceRevisions": current}
        return {"services": [{**self.service, **told, "events": [{"message": text} for text in self.events]}]}

    def list_service_deployments(self, cluster: str, service: str, nextToken: str = "") -> dict[str, Any]:
        if self.service is None:
            if self.world.cloudformation_events:
                self.world.cloudformation_events.pop(0)()
            raise client_error("ListServiceDeployments", "ServiceNotFoundException")
        kept = ("serviceDeploymentArn", "createdAt", "startedAt", "finishedAt", "status")
        briefs = [
            {key: each[key] for key in kept if key in each}
            | {"targetServiceRevisionArn": each["targetServiceRevision"]["arn"]}
            for each in self.deployments
        ]
        if self.hides:
            return {"serviceDeployments": []}
        return (
            {"serviceDeployments": briefs[1:]} if nextToken else {"serviceDeployments": briefs[:1], "nextToken": "more"}
        )

    def describe_service_deployments(self, serviceDeploymentArns: list[str]) -> dict[str, Any]:
        found = [each for each in self.deployments if each["serviceDeploymentArn"] in serviceDeploymentArns]
        if self.service is None or not found:
            return {"failures": [{"arn": serviceDeploymentArns[0], "reason": "MISSING"}]}
        if len(found) == 1:
            self._step(found[0])
        return {"serviceDeployments": [dict(each) for each in found]}

    def describe_service_revisions(self, serviceRevisionArns: list[str]) -> dict[str, Any]:
        rows = [(arn, self.revisions[arn]) for arn in serviceRevisionArns if arn in self.revisions]
        return {
            "serviceRevisions": [
                {
                    "serviceRevisionArn": arn,
                    "taskDefinition": raw["definition"],
                    "containerImages": [{"containerName": "app", "image": raw["image"]}],
                    "resolvedConfiguration": {"loadBalancers": [{"targetGroupArn": raw["group"]}]},
                }
                for arn, raw in rows
            ]
        }

    def describe_task_definition(self, taskDefinition: str, include: list[str] | None = None) -> dict[str, Any]:
        named = [d for d in self.definitions if taskDefinition in (d["taskDefinitionArn"], d["family"])]
        if not named:
            raise client_error("DescribeTaskDefinition", "ClientException")
        tags = [{"key": "aws:cloudformation:stack-name", "value": "x"}, {"key": "team", "value": "y"}]
        return {"taskDefinition": named[-1]} | ({"tags": tags} if include else {})

    def register_task_definition(self, **given: Any) -> dict[str, Any]:
        number = len(self.definitions) + 1
        given.pop("tags", None)
        arn = f"{BASE}:task-definition/{given['family']}:{number}"
        told = {"registeredBy": "arn:aws:iam::123456789012:role/someone"}
        self.definitions.append(given | told | {"taskDefinitionArn": arn, "revision": number, "status": "ACTIVE"})
        return {"taskDefinition": self.definitions[-1]}

    def update_service(self, **given: Any) -> dict[str, Any]:
        assert self.service is not None
        if given["taskDefinition"] != self.service["taskDefinition"] or given.get("forceNewDeployment"):
            self.start(given["taskDefinition"], given.get("deploymentConfiguration"))
        return {"service": dict(self.service)}

    def continue_service_deployment(self, serviceDeploymentArn: str, hookId: str, action: str) -> None:
        deployment = next(each for each in self.deployments if each["serviceDeploymentArn"] == serviceDeploymentArn)
        hook = next(each for each in deployment["lifecycleHookDetails"] if each["hookId"] == hookId)
        if deployment["status"] != "IN_PROGRESS" or hook["status"] != "AWAITING_ACTION":
            raise client_error("ContinueServiceDeployment", "InvalidParameterException")
        hook["status"] = "SUCCEEDED" if action == "CONTINUE" else "FAILED"
        if action == "ROLLBACK":
            self._roll_back(deployment, "")

    def stop_service_deployment(self, serviceDeploymentArn: str, stopType: str) -> None:
        deployment = next(each for each in self.deployments if each["serviceDeploymentArn"] == serviceDeploymentArn)
        if deployment["status"] in ("SUCCESSFUL", "STOPPED", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED"):
            raise client_error("StopServiceDeployment", "ConflictException")
        if deployment["status"] in ("PENDING", "IN_PROGRESS"):
            self._roll_back(deployment, "stopped by a person")

    def list_tasks(self, desiredStatus: str = "RUNNING", **_: Any) -> dict[str, Any]:
        found = self.tasks if desiredStatus == "STOPPED" else self.world.running_tasks()
        return {"taskArns": [f"{desiredStatus}/{number}" for number, _ in enumerate(found)]}

    def describe_tasks(self, cluster: str, tasks: list[str]) -> dict[str, Any]:
        return {"tasks": self.tasks if tasks[0].startswith("STOPPED") else self.world.running_tasks()}

    # One step a look.
    def _step(self, deployment: dict[str, Any]) -> None:
        status = deployment["status"]
        if status == "PENDING":
            deployment |= {"status": "IN_PROGRESS", "lifecycleStage": "PRE_SCALE_UP"}
        elif status == "ROLLBACK_REQUESTED":
            deployment["status"] = "ROLLBACK_IN_PROGRESS"
        elif status == "ROLLBACK_IN_PROGRESS":
            self._rolled_back(deployment)
        elif status == "IN_PROGRESS" and deployment["lifecycleStage"] != self.stuck_at:
            self._next_stage(deployment)

    def _next_stage(self, deployment: dict[str, Any]) -> None:
        stage, arn = deployment["lifecycleStage"], deployment["serviceDeploymentArn"]
        if stage == self.fails_at:
            reason = "Service deployment rolled back because the circuit breaker threshold was exceeded."
            self._roll_back(deployment, reason)
            return
        position = self.positions.get(arn, 0)
        if self._pauses(deployment, stage, position):
            return
        way = stages(deployment["deploymentConfiguration"])
        if position == len(way) - 1:
            deployment |= {"status": "SUCCESSFUL", "finishedAt": self.moment()}
            self._only(deployment["targetServiceRevision"]["arn"])
            self.world.deployed()
            return
        self.positions[arn] = position + 1
        deployment["lifecycleStage"], percent = way[position + 1]
        deployment["targetServiceRevision"] = deployment["targetServiceRevision"] | {
            "requestedProductionTrafficWeight": percent
        }
        revision = self.revisions[deployment["targetServiceRevision"]["arn"]]
        self.world.at_stage(deployment["lifecycleStage"], revision, percent)

    def _pauses(self, deployment: dict[str, Any], stage: str, position: int) -> bool:
        """A fresh hook at each reach; whether one still waits."""
        configured = deployment["deploymentConfiguration"].get("lifecycleHooks", [])
        wanted = [self.hook_stage] if self.hook_stage else [s for each in configured for s in each["lifecycleStages"]]
        hooks = deployment["lifecycleHookDetails"]
        name = f"hook-{position}"
        if stage in wanted and name not in {hook["hookId"] for hook in hooks}:
            expires = self.moment() + timedelta(minutes=HOOK_MINUTES)
            waiting = {"hookId": name, "targetType": "PAUSE", "status": "AWAITING_ACTION", "expiresAt": expires}
            deployment["lifecycleHookDetails"] = hooks = [*hooks, waiting]
        for hook in hooks:
            if hook["status"] == "AWAITING_ACTION" and self.moment() >= hook["expiresAt"]:
                hook["status"] = "TIMED_OUT"
                self._roll_back(deployment, "")
                return True
        return any(hook["status"] == "AWAITING_ACTION" for hook in hooks)

    def _roll_back(self, deployment: dict[str, Any], reason: str) -> None:
        deployment |= {"status": "ROLLBACK_REQUESTED", "statusReason": reason}

    def _rolled_back(self, deployment: dict[str, Any]) -> None:
        sources = deployment["sourceServiceRevisions"]
        deployment["status"] = "ROLLBACK_SUCCESSFUL" if sources else "ROLLBACK_FAILED"
        deployment["finishedAt"] = self.moment()
        if not sources:
            self.revisions.clear()
            self.world.targets = {group: [] for group in self.world.groups}
            self.world.first_failed()
            return
        self._only(sources[0]["arn"])
        self.world.weigh(self.revisions[sources[0]["arn"]]["group"])

    def _only(self, revision: str) -> None:
        """Of all revisions only this one has tasks from now on."""
        for arn, raw in self.revisions.items():
            raw["count"] = int(arn == revision)
        self.world.targets = {group: [] for group in self.world.groups}
        self.world.targets[self.revisions[revision]["group"]] = ["healthy"]
