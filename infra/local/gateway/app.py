"""The WSGI application behind HAProxy: our own handlers where moto keeps only records, moto for everything else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra.local.alb.api import describe_target_health
from infra.local.alb.dataplane import DataPlane
from infra.local.cfn.api import CfnApi
from infra.local.cfn.errors import CfnError
from infra.local.clock import Clock
from infra.local.ecr.registry import Reply
from infra.local.ecr.token import TARGET as TOKEN_TARGET
from infra.local.ecr.token import authorization
from infra.local.ecs.errors import EcsError
from infra.local.ecs.service import TARGET_PREFIX, Ecs
from infra.local.gateway import json_protocol, query_protocol
from infra.local.gateway.http import Answer, Request, read_request

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

STATUS_PATH = "/_cutover/status"
ELBV2, CLOUDFORMATION = "elasticloadbalancing", "cloudformation"


@dataclass(frozen=True)
class Handlers:
    """What the gateway hands requests to. `put_manifest` takes path, body and content type."""

    ecs: Ecs
    cfn: CfnApi
    plane: DataPlane
    put_manifest: Callable[[str, bytes, str], Reply]
    status: Callable[[], dict[str, Any]]
    clock: Clock
    port: int
    moto: WSGIApplication


class Gateway:
    """The application."""

    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        request = read_request(environ)
        answer = self._own(request)
        if answer is not None:
            return answer.send(start_response)
        given = list(self._handlers.moto(environ, start_response))
        if request.service == ELBV2:
            self._handlers.plane.sync()
        return given

    def _own(self, request: Request) -> Answer | None:
        """The answer of one of our own handlers, or None where moto is to answer."""
        if request.path == STATUS_PATH:
            return Answer("200 OK", json.dumps(self._handlers.status()).encode(), "application/json")
        if request.path.startswith("/v2/") and request.method == "PUT":
            return self._manifest(request)
        if request.target.startswith(TARGET_PREFIX):
            return self._ecs(request)
        if request.target == TOKEN_TARGET:
            return json_protocol.success(authorization(self._handlers.port, self._handlers.clock.now()))
        if request.service == CLOUDFORMATION:
            return self._cloudformation(request)
        if request.service == ELBV2 and query_protocol.action(request.body) == "DescribeTargetHealth":
            return self._target_health(request)
        return None

    def _manifest(self, request: Request) -> Answer:
        reply = self._handlers.put_manifest(request.path, request.body, request.content_type)
        headers = {name: value for name, value in reply.headers.items() if name != "Content-Type"}
        return Answer(reply.status, reply.body, reply.headers.get("Content-Type", "application/json"), headers)

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

    def _target_health(self, request: Request) -> Answer | None:
        given = query_protocol.parse("elbv2", "DescribeTargetHealth", request.body)
        plane = self._handlers.plane
        known = {group.arn for group in plane.sync().target_groups}
        if given is None or given.get("TargetGroupArn") not in known:
            return None  # moto knows the words for a group that does not exist
        return query_protocol.success("elbv2", "DescribeTargetHealth", describe_target_health(plane, given))
