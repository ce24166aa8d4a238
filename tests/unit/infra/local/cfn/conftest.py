"""CloudFormation over resource types that only write down what is asked of them, each stack operation done at once."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.local.cfn.api import CfnApi
from infra.local.cfn.errors import CfnError, TemplateError
from infra.local.cfn.resources.base import Made, Place, Properties
from infra.local.cfn.stacks import Stacks

REGION = "eu-north-1"


class FakeClock:
    def __init__(self) -> None:
        self.time = 1_700_000_000.0

    def now(self) -> float:
        self.time += 1
        return self.time

    def minutes(self, count: float) -> float:
        return count * 60


class FakeType:
    """`Ref` is NAME-N. `Fixed` is replaced when it changes, `Fail` fails where its value says so."""

    def __init__(self, log: list[str]) -> None:
        self.log = log
        self.count = 0
        self.alive: dict[str, Properties] = {}
        self.undeletable: set[str] = set()

    def create(self, place: Place, logical_id: str, properties: Properties) -> Made:
        self._fail(properties, "create")
        self.count += 1
        made = Made(f"{logical_id}-{self.count}")
        self.log.append(f"create {made.physical_id}")
        self.alive[made.physical_id] = properties
        return made

    def replaces(self, old: Properties, new: Properties) -> bool:
        return old.get("Fixed") != new.get("Fixed")

    def update(self, place: Place, made: Made, old: Properties, new: Properties) -> Made:
        self._fail(new, "update")
        self.log.append(f"update {made.physical_id}")
        self.alive[made.physical_id] = new
        return made

    def delete(self, place: Place, made: Made, properties: Properties) -> None:
        if made.physical_id in self.undeletable:
            raise RuntimeError("it is in use")
        self.log.append(f"delete {made.physical_id}")
        self.alive.pop(made.physical_id)

    def attribute(self, made: Made, name: str) -> Any:
        if name != "Name":
            raise AttributeError(name)
        return f"name of {made.physical_id}"

    @staticmethod
    def _fail(properties: Properties, verb: str) -> None:
        if properties.get("Fail") == verb:
            raise RuntimeError(f"no {verb} today")


class FakeTypes:
    """Knows `AWS::Test::Thing` and the types of IAM."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.thing = FakeType(self.log)

    def get(self, name: str) -> FakeType:
        if not name.startswith(("AWS::Test::", "AWS::IAM::")):
            raise TemplateError(f"Template format error: Unrecognized resource types: [{name}]")
        return self.thing


class FakeLookups:
    """Values of SSM, Secrets Manager and S3."""

    def __init__(self) -> None:
        self.parameters: dict[str, str] = {}
        self.secrets: dict[tuple[str, str, str], str] = {}
        self.templates: dict[str, str] = {}

    def parameter(self, region: str, name: str) -> str:
        if name not in self.parameters:
            raise CfnError(f"Unable to fetch parameters [{name}] from parameter store for this account.")
        return self.parameters[name]

    def secret(self, region: str, secret_id: str, key: str, stage: str) -> str:
        return self.secrets[secret_id, key, stage]

    def template(self, url: str) -> str:
        return self.templates[url]


class Cloud:
    """CloudFormation of one region and its shorthand. While `held` is a list, stack operations wait in it."""

    def __init__(self) -> None:
        self.types = FakeTypes()
        self.held: list[Callable[[], None]] | None = None
        self.lookups = FakeLookups()
        self.stacks = Stacks("123456789012", self.types, FakeClock(), self.lookups, background=self._background)
        self.api = CfnApi(self.stacks)

    def _background(self, call: Callable[[], None]) -> None:
        if self.held is None:
            call()
        else:
            self.held.append(call)

    def call(self, operation: str, **given: Any) -> dict[str, Any]:
        return self.api.call(REGION, operation, given)

    @property
    def log(self) -> list[str]:
        return self.types.log

    def create(self, resources: dict[str, Any], name: str = "demo", **sections: Any) -> str:
        self.call("CreateStack", StackName=name, TemplateBody=template(resources, **sections))
        return self.status(name)

    def update(self, resources: dict[str, Any], name: str = "demo", **sections: Any) -> str:
        self.call("UpdateStack", StackName=name, TemplateBody=template(resources, **sections))
        return self.status(name)

    def described(self, name: str = "demo") -> dict[str, Any]:
        shown: dict[str, Any] = self.call("DescribeStacks", StackName=name)["Stacks"][0]
        return shown

    def status(self, name: str = "demo") -> str:
        status: str = self.described(name)["StackStatus"]
        return status

    def events(self, name: str = "demo") -> list[tuple[str, str]]:
        """(resource, status), oldest first."""
        shown = self.call("DescribeStackEvents", StackName=name)["StackEvents"]
        return [(each["LogicalResourceId"], each["ResourceStatus"]) for each in reversed(shown)]


def thing(**properties: Any) -> dict[str, Any]:
    return {"Type": "AWS::Test::Thing", "Properties": properties}


def template(resources: dict[str, Any], **sections: Any) -> str:
    return json.dumps({"Resources": resources, **sections})


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture(name="thing")
def thing_fixture() -> Callable[..., dict[str, Any]]:
    """`thing(**properties)`: a resource."""
    return thing


@pytest.fixture(name="template")
def template_fixture() -> Callable[..., str]:
    """`template(resources, **sections)`: a template's text."""
    return template
