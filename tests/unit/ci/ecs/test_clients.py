"""Where things answer: AWS's own addresses, or the one address of AWS on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ci.ecs import clients, errors
from ci.ecs.clients import Aws, connect

ENVIRON = {"AWS_DEFAULT_REGION": "eu-north-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}


@pytest.fixture
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)


def test_without_an_endpoint_each_has_its_own_address(region: None) -> None:
    aws = connect({})
    assert aws.registry_url("1.dkr.ecr.eu-north-1.amazonaws.com") == "https://1.dkr.ecr.eu-north-1.amazonaws.com"
    listener = aws.listener("lb.elb.amazonaws.com", 80)
    assert (listener.connect, listener.host) == ("lb.elb.amazonaws.com:80", "lb.elb.amazonaws.com:80")
    assert aws.poll_s == clients.POLL_AWS_S
    assert "amazonaws.com" in aws.ecs.meta.endpoint_url


def test_with_an_endpoint_everything_goes_there(region: None) -> None:
    aws = connect({"AWS_ENDPOINT_URL": "http://aws:4566"})
    assert aws.registry_url("1.dkr.ecr.eu-north-1.amazonaws.com") == "http://aws:4566"
    listener = aws.listener("lb.elb.amazonaws.com", 80)
    assert (listener.connect, listener.host) == ("aws:4566", "lb.elb.amazonaws.com:80")
    assert aws.poll_s == clients.POLL_LOCAL_S
    assert {aws.ecs.meta.endpoint_url, aws.ecr.meta.endpoint_url} == {"http://aws:4566"}


def test_a_call_is_bounded_in_time_and_attempts(region: None) -> None:
    config: Any = connect({}).ecs.meta.config
    assert (config.connect_timeout, config.read_timeout) == (clients.CONNECT_TIMEOUT_S, clients.READ_TIMEOUT_S)
    assert config.retries["total_max_attempts"] == clients.ATTEMPTS


def test_progress_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    clients.say("a line")
    assert capsys.readouterr() == ("", "a line\n")


def test_a_pause_is_one_polling_interval(world: Any) -> None:
    aws: Aws = world.aws
    aws.pause()
    assert world.slept == [clients.POLL_LOCAL_S]


@pytest.mark.parametrize("printed", ["", "no JSON", "[]"])
def test_credentials_that_are_none_are_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, printed: str
) -> None:
    """The deploy container hands boto3 the secret through a process; what is in the secret, a person typed."""
    secret, config = tmp_path / "secret", tmp_path / "aws.ini"
    secret.write_text(printed, encoding="utf-8")
    config.write_text(f"[default]\ncredential_process = cat {secret}\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(errors.BadCredentials, match="export-credentials"):
        connect({})
