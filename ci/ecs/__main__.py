"""``python -m ci.ecs VERB``: the result on standard output, progress and one line of error on standard error.

Exit code 0 for what was asked, 1 for an error, 2 for wrong words, 128 and the signal's number when told to stop.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from . import images, smoke
from .clients import Aws, connect, say
from .deploy import Order, deploy
from .errors import AwsFault, CutoverDeployError, Interrupted, Stopped, translated
from .names import Names
from .provision import Settings, provision
from .report import UNKNOWN, Report
from .strategy import HOOK_MINUTES

MINUTES_LIMIT = 1440


class _Signalled(BaseException):
    """SIGINT or SIGTERM: not an error that anything on the way may handle."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = signal.Signals(number)


def main(words: Sequence[str] | None = None, connected: Callable[[], Aws] = connect) -> int:
    """Runs one verb; gives the exit code."""
    arguments = _parser().parse_args(words)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _on_signal)
    try:
        verb: Callable[[Aws, argparse.Namespace], int] = arguments.verb
        return verb(connected(), arguments)
    except CutoverDeployError as error:
        say(str(error))
        return 1
    except AwsFault as error:
        say(str(translated(error)))
        return 1
    except _Signalled as stop:
        say(str(Stopped(signal=stop.signal.name)))
        return 128 + stop.signal


def _publish(aws: Aws, arguments: argparse.Namespace) -> int:
    print(images.publish(aws, arguments.prefix, arguments.archive, arguments.version, arguments.tag).reference)
    return 0


def _provision(aws: Aws, arguments: argparse.Namespace) -> int:
    names = Names(arguments.prefix, arguments.environment)
    settings = Settings(names, arguments.templates, arguments.port, arguments.health, arguments.test_cidr)
    for outcome in provision(aws, settings, dry_run=arguments.dry_run):
        print(f"{outcome.stack:<32} {outcome.done}", flush=True)
        for change in outcome.changes:
            print(f"{'':<32}   {change}", flush=True)
    return 0


def _deploy(aws: Aws, arguments: argparse.Namespace) -> int:
    told = Report(arguments.environment, arguments.version, arguments.commit, arguments.image)
    try:
        code = _deployed(aws, arguments, told)
    finally:
        print(told.json(), flush=True)
        if arguments.report:
            arguments.report.write_text(told.json() + "\n", encoding="utf-8")
    if code:
        say(told.message)
    return code


def _deployed(aws: Aws, arguments: argparse.Namespace, told: Report) -> int:
    """The exit code; whatever ended the deploy is in the report."""
    try:
        order = Order(
            names=Names(arguments.prefix, arguments.environment),
            image=arguments.image,
            version=arguments.version,
            commit=arguments.commit,
            port=arguments.port,
            health=arguments.health,
            templates=arguments.templates,
            checks=smoke.read(arguments.smoke),
            bake_minutes=arguments.bake_minutes,
        )
        deploy(aws, order, told)
    except CutoverDeployError as error:
        told.message = str(error)
        return 1
    except AwsFault as error:
        told.message = str(translated(error))
        return 1
    except _Signalled as stop:
        told.message = str(_interruption(stop, told))
        return 128 + stop.signal
    told.message = f"{told.outcome}: {told.serves}"
    return 0


def _interruption(stop: _Signalled, told: Report) -> CutoverDeployError:
    if told.outcome != UNKNOWN:
        return Stopped(signal=stop.signal.name)
    deployment = (told.service_deployment or "the first deployment").rsplit("/", 1)[-1]
    return Interrupted(signal=stop.signal.name, deployment=deployment, minutes=HOOK_MINUTES)


def _on_signal(number: int, _: FrameType | None) -> None:
    raise _Signalled(number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ci.ecs", description=(__doc__ or "").partition("\n")[0])
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    command = verbs.add_parser("publish", help="push an OCI image layout, tagged with its version")
    command.set_defaults(verb=_publish)
    _prefix(command)
    command.add_argument("--archive", type=Path, required=True, help="tar archive of the OCI image layout")
    command.add_argument("--version", required=True, metavar="X.Y.Z", help="immutable tag")
    command.add_argument("--tag", default="latest", help="moving tag (default: latest)")

    command = verbs.add_parser("provision", help="create or change the stacks of an environment")
    command.set_defaults(verb=_provision)
    _environment(command)
    command.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    command.add_argument("--test-cidr", metavar="CIDR", help="addresses that may reach the test listener")

    command = verbs.add_parser("deploy", help="cut an environment over to an image; prints a report in JSON")
    command.set_defaults(verb=_deploy)
    _environment(command)
    command.add_argument("--image", required=True, help="tag or digest, with or without the repository")
    command.add_argument("--version", required=True, metavar="X.Y.Z", help="what the service is told it is")
    command.add_argument("--commit", required=True, metavar="SHA", help="what the image was built from")
    command.add_argument("--smoke", type=Path, required=True, metavar="FILE", help="JSON list of checks")
    command.add_argument("--bake-minutes", type=_minutes, default=1, metavar="N", help="bake time (default: 1)")
    command.add_argument("--report", type=Path, metavar="PATH", help="also write the report to this file")
    return parser


def _prefix(command: argparse.ArgumentParser) -> None:
    command.add_argument("--prefix", default="cutover", help="first part of every name (default: cutover)")


def _environment(command: argparse.ArgumentParser) -> None:
    _prefix(command)
    command.add_argument("--environment", required=True, metavar="NAME", help="such as demo")
    command.add_argument("--templates", type=Path, required=True, metavar="DIR", help="CloudFormation templates")
    command.add_argument("--port", type=_port, default=8080, help="port of the service (default: 8080)")
    command.add_argument("--health", default="/health", metavar="PATH", help="health check (default: /health)")


def _minutes(word: str) -> int:
    return _within(word, 0, MINUTES_LIMIT)


def _port(word: str) -> int:
    return _within(word, 1, 65535)


def _within(word: str, low: int, high: int) -> int:
    if not word.isascii() or not word.isdigit() or not low <= int(word) <= high:
        raise argparse.ArgumentTypeError(f"{word!r} is not a whole number from {low} to {high}")
    return int(word)


if __name__ == "__main__":
    sys.exit(main())
