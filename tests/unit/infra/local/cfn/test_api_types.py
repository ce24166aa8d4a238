"""Resource types that are made or removed by calls of their service's API."""

import itertools
import json
from typing import Any

import pytest

from infra.local.cfn.errors import ResourceFailed
from infra.local.cfn.resources.api import ApiType, RemovedByApi, SecretType
from infra.local.cfn.resources.base import Made, Place
from infra.local.cfn.resources.registry import ResourceTypes

PLACE = Place("123456789012", "eu-north-1", "arn:stack", "demo")
Call = tuple[str, dict[str, Any]]


class FakeApi:
    """Writes calls down, and answers from `answers`."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answers: dict[str, dict[str, Any]] = {}

    def __call__(self, region: str, service: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((f"{service} {operation}", given))
        return self.answers.get(operation, {})


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def types(api: FakeApi) -> ResourceTypes:
    nothing: Any = None
    numbers = itertools.count(1)
    return ResourceTypes(nothing, nothing, nothing, api, lambda: str(next(numbers)))


def test_a_metric_filter_is_put_changed_and_removed_by_its_name(types: ResourceTypes, api: FakeApi) -> None:
    kind = types.get("AWS::Logs::MetricFilter")
    assert isinstance(kind, ApiType)

    made = kind.create(PLACE, "Errors", {"LogGroupName": "/app", "FilterPattern": "ERROR"})
    kind.update(PLACE, made, {}, {"LogGroupName": "/app", "FilterPattern": 500})

    name = "demo-Errors-1"
    assert api.calls == [
        ("logs PutMetricFilter", {"logGroupName": "/app", "filterPattern": "ERROR", "filterName": name}),
        ("logs PutMetricFilter", {"logGroupName": "/app", "filterPattern": "500", "filterName": name}),
    ]
    assert kind.replaces({"FilterPattern": "a"}, {"FilterPattern": "b"}) is False
    assert kind.replaces({"FilterName": "a"}, {"FilterName": "b"}) is True


def test_a_property_that_the_api_does_not_have_fails_the_resource(types: ResourceTypes, api: FakeApi) -> None:
    with pytest.raises(ValueError, match="unsupported property Pattern"):
        types.get("AWS::Logs::MetricFilter").create(PLACE, "Errors", {"Pattern": "x"})
    assert api.calls == []


def test_a_metric_filter_stays_with_its_log_group(types: ResourceTypes, api: FakeApi) -> None:
    kind = types.get("AWS::Logs::MetricFilter")
    properties = {"FilterName": "errors", "LogGroupName": "/app", "FilterPattern": "ERROR"}

    kind.delete(PLACE, kind.create(PLACE, "Errors", properties), properties)

    assert api.calls[1] == ("logs DeleteMetricFilter", {"filterName": "errors", "logGroupName": "/app"})
    assert kind.replaces(properties, {**properties, "LogGroupName": "/other"}) is True
    with pytest.raises(AttributeError):
        kind.attribute(Made("errors"), "Arn")


class TestSecret:
    @pytest.fixture
    def kind(self, types: ResourceTypes, api: FakeApi) -> SecretType:
        api.answers = {"CreateSecret": {"ARN": "arn:secret"}, "GetRandomPassword": {"RandomPassword": "xyz"}}
        kind = types.get("AWS::SecretsManager::Secret")
        assert isinstance(kind, SecretType)
        return kind

    def test_a_given_value_is_stored_and_the_ref_is_the_arn(self, kind: SecretType, api: FakeApi) -> None:
        made = kind.create(PLACE, "Secret", {"SecretString": "s", "Description": "d"})

        assert made.physical_id == kind.attribute(made, "Id") == "arn:secret"
        given = {"Description": "d", "SecretString": "s", "Name": "demo-Secret-1"}
        assert api.calls == [("secretsmanager CreateSecret", given)]

    def test_a_generated_value_is_put_into_its_template(self, kind: SecretType, api: FakeApi) -> None:
        generate = {"SecretStringTemplate": '{"user": "app"}', "GenerateStringKey": "password", "PasswordLength": 8}

        kind.create(PLACE, "Secret", {"GenerateSecretString": generate})

        assert api.calls[0] == ("secretsmanager GetRandomPassword", {"PasswordLength": 8})
        assert json.loads(api.calls[1][1]["SecretString"]) == {"user": "app", "password": "xyz"}

    def test_an_update_of_something_else_keeps_the_value(self, kind: SecretType, api: FakeApi) -> None:
        old: dict[str, Any] = {"GenerateSecretString": {}}

        kind.update(PLACE, Made("arn:secret"), old, {**old, "Description": "new"})

        assert api.calls == [("secretsmanager UpdateSecret", {"Description": "new", "SecretId": "arn:secret"})]

    def test_it_goes_without_a_recovery_window(self, kind: SecretType, api: FakeApi) -> None:
        kind.delete(PLACE, Made("arn:secret"), {})

        given = {"SecretId": "arn:secret", "ForceDeleteWithoutRecovery": True}
        assert api.calls == [("secretsmanager DeleteSecret", given)]

    def test_a_value_is_given_or_generated_not_both(self, kind: SecretType) -> None:
        with pytest.raises(ResourceFailed, match="both"):
            kind.create(PLACE, "Secret", {"SecretString": "s", "GenerateSecretString": {}})


def test_a_managed_policy_is_detached_before_it_goes(types: ResourceTypes, api: FakeApi) -> None:
    api.answers["ListEntitiesForPolicy"] = {
        "PolicyRoles": [{"RoleName": "r"}], "PolicyUsers": [], "PolicyGroups": [{"GroupName": "g"}],
    }  # fmt: skip
    kind = types.get("AWS::IAM::ManagedPolicy")
    assert isinstance(kind, RemovedByApi)

    kind.delete(PLACE, Made("arn:policy"), {})

    assert [name for name, _ in api.calls] == [
        "iam ListEntitiesForPolicy", "iam DetachRolePolicy", "iam DetachGroupPolicy", "iam DeletePolicy",
    ]  # fmt: skip
