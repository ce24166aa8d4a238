"""`cutover local`: its options, its output and its one-line errors."""

import json
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from ci.cli.local import local
from infra import local as aws

STATUS = aws.Status(
    "http://127.0.0.1:4566",
    (
        aws.LoadBalancerStatus(
            "cutover-demo",
            "cutover-demo.elb",
            (aws.ListenerStatus(80, "http://127.0.0.1:20001"), aws.ListenerStatus(8080, "http://127.0.0.1:20002")),
        ),
    ),
)


class FakeAws:
    """Stands in for `infra.local`'s three functions."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.found: aws.Status | None = STATUS
        self.removed = True
        self.error: aws.LocalAwsError | None = None

    def up(self, port: int, minute: float, progress: Any, **options: Any) -> aws.Status:
        self.calls.append((port, minute))
        progress("loading the AWS services")
        if self.error is not None:
            raise self.error
        return STATUS

    def status(self, port: int) -> aws.Status | None:
        self.calls.append(port)
        return self.found

    def down(self, port: int) -> bool:
        self.calls.append(port)
        return self.removed


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeAws:
    made = FakeAws()
    for name in ("up", "status", "down"):
        monkeypatch.setattr(aws, name, getattr(made, name))
    return made


def run(*words: str) -> Result:
    return CliRunner().invoke(local, words)


@pytest.mark.parametrize(
    ("words", "port", "minute"),
    [
        ([], 4566, 60.0),
        (["--minute", "1s"], 4566, 1.0),
        (["--minute", "500ms", "--port", "4600"], 4600, 0.5),
        (["--minute", "2m"], 4566, 120.0),
        (["--minute", "1.5"], 4566, 1.5),
    ],
)
def test_up_takes_the_port_and_how_long_a_minute_lasts(
    fake: FakeAws, words: list[str], port: int, minute: float
) -> None:
    result = run("up", *words)

    assert result.exit_code == 0
    assert fake.calls == [(port, minute)]


def test_up_prints_the_endpoint_on_stdout_and_its_progress_on_stderr(fake: FakeAws) -> None:
    result = run("up")

    assert result.stdout == "http://127.0.0.1:4566\n"
    assert result.stderr == "loading the AWS services\n"


@pytest.mark.parametrize("minute", ["soon", "0s", "-1s", "1h", ""])
def test_a_minute_that_is_no_time_is_refused(fake: FakeAws, minute: str) -> None:
    result = run("up", "--minute", minute)

    assert result.exit_code == 2
    assert "is no time; say for example 1s, 500ms or 1m" in result.stderr
    assert fake.calls == []


def test_an_error_is_one_line(fake: FakeAws) -> None:
    from infra.local.errors import PortBusy

    fake.error = PortBusy(4566)

    result = run("up")

    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1] == (
        "Error: port 4566 is taken by another program: stop it, or choose another one with --port"
    )


def test_status_as_json_has_the_production_listener_first(fake: FakeAws) -> None:
    document = json.loads(run("status", "--json").stdout)

    assert document["endpoint"] == "http://127.0.0.1:4566"
    (balancer,) = document["load_balancers"]
    assert balancer["name"] == "cutover-demo"
    assert balancer["listeners"][0] == {"port": 80, "url": "http://127.0.0.1:20001"}


def test_status_shows_every_listeners_url(fake: FakeAws) -> None:
    assert run("status").stdout.splitlines() == [
        "http://127.0.0.1:4566",
        "cutover-demo:80  http://127.0.0.1:20001",
        "cutover-demo:8080  http://127.0.0.1:20002",
    ]


def test_status_fails_where_nothing_is_up_and_says_how_to_start_it(fake: FakeAws) -> None:
    fake.found = None

    result = run("status", "--port", "4600")

    assert result.exit_code == 1
    assert "not up on port 4600: start it with `cutover local up`" in result.stderr


@pytest.mark.parametrize(("removed", "words"), [(True, "is down"), (False, "was not up")])
def test_down_says_whether_there_was_anything(fake: FakeAws, removed: bool, words: str) -> None:
    fake.removed = removed

    result = run("down")

    assert result.exit_code == 0
    assert words in result.stderr


def test_a_port_out_of_range_is_refused(fake: FakeAws) -> None:
    assert run("up", "--port", "70000").exit_code == 2


def test_every_command_has_a_help_text() -> None:
    for command in local.commands.values():
        assert isinstance(command, click.Command)
        assert command.help
