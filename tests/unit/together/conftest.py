"""The deployer's command line against AWS on this machine, all in one process."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ci.ecs.__main__ import main

TEMPLATES = Path(__file__).parents[3] / "infra" / "templates"
ENVIRONMENT = "--environment demo"
# The bakes and drains of a deployment, as short as they can be.
SHORT = "--bake-minutes 1 --canary-bake-minutes 1 --step-bake-minutes 1 --step-percent 50"
DRAIN_S = "1"


def _sibling(name: str) -> ModuleType:
    """Tests are no package (import mode importlib)."""
    spec = importlib.util.spec_from_file_location(f"together_{name}", Path(__file__).with_name(f"{name}.py"))
    assert spec and spec.loader
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_account, _containers, _listeners = (_sibling(name) for name in ("account", "containers", "listeners"))
strikes = _sibling("strikes")


@dataclass(frozen=True)
class Ran:
    """One command: its exit code, its document where it prints one, and what it said."""

    code: int
    document: dict[str, Any]
    out: str
    said: list[str]


class Place:
    """An environment `demo` in an account, and the commands of somebody who deploys there."""

    def __init__(self, folder: Path) -> None:
        self.site = _listeners.Site()
        self.clock = _account.StillClock()
        self.containers = _containers.Containers(self.clock)
        self.account = _account.Account(self.containers, self.clock, self.site.url)
        self.site.answer = self.account.answer
        self.smoke = folder / "smoke.json"
        self.smoke.write_text('[{"path": "/", "body": "Hello"}]', encoding="utf-8")
        self.said: list[str] = []
        self.keys = ("any", "any", "")
        self.aws = self.account.deployer(self.said.append)

    def run(self, words: str) -> Ran:
        """`python -m ci.ecs WORDS`."""
        self.said.clear()
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(words.split(), lambda: self.aws)
        text = out.getvalue()
        return Ran(
            code, json.loads(text) if text.startswith("{") else {}, text, [*self.said, *err.getvalue().splitlines()]
        )

    def provision(self, more: str = "") -> Ran:
        return self.run(f"provision {ENVIRONMENT} --templates {TEMPLATES} {more}")

    def deploy(self, version: str, more: str = "", commit: str = "abc") -> Ran:
        return self.run(
            f"deploy {ENVIRONMENT} --templates {TEMPLATES} --smoke {self.smoke} {SHORT} --commit {commit}"
            f" --version {version} --image {version} {more}"
        )

    def begin(self, version: str) -> None:
        """A deployment that a runner has begun who is gone: it waits at its first pause."""
        killed = strikes.Killed

        def strike(when: str, service: str, operation: str) -> None:
            if operation == "ContinueServiceDeployment" or done:
                done.append(operation)
                raise killed

        done: list[str] = []
        self.account.around = strike
        with contextlib.suppress(killed):
            self.deploy(version)
        self.account.around = lambda when, service, operation: None

    def rollback(self, more: str = "") -> Ran:
        return self.run(f"rollback {ENVIRONMENT} --smoke {self.smoke} {SHORT} {more}")

    def release(self, name: str, **behaviour: Any) -> str:
        """An image of that name that behaves so; gives its digest."""
        digest = f"sha256:{len(self.containers.versions):064x}"
        self.containers.versions[digest] = _containers.Version(name, **behaviour)
        self.site.manifests |= {digest: digest, name: digest}
        self.account.push(digest, name)
        return digest

    def hasten(self) -> None:
        """Targets that leave take a second for it."""
        elbv2 = self.account.client("elbv2")
        for group in elbv2.describe_target_groups()["TargetGroups"]:
            attribute = {"Key": "deregistration_delay.timeout_seconds", "Value": DRAIN_S}
            elbv2.modify_target_group_attributes(TargetGroupArn=group["TargetGroupArn"], Attributes=[attribute])

    def serves(self) -> dict[str, float]:
        """Version to its share of production, by the rule and the tasks behind it."""
        shares = self.account.shares(self.account.listeners()[80])
        found = {group: self.account.version_in(group) for group in shares}
        return {each.name if each else "nobody": shares[group] for group, each in found.items()}

    @property
    def store(self) -> Any:
        """ECS's records."""
        return next(iter(self.account.ecs.stores()))

    @property
    def service(self) -> Any:
        """ECS's record of the service; None before the first deploy."""
        return next(iter(self.store.live_services()), None)

    def forget(self) -> None:
        """ECS remembers the last two releases only, as after 90 days; those before cost every run time."""
        service = self.service
        releases = [each for each in service.deployments if each.status == "SUCCESSFUL"][-2:]
        service.deployments[:] = service.deployments[service.deployments.index(releases[0]) :]
        kept = {each.target.arn for each in service.deployments} | {service.current.arn}
        service.revisions = {key: each for key, each in service.revisions.items() if each.arn in kept}

    def targets(self) -> list[Any]:
        """Those that are registered in either group."""
        return [each.key for each in self.account.plane.book if each.drained_at is None]

    def stacks(self) -> set[str]:
        """The names of the stacks that there are."""
        found = self.account.client("cloudformation").describe_stacks()["Stacks"]
        return {each["StackName"] for each in found}

    def registrations(self, commit: str) -> int:
        """How many task definitions were registered for a commit."""
        definitions = (each for family in self.store.families.values() for each in family)
        return sum(f"'{commit}'" in str(each) for each in definitions)

    def until(self, condition: Callable[[], Any]) -> None:
        """Time passes until the condition holds."""
        for _ in range(20_000):
            if condition():
                return
            self.account.pass_(0.2)
        raise AssertionError("it never came about")


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """`main` sets signal handlers; the test run keeps its own."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def provisioned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The stacks are there, and nothing is deployed."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
        place = Place(tmp_path_factory.mktemp("place"))
        try:
            assert place.provision().code == 0, place.said
            place.hasten()
            yield place
        finally:
            place.site.close()


@pytest.fixture(scope="module")
def first(provisioned: Place) -> Place:
    """1.0.0 has been deployed; 1.1.0 and 1.2.0 are in the registry."""
    for version in ("1.0.0", "1.1.0", "1.2.0"):
        provisioned.release(version)
    assert provisioned.deploy("1.0.0").code == 0, provisioned.said
    return provisioned


@pytest.fixture
def place(first: Place) -> Iterator[Place]:
    """1.0.0 serves; whatever a test does to the account's calls or load ends with it."""
    yield first
    first.account.around = lambda when, service, operation: None
    first.account.watch = lambda: None
    first.account.load, first.account.noise = 0, 0.0
    first.account.faults.cancel()
    if first.serves() != {"1.0.0": 1.0}:
        assert first.deploy("1.0.0").code == 0, first.said
