"""ECS and ELBv2 in memory, as the fact sheet has them: one step of a deployment a look."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

BASE = "arn:aws:ecs:eu-north-1:123456789012"
STAGES = (
    "PRE_SCALE_UP",
    "SCALE_UP",
    "POST_SCALE_UP",
    "TEST_TRAFFIC_SHIFT",
    "POST_TEST_TRAFFIC_SHIFT",
    "PRODUCTION_TRAFFIC_SHIFT",
    "BAKE_TIME",
    "CLEAN_UP",
)


def client_error(operation: str, code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, operation)


class FakeEcs:
    """`fails_at`: where the circuit breaker trips; `stuck_at`: one that never ends; `misplaces`: one group for both."""

    def __init__(self, world: Any, now: Any) -> None:
        self.world, self.now = world, now
        self.service: dict[str, Any] | None = None
        self.definitions: list[dict[str, Any]] = []
        self.revisions: dict[str, dict[str, Any]] = {}
        self.deployments: list[dict[str, Any]] = []
        self.events: list[str] = []
        self.tasks: list[dict[str, Any]] = []
        self.fails_at = self.stuck_at = ""
        self.misplaces = self.hides = self.forgets_current = False
        self.hook_stage = "POST_TEST_TRAFFIC_SHIFT"
        self.births = 0

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
        self.service = {"serviceName": "cutover-demo", "status": "ACTIVE", "deployments": []}
        self.start(arn["taskDefinition"]["taskDefinitionArn"])

    def start(self, definition: str) -> None:
        """A deployment of a task definition begins."""
        assert self.service is not None
        number = str(1000 + len(self.revisions))
        live = self.world.live()
        sources = [each for each, raw in self.revisions.items() if raw["count"]]
        idle = next(group for group in self.world.groups if group != live)
        image = next(d for d in self.definitions if d["taskDefinitionArn"] == definition)["containerDefinitions"][0][
            "image"
        ]
        revision = f"{BASE}:service-revision/cutover-demo/cutover-demo/{number}"
        group = live if self.misplaces else idle
        self.revisions[revision] = {"definition": definition, "image": image, "group": group, "count": 0}
        deployment = {
            "serviceDeploymentArn": f"{BASE}:service-deployment/cutover-demo/cutover-demo/dep{number}",
            "createdAt": self.now + timedelta(minutes=len(self.deployments)),
            "status": "PENDING",
            "targetServiceRevision": {"arn": revision},
            "sourceServiceRevisions": [{"arn": arn} for arn in sources],
            "lifecycleHookDetails": [],
        }
        self.deployments.append(deployment)
        self.service |= {"taskDefinition": definition}
        self.service["deployments"] = [{"id": f"ecs-svc/{number}", "status": "PRIMARY"}]

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
        briefs = [
            {key: each[key] for key in ("serviceDeploymentArn", "createdAt", "status")}
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
        self._step(found[0])
        return {"serviceDeployments": [dict(found[0])]}

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
        self.definitions.append(given | {"taskDefinitionArn": arn, "revision": number, "status": "ACTIVE"})
        return {"taskDefinition": self.definitions[-1]}

    def update_service(self, **given: Any) -> dict[str, Any]:
        assert self.service is not None
        if given["taskDefinition"] != self.service["taskDefinition"] or given.get("forceNewDeployment"):
            self.start(given["taskDefinition"])
        return {"service": self.service}

    def continue_service_deployment(self, serviceDeploymentArn: str, hookId: str, action: str) -> None:
        deployment = next(each for each in self.deployments if each["serviceDeploymentArn"] == serviceDeploymentArn)
        hook = next(each for each in deployment["lifecycleHookDetails"] if each["hookId"] == hookId)
        if hook["status"] != "AWAITING_ACTION":
            raise client_error("ContinueServiceDeployment", "InvalidParameterException")
        hook["status"] = "SUCCEEDED" if action == "CONTINUE" else "FAILED"
        if action == "ROLLBACK":
            self._roll_back(deployment, "")

    def stop_service_deployment(self, serviceDeploymentArn: str, stopType: str) -> None:
        deployment = next(each for each in self.deployments if each["serviceDeploymentArn"] == serviceDeploymentArn)
        self._roll_back(deployment, "stopped by a person")

    def list_tasks(self, **_: Any) -> dict[str, Any]:
        return {"taskArns": [str(number) for number, _ in enumerate(self.tasks)]}

    def describe_tasks(self, cluster: str, tasks: list[str]) -> dict[str, Any]:
        return {"tasks": self.tasks}

    # One step a look.
    def _step(self, deployment: dict[str, Any]) -> None:
        status = deployment["status"]
        if status == "PENDING":
            deployment |= {"status": "IN_PROGRESS", "lifecycleStage": STAGES[0]}
        elif status == "ROLLBACK_REQUESTED":
            deployment["status"] = "ROLLBACK_IN_PROGRESS"
        elif status == "ROLLBACK_IN_PROGRESS":
            self._rolled_back(deployment)
        elif status == "IN_PROGRESS" and deployment["lifecycleStage"] != self.stuck_at:
            self._next_stage(deployment)

    def _next_stage(self, deployment: dict[str, Any]) -> None:
        stage, hooks = deployment["lifecycleStage"], deployment["lifecycleHookDetails"]
        if stage == self.fails_at:
            self._roll_back(
                deployment, "Service deployment rolled back because the circuit breaker threshold was exceeded."
            )
            return
        if stage == self.hook_stage and not hooks:
            hooks.append({"hookId": "hook-1", "targetType": "PAUSE", "status": "AWAITING_ACTION"})
        if any(hook["status"] == "AWAITING_ACTION" for hook in hooks):
            return
        if stage == STAGES[-1]:
            deployment["status"] = "SUCCESSFUL"
            self._only(deployment["targetServiceRevision"]["arn"])
            self.world.deployed()
            return
        deployment["lifecycleStage"] = STAGES[STAGES.index(stage) + 1]
        self.world.at_stage(deployment["lifecycleStage"], self.revisions[deployment["targetServiceRevision"]["arn"]])

    def _roll_back(self, deployment: dict[str, Any], reason: str) -> None:
        deployment |= {"status": "ROLLBACK_REQUESTED", "statusReason": reason}

    def _rolled_back(self, deployment: dict[str, Any]) -> None:
        sources = deployment["sourceServiceRevisions"]
        deployment["status"] = "ROLLBACK_SUCCESSFUL" if sources else "ROLLBACK_FAILED"
        if not sources:
            self.revisions.clear()
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
