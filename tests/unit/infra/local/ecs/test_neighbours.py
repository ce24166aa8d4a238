"""ECS's neighbours as moto serves them: logs, secrets, parameters, alarms, events, roles. Each test has its account."""

import itertools
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from moto.backends import get_backend

from infra.local.ecs.interfaces import LogTarget
from infra.local.ecs.logs import LogRefused
from infra.local.ecs.neighbours import MotoEvents, MotoLogs, MotoRoles, MotoSecrets, RegionAlarms, connect_autoscaling
from infra.local.ecs.secrets import SecretMissing

REGION = "eu-north-1"
ACCOUNTS = itertools.count(210_000_000_000)


class Account:
    """An account of moto's that nobody else uses."""

    def __init__(self) -> None:
        self.id = str(next(ACCOUNTS))
        self._used: list[Any] = []

    def backend(self, service: str, region: str = REGION) -> Any:
        found = get_backend(service)[self.id][region]  # type: ignore[call-overload]
        self._used.append(found)
        return found

    def forget(self) -> None:
        for each in self._used:
            each.reset()


@pytest.fixture
def account() -> Iterator[Account]:
    made = Account()
    yield made
    made.forget()


class TestLogs:
    """CloudWatch Logs."""

    TARGET = LogTarget(REGION, "/demo", "app/app/1")

    @pytest.fixture
    def logs(self, account: Account) -> MotoLogs:
        return MotoLogs(lambda region: account.backend("logs", region))

    def test_a_group_is_made_only_where_the_target_says_so(self, account: Account, logs: MotoLogs) -> None:
        with pytest.raises(LogRefused, match=r"ResourceNotFoundException: The specified log group does not exist\."):
            logs.create(self.TARGET)

        logs.create(LogTarget(REGION, "/demo", "app/app/1", create_group=True))

        assert list(account.backend("logs").groups) == ["/demo"]

    def test_a_stream_that_exists_is_no_error_and_tells_its_last_event(self, account: Account, logs: MotoLogs) -> None:
        account.backend("logs").create_log_group("/demo", {})
        logs.create(self.TARGET)
        assert logs.last(self.TARGET) == 0.0
        now = datetime.now(UTC).timestamp()

        logs.put(self.TARGET, [(now - 1, "one"), (now, "two")])
        logs.create(self.TARGET)

        assert logs.last(self.TARGET) == pytest.approx(now, abs=0.001)

    def test_a_stream_that_was_deleted_takes_nothing(self, account: Account, logs: MotoLogs) -> None:
        account.backend("logs").create_log_group("/demo", {})
        logs.create(self.TARGET)
        account.backend("logs").delete_log_stream("/demo", "app/app/1")

        with pytest.raises(LogRefused):
            logs.put(self.TARGET, [(datetime.now(UTC).timestamp(), "lost")])


class TestSecrets:
    """Secrets Manager and the Parameter Store."""

    @pytest.fixture
    def secrets(self, account: Account) -> MotoSecrets:
        return MotoSecrets(account.backend("secretsmanager"), account.backend("ssm"))

    def test_a_secret_is_found_by_name_and_arn(self, account: Account, secrets: MotoSecrets) -> None:
        made = account.backend("secretsmanager").create_secret(
            "db", secret_string="hunter2", secret_binary=None, description=None, tags=[], kms_key_id=None,
            client_request_token=None, replica_regions=[], force_overwrite=False,
        )  # fmt: skip
        arn = json.loads(made)["ARN"]

        assert [secrets.secret(name, None, None) for name in ("db", arn)] == ["hunter2", "hunter2"]

    def test_a_secret_that_is_not_there_is_missing_in_awss_words(self, secrets: MotoSecrets) -> None:
        words = "ResourceNotFoundException: Secrets Manager can't find the specified secret"
        with pytest.raises(SecretMissing, match=words):
            secrets.secret("none", None, None)

    def test_a_parameter_is_decrypted(self, account: Account, secrets: MotoSecrets) -> None:
        account.backend("ssm").put_parameter(
            name="/demo/key", description="", value="hunter2", parameter_type="SecureString", allowed_pattern=None,
            keyid=None, overwrite=False, tags=[], data_type="text", tier=None, policies=None,
        )  # fmt: skip

        assert secrets.parameter("/demo/key") == "hunter2"

    def test_a_parameter_that_is_not_there_is_missing(self, secrets: MotoSecrets) -> None:
        with pytest.raises(SecretMissing, match="/none"):
            secrets.parameter("/none")


def test_only_alarms_in_alarm_count_and_unknown_ones_do_not() -> None:
    states = {"errors": "ALARM", "latency": "OK", "silent": "INSUFFICIENT_DATA"}
    alarms = RegionAlarms(REGION, lambda region, name: states.get(name))

    assert alarms.in_alarm(["latency", "errors", "none", "silent"]) == ["errors"]


class FakeBus:
    """Keeps what is put; refuses the details that say so."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def put_events(self, entries: list[dict[str, Any]]) -> None:
        if "refuse" in entries[0]["Detail"]:
            raise RuntimeError("a target is broken")
        self.entries += entries


def test_events_are_put_in_their_order_and_a_broken_target_holds_none_up() -> None:
    bus = FakeBus()
    events = MotoEvents(lambda: bus)

    for detail in ({"number": 1}, {"refuse": True}, {"number": 2}):
        events.put("ECS Task State Change", ["arn:of:a:task"], detail)
    events.close()
    events.put("ECS Task State Change", [], {"number": 3})

    assert [json.loads(each["Detail"]) for each in bus.entries] == [{"number": 1}, {"number": 2}]
    assert bus.entries[0]["Source"] == "aws.ecs"
    assert bus.entries[0]["Resources"] == ["arn:of:a:task"]


def test_a_roles_session_is_one_that_lasts_six_hours(account: Account) -> None:
    roles = MotoRoles(account.backend("sts", "aws"), REGION)

    session = roles.assume(f"arn:aws:iam::{account.id}:role/app", "task-1")

    assert session.access_key.startswith("ASIA")
    assert session.expiration - datetime.now(UTC).timestamp() == pytest.approx(6 * 3600, abs=60)


def test_auto_scaling_finds_our_services(account: Account) -> None:
    scaling = account.backend("applicationautoscaling")
    connect_autoscaling(scaling, lambda cluster, name: (cluster, name) == ("demo", "web"))

    assert scaling.ecs_backend.describe_services("demo", ["web", "none"]) == (["web"], [])
