"""A bench for deploys: an account that is provisioned, images that are pushed, and the reports that come of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ci.ecs.deploy import Order, deploy
from ci.ecs.judge import Criteria
from ci.ecs.names import Names
from ci.ecs.report import Report
from ci.ecs.smoke import Check
from ci.ecs.strategy import Strategy

IMAGES = "123456789012.dkr.ecr.eu-north-1.amazonaws.com/cutover"


class Bench:
    """Deploys versions and keeps the reports; each version's image is already pushed."""

    def __init__(self, world: Any, site: Any, templates: Path) -> None:
        self.world, self.site, self.templates = world, site, templates
        world.provisioned()
        self.digests = {v: site.hold(v.encode(), v) for v in ("1.0.0", "1.1.0", "1.2.0")}
        for port in (80, 8080):
            site.answers[(port, "/")] = (200, "Hello")
        self.criteria = Criteria((Check("/", 200, "Hello"),))
        self.strategy = Strategy()
        self.more: dict[str, Any] = {}

    def order(self, version: str, commit: str = "abc") -> Order:
        return Order(
            Names("cutover", "demo"), version, version, commit, 8080, "/health", self.templates, self.criteria,
            self.strategy, **self.more,
        )  # fmt: skip

    def __call__(self, version: str, commit: str = "abc") -> Report:
        self.told = Report("demo", version, commit, version)
        deploy(self.world.aws, self.order(version, commit), self.told)
        return self.told

    def refused(self, version: str, kind: type[Exception]) -> str:
        """The sentence with which a deploy does not succeed."""
        with pytest.raises(kind) as caught:
            self(version)
        return str(caught.value)

    @property
    def stages(self) -> list[str]:
        return [each.stage for each in self.told.stages]

    def answers(self) -> list[str]:
        return [call["action"] for call in self.world.clients["ecs"].called("continue_service_deployment")]

    def begun_elsewhere(self, version: str) -> None:
        """Another runner has started a deployment of `version` and is gone."""
        container = dict(self.world.ecs.definitions[-1]["containerDefinitions"][0])
        container |= {"image": f"{IMAGES}@{self.digests[version]}"}
        container["environment"] = [{"name": "APP_VERSION", "value": version}]
        arn = self.world.ecs.register_task_definition(family="cutover-demo", containerDefinitions=[container])
        self.world.ecs.start(arn["taskDefinition"]["taskDefinitionArn"])

    def creating_elsewhere(self, version: str) -> None:
        """Another runner has begun the very first deploy."""
        told = {"Image": f"{IMAGES}@{self.digests[version]}", "ImageDigest": self.digests[version]}
        told |= {"Version": version, "Commit": "abc", "ContainerPort": "8080"}
        self.world.cfn.add("cutover-demo-service", "CREATE_IN_PROGRESS", **told)
        self.world.cloudformation_events.append(lambda: None)
        self.world.cloudformation_events.append(lambda: self.world.ecs.born(told))
