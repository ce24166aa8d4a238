"""Values from outside of a template: SSM parameters, dynamic references, and parameters that are not to be shown."""

from collections.abc import Callable
from typing import Any

import pytest

from infra.local.cfn import errors
from infra.local.cfn.dynamic import resolve

Thing = Callable[..., dict[str, Any]]
Template = Callable[..., str]
SECRET = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:db-AbCdEf"


def test_a_parameter_can_name_one_of_ssms(cloud: Any, thing: Thing) -> None:
    cloud.lookups.parameters["/image"] = "one:1"
    declared = {"Image": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/image"}}

    cloud.create({"A": thing(X={"Ref": "Image"})}, Parameters=declared)

    assert cloud.types.thing.alive["A-1"] == {"X": "one:1"}
    (shown,) = cloud.described()["Parameters"]
    assert shown == {"ParameterKey": "Image", "ParameterValue": "/image", "ResolvedValue": "one:1"}


def test_ssms_value_is_looked_up_anew_by_every_update(cloud: Any, thing: Thing) -> None:
    cloud.lookups.parameters["/names"] = "a,b"
    declared = {"Names": {"Type": "AWS::SSM::Parameter::Value<List<String>>", "Default": "/names"}}
    cloud.create({"A": thing(X={"Ref": "Names"})}, Parameters=declared)
    cloud.lookups.parameters["/names"] = "a,c"

    assert cloud.update({"A": thing(X={"Ref": "Names"})}, Parameters=declared) == "UPDATE_COMPLETE"

    assert cloud.types.thing.alive["A-1"] == {"X": ["a", "c"]}


def test_an_ssm_parameter_that_is_not_there_is_refused_at_once(cloud: Any, thing: Thing) -> None:
    declared = {"P": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/none"}}

    with pytest.raises(errors.CfnError, match=r"Unable to fetch parameters \[/none\]"):
        cloud.create({"A": thing()}, Parameters=declared)


def test_a_parameter_that_is_not_to_be_shown_is_not_shown(cloud: Any, thing: Thing) -> None:
    declared = {"Password": {"Type": "String", "NoEcho": True, "Default": "hunter2"}}

    cloud.create({"A": thing(X={"Ref": "Password"})}, Parameters=declared)

    assert cloud.described()["Parameters"][0]["ParameterValue"] == "****"
    assert cloud.types.thing.alive["A-1"] == {"X": "hunter2"}


def test_dynamic_references_reach_the_resource_but_not_the_records(cloud: Any, thing: Thing) -> None:
    cloud.lookups.secrets["db", "password", ""] = "hunter2"
    reference = "{{resolve:secretsmanager:db:SecretString:password}}"

    cloud.create({"A": thing(X=[f"postgres://app:{reference}@db"])})

    assert cloud.types.thing.alive["A-1"] == {"X": ["postgres://app:hunter2@db"]}
    assert cloud.stacks.find("eu-north-1", "demo").resources["A"].properties["X"] == [f"postgres://app:{reference}@db"]


@pytest.mark.parametrize(
    ("reference", "asked"),
    [
        ("secretsmanager:db", ("db", "", "")),
        ("secretsmanager:db:SecretString", ("db", "", "")),
        ("secretsmanager:db:SecretString:user", ("db", "user", "")),
        ("secretsmanager:db:SecretString:user:AWSPREVIOUS", ("db", "user", "AWSPREVIOUS")),
        (f"secretsmanager:{SECRET}:SecretString:user::", (SECRET, "user", "")),
    ],
)
def test_a_secret_is_named_by_name_or_arn_with_key_and_stage(
    cloud: Any, reference: str, asked: tuple[str, str, str]
) -> None:
    cloud.lookups.secrets[asked] = "value"

    assert resolve({"X": f"{{{{resolve:{reference}}}}}"}, "eu-north-1", cloud.lookups) == {"X": "value"}


def test_a_parameter_of_ssm_is_resolved_with_its_version(cloud: Any) -> None:
    cloud.lookups.parameters["/a/b:2"] = "two"

    assert resolve("is {{resolve:ssm:/a/b:2}}", "eu-north-1", cloud.lookups) == "is two"


def test_validating_shows_parameters_and_the_capability_that_is_needed(
    cloud: Any, thing: Thing, template: Template
) -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "x"}}
    declared = {"P": {"Type": "String", "NoEcho": "true", "Description": "secret"}}
    body = template({"A": thing(), "Role": role}, Parameters=declared, Description="a demo")

    shown = cloud.call("ValidateTemplate", TemplateBody=body)
    summary = cloud.call("GetTemplateSummary", TemplateBody=body)

    assert shown["Parameters"] == [{"ParameterKey": "P", "DefaultValue": None, "NoEcho": True, "Description": "secret"}]
    assert (shown["Description"], shown["Capabilities"]) == ("a demo", ["CAPABILITY_NAMED_IAM"])
    assert shown["CapabilitiesReason"] == "The following resource(s) require capabilities: [AWS::IAM::Role]"
    assert summary["ResourceTypes"] == ["AWS::IAM::Role", "AWS::Test::Thing"]
    assert summary["Parameters"][0]["ParameterType"] == "String"


def test_a_stacks_own_template_can_be_summed_up(cloud: Any, thing: Thing) -> None:
    cloud.create({"A": thing()})

    assert cloud.call("GetTemplateSummary", StackName="demo")["ResourceTypes"] == ["AWS::Test::Thing"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"TimeoutInMinutes": 5}, "the option TimeoutInMinutes"),
        ({"RollbackConfiguration": {"RollbackTriggers": [{"Arn": "x"}]}}, "RollbackTriggers"),
        ({"ResourceTypes": ["AWS::EC2::*"]}, "the option ResourceTypes"),
    ],
)
def test_an_option_that_would_be_left_out_is_refused_by_name(
    cloud: Any, thing: Thing, template: Template, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(errors.NotServed, match=words):
        cloud.call("CreateStack", StackName="demo", TemplateBody=template({"A": thing()}), **given)


def test_a_transform_is_refused_by_name(cloud: Any, thing: Thing) -> None:
    with pytest.raises(errors.NotServed, match="AWS::Serverless-2016-10-31"):
        cloud.create({"A": thing()}, Transform="AWS::Serverless-2016-10-31")
    cloud.create({"A": thing(X={"Fn::Length": [1, 2]})}, Transform="AWS::LanguageExtensions")
    assert cloud.types.thing.alive["A-1"] == {"X": 2}
