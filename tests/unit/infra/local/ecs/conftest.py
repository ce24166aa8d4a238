"""ECS without Docker, HAProxy or time: all that it reaches outside is faked, and a turn of its loop is a call."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.validate import ParamValidator

from infra.local.ecs.interfaces import (
    ContainerSpec,
    ContainerState,
    LogTarget,
    RuleForward,
    StartedContainer,
    TaskFailedToStart,
)
from infra.local.ecs.model import Deployment, Service
from infra.local.ecs.service import Ecs
from infra.local.ecs.store import Store
from infra.local.ecs.validation import operation_model, outside_enumerations

REGION = "eu-north-1"
RULE = "arn:aws:elasticloadbalancing:eu-north-1:123456789012:listener-rule/app/lb/1/2/"
GROUP = "arn:aws:elasticloadbalancing:eu-north-1:123456789012:targetgroup/"
PRODUCTION, TEST = f"{RULE}production", f"{RULE}test"
PRIMARY, ALTERNATE = f"{GROUP}primary/1", f"{GROUP}alternate/2"
MINUTE, DRAIN_SECONDS = 60.0, 5.0
MANY_TURNS = 2000
TEXT_ONLY = {"PRE_PRODUCTION_TRAFFIC_SHIFT"}  # the API's text names this stage, its enumeration leaves it out


class FakeClock:
    """Time that stands still until it is moved."""

    def __init__(self) -> None:
        self.time = 1_700_000_000.0

    def now(self) -> float:
        return self.time

    def minutes(self, count: float) -> float:
        return count * MINUTE


class FakeRuntime:
    """Containers that start at once. `failing` images do not start, `exiting` ones end with code 1."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.specs: dict[str, ContainerSpec] = {}
        self.running: dict[str, ContainerState] = {}
        self.failing: set[str] = set()
        self.exiting: set[str] = set()
        self.exit_code = 1
        self.health = "UNKNOWN"
        self.removed: list[str] = []
        self.written: list[tuple[float, str]] = []

    def start(self, spec: ContainerSpec) -> StartedContainer:
        if spec.image in self.failing:
            raise TaskFailedToStart("CannotPullContainerError: no such image")
        number = len(self.specs) + 1
        name = f"container-{number}"
        self.specs[name] = spec
        exited = spec.image in self.exiting
        self.running[name] = ContainerState(
            not exited, self.health, self.exit_code if exited else None, labels=dict(spec.labels)
        )
        return StartedContainer(name, "" if spec.joins else f"10.0.0.{number}", None)

    def hold(self, name: str, labels: Mapping[str, str]) -> StartedContainer:
        return self.start(ContainerSpec(name, "pause", labels))

    def stop(self, runtime_id: str, timeout: float) -> None:
        self.log.append(f"stop {self.specs[runtime_id].image} within {timeout:.0f}")
        if runtime_id in self.running:
            self.end(runtime_id, 0)

    def end(self, runtime_id: str, exit_code: int, *, out_of_memory: bool = False) -> None:
        """The container ends by itself."""
        self.running[runtime_id] = ContainerState(
            False, "UNKNOWN", exit_code, out_of_memory, self.running[runtime_id].labels
        )

    def discard(self, runtime_ids: Sequence[str], volumes: Sequence[str]) -> None:
        self.removed += [*runtime_ids, *volumes]
        for runtime_id in runtime_ids:
            self.running.pop(runtime_id, None)

    def states(self) -> Mapping[str, ContainerState]:
        return dict(self.running)

    def address(self, runtime_id: str) -> str:
        return f"10.0.0.{runtime_id.partition('-')[2]}" if runtime_id in self.running else ""

    def lines(self, runtime_id: str, since: float) -> Iterator[tuple[float, str]]:
        return (each for each in self.written if each[0] > since)

    def stats(self, runtime_id: str) -> Mapping[str, Any]:
        return {"id": runtime_id}

    def images(self) -> list[str]:
        return sorted(self.specs[name].image for name, state in self.running.items() if state.running)


class FakeAlarms:
    """Alarms by name; those in `ringing` are in the state ALARM."""

    def __init__(self) -> None:
        self.ringing: set[str] = set()

    def in_alarm(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if name in self.ringing]


class FakeNotices:
    """Keeps what was put: (detail type, resources, detail)."""

    def __init__(self) -> None:
        self.put_events: list[tuple[str, list[str], dict[str, Any]]] = []

    def put(self, detail_type: str, resources: Sequence[str], detail: Mapping[str, Any]) -> None:
        self.put_events.append((detail_type, list(resources), dict(detail)))

    def names(self, detail_type: str) -> list[str]:
        return [detail["eventName"] for kind, _, detail in self.put_events if kind == detail_type]


class FakeSecrets:
    """Values by reference."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def value(self, reference: str) -> str:
        if reference not in self.values:
            raise TaskFailedToStart(f"ResourceInitializationError: no {reference}")
        return self.values[reference]


class FakeLogs:
    """Keeps which streams were opened and which containers are followed."""

    def __init__(self) -> None:
        self.streams: list[LogTarget] = []
        self.followed: dict[str, LogTarget] = {}
        self.finished: list[str] = []

    def open(self, target: LogTarget) -> None:
        self.streams.append(target)

    def follow(self, runtime_id: str, target: LogTarget) -> None:
        self.followed[runtime_id] = target

    def finish(self, runtime_id: str) -> None:
        self.finished.append(runtime_id)


class FakeBalancing:
    """Two rules and two groups. Targets are healthy at once unless `state` says otherwise, and drain for a while."""

    def __init__(self, clock: FakeClock, log: list[str]) -> None:
        self.clock, self.log = clock, log
        self.rules = {PRODUCTION: {PRIMARY: 1, ALTERNATE: 0}, TEST: {PRIMARY: 1, ALTERNATE: 0}}
        self.plain = True
        self.groups = {PRIMARY, ALTERNATE}
        self.targets: dict[tuple[str, str, int], float | None] = {}
        self.healthy = "healthy"

    def rule(self, arn: str) -> RuleForward | None:
        return RuleForward(self.rules[arn], self.plain) if arn in self.rules else None

    def set_weights(self, arn: str, weights: Mapping[str, int]) -> None:
        shown = {group.split("/")[1]: weight for group, weight in weights.items()}
        self.log.append(f"{arn.rpartition('/')[2]} primary={shown['primary']} alternate={shown['alternate']}")
        self.rules[arn] = dict(weights)

    def target_group_exists(self, arn: str) -> bool:
        return arn in self.groups

    def register(self, target_group: str, ip: str, port: int) -> None:
        self.log.append(f"register in {target_group.split('/')[1]}")
        self.targets[(target_group, ip, port)] = None

    def deregister(self, target_group: str, ip: str, port: int) -> None:
        self.log.append(f"deregister from {target_group.split('/')[1]}")
        self.targets[(target_group, ip, port)] = self.clock.now() + DRAIN_SECONDS

    def drain(self, target_group: str, ip: str, port: int) -> None:
        self.deregister(target_group, ip, port)

    def target_state(self, target_group: str, ip: str, port: int) -> str:
        if (target_group, ip, port) not in self.targets:
            return "unused"
        gone_at = self.targets[(target_group, ip, port)]
        if gone_at is not None:
            return "draining" if self.clock.now() < gone_at else "unused"
        in_use = any(target_group in weights for weights in self.rules.values())
        return self.healthy if in_use else "unused"

    def registered(self, group: str) -> int:
        return sum(key[0] == group and gone_at is None for key, gone_at in self.targets.items())


class Inline:
    """A background that does everything at once, or where `hold` is set when `release` is called."""

    def __init__(self) -> None:
        self.hold = False
        self.held: list[Callable[[], None]] = []

    def submit(self, call: Callable[..., Any], /, *arguments: object) -> Future[Any]:
        future: Future[Any] = Future()

        def run() -> None:
            try:
                future.set_result(call(*arguments))
            except TaskFailedToStart as error:
                future.set_exception(error)

        if self.hold:
            self.held.append(run)
        else:
            run()
        return future

    def release(self) -> None:
        self.hold = False
        for run in self.held:
            run()


@dataclass
class World:
    """ECS of one region, its surroundings, and the shorthand of the tests. `log` is what happened outside, in order."""

    clock: FakeClock = field(default_factory=FakeClock)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.runtime = FakeRuntime(self.log)
        self.rules = FakeBalancing(self.clock, self.log)
        self.bells = FakeAlarms()
        self.bus = FakeNotices()
        self.values = FakeSecrets()
        self.streams = FakeLogs()
        self.background = Inline()
        self.begin()

    def begin(self, document: dict[str, Any] | None = None) -> None:
        """A server of its own begins, over a snapshot if there is one; its loops turn by hand."""
        self.ecs = Ecs(
            "123456789012", self.runtime, self, self.background, self.clock, metadata_url="http://169.254.170.2:1",
            threads=False,
        )  # fmt: skip
        if document is not None:
            self.ecs.restore(document)
        region = self.ecs.region(REGION)
        self.store, self.loop = region.context.store, region.loop

    def restart(self) -> None:
        """The server is killed, and another one begins from its last snapshot."""
        self.begin(json.loads(json.dumps(self.ecs.snapshot())))

    def balancing(self, region: str) -> FakeBalancing:
        return self.rules

    def alarms(self, region: str) -> FakeAlarms:
        return self.bells

    def notices(self, region: str) -> FakeNotices:
        return self.bus

    def secrets(self, region: str) -> FakeSecrets:
        return self.values

    def logs(self) -> FakeLogs:
        return self.streams

    def joined(self, region: str, store: Store) -> None:
        """Nobody else wants to know."""

    def call(self, operation: str, **given: Any) -> dict[str, Any]:
        """An operation, whose output has to fit the model's shape and enumerations."""
        answer = self.ecs.call(REGION, operation, given)
        shape = operation_model(operation).output_shape
        assert shape is not None
        report = ParamValidator().validate(answer, shape)
        assert not report.has_errors(), report.generate_report()
        strange = [(path, value) for path, value, _ in outside_enumerations(shape, answer)]
        assert [each for each in strange if not each[0].endswith("lifecycleStage") or each[1] not in TEXT_ONLY] == []
        return answer

    def turn(self, times: int = 1, seconds: float = 0.0) -> None:
        """Turns of the loop, with time passing before each."""
        for _ in range(times):
            self.clock.time += seconds
            self.loop.turn()

    def until(self, condition: Callable[[], Any], seconds: float = 1.0) -> None:
        """Turn until the condition holds; it has to hold within a bound."""
        for _ in range(MANY_TURNS):
            if condition():
                return
            self.turn(seconds=seconds)
        raise AssertionError(f"it never came about; the log: {self.log}")

    def settle(self) -> str:
        """Turn until the newest deployment has ended; gives its status."""
        self.until(lambda: self.deployment.finished)
        return self.deployment.status

    def register(self, image: str = "app:1", **container: Any) -> str:
        ports = [{"containerPort": 8080}]
        definition = {"name": "app", "image": image, "memory": 64, "portMappings": ports, **container}
        answer = self.call("RegisterTaskDefinition", family="demo", containerDefinitions=[definition])
        arn: str = answer["taskDefinition"]["taskDefinitionArn"]
        return arn

    def create(self, image: str = "app:1", container: dict[str, Any] | None = None, **changes: Any) -> Service:
        """A cluster and a service in it, with a PAUSE at POST_TEST_TRAFFIC_SHIFT unless `hooks` says otherwise."""
        self.call("CreateCluster", clusterName="demo")
        given = self.request(self.register(image, **(container or {})), **changes)
        self.call("CreateService", **given)
        return self.service

    @staticmethod
    def request(definition: str, hooks: list[Any] | None = None, **changes: Any) -> dict[str, Any]:
        """CreateService's input."""
        configuration = {
            "strategy": "BLUE_GREEN",
            "bakeTimeInMinutes": 1,
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
            "lifecycleHooks": [World.pause()] if hooks is None else hooks,
            **changes.pop("configuration", {}),
        }
        advanced = {
            "alternateTargetGroupArn": ALTERNATE,
            "productionListenerRule": PRODUCTION,
            "testListenerRule": TEST,
            "roleArn": "arn:aws:iam::123456789012:role/ecs",
            **changes.pop("advanced", {}),
        }
        balancer = {"targetGroupArn": PRIMARY, "containerName": "app", "containerPort": 8080}
        return {
            "cluster": "demo",
            "serviceName": "demo",
            "taskDefinition": definition,
            "deploymentConfiguration": configuration,
            "loadBalancers": [{**balancer, "advancedConfiguration": advanced}],
            **changes,
        }

    @staticmethod
    def pause(*stages: str, minutes: int = 30, action: str = "ROLLBACK") -> dict[str, Any]:
        return {
            "targetType": "PAUSE",
            "lifecycleStages": list(stages or ("POST_TEST_TRAFFIC_SHIFT",)),
            "timeoutConfiguration": {"timeoutInMinutes": minutes, "action": action},
        }

    def update(self, image: str, **given: Any) -> None:
        self.call("UpdateService", cluster="demo", service="demo", taskDefinition=self.register(image), **given)

    def paused(self) -> str:
        """Turn until the deployment waits at a hook; gives the hook's id."""
        self.until(lambda: any(hook.status == "AWAITING_ACTION" for hook in self.deployment.hooks))
        return self.deployment.hooks[-1].id

    def answer(self, hook: str, action: str | None = None) -> None:
        chosen = {"action": action} if action else {}
        self.call("ContinueServiceDeployment", serviceDeploymentArn=self.deployment.arn, hookId=hook, **chosen)

    def release(self, image: str) -> None:
        """A whole deployment of an image, continued at its pause."""
        self.update(image)
        self.answer(self.paused(), "CONTINUE")
        assert self.settle() == "SUCCESSFUL"

    def described(self) -> dict[str, Any]:
        """The newest deployment, as DescribeServiceDeployments shows it."""
        answer = self.call("DescribeServiceDeployments", serviceDeploymentArns=[self.deployment.arn])
        shown: dict[str, Any] = answer["serviceDeployments"][0]
        return shown

    def shown_service(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.call("DescribeServices", cluster="demo", services=["demo"])["services"][0]
        return shown

    @property
    def service(self) -> Service:
        return next(iter(self.store.services.values()))

    @property
    def deployment(self) -> Deployment:
        newest = self.service.deployment
        assert newest is not None
        return newest

    @property
    def weights(self) -> dict[str, tuple[int, int]]:
        """Rule to weights of the primary and the alternate group."""
        return {
            arn.rpartition("/")[2]: (weights.get(PRIMARY, 0), weights.get(ALTERNATE, 0))
            for arn, weights in self.rules.rules.items()
        }


@pytest.fixture
def world() -> World:
    """Nothing is there yet."""
    return World()


@pytest.fixture
def live(world: World) -> World:
    """`app:1` serves production, from the alternate group."""
    world.create()
    world.answer(world.paused())
    assert world.settle() == "SUCCESSFUL"
    world.log.clear()
    return world
