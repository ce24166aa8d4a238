"""AWS on this machine in one process and without time: the real gateway, moto, ECS, CloudFormation and IAM.

Only what is outside a process is made of memory: containers, HAProxy, requests, the clock. A boto3 client's request
goes to the gateway as a function call; ECS's loop, health checks, metrics and alarms are turned when the deployer
waits.
"""

from __future__ import annotations

import io
import math
import random
import time
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError
from moto.backends import get_backend
from moto.core.model_instances import reset_model_data
from moto.ecr.models import Image
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.utilities.utils import get_partition

from ci.ecs.clients import Aws
from ci.ecs.clients import Clock as DeployerClock
from infra.local.alb.api import Elbv2Api
from infra.local.alb.balancing import Elbv2Balancing
from infra.local.alb.dataplane import DataPlane
from infra.local.alb.names import Endpoints, backend_name, frontend_name
from infra.local.alb.reading import read_records
from infra.local.alb.records import Forward, Listener
from infra.local.alb.targets import TargetBook
from infra.local.cfn.api import CfnApi
from infra.local.cfn.assembly import make_stacks
from infra.local.ecr.api import EcrApi
from infra.local.ecr.records import EcrRecords, Manifest
from infra.local.ecr.registry import Reply
from infra.local.ecs.assembly import MotoNeighbours
from infra.local.ecs.interfaces import TaskFailedToStart
from infra.local.ecs.service import Ecs
from infra.local.gateway.app import Gateway, Handlers
from infra.local.iam.assembly import make_enforcer
from infra.local.iam.calls import CallLog
from infra.local.observe.accesslog import Tally
from infra.local.observe.balancer_metrics import balancer_metrics
from infra.local.observe.service import CloudWatch, _hosts

ACCOUNT, REGION = "123456789012", "eu-north-1"
SERVICES = ("cloudformation", "ecr", "ecs", "elbv2", "cloudwatch", "logs", "s3")
MINUTE_S = 1.0
LATENCY_S, SPREAD, DRAWS = 0.05, 0.4, 40
ONCE = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
Around = Callable[[str, str, str], None]  # "before" or "after", service, operation


class StillClock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def now(self) -> float:
        return self.time

    def minutes(self, count: float) -> float:
        return count * MINUTE_S


class NoProxy:
    """HAProxy, of which nothing is needed: `Account.choose` goes by the records."""

    running = True

    def apply(self, text: str) -> None:
        pass

    def tell(self, commands: list[str]) -> list[str]:
        return ["Server deleted." for _ in commands]


class AtOnce:
    """A background that does everything at once."""

    def submit(self, call: Callable[..., Any], /, *arguments: object) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(call(*arguments))
        except TaskFailedToStart as error:
            future.set_exception(error)
        return future


class _Raw(io.BytesIO):
    """What botocore takes for urllib3's response."""

    def stream(self, amount: int = 65536, decode_content: bool = False) -> Any:
        while chunk := self.read(amount):
            yield chunk


class Account:
    """One account with one region. `around` is called before and after every call of the deployer, and may raise."""

    def __init__(self, runtime: Any, clock: StillClock, url: str) -> None:
        reset_model_data()
        for service in ("ecs", "elbv2", "cloudformation", "cloudwatch", "ecr", "ec2", "iam", "s3", "logs", "sts"):
            self._backend(service).reset()
        self.clock, self.containers, self.url = clock, runtime, url
        self.around: Around = lambda when, service, operation: None
        self.watch: Callable[[], None] = lambda: None
        self.load, self.noise, self.random = 0, 0.0, random.Random(1)
        self.calls = CallLog()
        self.busy: list[Any] = []
        self._minute_began = clock.now()
        self.plane = DataPlane(
            NoProxy(), lambda: read_records([self._backend("elbv2")]),
            lambda records: Endpoints(1, Path("a"), Path("b"), {each.arn: 1 for each in records.listeners}),
            TargetBook(), clock,
        )  # fmt: skip
        self.cloudwatch = CloudWatch(ACCOUNT, lambda region: self._backend("cloudwatch"), get_partition, clock)
        neighbours = MotoNeighbours(
            ACCOUNT, runtime, lambda region: Elbv2Balancing(self._backend("elbv2"), self.plane),
            self.cloudwatch.alarm_state,
        )  # fmt: skip
        self.ecs = Ecs(ACCOUNT, runtime, neighbours, AtOnce(), clock, partition=get_partition, threads=False)
        self.stacks = make_stacks(
            ACCOUNT, self.ecs, lambda region: self._backend("elbv2"), self.cloudwatch, self._api, clock, self.sync
        )
        self.images = EcrRecords(ACCOUNT, lambda: [self._backend("ecr")], Image)
        self.enforce(False)

    def enforce(self, enforced: bool) -> None:
        """From now on calls need what IAM asks for, or not."""
        enforcer = make_enforcer(ACCOUNT, self.ecs, self.stacks.of_region, self.calls, self.clock, enforced=enforced)
        ecr = EcrApi(
            ACCOUNT, 1, self.clock, lambda region: self._backend("ecr"), lambda: [self._backend("ecr")],
            lambda repository, digest: None,
        )  # fmt: skip
        self.gateway = Gateway(
            Handlers(
                ecs=self.ecs, cfn=CfnApi(self.stacks), ecr=ecr,
                elbv2=Elbv2Api(self.plane, lambda region: self._backend("elbv2")),
                cloudwatch=self.cloudwatch, put_manifest=lambda *_: Reply("404", {}, b""), status=dict,
                moto=DomainDispatcherApplication(create_backend_app), sleep=self.pass_, judge=enforcer.judge,
                view=dict, calls=self.calls,
            )
        )  # fmt: skip
        self.faults = self.gateway._handlers.faults

    # The way to it.
    def client(self, service: str, keys: tuple[str, str, str] = ("any", "any", ""), *, watched: bool = False) -> Any:
        """A boto3 client by (access key, secret, session token); the calls of a `watched` one go through `around`."""
        client = boto3.client(  # type: ignore[call-overload]
            service, REGION, aws_access_key_id=keys[0], aws_secret_access_key=keys[1],
            aws_session_token=keys[2] or None, endpoint_url=self.url, config=ONCE,
        )  # fmt: skip

        def send(request: Any, event_name: str, **_: Any) -> AWSResponse:
            if not watched:
                return self._sent(request)
            operation = event_name.rpartition(".")[2]
            self.around("before", service, operation)
            answer = self._sent(request)
            self.around("after", service, operation)
            return answer

        client.meta.events.register("before-send.*.*", send)
        return client

    def session(self, role: str, days: float) -> tuple[str, str, str]:
        """The keys of somebody who takes a role; they last so many days of this account's own time."""
        taken = self.client("sts").assume_role(RoleArn=role, RoleSessionName="somebody")["Credentials"]
        session = self._backend("sts").get_assumed_role_from_access_key(taken["AccessKeyId"])
        session.expiration = datetime.fromtimestamp(self.clock.now(), UTC) + timedelta(days=days)
        return taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"]

    def role(self, name: str) -> Any:
        """IAM's record of a role."""
        return self._backend("iam").get_role(name)

    def deployer(self, progress: Callable[[str], None], keys: tuple[str, str, str] = ("any", "any", "")) -> Aws:
        """All that the deployer touches."""
        clients = {service: self.client(service, keys, watched=True) for service in SERVICES}
        clients |= {f"{service}_once": clients[service] for service in ("ecs", "cloudformation")}
        clock = DeployerClock(self.clock.now, self.pass_, self.clock.now)
        return Aws(**clients, endpoint=self.url, clock=clock, progress=progress)

    def _sent(self, request: Any) -> AWSResponse:
        url, lines = urlsplit(request.url), []
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body if isinstance(body, bytes) else body.read()
        headers = {key: value.decode() if isinstance(value, bytes) else str(value) for key, value in
                   request.headers.items()}  # fmt: skip
        environ = {
            "REQUEST_METHOD": request.method, "PATH_INFO": url.path, "QUERY_STRING": url.query,
            "CONTENT_LENGTH": str(len(body)), "CONTENT_TYPE": headers.get("Content-Type", ""),
            "wsgi.input": io.BytesIO(body), "wsgi.url_scheme": "http", "wsgi.errors": io.StringIO(),
            "SERVER_NAME": url.hostname, "SERVER_PORT": str(url.port), "HTTP_HOST": url.netloc,
            **{f"HTTP_{key.upper().replace('-', '_')}": value for key, value in headers.items()},
        }  # fmt: skip
        answer = b"".join(self.gateway(environ, lambda status, given, *_: lines.append((status, given))))
        ((status, given),) = lines
        if int(dict(given).get("Content-Length", 0)) > len(answer) and request.method != "HEAD":
            raise ConnectionClosedError(endpoint_url=request.url)
        return AWSResponse(request.url, int(status.split()[0]), dict(given), _Raw(answer))

    def _api(self, region: str, service: str, operation: str, given: dict[str, Any]) -> dict[str, Any]:
        from botocore import xform_name

        answer: dict[str, Any] = getattr(self.client(service), xform_name(operation))(**given)
        return answer

    def _backend(self, service: str) -> Any:
        region = "aws" if service in ("iam", "s3", "sts") else REGION
        return get_backend(service)[ACCOUNT][region]  # type: ignore[call-overload]

    # Time.
    def pass_(self, seconds: float) -> None:
        """Time passes, and all that has to happen meanwhile happens."""
        self.clock.time += seconds
        self.sync()
        self.plane.tend()
        for target in self.plane.book.due(self.clock.now()):
            healthy = self.containers.healthy(target.key[1])
            self.plane.book.result(target.key, None if healthy else ("Target.Timeout", "no"), self.clock.now())
        for region in self.ecs.regions():
            self.ecs.region(region).loop.turn()
        while self.clock.now() - self._minute_began >= MINUTE_S:
            self._minute()
        self.watch()
        if any(stack.status.endswith("_IN_PROGRESS") for stack in self.stacks.of_region(REGION)):
            time.sleep(0.001)  # a stack's operation has a thread of its own, which has to get its turn

    def sync(self) -> None:
        self.plane.sync()

    def _minute(self) -> None:
        tallies = {}
        for listener in read_records([self._backend("elbv2")]).listeners:
            if listener.port == 80 and self.load:
                shares = self.shares(listener)
                weather = math.exp(self.random.gauss(0, self.noise))
                for group, share in shares.items():
                    if count := round(self.load * share * weather):
                        tallies[frontend_name(listener), backend_name(group)] = self._tally(group, count, weather)
        records = self.plane.sync()
        self.cloudwatch.minute(balancer_metrics(records, tallies, _hosts(self.plane)), self._minute_began)
        self._minute_began += MINUTE_S

    def _tally(self, group: str, count: int, weather: float) -> Tally:
        tally, version = Tally(chosen=count), self.version_in(group)
        if version is None:
            tally.own[502], tally.refused = count, count
            return tally
        failed = sum(self.random.random() < version.errors for _ in range(count)) if version.errors else 0
        tally.target[200], tally.target[503] = count - failed, failed
        for _ in range(DRAWS):
            latency = LATENCY_S * weather * version.slower * math.exp(self.random.gauss(0, SPREAD))
            tally.seconds.add(float(f"{latency:.3g}"), count / DRAWS)
        return tally

    # What the load balancer does.
    def listeners(self) -> dict[int, Listener]:
        return {each.port: each for each in read_records([self._backend("elbv2")]).listeners}

    @staticmethod
    def shares(listener: Listener) -> dict[str, float]:
        """Target group to its share of a listener's first rule."""
        action = listener.rules[0].action
        assert isinstance(action, Forward)
        total = sum(weight for _, weight in action.weights)
        return {group: weight / total for group, weight in action.weights if weight}

    def version_in(self, group: str) -> Any:
        """The version that a request to a group meets; None where it is refused or nobody is there."""
        addresses = sorted(self.plane.book.routable(group))
        return self.containers.at(addresses[0][0]) if addresses else None

    def answer(self, port: int) -> tuple[int, str]:
        """A request through a listener goes to the group with the most weight."""
        shares = self.shares(self.listeners()[port])
        version = self.version_in(max(shares, key=lambda group: shares[group]))
        return (503, "nobody") if version is None else (version.status, version.body)

    def push(self, digest: str, tag: str) -> None:
        """An image is in the repository."""
        kind = "application/vnd.oci.image.manifest.v1+json"
        self.images.record(Manifest("cutover", tag, digest, kind, "{}"))
