"""The words of ``python -m ci.ecs``: what each verb takes, and what is made of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from . import judge, smoke
from .analysis import Tolerance
from .deploy import Order
from .judge import Criteria
from .names import Names
from .rollback import Back
from .strategy import BLUE_GREEN, STRATEGIES, Strategy

Verb = Callable[..., int]


def parser(description: str, verbs: dict[str, Verb]) -> argparse.ArgumentParser:
    """The parser; `verb` of what it gives is the function of the verb that was named."""
    top = argparse.ArgumentParser(prog="python -m ci.ecs", description=description)
    commands = top.add_subparsers(required=True, metavar="VERB")
    for name, (summary, describe) in VERBS.items():
        command = commands.add_parser(name, help=summary)
        command.set_defaults(verb=verbs[name])
        describe(command)
    return top


def order(given: argparse.Namespace) -> Order:
    """What `deploy` was told."""
    return Order(
        names=Names(given.prefix, given.environment),
        image=given.image,
        version=given.version,
        commit=given.commit,
        port=given.port,
        health=given.health,
        templates=given.templates,
        criteria=criteria(given),
        strategy=strategy(given),
        approval=given.approve if given.needs_approval else None,
        dry_run=given.dry_run,
    )


def back(given: argparse.Namespace) -> Back:
    """What `rollback` was told."""
    names = Names(given.prefix, given.environment)
    return Back(names, criteria(given), strategy(given), given.now, given.image, given.dry_run)


def strategy(given: argparse.Namespace) -> Strategy:
    """How it is deployed; BadStrategy for numbers that ECS does not take."""
    return Strategy(
        given.strategy, given.bake_minutes, given.canary_percent, given.canary_bake_minutes, given.step_percent,
        given.step_bake_minutes, tuple(given.alarm),
    )  # fmt: skip


def criteria(given: argparse.Namespace) -> Criteria:
    """By what it is judged."""
    return Criteria(
        checks=smoke.read(given.smoke),
        alarms=tuple(given.alarm),
        healthy_percent=given.healthy_percent,
        tolerance=Tolerance(given.requests, given.error_points, given.slower_percent),
        inconclusive=given.inconclusive,
        suite=judge.suite_of(given.tests_python, given.tests_in, given.tests),
    )


def _publish(command: argparse.ArgumentParser) -> None:
    _prefix(command)
    command.add_argument("--archive", type=Path, required=True, help="tar archive of the OCI image layout")
    command.add_argument("--version", required=True, metavar="X.Y.Z", help="immutable tag")
    command.add_argument("--tag", default="latest", help="moving tag (default: latest)")


def _provision(command: argparse.ArgumentParser) -> None:
    _environment(command)
    command.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    command.add_argument("--allow-replacement", action="store_true", help="also of what holds data or traffic")
    command.add_argument("--test-cidr", metavar="CIDR", help="addresses that may reach the test listener")


def _deploy(command: argparse.ArgumentParser) -> None:
    _environment(command)
    command.add_argument("--image", required=True, help="tag or digest, with or without the repository")
    command.add_argument("--version", required=True, metavar="X.Y.Z", help="what the service is told it is")
    command.add_argument("--commit", required=True, metavar="SHA", help="what the image was built from")
    command.add_argument("--needs-approval", action="store_true", help="refuse what --approve does not name")
    command.add_argument("--approve", metavar="X.Y.Z", default="", help="the version a person has approved")
    _judged(command)


def _rollback(command: argparse.ArgumentParser) -> None:
    _named(command)
    command.add_argument("--image", default="", help="a release to go back to (default: the one before)")
    command.add_argument("--now", action="store_true", help="stop what is under way; no canary, no bake, no judgement")
    _judged(command)


def _shown(command: argparse.ArgumentParser) -> None:
    _named(command)
    command.add_argument("--json", action="store_true", help="as a document instead of lines")


def _judged(command: argparse.ArgumentParser) -> None:
    command.add_argument("--dry-run", action="store_true", help="look, say what would be done, and do nothing")
    command.add_argument("--report", type=Path, metavar="PATH", help="also write the report to this file")
    _strategy(command)
    _gates(command)


def _strategy(command: argparse.ArgumentParser) -> None:
    like = Strategy()
    command.add_argument("--strategy", choices=tuple(STRATEGIES), default=BLUE_GREEN, help="default: blue-green")
    for name, kind, default, what in (
        ("bake-minutes", minutes, like.bake_minutes, "minutes the old tasks stay after the last shift"),
        ("canary-percent", number, like.canary_percent, "percent of production for the canary"),
        ("canary-bake-minutes", minutes, like.canary_bake_minutes, "minutes the canary has its share"),
        ("step-percent", number, like.step_percent, "percent that each linear step adds"),
        ("step-bake-minutes", minutes, like.step_bake_minutes, "minutes between two linear steps"),
    ):
        command.add_argument(f"--{name}", type=kind, default=default, metavar="N", help=f"{what} (default: {default})")
    command.add_argument("--alarm", action="append", default=[], metavar="NAME", help="an alarm that must not fire")


def _gates(command: argparse.ArgumentParser) -> None:
    like = Tolerance()
    command.add_argument("--smoke", type=Path, required=True, metavar="FILE", help="JSON list of checks")
    command.add_argument("--tests", action="append", default=[], metavar="PATH", help="the service's own tests")
    command.add_argument("--tests-in", type=Path, metavar="DIR", help="the repository they are in")
    command.add_argument("--tests-python", type=Path, metavar="PATH", help="an interpreter that has what they need")
    command.add_argument("--healthy-percent", type=number, default=100, metavar="N", help="of the wanted tasks")
    command.add_argument("--requests", type=count, default=like.requests, metavar="N", help="least a side for a canary")
    command.add_argument("--error-points", type=number, default=like.error_points, metavar="N", help="more errors")
    command.add_argument("--slower-percent", type=number, default=like.slower_percent, metavar="N", help="more latency")
    command.add_argument("--inconclusive", choices=judge.INCONCLUSIVE_WAYS, default=judge.WAIT, help="default: wait")


def _prefix(command: argparse.ArgumentParser) -> None:
    command.add_argument("--prefix", default="cutover", help="first part of every name (default: cutover)")


def _named(command: argparse.ArgumentParser) -> None:
    _prefix(command)
    command.add_argument("--environment", required=True, metavar="NAME", help="such as demo")


def _environment(command: argparse.ArgumentParser) -> None:
    _named(command)
    command.add_argument("--templates", type=Path, required=True, metavar="DIR", help="CloudFormation templates")
    command.add_argument("--port", type=port, default=8080, help="port of the service (default: 8080)")
    command.add_argument("--health", default="/health", metavar="PATH", help="health check (default: /health)")


VERBS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = {
    "publish": ("push an OCI image layout, tagged with its version", _publish),
    "provision": ("create or change the stacks of an environment", _provision),
    "deploy": ("cut an environment over to an image; prints a report in JSON", _deploy),
    "rollback": ("go back to the release before; prints a report in JSON", _rollback),
    "status": ("what serves, and what is under way", _shown),
    "history": ("the deployments, their evidence and their figures", _shown),
}


def minutes(word: str) -> int:
    """Whole minutes, as ECS takes them."""
    return _within(word, 0, 1440)


def port(word: str) -> int:
    """A port."""
    return _within(word, 1, 65535)


def count(word: str) -> int:
    """A number of requests."""
    return _within(word, 1, 10_000_000)


def number(word: str) -> float:
    """A number that is not negative, with or without a fraction."""
    try:
        value = float(word)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 10_000:
        raise argparse.ArgumentTypeError(f"{word!r} is not a number from 0 to 10000")
    return value


def _within(word: str, low: int, high: int) -> int:
    if not word.isascii() or not word.isdigit() or not low <= int(word) <= high:
        raise argparse.ArgumentTypeError(f"{word!r} is not a whole number from {low} to {high}")
    return int(word)
