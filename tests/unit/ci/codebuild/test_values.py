"""Where a build's variables come from."""

from pathlib import Path

import pytest

from ci.codebuild.buildspec import Variables
from ci.codebuild.checkout import Checkout
from ci.codebuild.errors import NoValueError
from ci.codebuild.values import Given, NoSuchValueError, NoVault, Values, codebuild, fetched

ARN = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:shop/token-a1b2c3"


class Vault:
    """Two parameters and a secret of two versions."""

    def parameter(self, name: str) -> str:
        try:
            return {"/shop/level": "debug", "/shop/other": "info"}[name]
        except KeyError as error:
            raise NoSuchValueError("ParameterNotFound") from error

    def secret(self, name: str, stage: str, version: str) -> str:
        if name not in ("shop/token", ARN):
            raise NoSuchValueError("ResourceNotFoundException")
        return '{"key": "%s", "count": 3}' % (stage or version or "current")


def test_the_projects_variables_stand_over_fetched_ones_and_these_over_the_buildspecs() -> None:
    variables = Variables(plain={"A": "1", "B": "2", "C": "3"}, parameters={"B": "/shop/level", "C": "/shop/level"})
    found = fetched(variables, Given(variables={"C": "given"}, parameters={"A": "/shop/other"}), Vault())
    assert found == Values({"A": "info", "B": "debug", "C": "given"})


@pytest.mark.parametrize(
    ("reference", "value"),
    [
        ("shop/token", '{"key": "current", "count": 3}'),
        ("shop/token:key", "current"),
        ("shop/token:count", "3"),
        ("shop/token:key:AWSPREVIOUS", "AWSPREVIOUS"),
        ("shop/token:key::v2", "v2"),
        (f"{ARN}:key:AWSPREVIOUS", "AWSPREVIOUS"),
        (ARN, '{"key": "current", "count": 3}'),
    ],
)
def test_a_secret_is_named_by_id_key_stage_and_version(reference: str, value: str) -> None:
    found = fetched(Variables(secrets={"TOKEN": reference}), Given(), Vault())
    assert found == Values({"TOKEN": value}, (value,))


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        (Variables(parameters={"A": "/no"}), "A cannot be fetched from Parameter Store (/no): ParameterNotFound"),
        (
            Variables(secrets={"A": "no:key"}),
            "A cannot be fetched from Secrets Manager (no): ResourceNotFoundException",
        ),
        (
            Variables(secrets={"A": "shop/token:kex"}),
            "A cannot be fetched from Secrets Manager (shop/token): it has no JSON key 'kex'",
        ),
    ],
)
def test_a_value_that_is_not_there_is_told_with_its_place(variables: Variables, told: str) -> None:
    with pytest.raises(NoValueError) as caught:
        fetched(variables, Given(), Vault())
    assert str(caught.value) == f"the variable {told}"


def test_without_aws_nothing_can_be_fetched() -> None:
    with pytest.raises(NoValueError, match="there is no AWS: name one with --aws"):
        fetched(Variables(secrets={"A": "shop/token"}), Given(), NoVault())


def test_codebuilds_own_variables_tell_of_commit_and_build() -> None:
    source = Checkout(Path("/work/src"), "ab12" * 10, "/home/me/shop")
    found = codebuild(Given(project="shop-check", region="us-east-1"), "1-2-3", source, 17.5)
    assert found["CODEBUILD_BUILD_ID"] == "shop-check:1-2-3"
    assert found["CODEBUILD_BUILD_ARN"] == "arn:aws:codebuild:us-east-1:123456789012:build/shop-check:1-2-3"
    assert found["CODEBUILD_RESOLVED_SOURCE_VERSION"] == source.commit
    assert found["CODEBUILD_SRC_DIR"] == "/work/src"
    assert found["CODEBUILD_START_TIME"] == "17500"
    assert found["AWS_REGION"] == found["AWS_DEFAULT_REGION"] == "us-east-1"
