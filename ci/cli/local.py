"""`cutover local`: AWS on this machine, up, looked at and down."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from ci.cli import own

DEFAULT_PORT = 4566
DURATION = re.compile(r"(?P<count>\d+(?:\.\d+)?)(?P<unit>ms|s|m)?")
UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, None: 1.0}

port_option = click.option(
    "--port", type=click.IntRange(1, 65535), default=DEFAULT_PORT, show_default=True, help="Port on 127.0.0.1."
)


def seconds(context: click.Context, option: click.Parameter, text: str) -> float:
    """A time such as `1s`, `500ms` or `1m`, in seconds."""
    match = DURATION.fullmatch(text)
    if match is None or float(match["count"]) == 0:
        raise click.BadParameter(f"{text!r} is no time; say for example 1s, 500ms or 1m", context, option)
    return float(match["count"]) * UNIT_SECONDS[match["unit"]]


@click.group()
def local() -> None:
    """AWS on this machine: the API, a load balancer, tasks as containers and a registry, on one port."""


@local.command()
@click.option(
    "--minute", callback=seconds, default="60s", show_default=True, metavar="TIME", help="How long AWS's minutes last."
)
@click.option("--enforce-iam", is_flag=True, help="Refuse what the caller's IAM policies do not allow.")
@click.option(
    "--state", type=click.Path(path_type=Path), metavar="DIR", help="Keep the records there; go on from them."
)
@port_option
def up(minute: float, port: int, enforce_iam: bool, state: Path | None) -> None:
    """Start it. Prints the endpoint."""
    own.check_aws()
    from infra import local as aws

    with _one_line():
        started = aws.up(port, minute, lambda text: click.echo(text, err=True), enforce_iam=enforce_iam, state=state)
    click.echo(started.endpoint)


@local.command()
@click.option("--json", "as_json", is_flag=True, help="As one JSON document.")
@port_option
def status(as_json: bool, port: int) -> None:
    """Show the endpoint and the load balancers' URLs. Fails when it is not up."""
    from infra import local as aws

    with _one_line():
        found = aws.status(port)
    if found is None:
        raise click.ClickException(f"AWS on this machine is not up on port {port}: start it with `cutover local up`")
    if as_json:
        click.echo(json.dumps(found.to_dict(), indent=2))
        return
    click.echo(found.endpoint)
    for balancer in found.load_balancers:
        for listener in balancer.listeners:
            click.echo(f"{balancer.name}:{listener.port}  {listener.url}")


@local.command()
@port_option
def down(port: int) -> None:
    """Stop it, and remove every container, network, process and file of it."""
    from infra import local as aws

    with _one_line():
        removed = aws.down(port)
    click.echo("AWS on this machine is down" if removed else "AWS on this machine was not up", err=True)


@contextmanager
def _one_line() -> Iterator[None]:
    """Turn an error of infra.local into one line and exit code 1."""
    from infra.local import LocalAwsError

    try:
        yield
    except LocalAwsError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(1)
