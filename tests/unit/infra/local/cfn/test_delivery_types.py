"""Build projects, pipelines, and the policies of buckets and topics."""

from typing import Any

import pytest

from infra.local.cfn.resources.base import Place
from infra.local.cfn.resources.registry import ResourceTypes

PLACE = Place("123456789012", "eu-north-1", "arn:stack", "demo")


class FakeApi:
    """Writes calls down, and answers as the services do."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, region: str, service: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((operation, given))
        return {"project": {"arn": "arn:project"}, "pipeline": {"version": 7}}


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def types(api: FakeApi) -> ResourceTypes:
    nothing: Any = None
    return ResourceTypes(nothing, nothing, nothing, api, lambda: "1")


PROJECT = {
    "Name": "shop-build",
    "Source": {"Type": "CODEPIPELINE", "BuildSpec": "infra/buildspec.yml"},
    "Artifacts": {"Type": "NO_ARTIFACTS"},
    "Environment": {"Type": "LINUX_CONTAINER", "PrivilegedMode": "true", "EnvironmentVariables": [{"Name": "A"}]},
    "TimeoutInMinutes": "60",
}


def test_a_project_is_made_with_the_apis_names_and_has_its_arn(types: ResourceTypes, api: FakeApi) -> None:
    kind = types.get("AWS::CodeBuild::Project")
    made = kind.create(PLACE, "Build", PROJECT)
    assert (made.physical_id, kind.attribute(made, "Arn")) == ("shop-build", "arn:project")
    assert api.calls == [
        (
            "CreateProject",
            {
                "name": "shop-build",
                "source": {"type": "CODEPIPELINE", "buildspec": "infra/buildspec.yml", "location": "codepipeline"},
                "artifacts": {"type": "NO_ARTIFACTS"},
                "environment": {
                    "type": "LINUX_CONTAINER",
                    "privilegedMode": True,
                    "environmentVariables": [{"name": "A"}],
                },
                "timeoutInMinutes": 60,
            },
        )
    ]
    with pytest.raises(AttributeError):
        kind.attribute(made, "Name")


def test_a_changed_project_is_made_anew_under_its_name(types: ResourceTypes, api: FakeApi) -> None:
    kind = types.get("AWS::CodeBuild::Project")
    made = kind.create(PLACE, "Build", PROJECT)
    kind.update(PLACE, made, PROJECT, {**PROJECT, "TimeoutInMinutes": 90})
    kind.delete(PLACE, made, PROJECT)
    assert [name for name, _ in api.calls] == ["CreateProject", "DeleteProject", "CreateProject", "DeleteProject"]
    assert api.calls[-1][1] == {"name": "shop-build"}
    assert kind.replaces(PROJECT, {**PROJECT, "Name": "other"}) is True


def test_a_pipeline_keeps_what_its_actions_are_configured_with_as_it_is(types: ResourceTypes, api: FakeApi) -> None:
    """Names of configuration values belong to the actions: `ProjectName` is not `projectName`."""
    kind = types.get("AWS::CodePipeline::Pipeline")
    action = {"Name": "A", "Configuration": {"ProjectName": "p"}, "RunOrder": "1"}
    given = {"RoleArn": "arn:role", "Stages": [{"Name": "S", "Actions": [action]}], "RestartExecutionOnUpdate": True}
    made = kind.create(PLACE, "Pipeline", given)
    assert (made.physical_id, kind.attribute(made, "Version")) == ("demo-Pipeline-1", "7")
    kind.update(PLACE, made, given, given)
    kind.delete(PLACE, made, given)
    pipeline = {
        "name": "demo-Pipeline-1",
        "roleArn": "arn:role",
        "stages": [{"name": "S", "actions": [{"name": "A", "configuration": {"ProjectName": "p"}, "runOrder": 1}]}],
    }
    assert api.calls == [
        ("CreatePipeline", {"pipeline": pipeline}),
        ("UpdatePipeline", {"pipeline": pipeline}),
        ("DeletePipeline", {"name": "demo-Pipeline-1"}),
    ]


def test_a_policy_is_set_on_its_bucket_and_taken_away(types: ResourceTypes, api: FakeApi) -> None:
    kind = types.get("AWS::S3::BucketPolicy")
    given = {"Bucket": "b", "PolicyDocument": {"Version": "2012-10-17"}}
    kind.delete(PLACE, kind.create(PLACE, "Policy", given), given)
    text = '{"Version": "2012-10-17"}'
    assert api.calls == [
        ("PutBucketPolicy", {"Bucket": "b", "Policy": text}),
        ("DeleteBucketPolicy", {"Bucket": "b"}),
    ]
    assert kind.replaces(given, {**given, "Bucket": "c"}) is True


def test_a_policy_is_set_on_each_of_its_topics(types: ResourceTypes, api: FakeApi) -> None:
    kind = types.get("AWS::SNS::TopicPolicy")
    kind.create(PLACE, "Policy", {"Topics": ["arn:a", "arn:b"], "PolicyDocument": {}})
    assert [given["TopicArn"] for _, given in api.calls] == ["arn:a", "arn:b"]
