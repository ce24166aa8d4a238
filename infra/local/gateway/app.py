"""The WSGI application behind HAProxy: our own handlers where moto keeps only records, moto for everything else.

The way of a call: an ordered fault may stop it, IAM may refuse it (where that is enforced), then it is carried out; an
answer may be lost on its way back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from infra.local.alb.api import Elbv2Api
from infra.local.alb.errors import Elbv2Error
from infra.local.cfn.api import CfnApi
from infra.local.cfn.errors import CfnError
from infra.local.ecr.api import TARGET_PREFIX as ECR_PREFIX
from infra.local.ecr.api import EcrApi, EcrError
from infra.local.ecr.registry import Reply
from infra.local.ecs.errors import EcsError
from infra.local.ecs.service import TARGET_PREFIX, Ecs
from infra.local.faults import FaultBook
from infra.local.faults import api as faults_api
from infra.local.faults.book import DELAY, LOSE
from infra.local.gateway import cloudwatch, elbv2_calls, json_protocol, query_protocol
from infra.local.gateway.calls import Call, identify
from infra.local.gateway.failures import failure
from infra.local.gateway.http import Answer, Request, ask, read_request
from infra.local.iam import calls as iam_calls
from infra.local.iam.refusals import Refusal
from infra.local.observe.service import CloudWatch
from infra.local.page import page

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

READS = ("Describe", "List", "Get", "BatchGet", "Filter", "Head", "Lookup")
STATUS_PATH = "/_cutover/status"
ELBV2, CLOUDFORMATION, CLOUDWATCH = "elasticloadbalancing", "cloudformation", "monitoring"
ELBV2_MODEL = "elbv2"


@dataclass(frozen=True)
class Handlers:
    """What the gateway hands requests to. `put_manifest` takes path, body and content type; `sleep` takes seconds.

    `written` is told after each call that may have changed records.
    """

    ecs: Ecs
    cfn: CfnApi
    elbv2: Elbv2Api
    ecr: EcrApi
    cloudwatch: CloudWatch
    put_manifest: Callable[[str, bytes, str], Reply]
    status: Callable[[], dict[str, Any]]
    moto: WSGIApplication
    sleep: Callable[[float], object]
    judge: Callable[[Call, Request], Refusal | None]
    view: Callable[[], dict[str, Any]]
    calls: iam_calls.CallLog = field(default_factory=iam_calls.CallLog)
    faults: FaultBook = field(default_factory=FaultBook)
    written: Callable[[], None] = lambda: None


class Gateway:
    """The application."""

    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        request = read_request(environ)
        answer = self._admin(request) or self._serve(request, environ)
        return answer.send(start_response)

    def _admin(self, request: Request) -> Answer | None:
        """Of the paths that AWS does not have."""
        if request.path == STATUS_PATH:
            return _json("200 OK", self._handlers.status())
        if request.path.startswith(faults_api.PATH):
            return _json(*faults_api.answer(
                self._handlers.faults, request.method, request.path, request.content_type, request.body
            ))  # fmt: skip
        if request.path == page.PATH:
            return _json("200 OK", self._handlers.view())
        if page.is_for_a_browser(request.method, request.path, request.headers.get("accept", ""), request.access_key):
            return Answer("200 OK", page.html(), "text/html; charset=utf-8", page.HEADERS)
        if request.path == iam_calls.PATH:
            return _json(*iam_calls.answer(self._handlers.calls, request.method))
        return None

    def _serve(self, request: Request, environ: dict[str, Any]) -> Answer:
        call = identify(request)
        if call is None:
            return self._carry_out(request, environ)
        fault = self._handlers.faults.meet(call.service, call.operation)
        if fault is not None:
            if (error := fault.error(call.service)) is not None:
                return failure(call, *error)
            if fault.kind == DELAY:
                self._handlers.sleep(fault.seconds)
        if (refusal := self._handlers.judge(call, request)) is not None:
            return failure(call, refusal.code, refusal.message, refusal.status)
        answer = self._carry_out(request, environ)
        if not call.operation.startswith(READS):
            self._handlers.written()
        return replace(answer, lost=True) if fault is not None and fault.kind == LOSE else answer

    def _carry_out(self, request: Request, environ: dict[str, Any]) -> Answer:
        own = self._own(request)
        if own is not None:
            return own
        if request.target.startswith(ECR_PREFIX):
            operation = request.target.removeprefix(ECR_PREFIX)
            return self._handlers.ecr.around(operation, lambda: ask(self._handlers.moto, environ))
        if request.service == ELBV2:
            return self._elbv2(request, environ)
        return ask(self._handlers.moto, environ)

    def _own(self, request: Request) -> Answer | None:
        """The answer of one of our own handlers, or None where moto is to answer."""
        if request.path.startswith("/v2/") and request.method == "PUT":
            return self._manifest(request)
        if request.target.startswith(TARGET_PREFIX):
            return self._ecs(request)
        if request.target.startswith(ECR_PREFIX):
            return self._ecr(request)
        if request.service == CLOUDFORMATION:
            return self._cloudformation(request)
        call = identify(request) if request.service == CLOUDWATCH else None
        return None if call is None else cloudwatch.answer(self._handlers.cloudwatch, call, request)

    def _manifest(self, request: Request) -> Answer:
        reply = self._handlers.put_manifest(request.path, request.body, request.content_type)
        self._handlers.ecr.pushed()
        self._handlers.written()
        headers = {name: value for name, value in reply.headers.items() if name != "Content-Type"}
        return Answer(reply.status, reply.body, reply.headers.get("Content-Type", "application/json"), headers)

    def _ecr(self, request: Request) -> Answer | None:
        try:
            given = json.loads(request.body or b"{}")
            output = self._handlers.ecr.answer(request.region, request.target.removeprefix(ECR_PREFIX), given)
        except ValueError:
            return json_protocol.failure("SerializationException", "The request's body is not JSON.")
        except EcrError as error:
            return json_protocol.failure(error.code, str(error))
        return None if output is None else json_protocol.success(output)

    def _ecs(self, request: Request) -> Answer:
        operation = request.target.removeprefix(TARGET_PREFIX)
        try:
            return json_protocol.success(self._handlers.ecs.answer(request.region, operation, request.body))
        except EcsError as error:
            return json_protocol.failure(error.code, str(error))

    def _cloudformation(self, request: Request) -> Answer:
        operation = query_protocol.action(request.body)
        given = query_protocol.parse(CLOUDFORMATION, operation, request.body)
        if given is None:
            return query_protocol.failure("InvalidAction", f"Could not find operation {operation} for CloudFormation")
        try:
            output = self._handlers.cfn.call(request.region, operation, given)
        except CfnError as error:
            return query_protocol.failure(error.code, str(error))
        return query_protocol.success(CLOUDFORMATION, operation, output)

    def _elbv2(self, request: Request, environ: dict[str, Any]) -> Answer:
        """Our own answer, or moto's with what it lacks."""
        elbv2, operation = self._handlers.elbv2, query_protocol.action(request.body)
        given = query_protocol.parse(ELBV2_MODEL, operation, request.body)
        ask_moto = partial(ask, self._handlers.moto)
        if given is None:
            return ask_moto(environ)
        try:
            output = elbv2.before(request.region, operation, given)
            if output is not None:
                return query_protocol.success(ELBV2_MODEL, operation, output)
            if elbv2.is_there(request.region, operation, given):
                return elbv2_calls.made_before(operation, given["Name"], environ, ask_moto)
            answer = ask_moto(environ)
            elbv2.after(request.region, operation)
            return elbv2_calls.paged(operation, given, answer)
        except Elbv2Error as error:
            return query_protocol.failure(error.code, str(error))


def _json(status: str, document: Any) -> Answer:
    return Answer(status, json.dumps(document).encode(), "application/json", {"Cache-Control": "no-store"})
