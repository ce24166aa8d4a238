"""Actions on this machine: a source is a commit of a repository here, a build runs as `cutover codebuild` does."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ci.codebuild.aws import AwsVault, client
from ci.codebuild.build import Built, Host, Place, Request, build
from ci.codebuild.values import Given
from ci.engine.docker_api import Docker
from ci.engine.store import Store
from ci.pipeline.declared import Action, Pipeline, Stage, read
from ci.pipeline.errors import ApiError, NoPipelineError

Rows = Sequence[Mapping[str, str]]


def declared(name: str, endpoint: str, region: str) -> Pipeline:
    """The pipeline of this name at AWS on this machine.

    Raises:
        NoPipelineError: there is none.
        ApiError: nothing answers there.
        NotServedError: it has an action or rule that is not carried out here.
    """
    try:
        return read(client("codepipeline", endpoint, region).get_pipeline(name=name)["pipeline"])
    except ClientError as error:
        raise NoPipelineError(name, endpoint) from error
    except BotoCoreError as error:
        raise ApiError(f"{endpoint} does not answer: start AWS on this machine with `cutover local up`") from error


@dataclass(frozen=True)
class Here:
    """Where and with what actions are carried out.

    Attributes:
        approve: asks a person the question; says whether it was approved.
        built: is told of each build.
    """

    endpoint: str
    region: str
    repository: Path
    commit: str
    place: Place
    docker: Docker
    store: Store
    approve: Callable[[str], bool]
    say: Callable[[str], None]
    built: Callable[[Built], None]


class Actions:
    """Carries out the actions of one execution of a pipeline."""

    def __init__(self, pipeline: str, here: Here) -> None:
        self._pipeline, self._here = pipeline, here
        self._projects = client("codebuild", here.endpoint, here.region)

    def carry_out(self, stage: Stage, action: Action, given: Mapping[str, str]) -> Mapping[str, str] | None:
        """Carry one out; gives its variables, None where it failed."""
        if action.provider == "CodeStarSourceConnection":
            return {"CommitId": self._here.commit, "BranchName": given.get("BranchName", "")}
        if action.provider == "Manual":
            return {} if self._here.approve(given.get("CustomData", f"{stage.name}: {action.name}")) else None
        return self._build(given)

    def _build(self, given: Mapping[str, str]) -> Mapping[str, str] | None:
        project = self._project(given["ProjectName"])
        rows = [*project["environment"].get("environmentVariables", ()), *json.loads(given["EnvironmentVariables"])]
        here = self._here
        spec = project["source"].get("buildspec") or Request.buildspec
        request = Request(here.repository, here.commit, spec, self._given(given["ProjectName"], rows), here.endpoint)
        request = replace(request, seconds=project.get("timeoutInMinutes", 60) * 60.0)
        host = Host(here.docker, here.store, AwsVault(here.endpoint, here.region), here.say)
        done = build(request, here.place, host)
        here.built(done)
        return None if done.outcome.exit_code else done.exported

    def _given(self, project: str, rows: Rows) -> Given:
        kinds: dict[str, dict[str, str]] = {"PLAINTEXT": {}, "PARAMETER_STORE": {}, "SECRETS_MANAGER": {}}
        for row in rows:
            for kind in kinds.values():
                kind.pop(row["name"], None)
            kinds[row.get("type", "PLAINTEXT")][row["name"]] = row["value"]
        plain, parameters, stored = kinds.values()
        return Given(project, self._here.region, plain, parameters, stored, f"codepipeline/{self._pipeline}")

    def _project(self, name: str) -> Mapping[str, Any]:
        found = self._projects.batch_get_projects(names=[name])["projects"]
        if not found:
            raise ApiError(f"{self._here.endpoint} has no build project {name}")
        project: Mapping[str, Any] = found[0]
        return project
