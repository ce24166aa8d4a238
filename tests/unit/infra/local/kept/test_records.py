"""moto's backends and our records, written and read back."""

import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.core.base_backend import BackendDict

from infra.local.cfn.errors import CfnError
from infra.local.cfn.stack import Plan, Stack
from infra.local.kept import records

ACCOUNT, REGION = "123456789012", "eu-north-1"
KEYS = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
TRUST = '{"Version": "2012-10-17", "Statement": []}'


@pytest.fixture
def aws() -> Iterator[Any]:
    """`aws(service)`: a client of moto in this process."""
    with mock_aws():
        yield lambda service: boto3.client(service, region_name=REGION, **KEYS)


def test_what_moto_remembers_is_there_again(aws: Any) -> None:
    aws("sqs").create_queue(QueueName="queue")
    aws("ssm").put_parameter(Name="/name", Value="value", Type="String")
    certificate = aws("acm").request_certificate(DomainName="a.example.com")["CertificateArn"]
    key = aws("kms").create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    aws("iam").create_role(RoleName="role", AssumeRolePolicyDocument=TRUST)
    written = records.dump({"own": 1})
    BackendDict.reset()

    assert records.load(written) == {"own": 1}

    assert aws("sqs").get_queue_url(QueueName="queue")["QueueUrl"].endswith("/queue")
    assert aws("ssm").get_parameter(Name="/name")["Parameter"]["Value"] == "value"
    assert aws("acm").describe_certificate(CertificateArn=certificate)["Certificate"]["DomainName"] == "a.example.com"
    assert aws("kms").sign(KeyId=key, Message=b"text", SigningAlgorithm="RSASSA_PSS_SHA_256")["Signature"]
    assert aws("iam").get_role(RoleName="role")["Role"]["RoleName"] == "role"


def test_what_referred_to_a_backend_and_its_records_still_does(aws: Any) -> None:
    vpc = aws("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    backend = records.backend("ec2", ACCOUNT, REGION)
    written = records.dump({"vpc": backend.vpcs[vpc]})

    own = records.load(written)

    assert own["vpc"] is backend.vpcs[vpc]
    assert own["vpc"].ec2_backend is backend


def test_a_backend_that_cannot_be_written_is_left_out_with_a_warning(
    aws: Any, caplog: pytest.LogCaptureFixture
) -> None:
    aws("ssm").put_parameter(Name="/name", Value="value", Type="String")
    aws("sqs").create_queue(QueueName="queue")
    records.backend("sqs", ACCOUNT, REGION).queues["queue"].odd = threading.Thread()
    records.backend("sqs", ACCOUNT, REGION).queues["queue"].odder = (each for each in ())
    written = records.dump({})
    BackendDict.reset()

    records.load(written)

    assert "the records of sqs in eu-north-1 are not kept" in caplog.text
    assert aws("ssm").get_parameter(Name="/name")["Parameter"]["Value"] == "value"


@pytest.mark.parametrize("damaged", [b"", b"nothing", b"\x80\x05}."])
def test_damaged_records_raise_one_of_the_named_errors(damaged: bytes) -> None:
    with pytest.raises(records.UNREADABLE):
        records.load(damaged)


def test_stacks_are_equal_afterwards() -> None:
    stack = Stack("id", "name", REGION, 1.0, Plan({"Resources": {}}, "text", {}), "CREATE_COMPLETE")
    stack.record(1.0, "a", "b", "T", "CREATE_COMPLETE", str(CfnError("reason")))

    assert records.load(records.dump({"stacks": [stack]}))["stacks"] == [stack]
