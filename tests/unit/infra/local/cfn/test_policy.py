"""Stack policies: what they allow, and what becomes of an update that they refuse."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.local.cfn import errors
from infra.local.cfn.policy import DELETE, MODIFY, REPLACE, parse_policy

Thing = Callable[..., dict[str, Any]]
Template = Callable[..., str]


def statement(effect: str, action: Any = "Update:*", **members: Any) -> dict[str, Any]:
    resource = {} if "NotResource" in members else {"Resource": "*"}
    return {"Effect": effect, "Action": action, "Principal": "*", **resource, **members}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Statement": list(statements)})


ALLOW = statement("Allow")
DENY_A = statement("Deny", Resource="LogicalResourceId/A")


@pytest.mark.parametrize(
    ("statements", "action", "logical_id", "allowed"),
    [
        ([ALLOW], MODIFY, "A", True),
        ([ALLOW, DENY_A], MODIFY, "A", False),
        ([DENY_A, ALLOW], MODIFY, "A", False),
        ([ALLOW, DENY_A], MODIFY, "B", True),
        ([DENY_A], MODIFY, "B", False),
        ([ALLOW, statement("Deny", "Update:Replace")], MODIFY, "A", True),
        ([ALLOW, statement("Deny", ["Update:Replace", "Update:Delete"])], DELETE, "A", False),
        ([ALLOW, statement("Deny", Resource="LogicalResourceId/Prod*")], REPLACE, "ProdDb", False),
        ([statement("Allow", NotResource="LogicalResourceId/A")], MODIFY, "A", False),
        ([statement("Allow", NotResource="LogicalResourceId/A")], MODIFY, "B", True),
        ([ALLOW, statement("Deny", Condition={"StringEquals": {"ResourceType": ["AWS::Test::Thing"]}})], MODIFY, "A",
         False),
        ([ALLOW, statement("Deny", Condition={"StringLike": {"ResourceType": "AWS::EC2::*"}})], MODIFY, "A", True),
    ],
)  # fmt: skip
def test_what_no_statement_allows_is_denied_and_a_deny_wins(
    statements: list[dict[str, Any]], action: str, logical_id: str, allowed: bool
) -> None:
    assert (parse_policy(policy(*statements)).refusal(action, logical_id, "AWS::Test::Thing") is None) is allowed


@pytest.mark.parametrize(
    "text", ["nonsense", "{}", '{"Statement": [1]}', policy(statement("Maybe")), policy(statement("Deny", "s3:Get*"))]
)
def test_a_malformed_policy_is_refused(text: str) -> None:
    with pytest.raises(errors.CfnError, match="Invalid stack policy"):
        parse_policy(text)


def test_a_refused_update_is_rolled_back_with_awss_words(cloud: Any, thing: Thing) -> None:
    cloud.create({"B": thing(X=1), "A": thing(X=1)})
    cloud.call("SetStackPolicy", StackName="demo", StackPolicyBody=policy(ALLOW, DENY_A))

    assert cloud.update({"B": thing(X=2), "A": thing(X=2)}) == "UPDATE_ROLLBACK_COMPLETE"

    assert cloud.log == ["create B-1", "create A-2", "update B-1", "update B-1"]
    events = cloud.call("DescribeStackEvents", StackName="demo")["StackEvents"]
    (refused,) = [each for each in events if each["ResourceStatus"] == "UPDATE_FAILED"]
    assert refused["ResourceStatusReason"] == (
        "Action denied by stack policy: Statement [#2] does not allow [Update:Modify] "
        "for resource [LogicalResourceId/A];"
    )


@pytest.mark.parametrize(
    ("action", "resources"),
    [("Update:Replace", {"A": {"Type": "AWS::Test::Thing", "Properties": {"Fixed": 2}}}), ("Update:Delete", {})],
)
def test_replacing_and_removing_are_judged_before_anything_is_lost(
    cloud: Any, thing: Thing, action: str, resources: dict[str, Any]
) -> None:
    cloud.create({"A": thing(Fixed=1), "B": thing()})
    cloud.call("SetStackPolicy", StackName="demo", StackPolicyBody=policy(ALLOW, statement("Deny", action)))

    assert cloud.update({**resources, "B": thing(X=1)}) == "UPDATE_ROLLBACK_COMPLETE"

    assert set(cloud.types.thing.alive) == {"A-1", "B-2"}


def test_a_policy_comes_with_the_stack_and_can_be_lifted_for_one_update(
    cloud: Any, thing: Thing, template: Template
) -> None:
    body = template({"A": thing(X=1)})
    cloud.call("CreateStack", StackName="demo", TemplateBody=body, StackPolicyBody=policy(DENY_A))
    assert cloud.update({"A": thing(X=2)}) == "UPDATE_ROLLBACK_COMPLETE"

    body = template({"A": thing(X=3)})
    cloud.call("UpdateStack", StackName="demo", TemplateBody=body, StackPolicyDuringUpdateBody=policy(ALLOW))

    assert cloud.status() == "UPDATE_COMPLETE"
    assert cloud.call("GetStackPolicy", StackName="demo") == {"StackPolicyBody": policy(DENY_A)}


def test_a_stack_without_a_policy_has_none(cloud: Any, thing: Thing) -> None:
    cloud.create({"A": thing()})

    assert cloud.call("GetStackPolicy", StackName="demo") == {}
