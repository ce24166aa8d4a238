"""Provisioning through change sets, on CloudFormation in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ci.ecs import errors
from ci.ecs.change_sets import WAIT_S as CHANGE_SET_WAIT_S
from ci.ecs.names import Names
from ci.ecs.provision import Settings, provision
from ci.ecs.stacks import STACK_WAIT_S, Outcome, declared

NAMES = Names("cutover", "demo")
STACKS = ["cutover-registry", *(f"cutover-demo-{concern}" for concern in ("network", "roles", "ingress", "evidence"))]
PARAMETERS = ["Prefix", "Environment", "ContainerPort", "HealthCheckPath", "TestCidr", "DeregistrationDelay"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    for concern in ("registry", "network", "roles", "ingress", "evidence"):
        text = "Parameters:\n" + "".join(f"  {name}:\n    Type: String\n" for name in PARAMETERS)
        (tmp_path / f"{concern}.yaml").write_text(text, encoding="utf-8")
    return Settings(NAMES, tmp_path, 8080, "/health")


def run(world: Any, settings: Settings, dry_run: bool = False) -> list[Outcome]:
    return list(provision(world.aws, settings, dry_run=dry_run))


def test_the_stacks_are_created_in_the_order_in_which_they_need_each_other(world: Any, settings: Settings) -> None:
    assert [(each.stack, each.done) for each in run(world, settings)] == [(name, "created") for name in STACKS]
    made = [call["StackName"] for call in world.clients["cloudformation"].called("create_change_set")]
    assert made == STACKS


def test_a_second_time_nothing_changes_and_nothing_is_left_behind(world: Any, settings: Settings) -> None:
    run(world, settings)
    world.clients["cloudformation"].calls.clear()
    assert {each.done for each in run(world, settings)} == {"unchanged"}
    assert world.clients["cloudformation"].called("execute_change_set") == []
    assert len(world.clients["cloudformation"].called("delete_change_set")) == 5


def test_a_change_names_the_resources_and_what_is_replaced(world: Any, settings: Settings) -> None:
    run(world, settings)
    changed = Settings(NAMES, settings.templates, 9090, "/health")
    outcomes = {each.stack: each for each in run(world, changed)}
    assert outcomes["cutover-demo-roles"].done == "unchanged"
    assert outcomes["cutover-demo-network"].done == "updated"
    assert outcomes["cutover-demo-network"].changes == ("modify First", "modify Second (replaced)")


def test_a_dry_run_says_what_would_be_and_leaves_no_change_set(world: Any, settings: Settings) -> None:
    assert {each.done for each in run(world, settings, dry_run=True)} == {"would be created"}
    run(world, settings)
    changed = Settings(NAMES, settings.templates, 9090, "/health")
    assert [each.done for each in run(world, changed, dry_run=True)][1] == "would change"
    assert world.cfn.stacks["cutover-demo-network"]["parameters"]["ContainerPort"] == "8080"


def test_parameters_that_are_not_given_keep_their_values(world: Any, settings: Settings) -> None:
    run(world, settings)
    world.cfn.stacks["cutover-demo-ingress"]["parameters"] |= {"DeregistrationDelay": "5", "Dropped": "x"}
    changed = Settings(NAMES, settings.templates, 9090, "/health")
    run(world, changed)
    given = world.clients["cloudformation"].called("create_change_set")[-2]["Parameters"]
    assert {"ParameterKey": "DeregistrationDelay", "UsePreviousValue": True} in given
    assert "Dropped" not in {each["ParameterKey"] for each in given}


def test_who_may_reach_the_test_listener_is_only_told_when_it_is_said(world: Any, settings: Settings) -> None:
    assert "TestCidr" not in settings.parameters("network")
    told = Settings(NAMES, settings.templates, 8080, "/health", test_cidr="10.0.0.1/32")
    assert told.parameters("network")["TestCidr"] == "10.0.0.1/32"


def test_it_refuses_while_a_deployment_is_under_way(world: Any, settings: Settings) -> None:
    told = {"Image": "r@sha256:1", "ContainerPort": "80", "Version": "1", "Commit": "c", "ImageDigest": "sha256:1"}
    world.ecs.born(told)
    with pytest.raises(errors.DeploymentUnderWay, match="dep1000"):
        run(world, settings)
    assert world.clients["cloudformation"].calls == []


def test_the_rest_of_a_failed_creation_is_deleted_and_created_again(world: Any, settings: Settings) -> None:
    world.cfn.add("cutover-demo-network", "ROLLBACK_COMPLETE")
    assert run(world, settings, dry_run=True)[1].done == "would be deleted and created again"
    assert run(world, settings)[1].done == "created again, after a failed creation"


def test_a_stack_that_was_only_reviewed_is_created(world: Any, settings: Settings) -> None:
    world.cfn.add("cutover-demo-network", "REVIEW_IN_PROGRESS")
    assert run(world, settings)[1].done == "created"


def test_a_stack_that_somebody_is_changing_is_waited_for(world: Any, settings: Settings) -> None:
    world.cfn.add("cutover-registry", "UPDATE_IN_PROGRESS", Prefix="cutover")
    world.cfn.ways["cutover-registry"] = ["UPDATE_COMPLETE"]
    assert run(world, settings)[0].done == "unchanged"


def test_a_stack_that_does_not_settle_is_given_up_on(world: Any, settings: Settings) -> None:
    world.cfn.add("cutover-registry", "UPDATE_IN_PROGRESS")
    with pytest.raises(errors.StackBusy, match="UPDATE_IN_PROGRESS after 45 minutes"):
        run(world, settings)
    assert world.now > STACK_WAIT_S


def test_a_stack_that_only_a_person_can_repair_is_refused(world: Any, settings: Settings) -> None:
    world.cfn.add("cutover-registry", "UPDATE_ROLLBACK_FAILED")
    with pytest.raises(errors.StackStuck, match="by hand"):
        run(world, settings)


def test_the_rest_of_a_failed_creation_that_cannot_be_deleted_is_refused(world: Any, settings: Settings) -> None:
    world.cfn.add("cutover-registry", "ROLLBACK_COMPLETE")
    world.cfn.delete_stack = lambda StackName: world.cfn.add(StackName, "DELETE_FAILED")
    with pytest.raises(errors.StackStuck, match="DELETE_FAILED"):
        run(world, settings)


def test_each_failed_resource_is_one_line_and_the_cancelled_ones_none(world: Any, settings: Settings) -> None:
    world.cfn.fails["cutover-demo-network"] = [
        ("Vpc", "AWS::EC2::VPC", "The maximum number of VPCs\nhas been reached."),
        ("Bucket", "AWS::S3::Bucket", "Resource creation cancelled"),
    ]
    with pytest.raises(errors.StackFailed, match="ROLLBACK_COMPLETE: Vpc"):
        run(world, settings)
    failed = [line for line in world.lines if ": failed " in line]
    assert failed == ["cutover-demo-network: failed Vpc (AWS::EC2::VPC): The maximum number of VPCs has been reached"]


def test_a_failed_update_says_how_the_stack_ended(world: Any, settings: Settings) -> None:
    run(world, settings)
    world.cfn.fails["cutover-demo-network"] = [("Vpc", "AWS::EC2::VPC", "no")]
    with pytest.raises(errors.StackFailed, match="UPDATE_ROLLBACK_COMPLETE"):
        run(world, Settings(NAMES, settings.templates, 9090, "/health"))


def test_a_change_set_that_cannot_be_made_says_why(world: Any, settings: Settings) -> None:
    world.cfn.refuses["cutover-registry"] = "No export named x found."
    with pytest.raises(errors.ChangeSetFailed, match="No export named x found"):
        run(world, settings)


def test_a_creation_of_nothing_is_refused(world: Any, settings: Settings) -> None:
    world.cfn.refuses["cutover-registry"] = "No updates are to be performed."
    with pytest.raises(errors.ChangeSetFailed, match="nothing to create"):
        run(world, settings)


def test_a_change_set_that_never_comes_is_given_up_on(world: Any, settings: Settings) -> None:
    world.cfn.describe_change_set = lambda **_: {"Status": "CREATE_IN_PROGRESS"}
    with pytest.raises(errors.StackBusy):
        run(world, settings)
    assert world.now > CHANGE_SET_WAIT_S


def test_a_missing_template_is_named(world: Any, tmp_path: Path) -> None:
    with pytest.raises(errors.TemplateMissing, match=r"registry\.yaml"):
        run(world, Settings(NAMES, tmp_path, 8080, "/health"))


def test_what_aws_refuses_is_not_taken_for_a_missing_stack(world: Any, settings: Settings) -> None:
    world.clients["cloudformation"].faults["describe_stacks"] = [world.error("DescribeStacks", "AccessDenied")]
    with pytest.raises(errors.AwsFault):
        run(world, settings)


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("Resources:\n  A:\n", set()),
        ("Parameters: {}\nResources:\n  A:\n", set()),
        ("Parameters:\n  # why\n  A:\n    Type: String\n\n  B: {Type: String}\nResources:\n  C:\n", {"A", "B"}),
        ("Description: x\nParameters:\n    Wide:\n        Type: String", {"Wide"}),
    ],
)
def test_a_templates_parameters_are_read_from_its_text(body: str, names: set[str]) -> None:
    assert declared(body) == names


BUCKET = {"ResourceType": "AWS::S3::Bucket"}
RULE = {"ResourceType": "AWS::ElasticLoadBalancingV2::ListenerRule", "Replacement": "False"}


def changed(world: Any, settings: Settings, second: dict[str, Any]) -> Settings:
    """The stacks exist, and the next change of theirs has `second` in it."""
    run(world, settings)
    world.cfn.second = second
    return Settings(NAMES, settings.templates, 9090, "/health")


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (BUCKET, "replace Second"),
        (BUCKET | {"Replacement": "Conditional"}, "perhaps replace Second"),
        (BUCKET | {"Action": "Remove", "Replacement": "False"}, "remove Second"),
    ],
)
def test_what_holds_data_or_traffic_is_replaced_only_with_leave(
    world: Any, settings: Settings, second: dict[str, Any], words: str
) -> None:
    settings = changed(world, settings, second)
    with pytest.raises(errors.ReplacementRefused, match=f"cutover-demo-network would {words}, which holds") as caught:
        run(world, settings)
    assert caught.value.code == errors.REFUSED
    assert world.cfn.stacks["cutover-demo-network"]["parameters"]["ContainerPort"] == "8080"
    assert run(world, settings, dry_run=True)[1].done == "would be refused"
    assert list(provision(world.aws, settings, may_replace=True))[1].done == "updated"


@pytest.mark.parametrize("kind", ["AWS::S3::Bucket", "AWS::IAM::Role"])
def test_other_changes_need_no_leave(world: Any, settings: Settings, kind: str) -> None:
    replacement = "False" if kind == "AWS::S3::Bucket" else "True"
    settings = changed(world, settings, {"ResourceType": kind, "Replacement": replacement})
    assert run(world, settings)[1].done == "updated"


def test_a_rules_actions_are_never_edited(world: Any, settings: Settings) -> None:
    """ECS owns the weights: not even with leave."""
    settings = changed(world, settings, RULE | {"Details": [{"Target": {"Name": "Actions"}}]})
    with pytest.raises(errors.RulesAreOwnedByEcs, match="the actions of Second"):
        list(provision(world.aws, settings, may_replace=True))
    assert world.cfn.stacks["cutover-demo-network"]["parameters"]["ContainerPort"] == "8080"


def test_a_rules_priority_may_be_edited(world: Any, settings: Settings) -> None:
    settings = changed(world, settings, RULE | {"Details": [{"Target": {"Name": "Priority"}}]})
    assert run(world, settings)[1].done == "updated"
