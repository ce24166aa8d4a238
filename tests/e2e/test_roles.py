"""The environment's roles with IAM enforced and real containers: who releases cannot provision, and the other way."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

pytestmark = [pytest.mark.docker, pytest.mark.prove]

ROOT = Path(__file__).parents[2]
CUTOVER = [sys.executable, "-P", "-c", "from ci.cli.main import main; main()"]
COMMAND_SECONDS = 400
ADMINISTRATOR = {"AccessKeyId": "any", "SecretAccessKey": "any"}


@dataclass(frozen=True)
class Account:
    """AWS on this machine at a port, its environment provisioned by an administrator."""

    port: int

    def client(self, service: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service, "eu-north-1", endpoint_url=f"http://127.0.0.1:{self.port}", aws_access_key_id="any",
            aws_secret_access_key="any",
        )  # fmt: skip

    def taken(self, role: str) -> dict[str, str]:
        """The keys of a session of a role, by the output of the roles' stack."""
        (stack,) = self.client("cloudformation").describe_stacks(StackName="cutover-demo-roles")["Stacks"]
        arn = next(each["OutputValue"] for each in stack["Outputs"] if each["OutputKey"] == f"{role}Arn")
        keys = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="tester")["Credentials"]
        return {name: keys[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")}

    def call(self, keys: dict[str, str], function: str, *more: str) -> subprocess.CompletedProcess[str]:
        target = ("--aws", f"tcp://127.0.0.1:{self.port}", "--credentials", "env:KEYS", "--environment", "demo")
        return cutover("call", function, *target, *more, KEYS=json.dumps({"Version": 1, **keys}))


def cutover(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CUTOVER, *words], cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True,
        timeout=COMMAND_SECONDS, check=False,
    )  # fmt: skip


@pytest.fixture
def account(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("d")))  # a socket's path may have 107 bytes
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    try:
        up = cutover("local", "up", "--port", str(port), "--minute", "1s", "--enforce-iam")
        assert up.returncode == 0, up.stderr
        made = Account(port)
        provisioned = made.call(ADMINISTRATOR, "provision")
        assert provisioned.returncode == 0, provisioned.stderr[-2000:]
        yield made
    finally:
        cutover("local", "down", "--port", str(port))


def test_each_role_does_its_own_and_is_refused_the_others(account: Account) -> None:
    version = cutover("call", "version").stdout.strip()
    deployer, provisioner = account.taken("DeployerRole"), account.taken("ProvisionerRole")
    for keys, function, more in (
        (deployer, "publish", []),
        (deployer, "deploy", ["--image", version, "--approve", version]),
        (deployer, "status", []),
        (provisioner, "provision", []),
    ):
        done = account.call(keys, function, *more)
        assert done.returncode == 0, f"{function}: {done.stderr[-2000:]}"
    for keys, function, more in (
        (provisioner, "deploy", ["--image", version, "--approve", version]),
        (deployer, "provision", []),
    ):
        done = account.call(keys, function, *more)
        assert done.returncode != 0, function
        assert "AccessDenied" in done.stderr
