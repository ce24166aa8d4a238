"""Services: containers and ports of the host that a step reaches by a name, started when first needed, once a
session."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ci.engine.docker_api import Docker
from ci.engine.errors import NotServedError, ServiceError
from ci.engine.network import Forwarder
from ci.engine.nodes import Node
from ci.engine.progress import Progress
from ci.engine.runner import Runner
from ci.engine.state import Port

if TYPE_CHECKING:
    from ci.engine.evaluator import Evaluator

HEALTHY_SECONDS = 60  # until every exposed port takes connections
PROBE_SECONDS = 0.05
CONNECT_SECONDS = 1.0
LOG_LINES = 20


class Services:
    """The services of one session."""

    def __init__(self, docker: Callable[[], Docker], runner: Runner, progress: Progress) -> None:
        self._docker = docker
        self._runner = runner
        self._progress = progress
        self._running: dict[str, tuple[str, str]] = {}
        self._forwarders: list[Forwarder] = []
        self._lock = threading.RLock()
        self.closing = threading.Event()

    def address(self, service: Node, evaluator: "Evaluator") -> str:
        """The address at which a step reaches the service, started if it was not.

        Raises:
            ServiceError: it ended, or its ports took no connection in time.
        """
        with self._lock:
            if service.digest not in self._running:
                self._running[service.digest] = self._start(service, evaluator)
            return self._running[service.digest][1]

    def _start(self, service: Node, evaluator: "Evaluator") -> tuple[str, str]:
        if service.field == "service":
            return "", self._forward(service.args["host"], service.args["ports"])
        if service.field != "asService" or service.parent is None:
            raise NotServedError(f"Host.{service.field}")
        step = evaluator.service_exec(service)
        with self._progress.step(f"asService {' '.join(step.args)}"):
            container, address = evaluator.start_service(service)
            self._await(container, address, evaluator.container(service.parent).config.ports)
        return container, address

    def _forward(self, host: str, ports: Sequence[dict[str, Any]]) -> str:
        """Make the host's ports reachable on the call's network; gives the address."""
        gateway = self._runner.network()[1]
        for port in ports:
            listen = (gateway, int(port.get("frontend") or port["backend"]))
            try:
                self._forwarders.append(Forwarder(listen, (host, int(port["backend"]))))
            except OSError as error:
                raise ServiceError(f"the host's {host}:{port['backend']} cannot be bound: {error.strerror}") from error
        return gateway

    def _await(self, container: str, address: str, ports: Sequence[Port]) -> None:
        deadline = time.monotonic() + HEALTHY_SECONDS
        for port in ports:
            while port.protocol == "TCP" and not port.skip_healthcheck and not _answers(address, port.port):
                if not self._docker().running(container):
                    raise ServiceError(f"the service ended before port {port.port} answered:\n{self._logs(container)}")
                if time.monotonic() > deadline:
                    raise ServiceError(
                        f"port {port.port} took no connection within {HEALTHY_SECONDS} s:\n{self._logs(container)}"
                    )
                self.closing.wait(PROBE_SECONDS)

    def _logs(self, container: str) -> str:
        return self._docker().logs(container, LOG_LINES)

    def stop(self, service: Node) -> None:
        """Stop a service that runs; one that does not is fine."""
        with self._lock:
            container, _ = self._running.pop(service.digest, ("", ""))
        if container:
            self._docker().stop(container)

    def up(self, service: Node, evaluator: "Evaluator", ports: Sequence[dict[str, Any]], random: bool) -> None:
        """Serve the service's ports on this host until it ends or the session does."""
        address = self.address(service, evaluator)
        container = self._running[service.digest][0]
        if not container or service.parent is None:
            raise ServiceError("a service of the host is up already")
        exposed = evaluator.container(service.parent).config.ports
        wanted = list(ports) or [{"frontend": p.port, "backend": p.port} for p in exposed]
        if not wanted:
            raise ServiceError("the service exposes no port: name one with --ports FRONTEND:BACKEND")
        for port in wanted:
            frontend = 0 if random else int(port.get("frontend") or port["backend"])
            self._tunnel(frontend, (address, int(port["backend"])))
        while not self.closing.wait(CONNECT_SECONDS):
            if not self._docker().running(container):
                raise ServiceError(f"the service ended:\n{self._logs(container)}")

    def _tunnel(self, frontend: int, target: tuple[str, int]) -> None:
        try:
            forwarder = Forwarder(("127.0.0.1", frontend), target)
        except OSError as error:
            raise ServiceError(
                f"port {frontend} of this machine cannot be bound: {error.strerror}; choose another with --ports"
            ) from error
        self._forwarders.append(forwarder)
        self._progress.say(f"  serving on http://127.0.0.1:{forwarder.server_address[1]} (Ctrl-C ends it)")

    def close(self) -> None:
        """Stop forwarding; the containers go with the session's other ones."""
        self.closing.set()
        for forwarder in self._forwarders:
            with contextlib.suppress(OSError):
                forwarder.close()


def _answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), CONNECT_SECONDS).close()
    except OSError:
        return False
    return True
