"""Intrinsic functions."""

from typing import Any

import pytest

from infra.local.cfn.errors import TemplateError
from infra.local.cfn.evaluate import Scope, evaluate, named_condition

CONDITIONS = {
    "Yes": {"Fn::Equals": [{"Ref": "Stage"}, "demo"]},
    "No": {"Fn::Not": [{"Condition": "Yes"}]},
    "Both": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]},
    "Either": {"Fn::Or": [{"Condition": "Yes"}, {"Condition": "No"}]},
    "Odd": {"Fn::Xor": []},
}


def ref(name: str) -> str:
    if name != "Thing":
        raise TemplateError(f"Unresolved resource dependencies [{name}]")
    return "thing-1"


@pytest.fixture
def scope() -> Scope:
    return Scope(
        parameters={"Stage": "demo", "Port": 80, "Names": ["a", "b"]},
        pseudo={"AWS::Region": "eu-north-1", "AWS::Partition": "aws"},
        conditions=CONDITIONS,
        mappings={"Sizes": {"demo": {"cpu": 256}}},
        exports={"net-VpcId": "vpc-1"},
        ref=ref,
        attribute=lambda name, attribute: f"{name}.{attribute}",
    )


@pytest.mark.parametrize(
    ("node", "value"),
    [
        ("plain", "plain"),
        ({"Ref": "Stage"}, "demo"),
        ({"Ref": "Port"}, 80),
        ({"Ref": "AWS::Region"}, "eu-north-1"),
        ({"Ref": "Thing"}, "thing-1"),
        ({"Fn::GetAtt": ["Thing", "Arn"]}, "Thing.Arn"),
        ({"Fn::GetAtt": "Thing.Outputs.Url"}, "Thing.Outputs.Url"),
        ({"Fn::Sub": "${Stage}-${AWS::Region}-${Thing}"}, "demo-eu-north-1-thing-1"),
        ({"Fn::Sub": "${Thing.Arn}:${Port}"}, "Thing.Arn:80"),
        ({"Fn::Sub": "${!Stage} ${Stage}"}, "${Stage} demo"),
        ({"Fn::Sub": ["${X}-${Stage}", {"X": {"Ref": "Port"}}]}, "80-demo"),
        ({"Fn::Join": [",", [{"Ref": "Stage"}, "x"]]}, "demo,x"),
        ({"Fn::Join": ["-", {"Ref": "Names"}]}, "a-b"),
        ({"Fn::Split": [",", "a,b"]}, ["a", "b"]),
        ({"Fn::Select": [1, {"Fn::Split": [",", "a,b"]}]}, "b"),
        ({"Fn::Select": ["0", {"Ref": "Names"}]}, "a"),
        ({"Fn::If": ["Yes", "on", "off"]}, "on"),
        ({"Fn::If": ["No", "on", "off"]}, "off"),
        ({"Fn::ImportValue": {"Fn::Sub": "net-VpcId"}}, "vpc-1"),
        ({"Fn::GetAZs": ""}, ["eu-north-1a", "eu-north-1b", "eu-north-1c"]),
        ({"Fn::GetAZs": {"Ref": "AWS::Region"}}, ["eu-north-1a", "eu-north-1b", "eu-north-1c"]),
        ({"Fn::GetAZs": "us-east-1"}, ["us-east-1a", "us-east-1b", "us-east-1c"]),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "cpu"]}, 256),
        ({"Fn::Base64": "hello"}, "aGVsbG8="),
        ({"Fn::FindInMap": ["Sizes", "x", "cpu", {"DefaultValue": {"Ref": "Port"}}]}, 80),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"Fn::Cidr": ["10.0.0.0/24", "2", "5"]}, ["10.0.0.0/27", "10.0.0.32/27"]),
        ({"Fn::Cidr": ["fd00::/48", 1, 64]}, ["fd00::/64"]),
        ({"Fn::Length": {"Ref": "Names"}}, 2),
        ({"Fn::ToJsonString": {"Port": {"Ref": "Port"}}}, '{"Port":80}'),
        ({"A": [{"Ref": "Stage"}, 1, True]}, {"A": ["demo", 1, True]}),
        ({"A": {"Ref": "AWS::NoValue"}, "B": 1}, {"B": 1}),
        ([{"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}, 2], [2]),
    ],
)
def test_functions_have_the_values_of_the_reference(scope: Scope, node: Any, value: Any) -> None:
    assert evaluate(node, scope) == value


@pytest.mark.parametrize(("name", "value"), [("Yes", True), ("No", False), ("Both", False), ("Either", True)])
def test_conditions_combine(scope: Scope, name: str, value: bool) -> None:
    assert named_condition(name, scope) is value


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ({"Ref": "None"}, "Unresolved resource dependencies"),
        ({"Fn::ImportValue": "none"}, "No export named none found"),
        ({"Fn::Select": [5, ["a"]]}, "nonexistent value at index 5"),
        ({"Fn::FindInMap": ["Sizes", "x", "cpu"]}, "Unable to get mapping for Sizes::x::cpu"),
        ({"Fn::If": ["None", 1, 2]}, "unresolved condition dependency None"),
        ({"Fn::If": ["Odd", 1, 2]}, "Fn::Xor is no condition function"),
        ({"Fn::Rotate": [1]}, "does not know the function Fn::Rotate"),
        ({"Fn::Transform": {"Name": "Include"}}, "has no transforms"),
        ({"Fn::Cidr": ["10.0.0.0/16", 3, 15]}, "does not hold 3 blocks"),
        ({"Fn::Cidr": ["no address", 3, 8]}, "Fn::Cidr: "),
    ],
)
def test_what_cannot_be_evaluated_says_why(scope: Scope, node: Any, words: str) -> None:
    with pytest.raises(TemplateError, match=words):
        evaluate(node, scope)
