"""Templates, their parameters and their order."""

from typing import Any

import pytest

from infra.local.cfn.errors import CfnError, TemplateError
from infra.local.cfn.graph import creation_order, references
from infra.local.cfn.parameters import chosen_values, typed_values
from infra.local.cfn.template import parse_template

YAML = """
AWSTemplateFormatVersion: 2010-09-09
Conditions: {Small: !Equals [!Ref Size, small]}
Parameters: {Size: {Type: String, Default: small}}
Resources:
  Thing:
    Type: AWS::Test::Thing
    Condition: Small
    Properties:
      Name: !Sub "${Size}-x"
      Arn: !GetAtt Other.Arn
      Url: !GetAtt Other.Outputs.Url
      Zones: !Select [0, !GetAZs ""]
      If: !If [Small, 1, !Ref AWS::NoValue]
  Other: {Type: AWS::Test::Thing}
"""


def test_short_tags_become_functions_and_dates_stay_text() -> None:
    template = parse_template(YAML)

    properties = template["Resources"]["Thing"]["Properties"]
    assert properties["Name"] == {"Fn::Sub": "${Size}-x"}
    assert properties["Arn"] == {"Fn::GetAtt": ["Other", "Arn"]}
    assert properties["Url"] == {"Fn::GetAtt": ["Other", "Outputs.Url"]}
    assert properties["Zones"] == {"Fn::Select": [0, {"Fn::GetAZs": ""}]}
    assert properties["If"] == {"Fn::If": ["Small", 1, {"Ref": "AWS::NoValue"}]}
    assert template["Conditions"]["Small"] == {"Fn::Equals": [{"Ref": "Size"}, "small"]}
    assert template["AWSTemplateFormatVersion"] == "2010-09-09"


def test_sections_and_properties_that_are_left_out_are_empty() -> None:
    template = parse_template('{"Resources": {"A": {"Type": "AWS::Test::Thing"}}}')

    assert (template["Parameters"], template["Outputs"]) == ({}, {})
    assert template["Resources"]["A"]["Properties"] == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", "Template format error"),
        ("just text", "unsupported structure"),
        ("Resources: {}", "At least one Resources member"),
        ("Resources: {A: {Properties: {}}}", r"\[/Resources/A\] Every Resources object must contain a Type"),
    ],
)
def test_a_malformed_template_says_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(TemplateError, match=words):
        parse_template(text)


def test_references_are_found_in_every_function() -> None:
    node = {
        "A": {"Ref": "One"},
        "B": [{"Fn::GetAtt": ["Two", "Arn"]}, {"Fn::GetAtt": "Three.Arn"}],
        "C": {"Fn::Sub": "${Four.Arn} ${!Not} ${AWS::Region}"},
        "D": {"Fn::Sub": ["${Five} ${Local}", {"Local": {"Ref": "Six"}}]},
    }

    assert set(references(node)) == {"One", "Two", "Three", "Four", "AWS::Region", "Five", "Six"}


def resources(**needs: Any) -> dict[str, Any]:
    return {name: {"Type": "T", "Properties": {}, **need} for name, need in needs.items()}


def test_what_is_referred_to_or_depended_on_comes_first() -> None:
    ordered = creation_order(
        resources(
            A={"Properties": {"X": {"Fn::Sub": "${B}"}}}, B={"DependsOn": ["C", "D"]}, C={"DependsOn": "D"}, D={}, E={}
        )
    )

    assert ordered == ["D", "C", "B", "A", "E"]


def test_a_circle_is_refused_and_its_members_named() -> None:
    with pytest.raises(TemplateError, match=r"Circular dependency between resources: \[A, B\]"):
        creation_order(resources(A={"DependsOn": "B"}, B={"DependsOn": "A"}, C={}))


def test_depending_on_what_is_not_there_is_refused() -> None:
    with pytest.raises(TemplateError, match=r"Unresolved resource dependencies \[X\]"):
        creation_order(resources(A={"DependsOn": "X"}))


DECLARED = {
    "Parameters": {
        "Name": {"Type": "String", "AllowedPattern": "[a-z]+", "MinLength": 2, "MaxLength": 4},
        "Port": {"Type": "Number", "Default": 80, "MinValue": 1, "MaxValue": 99},
        "Size": {"Type": "String", "Default": "small", "AllowedValues": ["small", "big"]},
        "Zones": {"Type": "CommaDelimitedList", "Default": "a, b"},
        "Counts": {"Type": "List<Number>", "Default": "1,2.5"},
    }
}


def given(**values: str) -> list[dict[str, Any]]:
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()]


def test_defaults_fill_in_and_types_are_followed() -> None:
    values = chosen_values(DECLARED, given(Name="abc", Port="8"), {})

    assert values == {"Name": "abc", "Port": "8", "Size": "small", "Zones": "a, b", "Counts": "1,2.5"}
    assert typed_values(DECLARED, values) == {
        "Name": "abc", "Port": 8, "Size": "small", "Zones": ["a", "b"], "Counts": [1, 2.5],
    }  # fmt: skip


def test_the_previous_value_is_kept_where_it_is_asked_for() -> None:
    asked = [{"ParameterKey": "Name", "UsePreviousValue": True}]

    assert chosen_values(DECLARED, asked, {"Name": "old"})["Name"] == "old"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, r"Parameters: \[Name\] must have values"),
        ({"Name": "abc", "X": "1"}, r"Parameters: \[X\] do not exist in the template"),
        ({"Name": "ABC"}, r"Parameter 'Name' must match pattern \[a-z\]\+"),
        ({"Name": "abcde"}, "not between MinLength and MaxLength"),
        ({"Name": "abc", "Port": "0"}, "not less than 1"),
        ({"Name": "abc", "Port": "100"}, "not greater than 99"),
        ({"Name": "abc", "Port": "x"}, "must be a number"),
        ({"Name": "abc", "Size": "huge"}, "must be one of AllowedValues"),
    ],
)
def test_a_value_against_its_constraints_is_refused(values: dict[str, str], words: str) -> None:
    with pytest.raises(CfnError, match=words):
        chosen_values(DECLARED, given(**values), {})
