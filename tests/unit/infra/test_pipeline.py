"""The templates of the pipeline, of where its builds run, and of the workflows' role."""

import json
import re
from pathlib import Path
from typing import Any

import cfnlint.decode
import pytest
from cfnlint.api import ManualArgs, lint

TEMPLATES = Path(__file__).parents[3] / "infra" / "templates"
NAMES = ("builds", "pipeline", "github")
REGIONS = ["eu-north-1", "us-east-1"]
STAGES = ["Source", "Check", "Build", "Publish", "Staging", "Approval", "Production"]
DEPLOYS = ("Staging", "Production")


def text(name: str) -> str:
    return (TEMPLATES / f"{name}.yaml").read_text(encoding="utf-8")


def load(name: str) -> Any:
    template, problems = cfnlint.decode.decode_str(text(name))
    assert not problems
    return template


RESOURCES = load("pipeline")["Resources"]
PIPELINE = RESOURCES["Pipeline"]["Properties"]
BY_STAGE = {stage["Name"]: stage for stage in PIPELINE["Stages"]}


def of_type(kind: str) -> dict[str, Any]:
    return {name: row["Properties"] for name, row in RESOURCES.items() if row["Type"] == kind}


def calls() -> dict[str, str]:
    """What each build action has as CUTOVER_CALL."""
    found = {}
    for stage in PIPELINE["Stages"]:
        for action in stage["Actions"]:
            given = action["Configuration"].get("EnvironmentVariables")
            if given is not None:
                rows = json.loads(given["Fn::Sub"] if isinstance(given, dict) else given)
                found[f"{stage['Name']}.{action['Name']}"] = {row["name"]: row["value"] for row in rows}["CUTOVER_CALL"]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_a_template_is_clean_and_knows_no_region(name: str) -> None:
    config = ManualArgs(regions=REGIONS, include_checks=["I"], ignore_checks=["I4010"])
    assert [str(match) for match in lint(text(name), config=config)] == []
    assert not any(word in text(name) for word in ("eu-north-1", "us-east-1", "123456789012", "arn:aws:"))


def test_it_is_a_v2_pipeline_of_pushes_and_tags_with_the_whole_history() -> None:
    assert (PIPELINE["PipelineType"], PIPELINE["ExecutionMode"]) == ("V2", "SUPERSEDED")
    (trigger,) = PIPELINE["Triggers"]
    assert trigger["GitConfiguration"]["Push"] == [
        {"Branches": {"Includes": [{"Ref": "Branch"}]}},
        {"Tags": {"Includes": ["v*"]}},
    ]
    (source,) = BY_STAGE["Source"]["Actions"]
    assert source["Configuration"]["OutputArtifactFormat"] == "CODEBUILD_CLONE_REF"


def test_a_commit_goes_from_check_over_staging_and_approval_to_production() -> None:
    assert list(BY_STAGE) == STAGES
    assert {action["Name"] for action in BY_STAGE["Build"]["Actions"]} == {"Build", "Scan"}
    assert len({action.get("RunOrder", 1) for action in BY_STAGE["Build"]["Actions"]}) == 1


def test_an_action_names_what_is_called_and_nothing_else() -> None:
    called = calls()
    assert called["Check.Check"] == "test"
    assert called["Publish.Publish"] == "publish --environment ${Staging}"
    for stage in DEPLOYS:
        assert called[f"{stage}.Deploy"] == (
            f"deploy --environment ${{{stage}}} --image #{{Publish.CUTOVER_IMAGE}} --approve #{{Build.CUTOVER_VERSION}}"
        )


def test_every_variable_that_an_action_takes_is_one_that_the_buildspec_exports() -> None:
    spec = (TEMPLATES.parent / "buildspec.yml").read_text(encoding="utf-8")
    taken = set(re.findall(r"#\{\w+\.(\w+)\}", text("pipeline")))
    assert taken == {"CUTOVER_IMAGE", "CUTOVER_VERSION", "CUTOVER_DIGEST", "CUTOVER_MAJOR"}
    assert taken <= set(re.findall(r"^    - (\w+)$", spec, re.MULTILINE))


def test_what_fails_is_tried_again_and_a_deploy_goes_back() -> None:
    assert {name: stage["OnFailure"]["Result"] for name, stage in BY_STAGE.items() if "OnFailure" in stage} == {
        "Check": "RETRY", "Build": "RETRY", "Staging": "ROLLBACK", "Production": "ROLLBACK",
    }  # fmt: skip


def test_a_person_is_asked_for_a_major_version_or_always() -> None:
    condition, only_majors, always = BY_STAGE["Approval"]["BeforeEntry"]["Fn::If"]
    assert (condition, always) == ("AsksForMajorsOnly", {"Ref": "AWS::NoValue"})
    (given,) = only_majors["Conditions"]
    assert given["Result"] == "SKIP"
    (rule,) = given["Rules"]
    assert rule["Configuration"] == {"Variable": "#{Build.CUTOVER_MAJOR}", "Value": "yes", "Operator": "EQ"}


def test_each_project_has_a_role_and_a_kept_log_of_its_own_and_runs_in_private_subnets() -> None:
    projects = of_type("AWS::CodeBuild::Project")
    roles = [project["ServiceRole"]["Fn::GetAtt"][0] for project in projects.values()]
    assert len(set(roles)) == len(projects) == 6
    for project in projects.values():
        assert project["VpcConfig"]["Subnets"]["Fn::Split"][1] == {
            "Fn::ImportValue": {"Fn::Sub": "${Prefix}-BuildSubnetIds"}
        }
        log = RESOURCES[project["LogsConfig"]["CloudWatchLogs"]["GroupName"]["Ref"]]["Properties"]
        assert log["RetentionInDays"] == {"Ref": "LogRetentionInDays"}
        assert log["KmsKeyId"] == {"Fn::GetAtt": ["Key", "Arn"]}


def test_no_role_may_do_everything_and_only_a_deploy_takes_a_deployers_role() -> None:
    for name, role in of_type("AWS::IAM::Role").items():
        statements = [row for policy in role["Policies"] for row in policy["PolicyDocument"]["Statement"]]
        actions = {
            action
            for row in statements
            for action in ([row["Action"]] if isinstance(row["Action"], str) else row["Action"])
        }
        assert not any("*" in action for action in actions), name
        stars = [row["Action"] for row in statements if row["Resource"] == "*"]
        assert stars in ([], ["ecr:GetAuthorizationToken"]), name
        assert ("sts:AssumeRole" in actions) == name.startswith(DEPLOYS), name


def test_artifacts_are_encrypted_with_a_key_that_turns_and_never_sent_in_the_clear() -> None:
    assert RESOURCES["Key"]["Properties"]["EnableKeyRotation"] is True
    assert PIPELINE["ArtifactStore"]["EncryptionKey"]["Id"] == {"Fn::GetAtt": ["Key", "Arn"]}
    (statement,) = RESOURCES["BucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_a_failure_is_told_with_the_command_that_replays_it() -> None:
    rule = RESOURCES["FailedRule"]["Properties"]
    assert rule["EventPattern"]["detail"]["state"] == ["FAILED"]
    (target,) = rule["Targets"]
    assert "replay: cutover replay <build>" in target["InputTransformer"]["InputTemplate"]


@pytest.mark.parametrize("stage", DEPLOYS)
def test_a_build_host_that_died_in_a_deploy_starts_the_rollback(stage: str) -> None:
    """Not a deploy that failed: that one has gone back by itself, and a rollback after it would go further."""
    rule = RESOURCES[f"{stage}DiedRule"]["Properties"]
    assert rule["EventPattern"]["detail"] == {
        "project-name": [{"Ref": f"{stage}Project"}],
        "build-status": ["FAULT", "STOPPED", "TIMED_OUT"],
    }
    (target,) = rule["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": [f"{stage}RollbackProject", "Arn"]}
    variables = {
        row["Name"]: row["Value"]
        for row in RESOURCES[f"{stage}RollbackProject"]["Properties"]["Environment"]["EnvironmentVariables"]
    }
    assert variables["CUTOVER_CALL"] == {"Fn::Sub": f"rollback --environment ${{{stage}}} --now"}


def test_builds_go_out_by_one_address_which_the_test_listeners_admit() -> None:
    template = load("builds")
    kinds = [row["Type"] for row in template["Resources"].values()]
    assert kinds.count("AWS::EC2::NatGateway") == kinds.count("AWS::EC2::EIP") == 1
    assert template["Outputs"]["TestCidr"]["Value"] == {"Fn::Sub": "${NatAddress}/32"}


def test_the_workflows_role_is_for_one_branch_of_one_repository() -> None:
    (statement,) = load("github")["Resources"]["WorkflowRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    issuer = "token.actions.githubusercontent.com"
    assert statement["Condition"] == {
        "StringEquals": {
            f"{issuer}:aud": "sts.amazonaws.com",
            f"{issuer}:sub": {"Fn::Sub": "repo:${Repository}:ref:refs/heads/${Branch}"},
        }
    }
