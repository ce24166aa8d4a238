"""How fast AWS on this machine is with 10 services of 3 tasks and 200 targets: `make bench`.

Prints a table in Markdown; with `--write` it also replaces the one in docs/aws.md. The instance, its state and its
image are the benchmark's own, and are removed at the end.
"""

import argparse
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import docker

from benchmarks import busybox, tables
from infra import local
from infra.local.processes import Ledger
from infra.local.state import StateDirectory

PAGE = Path(__file__).parents[1] / "docs" / "aws.md"
SERVICES, TASKS, TARGETS = 10, 3, 200
READ_SECONDS, SHIFT_SECONDS, UP_SECONDS, IDLE_PERCENT = 0.05, 0.5, 10.0, 3.0
READ_TIMES, SHIFT_TIMES, IDLE_WINDOW = 21, 11, 60.0
REGION, NAME, LISTENER = "eu-north-1", "bench", 8600
PATIENCE, POLL = 180.0, 0.05
TICKS = os.sysconf("SC_CLK_TCK")

Row = tuple[str, str, str]  # what, bound, measured


class Site:
    """Services and targets on an instance. `targets` are the ports of two servers of this process, which answer with
    their own port, on every address of 127.0.0.0/8."""

    def __init__(self, port: int, image: str, targets: Sequence[int]) -> None:
        self._port, self._image, self._targets = port, image, targets
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """One client a service, kept."""
        if service not in self._clients:
            keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
            endpoint = f"http://127.0.0.1:{self._port}"
            self._clients[service] = boto3.client(service, endpoint_url=endpoint, region_name=REGION, **keys)
        return self._clients[service]

    def make(self) -> None:
        """A load balancer, two groups of loopback addresses that share a rule, and the services with their groups."""
        elbv2, ecs = self.client("elbv2"), self.client("ecs")
        subnets = [each["SubnetId"] for each in self.client("ec2").describe_subnets()["Subnets"][:2]]
        balancer = elbv2.create_load_balancer(Name=NAME, Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
        fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
        self._listener = elbv2.create_listener(
            LoadBalancerArn=balancer, Protocol="HTTP", Port=LISTENER, DefaultActions=[fixed]
        )["Listeners"][0]["ListenerArn"]
        self.groups = [self._group(f"{NAME}-{port}", port) for port in self._targets]
        self.rule = self._rule(SERVICES + 1, "/*", *self.groups)
        each = (TARGETS - SERVICES * TASKS) // len(self.groups)
        for group in self.groups:
            targets = [{"Id": f"127.1.0.{number}"} for number in range(1, each + 1)]
            elbv2.register_targets(TargetGroupArn=group, Targets=targets)
        ecs.create_cluster(clusterName=NAME)
        ecs.register_task_definition(family=NAME, memory="64", networkMode="awsvpc", containerDefinitions=[{
            "name": "web", "image": self._image, "portMappings": [{"containerPort": busybox.PORT}], "stopTimeout": 2,
        }])  # fmt: skip
        self.services = [self._service(number, subnets) for number in range(SERVICES)]

    def settled(self) -> bool:
        """Whether all tasks run and all targets are healthy."""
        groups = self.client("elbv2").describe_target_groups()["TargetGroups"]
        states = [state for group in groups for state in self._states(group["TargetGroupArn"])]
        return len(states) == TARGETS and set(states) == {"healthy"}

    def shift(self, to: int) -> None:
        """Give one of the two groups of loopback addresses all of the rule's requests."""
        pairs = [{"TargetGroupArn": arn, "Weight": 100 * (arn == self.groups[to])} for arn in self.groups]
        self.client("elbv2").modify_rule(
            RuleArn=self.rule, Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": pairs}}]
        )

    def url(self) -> str:
        """Where the listener is reached on this machine: HOST:PORT."""
        status = local.status(self._port)
        assert status is not None
        return status.load_balancers[0].listeners[0].url.removeprefix("http://")

    def reads(self) -> dict[str, Callable[[], Any]]:
        """The calls that are timed."""
        ecs, elbv2, watch = self.client("ecs"), self.client("elbv2"), self.client("cloudwatch")
        tasks = ecs.list_tasks(cluster=NAME)["taskArns"]
        deployment = ecs.list_service_deployments(cluster=NAME, service=self.services[0])["serviceDeployments"][0]
        arn, names = deployment["serviceDeploymentArn"], self.services
        return {
            f"`ecs describe-services` of {SERVICES}": lambda: ecs.describe_services(cluster=NAME, services=names),
            f"`ecs describe-tasks` of {len(tasks)}": lambda: ecs.describe_tasks(cluster=NAME, tasks=tasks),
            "`ecs list-tasks`": lambda: ecs.list_tasks(cluster=NAME),
            "`ecs describe-service-deployments`": lambda: ecs.describe_service_deployments(serviceDeploymentArns=[arn]),
            "`elbv2 describe-target-health` of 85": lambda: elbv2.describe_target_health(TargetGroupArn=self.groups[0]),
            "`elbv2 describe-target-groups`": elbv2.describe_target_groups,
            "`elbv2 describe-rules`": lambda: elbv2.describe_rules(ListenerArn=self._listener),
            "`cloudwatch list-metrics`": lambda: watch.list_metrics(Namespace="AWS/ApplicationELB"),
        }

    def _states(self, group: str) -> list[str]:
        found = self.client("elbv2").describe_target_health(TargetGroupArn=group)["TargetHealthDescriptions"]
        return [each["TargetHealth"]["State"] for each in found]

    def _group(self, name: str, port: int) -> str:
        vpc = self.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
        made = self.client("elbv2").create_target_group(
            Name=name, Protocol="HTTP", Port=port, VpcId=vpc, TargetType="ip"
        )
        arn: str = made["TargetGroups"][0]["TargetGroupArn"]
        return arn

    def _rule(self, priority: int, path: str, *groups: str) -> str:
        pairs = [{"TargetGroupArn": arn, "Weight": 100 * (arn == groups[0])} for arn in groups]
        made = self.client("elbv2").create_rule(
            ListenerArn=self._listener, Priority=priority, Conditions=[{"Field": "path-pattern", "Values": [path]}],
            Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": pairs}}],
        )  # fmt: skip
        arn: str = made["Rules"][0]["RuleArn"]
        return arn

    def _service(self, number: int, subnets: Sequence[str]) -> str:
        name = f"{NAME}-{number}"
        group = self._group(name, busybox.PORT)
        self._rule(number + 1, f"/{number}", group)
        self.client("ecs").create_service(
            cluster=NAME, serviceName=name, taskDefinition=NAME, desiredCount=TASKS,
            networkConfiguration={"awsvpcConfiguration": {"subnets": list(subnets)}},
            loadBalancers=[{"targetGroupArn": group, "containerName": "web", "containerPort": busybox.PORT}],
        )  # fmt: skip
        return name


def measured(times: int) -> Iterator[Row]:
    """The rows of the table."""
    with contextlib.ExitStack() as ends:
        ends.enter_context(_state_home())
        client = ends.enter_context(contextlib.closing(docker.from_env()))
        image = ends.enter_context(busybox.image(client))
        servers = [ends.enter_context(_server()) for _ in range(2)]
        port = _free_port()
        ends.callback(local.down, port)
        yield "`cutover local up`, warm", f"{UP_SECONDS:.0f} s", _shown([_up(port) for _ in range(times + 1)][1:])
        site = Site(port, image, servers)
        site.make()
        _until(site.settled)
        for name, call in site.reads().items():
            yield name, f"{READ_SECONDS * 1000:.0f} ms", _shown(_times(call, READ_TIMES), 1000, "ms")
        seconds = _shifts(site, servers)
        yield "a change of weights, until it is in effect", f"{SHIFT_SECONDS} s", _shown(seconds)
        yield "idle: server, HAProxy and registry", f"{IDLE_PERCENT:.0f} % of a core", f"{_idle(port):.1f} %"


def _up(port: int) -> float:
    """Take down what is up, and start it anew; the seconds of the second."""
    cutover = str(Path(sys.executable).with_name("cutover"))
    local.down(port)
    begun = time.perf_counter()
    subprocess.run([cutover, "local", "up", "--port", str(port)], check=True, capture_output=True)
    return time.perf_counter() - begun


def _times(call: Callable[[], Any], times: int) -> list[float]:
    seconds = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begun)
    return seconds


def _shifts(site: Site, servers: Sequence[int]) -> list[float]:
    """From the call until the first answer of the other group; from then on the first one gets nothing."""
    connection, seconds = HTTPConnection(site.url()), []
    for number in range(SHIFT_TIMES):
        to = (number + 1) % 2
        begun = time.perf_counter()
        site.shift(to)
        while _asked(connection) != str(servers[to]):
            pass
        seconds.append(time.perf_counter() - begun)
    connection.close()
    return seconds


def _asked(connection: HTTPConnection) -> str:
    connection.request("GET", "/")
    return connection.getresponse().read().decode()


def _idle(port: int) -> float:
    """Percent of a core that the instance's processes take while nobody asks anything."""
    before, begun = _ticks(port), time.monotonic()
    threading.Event().wait(IDLE_WINDOW)
    return 100 * (_ticks(port) - before) / TICKS / (time.monotonic() - begun)


def _ticks(port: int) -> int:
    """Time in user and kernel mode of all processes of the instance's sessions (proc(5), fields 6, 14 and 15)."""
    sessions = {record.pid for record in Ledger(StateDirectory.of(port).processes).read().values()}
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
            if int(fields[3]) in sessions:
                ticks += int(fields[11]) + int(fields[12])
    return ticks


def _shown(seconds: Sequence[float], factor: float = 1, unit: str = "s") -> str:
    middle, worst = (each * factor for each in (statistics.median(seconds), max(seconds)))
    digits = 2 if unit == "s" else 1
    return f"{middle:.{digits}f} {unit} ({worst:.{digits}f})"


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"the services were not up within {PATIENCE:.0f} s")
        time.sleep(POLL)


@contextlib.contextmanager
def _state_home() -> Iterator[None]:
    """A state directory of the benchmark's own, with a path that is short enough for sockets."""
    before = os.environ.get("XDG_STATE_HOME")
    with tempfile.TemporaryDirectory(prefix="cutover-", dir="/tmp") as folder:
        os.environ["XDG_STATE_HOME"] = folder
        yield
    os.environ.pop("XDG_STATE_HOME")
    if before is not None:
        os.environ["XDG_STATE_HOME"] = before


class Handler(BaseHTTPRequestHandler):
    """Answers with the port that was asked."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """In one write: head and body apart would wait for each other's acknowledgement."""
        body = str(self.connection.getsockname()[1]).encode()
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


class Target(ThreadingHTTPServer):
    """Health checks are closed with a reset, which is no error."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def _server() -> Iterator[int]:
    """A target; gives its port."""
    server = Target(("", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> None:
    """Measure, print the table, and put it into the page where that is asked for."""
    parser = argparse.ArgumentParser(description="How fast AWS on this machine is.")
    parser.add_argument("--times", type=int, default=3, help="starts, of which the median counts")
    parser.add_argument("--write", action="store_true", help="replace the table of docs/aws.md")
    given = parser.parse_args()
    text = tables.table(("", "bound", "median (worst)"), list(measured(given.times)))
    print(text)
    if given.write:
        tables.replace(PAGE, "bench", text)


if __name__ == "__main__":
    main()
