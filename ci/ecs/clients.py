"""The way to AWS: its clients, the clock, and where the registry and the listeners answer.

With AWS_ENDPOINT_URL set (AWS on this machine) one address carries everything: the API, the registry's ``/v2/``, and
every listener by its ``Host: NAME:PORT``. Without it each has the address AWS gives it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from .errors import BadCredentials

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client

# Seconds between two looks at something that takes its time.
POLL_AWS_S = 1.0
POLL_LOCAL_S = 0.2
# One API call: seconds to connect and to wait for an answer, and how often botocore tries.
CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 30
ATTEMPTS = 6
PATH_STYLE = Config(s3={"addressing_style": "path"})
ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1})

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Clock:
    """Time, to be faked: `monotonic` gives seconds, `sleep` waits some, `now` gives seconds since the epoch."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time


@dataclass(frozen=True)
class Listener:
    """One listener of a load balancer: `connect` is where to connect to, `host` what to send as Host."""

    connect: str
    host: str

    @property
    def url(self) -> str:
        """What a person would call it."""
        return f"http://{self.host}"


def say(line: str) -> None:
    """Progress for a person: standard error, at once, as standard output carries the result."""
    print(line, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Aws:
    """All that the deployer touches outside itself; `endpoint` is AWS_ENDPOINT_URL, or None for AWS's own addresses.

    `ecs_once` and `cloudformation_once` send a call once (see once.py), the others try again.
    """

    cloudformation: CloudFormationClient
    ecr: ECRClient
    ecs: ECSClient
    elbv2: ElasticLoadBalancingv2Client
    cloudwatch: CloudWatchClient
    logs: CloudWatchLogsClient
    s3: S3Client
    ecs_once: ECSClient
    cloudformation_once: CloudFormationClient
    endpoint: str | None = None
    clock: Clock = field(default_factory=Clock)
    progress: Progress = say

    @property
    def poll_s(self) -> float:
        """Seconds between two looks."""
        return POLL_LOCAL_S if self.endpoint else POLL_AWS_S

    def pause(self) -> None:
        """Waits for one polling interval."""
        self.clock.sleep(self.poll_s)

    def registry_url(self, registry_host: str) -> str:
        """Base address of the registry that image names call `registry_host`."""
        return self.endpoint.rstrip("/") if self.endpoint else f"https://{registry_host}"

    def listener(self, dns_name: str, port: int) -> Listener:
        """How to reach the listener on `port` of the load balancer `dns_name`."""
        host = f"{dns_name}:{port}"
        return Listener(connect=urlsplit(self.endpoint).netloc if self.endpoint else host, host=host)


def connect(environ: Mapping[str, str] = os.environ, progress: Progress = say) -> Aws:
    """Clients by boto3's own chain of credentials and region.

    Raises botocore's NoRegionError without a region, BadCredentials where a process of that chain prints no JSON.
    """
    endpoint = environ.get("AWS_ENDPOINT_URL") or None
    config = Config(
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        # AWS on this machine is never behind a proxy.
        proxies={} if endpoint else None,
    )
    session = boto3.Session()
    try:
        session.get_credentials()
    except (AttributeError, ValueError) as error:  # botocore hands on what its reader of JSON raises
        raise BadCredentials() from error
    return Aws(
        cloudformation=session.client("cloudformation", config=config, endpoint_url=endpoint),
        ecr=session.client("ecr", config=config, endpoint_url=endpoint),
        ecs=session.client("ecs", config=config, endpoint_url=endpoint),
        elbv2=session.client("elbv2", config=config, endpoint_url=endpoint),
        cloudwatch=session.client("cloudwatch", config=config, endpoint_url=endpoint),
        logs=session.client("logs", config=config, endpoint_url=endpoint),
        # One address carries everything on this machine, so a bucket cannot be a host name of its own there.
        s3=session.client("s3", config=config.merge(PATH_STYLE) if endpoint else config, endpoint_url=endpoint),
        ecs_once=session.client("ecs", config=config.merge(ONCE), endpoint_url=endpoint),
        cloudformation_once=session.client("cloudformation", config=config.merge(ONCE), endpoint_url=endpoint),
        endpoint=endpoint,
        progress=progress,
    )
