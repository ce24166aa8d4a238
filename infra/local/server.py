"""The server process: joins the parts, serves until SIGTERM, and takes its containers with it.

`python -m infra.local.server --port 4566 --minute 60`; started by `infra.local.up`. Lines on stdout that begin with
`PROGRESS` tell how far it is; the last of them is `READY`.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from infra.local.alb.api import Elbv2Api
from infra.local.alb.balancing import Elbv2Balancing
from infra.local.alb.certificates import Certificate, Certificates, find_certificate
from infra.local.alb.dataplane import DataPlane
from infra.local.alb.haproxy import Haproxy
from infra.local.alb.health import HealthChecks
from infra.local.alb.names import Endpoints
from infra.local.alb.ports import ListenerPorts, port_is_free
from infra.local.alb.reading import read_records
from infra.local.alb.records import Listener, Records
from infra.local.alb.targets import TargetBook
from infra.local.clock import SystemClock
from infra.local.ecr import registry
from infra.local.ecr.api import EcrApi
from infra.local.ecr.records import EcrRecords
from infra.local.ecs.service import Ecs
from infra.local.errors import LocalAwsError
from infra.local.kept.folder import StateFolder
from infra.local.kept.saver import Saver, Writes
from infra.local.observe.accesslog import AccessLog
from infra.local.observe.collector import LogSocket, Minutes
from infra.local.observe.service import CloudWatch, balancers_minute
from infra.local.page import page
from infra.local.processes import REGISTRY, SERVER, Ledger, end
from infra.local.progress import PROGRESS, READY
from infra.local.runtime import docker as containers
from infra.local.state import StateDirectory
from infra.local.tasks import Tasks

ACCOUNT = "123456789012"
API_THREADS = 16
CHILD_SECONDS = 5.0

log = logging.getLogger("infra.local.server")


class Server:
    """One instance. `serve` returns after `stop` was called from a signal handler or another thread."""

    def __init__(self, state: StateDirectory, minute: float, *, enforce_iam: bool = False) -> None:
        self._state = state
        self._folder = StateFolder.open(state.kept) if state.kept is not None else None
        self._writes = Writes()
        self._enforce_iam = enforce_iam
        self._ledger = Ledger(state.processes)
        self._clock = SystemClock(minute)
        self._proxy = Haproxy(
            state.root / "haproxy.cfg", state.haproxy_socket, self._ledger, state.root / "haproxy.log"
        )
        held = self._proxy.ports
        self._ports = ListenerPorts(state.port, lambda port: port in held or port_is_free(port))
        self._certificates = Certificates(state.certificates, _certificate)
        self._access_log = AccessLog()
        self._log_socket = LogSocket(self._access_log)
        self._stop = threading.Event()
        self._client = containers.connect()

    def stop(self) -> None:
        """Let `serve` return."""
        self._stop.set()

    def serve(self) -> None:
        """Bring everything up, wait, take everything down."""
        if self._folder is not None:
            self._folder.claim()
        try:
            self._progress("making the tasks' network")
            containers.make_network(self._client, self._state.port)
            self._certificates.prepare()
            self._progress("starting the registry")
            self._start_registry()
            self._progress("loading the AWS services")
            self._run()
        finally:
            self._clean_up()

    def _run(self) -> None:
        from moto.elbv2.models import elbv2_backends

        plane = self._data_plane(lambda: list(elbv2_backends[ACCOUNT].values()))
        cloudwatch = self._cloudwatch()
        tasks = Tasks(
            ACCOUNT, self._client, self._state, lambda region: Elbv2Balancing(elbv2_backends[ACCOUNT][region], plane),
            cloudwatch.alarm_state, self._clock,
        )  # fmt: skip
        saver = self._serve_api(plane, tasks.ecs, cloudwatch, lambda region: elbv2_backends[ACCOUNT][region])
        self._progress("starting HAProxy")
        plane.sync()
        health = HealthChecks(plane, self._clock)
        minutes = Minutes(
            self._clock, lambda began: cloudwatch.minute(balancers_minute(plane, self._access_log), began)
        )
        tasks.start()
        health.start()
        minutes.start()
        self._log_socket.start()
        if saver is not None:
            saver.start()
        self._progress(READY)
        self._stop.wait()
        tasks.stop()
        if saver is not None:
            saver.stop()
        minutes.stop()
        health.stop()
        self._log_socket.stop()

    def _data_plane(self, backends: Callable[[], list[Any]]) -> DataPlane:
        return DataPlane(self._proxy, lambda: read_records(backends()), self._endpoints, TargetBook(), self._clock)

    def _endpoints(self, records: Records) -> Endpoints:
        ports = {listener.arn: self._ports.of(listener) for listener in records.listeners}
        return Endpoints(
            self._state.port,
            self._state.api_socket,
            self._state.registry_socket,
            ports,
            self._certificates.lists(records),
            self._log_socket.port,
        )

    def _cloudwatch(self) -> CloudWatch:
        from moto.cloudwatch.models import cloudwatch_backends
        from moto.utilities.utils import get_partition

        return CloudWatch(ACCOUNT, lambda region: cloudwatch_backends[ACCOUNT][region], get_partition, self._clock)

    def _serve_api(
        self, plane: DataPlane, ecs: Ecs, cloudwatch: CloudWatch, backend: Callable[[str], Any]
    ) -> Saver | None:
        """Serve the API on its Unix socket, in a thread; gives who saves its records, where they are kept."""
        import waitress
        from moto.cloudwatch.models import cloudwatch_backends
        from moto.ecr.models import Image, ecr_backends
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        from infra.local.cfn.api import CfnApi
        from infra.local.cfn.assembly import api_of, make_stacks
        from infra.local.gateway.app import Gateway, Handlers
        from infra.local.iam.assembly import make_enforcer
        from infra.local.iam.calls import CallLog
        from infra.local.kept.assembly import make_saver

        api = api_of(f"http://127.0.0.1:{self._state.port}")
        stacks = make_stacks(ACCOUNT, ecs, backend, cloudwatch, api, self._clock, lambda: _sync(plane))
        saver = None if self._folder is None else make_saver(self._folder, ecs, stacks, self._writes)
        for region in list(cloudwatch_backends[ACCOUNT]):
            cloudwatch.region(region)  # alarms that were kept are evaluated from now on
        images = EcrRecords(ACCOUNT, lambda: list(ecr_backends[ACCOUNT].values()), Image)
        calls = CallLog()
        enforcer = make_enforcer(ACCOUNT, ecs, stacks.of_region, calls, self._clock, enforced=self._enforce_iam)
        gateway = Gateway(
            Handlers(
                ecs=ecs,
                cfn=CfnApi(stacks),
                elbv2=Elbv2Api(plane, backend),
                cloudwatch=cloudwatch,
                put_manifest=lambda path, body, kind: registry.put_manifest(
                    path, body, kind, images, self._state.registry_socket
                ),
                status=lambda: self._status(plane),
                ecr=self._ecr(),
                moto=DomainDispatcherApplication(create_backend_app),
                sleep=self._stop.wait,
                judge=enforcer.judge,
                calls=calls,
                view=lambda: self._view(plane, ecs),
                written=self._writes.note,
            )
        )
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(self._state.api_socket))
        served = waitress.create_server(gateway, sockets=[listener], threads=API_THREADS)
        threading.Thread(target=served.run, name="api", daemon=True).start()
        return saver

    def _ecr(self) -> EcrApi:
        from moto.ecr.models import ecr_backends

        return EcrApi(
            ACCOUNT,
            self._state.port,
            self._clock,
            lambda region: ecr_backends[ACCOUNT][region],
            lambda: list(ecr_backends[ACCOUNT].values()),
            lambda repository, digest: registry.delete_manifest(repository, digest, self._state.registry_socket),
        )

    def _start_registry(self) -> None:
        config = self._state.root / "registry.json"
        text = registry.registry_config(self._state.registry_data, self._state.registry_socket)
        config.write_text(text, encoding="utf-8")
        self._ledger.start(REGISTRY, [registry.PROGRAM, "serve", str(config)], self._state.root / "registry.log")

    def _status(self, plane: DataPlane) -> dict[str, Any]:
        balancers: dict[str, dict[str, Any]] = {}
        for listener in plane.sync().listeners:
            entry = balancers.setdefault(
                listener.load_balancer, {"name": listener.load_balancer, "dns_name": listener.dns_name, "listeners": []}
            )
            entry["listeners"].append({"port": listener.port, "url": self._url(listener)})
        return {
            "endpoint": f"http://127.0.0.1:{self._state.port}",
            "certificate_authority": str(self._certificates.authority),
            "load_balancers": list(balancers.values()),
        }

    def _view(self, plane: DataPlane, ecs: Ecs) -> dict[str, Any]:
        """What the page shows."""
        from moto.elbv2.models import elbv2_backends

        backends = list(elbv2_backends[ACCOUNT].values())
        urls = {each.arn: self._url(each) for each in read_records(backends).listeners}
        asks = [partial(ecs.call, region) for region in ecs.regions()]

        def health(group: str, address: str, port: int) -> tuple[str, str | None, str | None]:
            with plane.lock:  # never while ECS is asked: ECS holds its own lock when it asks for this one
                return plane.book.state((group, address, port))

        endpoint = f"http://127.0.0.1:{self._state.port}"
        return page.document(endpoint, self._clock.now(), self._clock.minutes(1), backends, asks, health, urls.get)

    def _url(self, listener: Listener) -> str:
        return f"{listener.protocol.lower()}://127.0.0.1:{self._ports.of(listener)}"

    def _clean_up(self) -> None:
        log.info("stopping")
        for name, record in self._ledger.read().items():
            if name != SERVER:
                end(record, CHILD_SECONDS)
        self._ledger.reap()
        containers.remove_all(self._client, self._state.port)

    @staticmethod
    def _progress(text: str) -> None:
        print(f"{PROGRESS}{text}", flush=True)


def _certificate(arn: str) -> Certificate | None:
    """A certificate by its ARN, which names its region."""
    from moto.acm.models import acm_backends
    from moto.iam.models import iam_backends
    from moto.utilities.utils import get_partition

    region = arn.split(":")[3]
    acm = acm_backends[ACCOUNT][region or "us-east-1"]
    return find_certificate(acm, iam_backends[ACCOUNT][get_partition(region)], arn)


def _sync(plane: DataPlane) -> None:
    plane.sync()


def main() -> None:
    """Entry point of the process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--minute", type=float, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--enforce-iam", action="store_true")
    parser.add_argument("--kept", type=Path)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(threadName)s %(name)s %(message)s")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    os.environ.setdefault("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
    state = StateDirectory(options.port, options.state, options.kept)
    server = Server(state, options.minute, enforce_iam=options.enforce_iam)

    def on_signal(number: int, frame: FrameType | None) -> None:
        server.stop()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        server.serve()
    except LocalAwsError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
