"""Names, sentences, the strategy and the next task definition."""

from __future__ import annotations

import inspect
import re
import string
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import BotoCoreError, ConnectTimeoutError, PartialCredentialsError
from botocore.validate import ParamValidator

import ci.ecs
from ci.ecs import errors, task_definition
from ci.ecs.images import Image
from ci.ecs.names import Names, registry_stack
from ci.ecs.strategy import STRATEGIES, Strategy, at_once, configuration, shares

ROOT = Path(__file__).parents[4]
CLASSES = [
    each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, errors.CutoverDeployError)
]


def test_every_name_is_made_of_prefix_and_environment() -> None:
    names = Names("cutover", "demo")
    assert names.stack("ingress") == "cutover-demo-ingress"
    assert names.stack("registry") == registry_stack("cutover") == "cutover-registry"
    assert names.service == names.cluster == "cutover-demo"


@pytest.mark.parametrize(
    ("prefix", "environment"), [("C", "demo"), ("cutover-", "demo"), ("cutover", ""), ("a" * 17, "d")]
)
def test_a_name_that_aws_would_not_take_is_refused(prefix: str, environment: str) -> None:
    with pytest.raises(errors.BadName):
        Names(prefix, environment)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_is_one_sentence_that_keeps_its_fields(kind: type[errors.CutoverDeployError]) -> None:
    fields = {name: name for _, name, _, _ in string.Formatter().parse(kind.sentence) if name}
    raised = kind(**fields)
    assert raised.fields == fields
    assert "\n" not in str(raised)
    assert kind.__doc__


def test_errors_of_boto3_without_an_answer_are_aws_out_of_reach() -> None:
    assert "Connect timeout" in str(errors.translated(ConnectTimeoutError(endpoint_url="x")))
    assert isinstance(errors.translated(BotoCoreError()), errors.AwsUnreachable)
    partial = PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY")
    assert isinstance(errors.translated(partial), errors.NoCredentials)


@pytest.mark.parametrize("kind", STRATEGIES)
def test_the_deployment_configuration_is_one_that_update_service_takes(kind: str) -> None:
    shape = botocore.session.get_session().get_service_model("ecs").shape_for("DeploymentConfiguration")
    for block in (configuration(Strategy(kind, alarms=("errors",))), at_once()):
        assert not ParamValidator().validate(dict(block), shape).has_errors()


@pytest.mark.parametrize(
    ("kind", "percent", "expected"),
    [
        ("blue-green", 10, (100,)),
        ("canary", 0.1, (0.1, 100)),
        ("linear", 50, (50, 100)),
        ("linear", 100, (100,)),
        ("linear", 11, (11, 22, 33, 44, 55, 66, 77, 88, 99, 100)),
        ("linear", 33.3, (33.3, 66.6, 99.9, 100)),
    ],
)
def test_the_shares_after_each_step_are_as_ecs_has_them(kind: str, percent: float, expected: tuple[float, ...]) -> None:
    assert shares(kind, percent) == expected


def test_the_bakes_of_a_strategy_add_up() -> None:
    assert Strategy("blue-green", 3).minutes == 3
    assert Strategy("canary", 3, canary_bake_minutes=5).minutes == 8
    assert Strategy("linear", 3, step_percent=20, step_bake_minutes=2).minutes == 11


@pytest.mark.parametrize(
    "wrong", [{"kind": "rolling"}, {"canary_percent": 100}, {"step_percent": 2}, {"bake_minutes": 1441}]
)
def test_a_strategy_that_ecs_would_not_take_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(errors.BadStrategy):
        Strategy(**wrong)


def container(**more: Any) -> dict[str, Any]:
    return {"name": "app", "image": "r@sha256:1", "environment": [{"name": "PORT", "value": "80"}], **more}


IMAGE = Image("r", "sha256:2")
NAMES = Names("cutover", "demo")


def registered(world: Any, *containers: dict[str, Any]) -> str:
    answer = world.ecs.register_task_definition(family="cutover-demo", containerDefinitions=list(containers))
    return str(answer["taskDefinition"]["taskDefinitionArn"])


def test_the_next_task_definition_is_the_live_one_with_another_image(world: Any) -> None:
    live = registered(world, container(user="10001"), {"name": "sidecar", "image": "s"})
    task_definition.register(world.aws, NAMES, live, IMAGE, "1.1.0", "abc")
    app, sidecar = world.ecs.definitions[-1]["containerDefinitions"]
    assert (app["image"], app["user"], sidecar) == ("r@sha256:2", "10001", {"name": "sidecar", "image": "s"})
    told = {each["name"]: each["value"] for each in app["environment"]}
    assert told == {"PORT": "80", "APP_VERSION": "1.1.0", "APP_COMMIT": "abc", "APP_IMAGE_DIGEST": "sha256:2"}


def test_tags_are_kept_except_those_that_aws_set(world: Any) -> None:
    task_definition.register(world.aws, NAMES, registered(world, container()), IMAGE, "1", "c")
    assert world.clients["ecs"].called("register_task_definition")[0]["tags"] == [{"key": "team", "value": "y"}]


def test_what_was_registered_and_not_used_is_taken_again(world: Any) -> None:
    live = registered(world, container())
    first = task_definition.register(world.aws, NAMES, live, IMAGE, "1", "c")
    assert task_definition.register(world.aws, NAMES, live, IMAGE, "1", "c") == first
    assert len(world.ecs.definitions) == 2


def test_a_family_without_an_active_definition_gets_a_new_one(world: Any) -> None:
    live = registered(world, container())
    world.ecs.definitions[0]["family"] = "gone"
    assert task_definition.register(world.aws, NAMES, live, IMAGE, "1", "c").endswith(":2")


def test_another_refusal_of_the_newest_passes_through(world: Any) -> None:
    live = registered(world, container())
    described = world.clients["ecs"]._backend.describe_task_definition

    def denied(taskDefinition: str, include: Any = None) -> Any:
        if taskDefinition == "cutover-demo":
            raise world.error("DescribeTaskDefinition", "AccessDeniedException")
        return described(taskDefinition, include)

    world.ecs.describe_task_definition = denied
    with pytest.raises(errors.AwsFault):
        task_definition.register(world.aws, NAMES, live, IMAGE, "1", "c")


def test_the_deployer_imports_nothing_else_of_ci() -> None:
    """It runs in a container that has boto3 and nothing else of this project's tools."""
    code = "import sys, ci.ecs.__main__; print(*sorted(m for m in sys.modules if m.startswith('ci.')))"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {name for name in out.split() if not re.match(r"ci\.ecs(\.|$)", name)} == set()


def test_the_public_face_is_verbs_and_what_they_take() -> None:
    verbs = {"connect", "deploy", "history", "provision", "publish", "resolve", "rollback", "status"}
    words = {"Aws", "Back", "Clock", "CutoverDeployError", "History", "Image", "Names", "Order", "Report", "Settings"}
    assert set(ci.ecs.__all__) == verbs | words | {"Status"}
