"""Services: containers and ports of the host that a step reaches by a name, started when first needed, once a
session."""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ci.engine import tunnels
from ci.engine.docker_api import Docker
from ci.engine.errors import InterruptedCallError, NotServedError, ServiceError
from ci.engine.network import Forwarder
from ci.engine.nodes import Node
from ci.engine.progress import Progress
from ci.engine.runner import Runner
from ci.engine.state import Port, Protocol

if TYPE_CHECKING:
    from ci.engine.evaluator import Evaluator

HEALTHY_SECONDS = 60.0  # until every exposed port takes connections
STOP_SECONDS = 10  # between SIGTERM and SIGKILL, as Dagger's engine waits
PROBE_SECONDS = 0.05
WATCH_SECONDS = 1.0
LOG_LINES = 20
HOSTNAME_LENGTH = 13


@dataclass(frozen=True)
class Running:
    """A service that runs: where it is reached, its ports there, and what it consists of."""

    address: str
    ports: tuple[Port, ...] = ()
    container: str = ""
    forwarders: tuple[Forwarder, ...] = field(default=(), repr=False)


def origin(service: Node) -> Node:
    """What a service is made by, under the hostnames that were given to it."""
    while service.field == "withHostname" and service.parent is not None:
        service = service.parent
    return service


def hostname(service: Node) -> str:
    """The name by which the session's containers reach a service: the one given, else one of its own."""
    return str(service.args["hostname"]) if service.field == "withHostname" else service.digest[:HOSTNAME_LENGTH]


class Services:
    """The services of one session.

    Args:
        healthy_seconds: how long a service may take until its ports answer.
    """

    def __init__(
        self,
        docker: Callable[[], Docker],
        runner: Runner,
        progress: Progress,
        healthy_seconds: float = HEALTHY_SECONDS,
    ) -> None:
        self._docker = docker
        self._runner = runner
        self._progress = progress
        self._healthy_seconds = healthy_seconds
        self._running: dict[str, tuple[Node, Running]] = {}
        self._locks: dict[str, threading.RLock] = {}
        self._lock = threading.Lock()
        self.closing = threading.Event()

    # Starting and stopping

    def start(self, service: Node, evaluator: "Evaluator") -> Running:
        """The service as it runs, started if it did not; services that others start meanwhile do not wait for it.

        Raises:
            ServiceError: it ended, or its ports took no connection in time.
            InterruptedCallError: the user ended the call meanwhile.
        """
        with self._lock:
            lock = self._locks.setdefault(service.digest, threading.RLock())
        with lock:
            if (found := self._running.get(service.digest)) is None:
                found = (service, self._start(origin(service), evaluator))
                self._running[service.digest] = found
            return found[1]

    def address(self, service: Node, evaluator: "Evaluator") -> str:
        """The address at which a step reaches the service, started if it was not."""
        return self.start(service, evaluator).address

    def names(self) -> dict[str, str]:
        """The addresses of the services that run, by hostname."""
        with self._lock:
            rows = list(self._running.values())
        return {hostname(service): running.address for service, running in rows if service.field != "tunnel"}

    def _start(self, service: Node, evaluator: "Evaluator") -> Running:
        if service.field == "service":
            gateway = self._runner.network()[1]
            forwarders = tunnels.from_host(gateway, service.args["host"], service.args["ports"])
            return Running(gateway, self._exposed(service, evaluator), forwarders=tuple(forwarders))
        if service.field == "tunnel":
            upstream: Node = service.args["service"]
            exposed = self._exposed(origin(upstream), evaluator)
            forwards = tunnels.wanted(service.args["ports"], service.args["native"], exposed)
            made, ports = tunnels.to_host(self.address(upstream, evaluator), forwards)
            return Running("localhost", tuple(ports), forwarders=tuple(made))
        if service.field != "asService" or service.parent is None:
            raise NotServedError(f"{service.type}.{service.field}")
        return self._start_container(service, evaluator)

    def _start_container(self, service: Node, evaluator: "Evaluator") -> Running:
        ports = self._exposed(service, evaluator)
        step = evaluator.service_exec(service)
        with self._progress.step(f"asService {' '.join(step.args)}"):
            container, address = evaluator.start_service(service)
            try:
                self._await(container, address, ports)
            except (ServiceError, InterruptedCallError):
                self._docker().remove(container)
                raise
        return Running(address, ports, container)

    def _await(self, container: str, address: str, ports: Sequence[Port]) -> None:
        """Wait until every exposed TCP port answers whose health is to be checked."""
        deadline = time.monotonic() + self._healthy_seconds
        checked = [port.port for port in ports if port.protocol == "TCP" and not port.skip_healthcheck]
        for port in checked:
            while not tunnels.answers(address, port):
                if (ended := self._docker().exit_code(container)) is not None:
                    raise ServiceError(f"exited: exit code: {ended}\noutput: {self._logs(container)}")
                if self.closing.wait(PROBE_SECONDS):
                    raise InterruptedCallError
                if time.monotonic() > deadline:
                    raise ServiceError(
                        f"health check errored: port {port} took no connection within {self._healthy_seconds:g} s\n"
                        f"output: {self._logs(container)}"
                    )

    def _logs(self, container: str) -> str:
        return self._docker().logs(container, LOG_LINES)

    def stop(self, service: Node, kill: bool = False) -> None:
        """Stop a service that runs (SIGTERM, after a while SIGKILL; at once if `kill`); one that does not is fine."""
        with self._lock:
            _, running = self._running.pop(service.digest, (None, None))
        if running is not None:
            self._end(running, 0 if kill else STOP_SECONDS)

    def _end(self, running: Running, seconds: int) -> None:
        for forwarder in running.forwarders:
            with contextlib.suppress(OSError):
                forwarder.close()
        if running.container:
            self._docker().stop(running.container, seconds)

    def close(self) -> None:
        """Stop all services at once, within the bound of one."""
        self.closing.set()
        with self._lock:
            rows = [running for _, running in self._running.values()]
            self._running.clear()
        threads = [threading.Thread(target=self._end, args=(running, STOP_SECONDS)) for running in rows]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    # Where they are

    def ports(self, service: Node, evaluator: "Evaluator") -> tuple[Port, ...]:
        """The ports of a service; a tunnel's are known while it runs.

        Raises:
            ServiceError: it is a tunnel that does not run.
        """
        return self._exposed(service, evaluator)

    def _exposed(self, service: Node, evaluator: "Evaluator") -> tuple[Port, ...]:
        made_by = origin(service)
        if made_by.field == "tunnel":
            return self._tunnel(service).ports
        if made_by.parent is None or made_by.parent.type != "Container":
            return tuple(_port(forward) for forward in made_by.args.get("ports") or ())
        return evaluator.container(made_by.parent).config.ports

    def _tunnel(self, service: Node) -> Running:
        if service.digest not in self._running:
            raise ServiceError("the tunnel is not running: start it first (Service.start)")
        return self._running[service.digest][1]

    def endpoint(self, service: Node, evaluator: "Evaluator", port: int | None, scheme: str) -> str:
        """`HOST:PORT` by which clients reach the service, with a scheme as a URL; the first port by default.

        Raises:
            ServiceError: no port is given and none exposed.
        """
        made_by = origin(service)
        host = self._tunnel(service).address if made_by.field == "tunnel" else hostname(service)
        if not port:
            exposed = self._exposed(service, evaluator)
            if not exposed:
                raise ServiceError("no ports exposed" if made_by.field == "asService" else "no ports")
            port = exposed[0].port
        return f"{scheme}://{host}:{port}" if scheme else f"{host}:{port}"

    def host_endpoint(self, service: Node, evaluator: "Evaluator") -> str:
        """`ADDRESS:PORT` at which this process reaches the service's first port, started if it was not."""
        running = self.start(service, evaluator)
        if not running.ports:
            raise ServiceError("no ports exposed")
        return f"{running.address}:{running.ports[0].port}"

    # On this machine

    def up(self, service: Node, evaluator: "Evaluator", forwards: Sequence[Mapping[str, Any]], random: bool) -> None:
        """Serve the service's ports on this machine until it ends or the session does.

        Raises:
            ServiceError: a port is taken, or the service ended.
        """
        chosen = [{**forward, "frontend": 0 if random else tunnels.frontend(forward)} for forward in forwards]
        native = not random and not chosen
        tunnel = Node("Service", "tunnel", None, {"service": service, "native": native, "ports": chosen})
        running = self.start(tunnel, evaluator)
        for port in running.ports:
            self._progress.say(f"  serving on http://localhost:{port.port} (Ctrl-C ends it)")
        container = self.start(service, evaluator).container
        while not self.closing.wait(WATCH_SECONDS):
            if container and (ended := self._docker().exit_code(container)) is not None:
                raise ServiceError(f"exited: exit code: {ended}\noutput: {self._logs(container)}")


def _port(forward: Mapping[str, Any]) -> Port:
    shown = tunnels.frontend(forward)
    protocol: Protocol = "UDP" if forward.get("protocol") == "UDP" else "TCP"
    return Port(shown, protocol, f"tunnel {protocol} {shown} -> {forward['backend']}")
