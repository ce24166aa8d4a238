"""An open-loop load: requests leave at their time, whether or not those before them were answered."""

import asyncio
import contextlib
import json
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from infra import local

PATIENCE = 15.0  # a request that takes longer has failed
FRESH_EVERY, SLOW_EVERY = 4, 25  # every fourth over a connection of its own, each 25th takes three seconds

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Sent:
    """A request: when it was to leave and when it ended (time.time()), whose answer came, or what went wrong."""

    due: float
    ended: float
    colour: str = ""
    problem: str = ""


@dataclass
class OpenLoad:
    """`rate` requests a second, kept alive or over new connections, some of them slow, until `stop`.

    A kept connection that the load balancer has closed meanwhile (it may, after its idle timeout) is left alone, as any
    client does; one that is closed under a request has failed.
    """

    url: str
    rate: float
    sent: list[Sent] = field(default_factory=list)
    _idle: list[Connection] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> "OpenLoad":
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Send no more, and wait for the answers."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    async def _run(self) -> None:
        began, number, running = time.time(), 0, set[asyncio.Task[None]]()
        while not self._stopped.is_set():
            due = began + number / self.rate
            if (wait := due - time.time()) > 0:
                await asyncio.sleep(wait)
            task = asyncio.create_task(self._send(number, due))
            running.add(task)
            task.add_done_callback(running.discard)
            number += 1
        await asyncio.gather(*running)
        for _, writer in self._idle:
            await _closed(writer)

    async def _send(self, number: int, due: float) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                status, colour = await self._ask(number)
            problem = "" if status == 200 else f"status {status}"
        except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError) as error:
            colour, problem = "", repr(error)
        self.sent.append(Sent(due, time.time(), colour, problem))

    async def _ask(self, number: int) -> tuple[int, str]:
        fresh = number % FRESH_EVERY == 0
        target = urllib.parse.urlsplit(self.url)
        reused = None if fresh else await self._kept()
        reader, writer = reused or await asyncio.open_connection(target.hostname, target.port)
        kept = False
        try:
            path = "/slow" if number % SLOW_EVERY == 0 else "/"
            close = "close" if fresh else "keep-alive"
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {target.netloc}\r\nConnection: {close}\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.partition("content-length:")[2].split(maxsplit=1)[0])
            body = await reader.readexactly(length)
            kept = not fresh and "connection: close" not in head
            status = int(head.split(maxsplit=2)[1])
            return status, json.loads(body)["colour"] if status == 200 else ""
        finally:
            if kept:
                self._idle.append((reader, writer))
            else:
                await _closed(writer)

    async def _kept(self) -> Connection | None:
        """The connection that was used last and is still open."""
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof():
                return reader, writer
            await _closed(writer)
        return None


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


@pytest.fixture
def open_load() -> Iterator[Callable[[str, float], OpenLoad]]:
    """`open_load(url, rate)` starts one; it is stopped at the latest when the test ends."""
    started: list[OpenLoad] = []

    def start(url: str, rate: float) -> OpenLoad:
        started.append(OpenLoad(url, rate).start())
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture(scope="module")
def site(instance: Any, build: Callable[[str], str], wait_for: Callable[..., Any]) -> Iterator["Site"]:
    """A service behind a load balancer, with colour `v0` live."""
    made = Site(instance, build("proof"), wait_for)
    made.create()
    yield made
    made.remove()


@pytest.fixture(scope="module")
def state_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the instance of `kept_site` keeps its records."""
    return tmp_path_factory.mktemp("kept") / "state"


@pytest.fixture(scope="module")
def kept_site(
    instance: Any, build: Callable[[str], str], wait_for: Callable[..., Any], free_port: Callable[[], int],
    state_folder: Path,
) -> Iterator["Site"]:  # fmt: skip
    """The same on an instance of its own with a state folder, which may be killed."""
    port = free_port()
    local.up(port, 1.0, lambda text: None, state=state_folder)
    try:
        made = Site(type(instance)(port, instance.docker), build("proof"), wait_for)
        made.create()
        yield made
    finally:
        assert local.down(port), "what a killed server left is found and removed"
        assert made.containers("") == []


class Site:
    """A service of our own making, its two target groups and their rule; each release is a colour."""

    def __init__(self, instance: Any, image: str, wait_for: Callable[..., Any]) -> None:
        self.instance, self.image, self.wait_for = instance, image, wait_for
        self.ecs, self.elbv2 = instance.client("ecs"), instance.client("elbv2")
        self.name, self.releases = "proof", 0
        self.groups_of: dict[str, str] = {}  # colour to the target group that it was put into
        self.live = self.newest = "v0"

    def create(self) -> None:
        ec2 = self.instance.client("ec2")
        subnets = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"][:2]]
        vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
        made = self.elbv2.create_load_balancer(Name=self.name, Subnets=subnets)["LoadBalancers"][0]
        self.balancer = made["LoadBalancerArn"]
        self.groups = [self._group(f"{self.name}-{number}", vpc) for number in (1, 2)]
        fixed = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
        listener = self.elbv2.create_listener(
            LoadBalancerArn=self.balancer, Protocol="HTTP", Port=8500, DefaultActions=[fixed]
        )["Listeners"][0]
        groups = [{"TargetGroupArn": arn, "Weight": weight} for arn, weight in zip(self.groups, (1, 0), strict=True)]
        self.rule = self.elbv2.create_rule(
            ListenerArn=listener["ListenerArn"], Priority=1,
            Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/*"]}}],
            Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}],
        )["Rules"][0]["RuleArn"]  # fmt: skip
        self.url = self.instance.url(8500)
        self.ecs.create_cluster(clusterName=self.name)
        self.groups_of["v0"] = self.groups[1]
        self.ecs.create_service(
            cluster=self.name, serviceName=self.name, taskDefinition=self._definition("v0"), desiredCount=1,
            networkConfiguration={"awsvpcConfiguration": {"subnets": subnets}},
            deploymentConfiguration={"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0},
            loadBalancers=[{
                "targetGroupArn": self.groups[0], "containerName": "app", "containerPort": 8080,
                "advancedConfiguration": {
                    "alternateTargetGroupArn": self.groups[1], "productionListenerRule": self.rule,
                    "roleArn": "arn:aws:iam::123456789012:role/proof",
                },
            }],
        )  # fmt: skip
        assert self.ended() == "SUCCESSFUL"

    def remove(self) -> None:
        self.ecs.delete_service(cluster=self.name, service=self.name, force=True)
        self.wait_for(lambda: not self.containers(""), "the end of the tasks")
        self.ecs.get_waiter("services_inactive").wait(
            cluster=self.name, services=[self.name], WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        self.ecs.delete_cluster(cluster=self.name)
        self.elbv2.delete_load_balancer(LoadBalancerArn=self.balancer)
        for group in self.groups:
            self.elbv2.delete_target_group(TargetGroupArn=group)

    def release(self, configuration: dict[str, Any]) -> str:
        """Start a deployment of a new colour; gives the colour. ROLLING puts it where the old one is."""
        self.releases += 1
        colour = f"v{self.releases}"
        in_place = configuration["strategy"] == "ROLLING"
        group = next(arn for arn, weight in self.weights().items() if bool(weight) == in_place)
        self.groups_of[colour], self.newest = group, colour
        self.ecs.update_service(
            cluster=self.name, service=self.name, taskDefinition=self._definition(colour),
            deploymentConfiguration=configuration,
        )  # fmt: skip
        return colour

    def roll_back(self) -> None:
        arn = self.deployment()["serviceDeploymentArn"]
        self.ecs.stop_service_deployment(serviceDeploymentArn=arn, stopType="ROLLBACK")

    def deployment(self) -> dict[str, Any]:
        """The newest one."""
        briefs = self.ecs.list_service_deployments(service=self.name, cluster=self.name)["serviceDeployments"]
        newest: dict[str, Any] = max(briefs, key=lambda each: each["createdAt"])
        return newest

    def ended(self) -> str:
        """Wait for the newest deployment's end; gives its status. After a success the newest colour is live."""
        ends = ("SUCCESSFUL", "ROLLBACK_SUCCESSFUL", "ROLLBACK_FAILED", "STOPPED")
        self.wait_for(lambda: self.deployment()["status"] in ends, "the end of the deployment", 300.0)
        status: str = self.deployment()["status"]
        if status == "SUCCESSFUL":
            self.live = self.newest
        return status

    def weights(self) -> dict[str, int]:
        action = self.elbv2.describe_rules(RuleArns=[self.rule])["Rules"][0]["Actions"][0]
        return {each["TargetGroupArn"]: each["Weight"] for each in action["ForwardConfig"]["TargetGroups"]}

    def shares(self) -> dict[str, float]:
        """Target group to its share of production, as the rule says; without those that get nothing."""
        weights = self.weights()
        total = sum(weights.values())
        return {group: weight / total for group, weight in weights.items() if weight}

    def containers(self, colour: str) -> list[Any]:
        """The containers of a release, or of all of them."""
        environment = {each: set(each.attrs["Config"]["Env"]) for each in self.instance.containers()}
        colours = [colour] if colour else list(self.groups_of)
        return [each for each, has in environment.items() if has & {f"COLOUR={name}" for name in colours}]

    def _group(self, name: str, vpc: str) -> str:
        made = self.elbv2.create_target_group(
            Name=name, Protocol="HTTP", Port=8080, VpcId=vpc, TargetType="ip", HealthCheckPath="/health",
            HealthCheckIntervalSeconds=5, HealthCheckTimeoutSeconds=2,
        )  # fmt: skip
        arn: str = made["TargetGroups"][0]["TargetGroupArn"]
        self.delay(arn, 5)
        return arn

    def delay(self, group: str, seconds: int) -> None:
        """Set a target group's deregistration delay."""
        attribute = {"Key": "deregistration_delay.timeout_seconds", "Value": str(seconds)}
        self.elbv2.modify_target_group_attributes(TargetGroupArn=group, Attributes=[attribute])

    def _definition(self, colour: str) -> str:
        values = {"COLOUR": colour, "PORT": "8080", "HEALTH_PATH": "/health"}
        container = {
            "name": "app", "image": self.image, "essential": True,
            "portMappings": [{"containerPort": 8080}],
            "environment": [{"name": name, "value": value} for name, value in values.items()],
        }  # fmt: skip
        made = self.ecs.register_task_definition(
            family=self.name, networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="2048", memory="4096",
            containerDefinitions=[container],
        )  # fmt: skip
        arn: str = made["taskDefinition"]["taskDefinitionArn"]
        return arn
