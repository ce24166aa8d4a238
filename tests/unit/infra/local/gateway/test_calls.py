"""Calls: the operation and the input of a request in each of AWS's protocols, and errors in the same."""

import io
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.parsers import create_parser
from moto.core.utils import get_service_model

from infra.local.gateway.calls import Call, identify
from infra.local.gateway.failures import failure
from infra.local.gateway.http import ask, read_request


def made(service: str, method: str = "POST", path: str = "/", body: bytes = b"", query: str = "", **more: str) -> Any:
    """A request signed for the service."""
    credential = f"Credential=AKIAEXAMPLE/20260101/eu-north-1/{service}/aws4_request"
    return read_request(
        {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "wsgi.input": io.BytesIO(body),
            "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0",
            **more,
        }
    )


def identified(*given: Any, **more: Any) -> Call:
    call = identify(made(*given, **more))
    assert call is not None
    return call


def test_the_json_protocol_names_the_operation_in_a_header() -> None:
    call = identified("ecs", body=b'{"cluster":"c"}', HTTP_X_AMZ_TARGET="AmazonEC2ContainerServiceV20141113.ListTasks")

    assert call == Call("ecs", "ListTasks", "json", "eu-north-1", {"cluster": "c"})
    assert call.action == "ecs:ListTasks"


@pytest.mark.parametrize("body", [b"{", b"[]", b""])
def test_a_body_that_is_no_object_has_no_parameters(body: bytes) -> None:
    assert identified("ecs", body=body, HTTP_X_AMZ_TARGET="X.ListTasks").parameters == {}


def test_the_query_protocol_names_it_in_the_form() -> None:
    form = urlencode({"Action": "ModifyRule", "RuleArn": "arn:rule", "Actions.member.1.Type": "forward"}).encode()

    call = identified("elasticloadbalancing", body=form)

    assert (call.operation, call.protocol) == ("ModifyRule", "query")
    assert call.parameters == {"RuleArn": "arn:rule", "Actions": [{"Type": "forward"}]}


def test_a_form_that_botocore_does_not_know_has_no_parameters() -> None:
    assert identified("nonsense", body=b"Action=X").parameters == {}


def test_ec2_has_a_protocol_of_its_own() -> None:
    assert identified("ec2", body=b"Action=DescribeVpcs").protocol == "ec2"


def test_cloudwatch_speaks_cbor_by_path() -> None:
    call = identified("monitoring", path="/service/GraniteServiceVersion20100801/operation/PutMetricData")

    assert (call.action, call.protocol) == ("cloudwatch:PutMetricData", "smithy-rpc-v2-cbor")


@pytest.mark.parametrize(
    ("method", "path", "query", "operation"),
    [
        ("GET", "/", "", "ListAllMyBuckets"),
        ("GET", "/b", "list-type=2", "ListBucket"),
        ("PUT", "/b", "", "CreateBucket"),
        ("DELETE", "/b", "", "DeleteBucket"),
        ("GET", "/b", "policy", "GetBucketPolicy"),
        ("DELETE", "/b", "policy", "DeleteBucketPolicy"),
        ("DELETE", "/b", "encryption", "PutEncryptionConfiguration"),
        ("GET", "/b", "versions", "ListBucketVersions"),
        ("GET", "/b", "uploads", "ListBucketMultipartUploads"),
        ("POST", "/b", "delete", "DeleteObject"),
        ("GET", "/b/a/k", "", "GetObject"),
        ("HEAD", "/b/k", "", "GetObject"),
        ("PUT", "/b/k", "", "PutObject"),
        ("POST", "/b/k", "uploads", "PutObject"),
        ("GET", "/b/k", "uploadId=1", "ListMultipartUploadParts"),
        ("DELETE", "/b/k", "uploadId=1", "AbortMultipartUpload"),
        ("GET", "/b/k", "tagging", "GetObjectTagging"),
    ],
)
def test_s3_is_named_by_method_path_and_query(method: str, path: str, query: str, operation: str) -> None:
    call = identified("s3", method, path, query=query)

    assert (call.operation, call.protocol) == (operation, "rest-xml")


def test_an_s3_key_may_hold_slashes() -> None:
    assert identified("s3", "GET", "/b/a/k").parameters == {"Bucket": "b", "Key": "a/k"}


def test_other_rest_services_are_named_by_their_model() -> None:
    call = identified("lambda", "GET", "/2015-03-31/functions/f%20g/policy")

    assert (call.operation, call.parameters) == ("GetPolicy", {"FunctionName": "f g"})


@pytest.mark.parametrize("service", ["lambda", "nonsense"])
def test_a_path_that_no_operation_has_is_no_call(service: str) -> None:
    assert identify(made(service, "GET", "/there/is/no/such/path")) is None


def test_a_request_without_a_signature_is_no_call() -> None:
    assert identify(read_request({"REQUEST_METHOD": "GET", "wsgi.input": io.BytesIO(b"")})) is None


def test_a_presigned_url_is_signed_too() -> None:
    credential = "AKIAEXAMPLE%2F20260101%2Feu-north-1%2Fs3%2Faws4_request"
    request = read_request(
        {"REQUEST_METHOD": "GET", "PATH_INFO": "/b/k", "QUERY_STRING": f"X-Amz-Credential={credential}",
         "wsgi.input": io.BytesIO(b"")}
    )  # fmt: skip

    assert (request.access_key, request.service) == ("AKIAEXAMPLE", "s3")
    assert identify(request) is not None


@pytest.mark.parametrize(
    ("service", "protocol"),
    [("ecs", "json"), ("elbv2", "query"), ("ec2", "ec2"), ("s3", "rest-xml"), ("lambda", "rest-json"),
     ("cloudwatch", "smithy-rpc-v2-cbor")],
)  # fmt: skip
def test_botocore_reads_an_error_in_every_protocol(service: str, protocol: str) -> None:
    answer = failure(Call(service, "X", protocol, "eu-north-1"), "SomeCode", "some <words>", 403)

    headers = {"content-type": answer.content_type, **{name.lower(): text for name, text in answer.headers.items()}}
    response = {"status_code": int(answer.status[:3]), "headers": headers, "body": answer.body, "context": {}}
    model = get_service_model(service)
    parsed = create_parser(protocol).parse(response, model.operation_model(model.operation_names[0]).output_shape)

    assert parsed["Error"]["Code"] == "SomeCode"
    assert parsed["Error"]["Message"] == "some <words>"


def test_an_application_that_answers_head_keeps_its_length() -> None:
    def application(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Length", "5"), ("Content-Type", "text/plain")])
        return []

    sent: list[Any] = []
    answer = ask(application, {"REQUEST_METHOD": "HEAD"})
    assert list(answer.send(lambda status, headers: sent.append(dict(headers)))) == []  # type: ignore[arg-type, return-value]

    assert sent == [{"Content-Type": "text/plain", "Content-Length": "5"}]
