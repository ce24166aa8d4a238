"""The gateway: who answers what, and in which of AWS's protocols."""

import io
import json
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest

from infra.local.alb.errors import PriorityInUse
from infra.local.cfn.errors import StackNotFound
from infra.local.ecr.api import EcrApi
from infra.local.ecr.registry import Reply
from infra.local.ecs.errors import ClusterNotFound
from infra.local.faults import Fault, FaultBook
from infra.local.gateway.app import Gateway, Handlers
from infra.local.gateway.http import read_request
from infra.local.iam.refusals import Refusal
from infra.local.observe.errors import AlarmNotFound

GROUP = "arn:aws:elasticloadbalancing:eu-north-1:123456789012:targetgroup/x/1"
ECS = "AmazonEC2ContainerServiceV20141113."


def signed(service: str, region: str = "eu-north-1") -> dict[str, str]:
    credential = f"Credential=AKIA/20260101/{region}/{service}/aws4_request"
    return {"HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"}


class Front:
    """The gateway, and handlers that write down what they get."""

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self.slept: list[float] = []
        self.faults = FaultBook()
        self.refusals: dict[str, Refusal] = {}
        self.headers: dict[str, str] = {}
        forget: Any = None
        clock: Any = SimpleNamespace(now=lambda: 1000.0)
        self.gateway = Gateway(
            Handlers(
                ecs=SimpleNamespace(answer=self._ecs),
                cfn=SimpleNamespace(call=self._cfn),
                cloudwatch=SimpleNamespace(call=self._cloudwatch),
                elbv2=SimpleNamespace(before=self._elbv2, after=self._followed, is_there=lambda *_: False),
                put_manifest=self._manifest,
                status=lambda: {"endpoint": "http://x", "load_balancers": []},
                ecr=EcrApi("123456789012", 4566, clock, self._region, lambda: [], forget),
                moto=self._moto,
                sleep=self.slept.append,
                faults=self.faults,
                view=lambda: {"services": []},
                judge=lambda call, request: self.refusals.get(call.operation),
            )  # type: ignore[arg-type]
        )

    @staticmethod
    def _region(region: str) -> Any:
        return SimpleNamespace(repositories={})

    def ask(self, method: str = "POST", path: str = "/", body: bytes = b"", **environ: str) -> tuple[str, str]:
        """(status, body) of a request."""
        status: list[str] = []
        answered = self.gateway(
            {"REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": io.BytesIO(body), **environ},
            lambda given, headers, *_: (status.append(given), self.headers.update(headers)),  # type: ignore[arg-type, return-value]
        )
        return status[0], b"".join(answered).decode(errors="replace")

    def query(self, service: str, **form: str) -> tuple[str, str]:
        return self.ask(body=urlencode(form).encode(), **signed(service))

    def _elbv2(self, region: str, operation: str, given: dict[str, Any]) -> dict[str, Any] | None:
        if operation == "CreateRule":
            raise PriorityInUse(7)
        return {"TargetHealthDescriptions": []} if operation == "DescribeTargetHealth" else None

    def _cloudwatch(self, region: str, operation: str, given: dict[str, Any]) -> dict[str, Any] | None:
        self.seen.append((region, operation, given))
        if operation == "SetAlarmState":
            raise AlarmNotFound("high")
        return {"MetricAlarms": []} if operation == "DescribeAlarms" else None

    def _followed(self, region: str, operation: str) -> None:
        self.seen.append(("followed", operation))

    def _ecs(self, region: str, operation: str, body: bytes) -> dict[str, Any]:
        self.seen.append((region, operation, json.loads(body)))
        if operation == "DescribeServices":
            raise ClusterNotFound
        return {"clusterArns": ["a"]}

    def _cfn(self, region: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        self.seen.append((region, operation, given))
        if operation == "DescribeStacks":
            raise StackNotFound("demo <&>")
        return {"StackId": "arn:stack"}

    def _manifest(self, path: str, body: bytes, content_type: str) -> Reply:
        self.seen.append((path, body, content_type))
        return Reply("201 Created", {"Docker-Content-Digest": "sha256:1"}, b"")

    def _moto(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        self.seen.append(("moto", environ["wsgi.input"].read()))
        start_response("200 OK", [])
        return [b"by moto"]


@pytest.fixture
def front() -> Front:
    return Front()


def test_ecs_is_ours_by_its_target_and_in_the_region_it_was_signed_for(front: Front) -> None:
    status, body = front.ask(body=b"{}", HTTP_X_AMZ_TARGET=f"{ECS}ListClusters", **signed("ecs"))

    assert (status, json.loads(body)) == ("200 OK", {"clusterArns": ["a"]})
    assert front.seen == [("eu-north-1", "ListClusters", {})]


def test_an_error_of_ecs_goes_out_by_its_type(front: Front) -> None:
    status, body = front.ask(body=b"{}", HTTP_X_AMZ_TARGET=f"{ECS}DescribeServices", **signed("ecs"))

    assert status == "400 Bad Request"
    assert json.loads(body) == {"__type": "ClusterNotFoundException", "message": "Cluster not found."}


def test_cloudformation_is_parsed_and_answered_as_xml(front: Front) -> None:
    status, body = front.query(
        "cloudformation",
        Action="CreateStack",
        StackName="demo",
        **{"Parameters.member.1.ParameterKey": "P", "Parameters.member.1.ParameterValue": ""},
    )

    assert status == "200 OK"
    assert "<StackId>arn:stack</StackId>" in body
    given = {"StackName": "demo", "Parameters": [{"ParameterKey": "P", "ParameterValue": ""}]}
    assert front.seen == [("eu-north-1", "CreateStack", given)]


def test_an_error_of_cloudformation_goes_out_as_xml(front: Front) -> None:
    status, body = front.query("cloudformation", Action="DescribeStacks", StackName="demo")

    assert status == "400 Bad Request"
    assert "<Code>ValidationError</Code>" in body
    assert "demo &lt;&amp;&gt; does not exist" in body


def test_an_operation_that_cloudformation_does_not_have_is_named(front: Front) -> None:
    assert "Could not find operation Nonsense" in front.query("cloudformation", Action="Nonsense")[1]


def test_a_manifest_goes_through_ecrs_records(front: Front) -> None:
    status, _ = front.ask("PUT", "/v2/cutover/manifests/1.0.0", b"{}", CONTENT_TYPE="application/x")

    assert status == "201 Created"
    assert front.seen == [("/v2/cutover/manifests/1.0.0", b"{}", "application/x")]


def test_a_token_for_docker_login_is_ours(front: Front) -> None:
    target = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"

    _, body = front.ask(HTTP_X_AMZ_TARGET=target, **signed("ecr"))

    assert json.loads(body)["authorizationData"][0]["proxyEndpoint"] == "http://localhost:4566"


def test_the_status_needs_no_signature(front: Front) -> None:
    assert json.loads(front.ask("GET", "/_cutover/status")[1])["endpoint"] == "http://x"


def test_everything_else_is_motos_with_its_body_whole(front: Front) -> None:
    assert front.ask(body=b"hello", **signed("s3")) == ("200 OK", "by moto")
    assert front.seen == [("moto", b"hello")]


def test_the_load_balancer_follows_every_call_of_elbv2(front: Front) -> None:
    assert front.query("elasticloadbalancing", Action="DeleteListener", ListenerArn="arn:l")[1] == "by moto"
    assert front.seen[-1] == ("followed", "DeleteListener")


def test_the_health_of_targets_is_ours(front: Front) -> None:
    status, body = front.query("elasticloadbalancing", Action="DescribeTargetHealth", TargetGroupArn=GROUP)

    assert (status, "<DescribeTargetHealthResult>" in body) == ("200 OK", True)


def test_what_elbv2_refuses_goes_out_by_its_code(front: Front) -> None:
    form = {"ListenerArn": "arn:l", "Priority": "7", "Actions.member.1.Type": "forward"}

    status, body = front.query("elasticloadbalancing", Action="CreateRule", **form)

    assert status == "400 Bad Request"
    assert "<Code>PriorityInUse</Code>" in body


class TestCloudWatch:
    def json(self, front: Front, operation: str, **given: Any) -> tuple[str, str]:
        target = f"GraniteServiceVersion20100801.{operation}"
        return front.ask(body=json.dumps(given).encode(), HTTP_X_AMZ_TARGET=target, **signed("monitoring"))

    def test_it_answers_in_json_and_in_the_query_protocol(self, front: Front) -> None:
        as_json = self.json(front, "DescribeAlarms", AlarmNames=["high"])
        as_query = front.query("monitoring", Action="DescribeAlarms", **{"AlarmNames.member.1": "high"})

        assert as_json == ("200 OK", '{"MetricAlarms": []}')
        assert as_query[0] == "200 OK"
        assert "<DescribeAlarmsResult>" in as_query[1]
        assert front.seen == [("eu-north-1", "DescribeAlarms", {"AlarmNames": ["high"]})] * 2

    def test_what_it_refuses_goes_out_by_its_code(self, front: Front) -> None:
        given = {"AlarmName": "high", "StateValue": "OK", "StateReason": "x"}

        status, body = self.json(front, "SetAlarmState", **given)
        query = front.query("monitoring", Action="SetAlarmState", **given)[1]

        assert status == "400 Bad Request"
        assert json.loads(body) == {"__type": "ResourceNotFound", "message": "The alarm high does not exist"}
        assert "<Code>ResourceNotFound</Code>" in query

    def test_what_it_leaves_to_moto_goes_to_moto(self, front: Front) -> None:
        assert self.json(front, "ListDashboards")[1] == "by moto"

    def test_the_protocol_that_it_does_not_speak_is_named(self, front: Front) -> None:
        path = "/service/GraniteServiceVersion20100801/operation/DescribeAlarms"

        status, body = front.ask(path=path, **signed("monitoring"))

        assert status == "400 Bad Request"
        assert "by the protocol smithy-rpc-v2-cbor is not served" in body


def test_a_request_without_a_signature_has_no_service(front: Front) -> None:
    request = read_request({"REQUEST_METHOD": "GET", "wsgi.input": io.BytesIO(b"")})

    assert (request.service, request.region, request.path) == ("", "us-east-1", "/")


class TestFaults:
    def list_clusters(self, front: Front) -> tuple[str, str]:
        return front.ask(body=b"{}", HTTP_X_AMZ_TARGET=f"{ECS}ListClusters", **signed("ecs"))

    def test_a_throttled_call_is_not_carried_out(self, front: Front) -> None:
        front.faults.order(Fault("ecs", "ListClusters", "throttle"))

        status, body = self.list_clusters(front)

        assert status == "400 Bad Request"
        assert json.loads(body) == {"__type": "ThrottlingException", "message": "Rate exceeded"}
        assert front.seen == []
        assert self.list_clusters(front)[0] == "200 OK", "only the one call"

    def test_a_failure_comes_in_the_protocol_of_the_call(self, front: Front) -> None:
        front.faults.order(Fault("cloudformation", "*", "fail", code="InternalFailure", message="a <b>", status=500))

        status, body = front.query("cloudformation", Action="CreateStack", StackName="demo")

        assert status == "500 Internal Server Error"
        assert "<Code>InternalFailure</Code><Message>a &lt;b&gt;</Message>" in body

    def test_a_delayed_call_is_carried_out_afterwards(self, front: Front) -> None:
        front.faults.order(Fault("ecs", "*", "delay", seconds=2.5))

        assert self.list_clusters(front)[0] == "200 OK"
        assert front.slept == [2.5]

    def test_a_lost_answer_promises_more_than_comes_after_the_call_was_carried_out(self, front: Front) -> None:
        front.faults.order(Fault("ecs", "*", "lose"))

        _, body = self.list_clusters(front)

        assert body == ""
        assert int(front.headers["Content-Length"]) > 0
        assert front.seen == [("eu-north-1", "ListClusters", {})]

    def test_faults_are_ordered_over_http(self, front: Front) -> None:
        order = json.dumps({"service": "ecs", "operation": "*", "kind": "fail"}).encode()

        status, _ = front.ask("POST", "/_cutover/faults", order, CONTENT_TYPE="application/json")

        assert status == "201 Created"
        assert self.list_clusters(front)[0] == "500 Internal Server Error"


class TestIam:
    def test_a_refused_call_is_not_carried_out(self, front: Front) -> None:
        front.refusals["CreateStack"] = Refusal("AccessDenied", "you may not", 403)

        status, body = front.query("cloudformation", Action="CreateStack", StackName="demo")

        assert status == "403 Forbidden"
        assert "<Code>AccessDenied</Code><Message>you may not</Message>" in body
        assert front.seen == []

    def test_the_record_of_calls_is_read_over_http(self, front: Front) -> None:
        assert json.loads(front.ask("GET", "/_cutover/calls")[1]) == {"calls": []}
