"""The command line: verbs, exit codes, what goes to which stream."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError, NoRegionError

from ci.ecs.__main__ import main

Run = Callable[..., int]


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """`main` sets signal handlers; the test run keeps its own."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def place(world: Any, site: Any, tmp_path: Path) -> Path:
    """Templates and smoke checks, an account that is provisioned, and two images."""
    world.provisioned()
    for concern in ("registry", "network", "roles", "ingress", "evidence", "service"):
        (tmp_path / f"{concern}.yaml").write_text("Parameters:\n  Prefix:\n", encoding="utf-8")
    (tmp_path / "smoke.json").write_text('[{"path": "/"}]', encoding="utf-8")
    for version in ("1.0.0", "1.1.0"):
        site.hold(version.encode(), version)
    for port in (80, 8080):
        site.answers[(port, "/")] = (200, "Hello")
    return tmp_path


def deploy(world: Any, place: Path, version: str = "1.0.0", *more: str) -> int:
    words = f"deploy --environment demo --templates {place} --smoke {place}/smoke.json --commit abc --version {version}"
    return main([*words.split(), "--image", version, *more], lambda: world.aws)


def provision(world: Any, place: Path, *more: str) -> int:
    return main(["provision", "--environment", "demo", "--templates", str(place), *more], lambda: world.aws)


def test_a_deploy_prints_one_document_and_writes_it(
    world: Any, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deploy(world, place, "1.0.0", "--report", str(place / "report.json")) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((place / "report.json").read_text(encoding="utf-8"))
    assert (printed["outcome"], printed["serves"]["version"]) == ("deployed", "1.0.0")
    assert printed["message"].startswith("deployed: 1.0.0 (sha256:")


def test_a_deploy_that_fails_prints_the_document_too_and_one_line(
    world: Any, site: Any, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(world, place)
    site.answers[(8080, "/")] = (500, "Oops")
    capsys.readouterr()
    assert deploy(world, place, "1.1.0") == 3
    streams = capsys.readouterr()
    assert json.loads(streams.out)["outcome"] == "rolled-back"
    assert len(streams.err.splitlines()) == 1
    assert "was rolled back" in streams.err


def test_an_error_of_aws_is_one_sentence_in_the_document(
    world: Any, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.clients["ecr"].faults["describe_repositories"] = [
        world.error("DescribeRepositories", "Denied", "you\nmay not")
    ]
    assert deploy(world, place) == 4
    assert json.loads(capsys.readouterr().out)["message"] == "AWS refused DescribeRepositories with Denied: you may not"


def test_a_wrong_environment_is_refused(world: Any, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert deploy(world, place, "1.0.0", "--environment", "Demo_1") == 4
    assert "'Demo_1' is not usable in names" in capsys.readouterr().err


def interrupting(world: Any, number: signal.Signals) -> Callable[[], None]:
    def strike() -> None:
        if world.ecs.deployments:
            signal.raise_signal(number)

    return strike


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_during_a_deployment_asks_for_its_rollback_and_says_so(
    world: Any, place: Path, capsys: pytest.CaptureFixture[str], number: signal.Signals, code: int
) -> None:
    world.on_sleep = interrupting(world, number)
    assert deploy(world, place) == code
    streams = capsys.readouterr()
    assert json.loads(streams.out)["outcome"] == "unknown"
    assert f"Stopped by {number.name}: ECS was asked to roll dep1000 back" in streams.err
    assert len(world.clients["ecs"].called("stop_service_deployment")) == 1


def test_a_signal_when_the_new_revision_has_all_traffic_leaves_it_there(
    world: Any, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def strike() -> None:
        if world.ecs.deployments and world.ecs.deployments[-1].get("lifecycleStage") == "BAKE_TIME":
            signal.raise_signal(signal.SIGINT)

    world.on_sleep = strike
    assert deploy(world, place) == 130
    assert "dep1000 already has all of production's traffic" in capsys.readouterr().err
    assert world.clients["ecs"].called("stop_service_deployment") == []
    world.on_sleep = lambda: None
    assert deploy(world, place) == 0
    assert len(world.ecs.deployments) == 1


def test_a_signal_when_aws_does_not_answer_says_what_will_finish(
    world: Any, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.on_sleep = interrupting(world, signal.SIGINT)
    gone = EndpointConnectionError(endpoint_url="http://aws:4566")
    world.clients["ecs"].faults["stop_service_deployment"] = [gone]
    assert deploy(world, place) == 130
    assert "rolls back after 30 minutes" in capsys.readouterr().err


def test_a_signal_before_anything_was_begun_says_that(
    world: Any, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.describe_repositories = lambda **_: signal.raise_signal(signal.SIGTERM)
    assert deploy(world, place) == 143
    assert json.loads(capsys.readouterr().out)["outcome"] == "refused"


def test_provision_prints_a_line_a_stack(world: Any, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del world.cfn.stacks["cutover-demo-ingress"]
    assert provision(world, place, "--test-cidr", "10.0.0.1/32") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines][:2] == [
        ["cutover-registry", "created"],
        ["cutover-demo-network", "created"],
    ]


def test_provision_prints_the_changes_below_their_stack(
    world: Any, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del world.cfn.stacks["cutover-demo-ingress"]
    provision(world, place)
    capsys.readouterr()
    provision(world, place, "--port", "9090", "--dry-run")
    assert "modify Second (replaced)" in capsys.readouterr().out


def test_a_signal_during_provision_says_what_stands(
    world: Any, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.on_sleep = lambda: signal.raise_signal(signal.SIGINT)
    assert provision(world, place) == 130
    assert "run the same command again" in capsys.readouterr().err


def test_publish_of_a_missing_archive_is_one_line(world: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publish", "--archive", "/none.tar", "--version", "1.0.0"], lambda: world.aws) == 4
    assert capsys.readouterr().err.startswith("The archive /none.tar is not a usable OCI image layout")


@pytest.mark.parametrize(
    ("raised", "sentence", "code"),
    [
        (NoCredentialsError(), "There are no AWS credentials", 4),
        (NoRegionError(), "There is no AWS region", 4),
        (EndpointConnectionError(endpoint_url="http://aws:4566"), "no connection to http://aws:4566", 1),
    ],
)
def test_what_keeps_boto3_from_calling_is_one_sentence(
    world: Any, capsys: pytest.CaptureFixture[str], raised: Exception, sentence: str, code: int
) -> None:
    def connect() -> Any:
        raise raised

    assert main(["publish", "--archive", "/none.tar", "--version", "1.0.0"], connect) == code
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("words", ["", "undeploy", "deploy", "publish --version 1", "provision --port 0"])
def test_wrong_words_end_2(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


@pytest.mark.parametrize("value", ["x", "-1", "1441", "1.5"])
def test_a_bake_time_outside_of_what_ecs_takes_is_refused(value: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["deploy", f"--bake-minutes={value}"])
    assert "whole number from 0 to 1440" in capsys.readouterr().err
